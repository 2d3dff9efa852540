"""HGV-WAIVE-001 to 003: waivers are whole, have an end that is not past, and match something.

Also what a waiver does: a finding that a living waiver matches is shown and not counted. Invariant: what could not be
evaluated is never waived, and without a day no waiver holds.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hee_governance.paths import matches
from hee_governance.rules.model import Rule
from hee_governance.waivers import HORIZON_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding
    from hee_governance.waivers import Waiver

_SOURCE = "HEE ci/governance/check.sh, FROZEN_CONTRACTS 4"


def apply(
    found: list[Finding], waivers: Iterable[Waiver], day: str
) -> tuple[list[Finding], list[tuple[Finding, Waiver]]]:
    """The findings that count, and those that a living waiver of that day matches."""
    living = [waiver for waiver in waivers if waiver.lasts(day)]
    kept: list[Finding] = []
    waived: list[tuple[Finding, Waiver]] = []
    for finding in found:
        match = next((waiver for waiver in living if _matches(waiver, finding)), None)
        if match and finding.severity != "UNKNOWN":
            waived.append((finding, match))
        else:
            kept.append(finding)
    return kept, waived


def stale(rule: Rule, waivers: Iterable[Waiver], found: list[Finding], day: str) -> Iterator[Finding]:
    """Living waivers that match nothing any more; `found` are all findings, waived ones too."""
    for waiver in waivers:
        if waiver.lasts(day) and not any(_matches(waiver, finding) for finding in found):
            message = f"the waiver of {waiver.rule} for {waiver.glob} matches no finding"
            yield rule.finding(waiver.path, waiver.line, message, subject=f"{waiver.rule} {waiver.glob}")


def _matches(waiver: Waiver, finding: Finding) -> bool:
    path = finding.path.rstrip("/")
    return waiver.rule == finding.rule and matches(f"/{waiver.glob.strip('/')}", path)


def _whole(rule: Rule, _: Context, waiver: Waiver) -> Iterator[Finding]:
    if waiver.fault:
        yield rule.finding(waiver.path, waiver.line, f"the waiver {waiver.fault}", subject=f"line {waiver.line}")


def _living(rule: Rule, context: Context, waiver: Waiver) -> Iterator[Finding]:
    if waiver.fault or not context.day:
        return
    subject = f"{waiver.rule} {waiver.glob}"
    if not waiver.lasts(context.day):
        yield rule.finding(
            waiver.path, waiver.line, f"the waiver ended on {waiver.until}: {waiver.reason[:80]}", subject=subject
        )
    elif (date.fromisoformat(waiver.until) - date.fromisoformat(context.day)).days > HORIZON_DAYS:
        message = f"the waiver lasts until {waiver.until}, longer than a year"
        yield rule.finding(waiver.path, waiver.line, message, subject=subject, severity="WARNING")


def _waivers(context: Context) -> Iterable[Waiver]:
    return context.config.waivers if context.config else ()


def _nothing(*_: object) -> Iterator[Finding]:
    yield from ()  # what a waiver matches is known only when all rules have spoken: see `stale`


RULES = (
    Rule(
        id="HGV-WAIVE-001",
        clause="A waiver is `RULE_ID | SUBJECT_GLOB | YYYY-MM-DD | REASON`, all four filled.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="lines of hee/governance/waivers.txt or .hee/governance/waivers.txt on the protected branch",
        remedy="Write the line in this grammar; a malformed one waives nothing.",
        subjects=_waivers,
        check=_whole,
        valid_from="2026-01-27",
    ),
    Rule(
        id="HGV-WAIVE-002",
        clause="A waiver holds until its day and no longer than a year; what it covered counts again after it.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="the days of waivers",
        remedy="Mend what it covered, or decide again and write a new day with the reason.",
        subjects=_waivers,
        check=_living,
        valid_from="2026-01-27",
    ),
    Rule(
        id="HGV-WAIVE-003",
        clause="A waiver matches at least one finding.",
        source="HEE",
        severity="WARNING",
        looks_at="waivers beside the findings of all rules",
        remedy="Take the waiver away: nothing needs it.",
        subjects=_waivers,
        check=_nothing,
        valid_from="2026-01-27",
    ),
)
