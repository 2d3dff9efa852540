"""The governed verdict on an issue: what the log and the patterns know of it, handed to `hee_governance.decide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hee_core.errors import KeyFault
from hee_monitoring import loops

if TYPE_CHECKING:
    from hee_core.catalogue import Level, Status
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.decide import Verdict
    from hee_monitoring.cycle import Cycle


def policy_name(cycle: Cycle) -> str:
    """Which matrix and which configuration decided."""
    return f"matrix {cycle.workspace.policy.matrix.digest[:12]}, config {cycle.workspace.config.digest[:12]}"


def verdict_of(cycle: Cycle, issue: Record, state: State, paths: tuple[str, ...] = ()) -> Verdict:
    """The governed verdict on an issue, for the paths that a repair touches where they are known."""
    from hee_governance.decide import Approval, Facts
    from hee_governance.decide import decide as judge
    from hee_governance.decisions import Decision

    pattern = cycle.workspace.patterns.get(issue["pattern_id"])
    standing = [Decision.of(name, record) for name, record in state.decisions.items() if record["kind"] == "standing"]
    approvals = [
        Approval(
            name,
            record["subject"],
            record["actor"].partition(":")[0],
            tuple(record["scope"]),
            record["expires"],
            record["actor"],
        )
        for name, record in state.ledger.approvals.items()
    ]
    known = Facts(
        pattern_id=issue["pattern_id"],
        category=issue["category"],
        hee_impact=issue["impact"] or "medium",
        safety_level=cast("Level", pattern.safety_level.lower()) if pattern else "low",
        confidence=issue["confidence"],
        matrix_row=pattern.matrix_row if pattern else "",
        severity=issue["severity"] or None,
        decisions=tuple(standing),
        frozen=state.frozen,
        current_status=cast("Status", state.status),
        attempts=loops.failed(state, issue),
        repeats=loops.repeats(state, issue, cycle.workspace.clock.now()),
        stopped=loops.stopped(state, issue),
        approvals=tuple(approvals),
        paths=paths,
        issue_id=issue["issue_id"],
        fingerprint=issue["fingerprint"],
        branch=issue["branch"],
        as_of=cycle.workspace.clock.now(),
        author=_author(cycle),
    )
    return judge(known, cycle.workspace.policy)


def _author(cycle: Cycle) -> str:
    """Whose repair it would be; empty for a log that was opened for reading."""
    try:
        return cycle.workspace.log.signer.actor
    except KeyFault:
        return ""
