"""HEE-PAT-002 Decision Conflict, over the decisions in force.

Sub-rules: **a** two decisions about one subject with overlapping scopes and incompatible values · **d** a decision
supersedes one that the ledger does not know, one that another supersedes too, or decisions supersede each other in a
circle. That a repair touches what a decision denies (**b**) is found when the repair is decided, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.conflicts import conflicts_of
from hee_monitoring.detectors.subject import Found, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_monitoring.detectors.subject import Known

_LETTER = {"incompatible": "a", "cycle": "d", "unknown-superseded": "d", "superseded-twice": "d"}


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:  # noqa: ARG001 - one shape for all detectors
    """Looks at the ledger's active decisions; the files say nothing about them."""
    for conflict in conflicts_of(known.decisions, known=known.ended):
        if conflict.kind == "unknown-superseded" and not known.ended_complete:
            continue  # it may be among those that the ledger no longer lists
        ids = " ".join(conflict.decisions)
        yield Found(
            "HEE-PAT-002",
            "decision",
            _LETTER[conflict.kind],
            f"{conflict.kind} {ids}",
            "Decision conflict: decisions in force contradict each other",
            10_000,
            (line(ids, 0, conflict.reason),),
            {"decisions": ids, "key": conflict.key},
        )
