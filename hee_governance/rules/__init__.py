"""The built-in rules and the one way to evaluate them over a tree.

Responsible for order and verdict: findings are sorted by path, line and rule, an error or worse fails, an unknown or
an empty evaluation is unknown. Leaves to each family what it looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.rules import claims, handoffs, pinning, readable, references, structure, teeth, texts
from hee_governance.rules.model import BLOCKING, SEVERITIES, Context, Finding, Outcome, Report, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_governance.config import Config

__all__ = ["BLOCKING", "RULES", "SEVERITIES", "Context", "Finding", "Outcome", "Report", "Rule", "Severity", "check"]

_FAMILIES = (readable, teeth, claims, pinning, references, structure, texts, handoffs)
RULES: tuple[Rule, ...] = tuple(
    sorted((rule for family in _FAMILIES for rule in family.RULES), key=lambda rule: rule.id)
)


def check(tree: Mapping[str, bytes], config: Config | None = None, rules: tuple[Rule, ...] = RULES) -> Report:
    """Evaluates rules over a tree; the configuration's mode decides what the report allows, `off` evaluates nothing."""
    mode = config.governance_rules if config else "strict"
    if mode == "off":
        return Report("unknown", 0, (), mode, detail="governance rules are off: nothing was evaluated")
    context = Context(tree, config)
    looked_at: dict[str, int] = {}
    findings: list[Finding] = []
    for rule in rules:
        subjects = tuple(rule.subjects(context))
        looked_at[rule.id] = len(subjects)
        for subject in subjects:
            findings.extend(rule.check(rule, context, subject))
    findings.sort(key=lambda finding: (finding.path, finding.line, finding.rule, finding.message))
    evaluated = sum(looked_at.values())
    verdict = verdict_of(findings, evaluated)
    return Report(verdict, evaluated, tuple(findings), mode, looked_at, _detail(verdict, findings, evaluated))


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
