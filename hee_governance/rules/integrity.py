"""HGV-FROZEN-002: documents whose digests are published have them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_core.canonical import digest
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding

_NAME = "INTEGRITY_SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")


def _check(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    for number, row in enumerate(context.tree[path].decode("utf-8", "replace").splitlines(), 1):
        if not row.strip():
            continue
        match = _LINE.fullmatch(row.strip())
        if match is None:
            yield rule.finding(path, number, "the line is no `SHA256  PATH`", subject=f"line {number}")
        elif match[2] not in context.tree:
            yield rule.finding(path, number, f"{match[2]} does not exist", subject=match[2])
        elif digest(context.tree[match[2]]) != match[1]:
            yield rule.finding(path, number, f"{match[2]} is not the document that was frozen", subject=match[2])


def _lists(context: Context) -> Iterable[str]:
    return tuple(path for path in context.paths if path.rpartition("/")[2] == _NAME)


RULES = (
    Rule(
        id="HGV-FROZEN-002",
        clause="A frozen document has the digest that INTEGRITY_SHA256SUMS publishes.",
        source="HEE ci/governance/ops_guard.sh",
        severity="CRITICAL",
        looks_at="documents listed in files named INTEGRITY_SHA256SUMS",
        remedy="Restore the document, or change it with a change record and publish the new digest in the same commit.",
        subjects=_lists,
        check=_check,
        valid_from="2026-01-27",
    ),
)
