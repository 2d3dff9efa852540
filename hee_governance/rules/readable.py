"""HGV-CI-000: what cannot be read cannot be judged, and that is said aloud instead of passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.document import Unreadable
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding


def _check(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    found = context.workflow(path)
    if isinstance(found, Unreadable):
        message = f"the workflow cannot be judged: it {found.message}"
        yield rule.finding(path, found.line, message, severity="UNKNOWN", subject="unreadable")


def _files(context: Context) -> Iterable[str]:
    return context.workflow_files


RULES = (
    Rule(
        id="HGV-CI-000",
        clause="Every workflow file can be read as a workflow.",
        source="HEE policy, section 6: no output is not nothing found",
        severity="ERROR",
        looks_at="files in .github/workflows",
        remedy="Repair the file until the platform accepts it; none of its gates runs before that.",
        subjects=_files,
        check=_check,
    ),
)
