"""The built-in rules and the one way to evaluate them over a tree.

Responsible for order and verdict: findings are sorted by path, line and rule, an error or worse fails, an unknown or
an empty evaluation is unknown. Leaves to each family what it looks at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_governance.paths import any_match
from hee_governance.rules import (
    claims,
    conditions,
    conduct,
    handoffs,
    history,
    integrity,
    pinning,
    project,
    readable,
    references,
    rulesets,
    scripts,
    structure,
    teeth,
    texts,
    waiving,
)
from hee_governance.rules.model import BLOCKING, SEVERITIES, Context, Finding, Outcome, Report, Rule, Severity
from hee_governance.rules.rulesets import RELEASED, RULESETS, Ruleset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hee_governance.config import Config
    from hee_governance.rulesettings import Advisory

__all__ = [
    "ALL", "BLOCKING", "RULES", "RULESETS", "SEVERITIES", "Context", "Finding", "Outcome", "Report", "Rule", "Ruleset",
    "Severity", "check", "preview", "today",
]  # fmt: skip

_FAMILIES = (
    *(
        readable,
        teeth,
        claims,
        conditions,
        pinning,
        references,
        structure,
        texts,
        handoffs,
        integrity,
        history,
        scripts,
        conduct,
    ),
    waiving,
)
# Every version of every rule; RULES are those in force on the day of this release.
ALL: tuple[Rule, ...] = tuple(
    sorted((rule for family in _FAMILIES for rule in family.RULES), key=lambda rule: (rule.id, rule.valid_from))
)
RULES: tuple[Rule, ...] = rulesets.in_force(ALL, RELEASED)
_STALE = next(rule for rule in waiving.RULES if rule.id == "HGV-WAIVE-003")


def check(
    tree: Mapping[str, bytes], config: Config | None = None, rules: tuple[Rule, ...] | None = None, *, as_of: str = ""
) -> Report:
    """Evaluates rules over a tree; the configuration's mode decides what the report allows, `off` evaluates nothing.

    Without `rules` those in force on the day `as_of` are evaluated (without one: on the configuration's day, or this
    release's), or those of the version that the configuration pins, and the project's own.
    """
    day = as_of or today(config)
    mode = config.mode_on(day) if config else "strict"
    if mode == "off":
        return Report("unknown", 0, (), mode, detail="governance rules are off: nothing was evaluated")
    context = Context(tree, config, day)
    version, in_force = _in_force(config, day)
    looked_at: dict[str, int] = {}
    found: list[Finding] = []
    for rule in in_force if rules is None else rules:
        subjects = tuple(rule.subjects(context))
        looked_at[rule.id] = len(subjects)
        for subject in subjects:
            found.extend(rule.check(rule, context, subject))
    waivers = config.waivers if config else ()
    if rules is None and _STALE.id in looked_at:
        found.extend(waiving.stale(_STALE, waivers, found, day))
    kept, waived = waiving.apply(_exempted(found, config, day), waivers, day)
    kept.sort(key=lambda finding: (finding.path, finding.line, finding.rule, finding.message))
    evaluated = sum(looked_at.values())
    verdict = verdict_of(kept, evaluated)
    detail = _detail(verdict, kept, evaluated) + (f", {len(waived)} waived" if waived else "")
    return Report(verdict, evaluated, tuple(kept), mode, looked_at, detail, version, tuple(waived))


def preview(
    tree: Mapping[str, bytes], config: Config | None = None, *, as_of: str = ""
) -> tuple[Ruleset, Report] | None:
    """What the next published ruleset would find that the present one does not; None where none is published."""
    coming = rulesets.next_after(as_of or today(config) or RELEASED)
    if coming is None:
        return None
    unpinned = replace(config, rules=replace(config.rules, ruleset="")) if config else None
    now, then = check(tree, unpinned, as_of=as_of), check(tree, unpinned, as_of=coming.valid_from)
    known = {(finding.rule, finding.severity, finding.path, finding.line, finding.message) for finding in now.findings}
    new = [f for f in then.findings if (f.rule, f.severity, f.path, f.line, f.message) not in known]
    return coming, replace(then, findings=tuple(new), verdict=verdict_of(new, then.evaluated))


def today(config: Config | None) -> str:
    """The configuration's day, empty without one; a clock that stands before this release's day is wrong."""
    return max(config.as_of, RELEASED) if config and config.as_of else ""


def _in_force(config: Config | None, day: str) -> tuple[str, tuple[Rule, ...]]:
    """The version of the ruleset and its rules, with the project's own rules of the day."""
    pinned = rulesets.named(config.rules.ruleset) if config and config.rules.ruleset else None
    version = pinned or rulesets.of_day(day or RELEASED)
    held = rulesets.in_force(ALL, pinned.valid_from if pinned else day or RELEASED)
    own = (*project.rules_of(config.rules.project), *config.brought) if config else ()
    return version.version if version else "", (*held, *rulesets.in_force(own, day or "9999"))


def _exempted(found: list[Finding], config: Config | None, day: str) -> list[Finding]:
    """The findings without those that the configuration exempts; advisory ones are warnings until their day.

    An exemption or advisory mode never covers what could not be evaluated, and past its day it covers nothing.
    """
    if config is None:
        return found
    kept = []
    for finding in found:
        if finding.severity != "UNKNOWN":
            if any(entry.rule == finding.rule and _covers(entry, finding, day) for entry in config.rules.exempt):
                continue
            if any(entry.rule == finding.rule and _covers(entry, finding, day) for entry in config.rules.advisory):
                severity: Severity = "WARNING" if finding.severity in BLOCKING else finding.severity
                finding = replace(finding, severity=severity)  # noqa: PLW2901
        kept.append(finding)
    return [*kept, *_past(config, day)]


def _covers(entry: Advisory, finding: Finding, day: str) -> bool:
    in_time = not entry.until or (bool(day) and day[:10] <= entry.until)
    return in_time and (not entry.paths or any_match(entry.paths, finding.path) != "")


def _past(config: Config, day: str) -> Iterator[Finding]:
    """Advisory modes and exemptions whose day is past: they cover nothing any more, and somebody should say so."""
    entries: Iterable[tuple[str, Advisory]] = (
        *(("advisory mode", entry) for entry in config.rules.advisory),
        *(("exemption", entry) for entry in config.rules.exempt),
    )
    for what, entry in entries:
        if entry.until and day and day[:10] > entry.until:
            message = f"the {what} of {entry.rule} ended on {entry.until}: {entry.reason}"
            remedy = "Mend what it covered and take the entry away, or decide again."
            yield Finding("HGV-WAIVE-002", "WARNING", config.path, entry.line, message, remedy, f"{what} {entry.rule}")


def verdict_of(findings: list[Finding] | tuple[Finding, ...], evaluated: int) -> Outcome:
    """Fail if anything is an error or worse, unknown if anything is unknown or nothing was evaluated, else pass."""
    if any(finding.severity in BLOCKING for finding in findings):
        return "fail"
    unknown = not evaluated or any(finding.severity == "UNKNOWN" for finding in findings)
    return "unknown" if unknown else "pass"


def _detail(verdict: Outcome, findings: list[Finding], evaluated: int) -> str:
    if not evaluated:
        return "nothing to evaluate: no workflow, no capsule, no rule of this repository"
    counts = [(severity, sum(finding.severity == severity for finding in findings)) for severity in SEVERITIES]
    found = ", ".join(f"{count} {severity.lower()}" for severity, count in counts if count) or "no findings"
    return f"{verdict}: {evaluated} evaluations, {found}"
