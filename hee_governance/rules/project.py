"""Rules that a project writes itself, in the closed language of `predicates`, as rules like the built-in ones.

Invariant: a predicate that is unknown is a finding of severity UNKNOWN, never a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.paths import matches
from hee_governance.predicates import Subject
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding
    from hee_governance.rulesettings import ProjectRule


def rules_of(written: Iterable[ProjectRule]) -> tuple[Rule, ...]:
    """The project's rules."""
    return tuple(_rule(entry) for entry in written)


def _rule(written: ProjectRule) -> Rule:
    def subjects(context: Context) -> Iterable[str]:
        if not written.files:
            return ("",)
        return tuple(path for path in context.paths if matches(written.files, path))

    def check(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
        result = written.check.evaluate(Subject(context.tree, path))
        if result.truth == "fail":
            yield rule.finding(path or ".", result.line, result.said, subject=path)
        elif result.truth == "unknown":
            yield rule.finding(path or ".", result.line, result.said, subject=path, severity="UNKNOWN")

    return Rule(
        id=written.id,
        clause=written.clause,
        source="this project's hee.yaml",
        severity=written.severity,
        looks_at=written.files or "the repository",
        remedy=written.remedy,
        subjects=subjects,
        check=check,
        valid_from=written.valid_from,
        valid_to=written.valid_to,
    )
