"""How the records of a state look in the capsule: the specification's fields first, ours beside them.

A field that says nothing is left out. Invariant: every view is valid under the strict schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.operational import VERSION, digest

if TYPE_CHECKING:
    from hee_core.ledger import Ledger
    from hee_core.operational import State
    from hee_core.record import Record

STATE_VERSION = f"state-v{VERSION}"


def percent(basis_points: int | None) -> float | int | None:
    """Basis points as a number of percent with at most two decimals; None stays None."""
    if basis_points is None:
        return None
    return basis_points / 100 if basis_points % 100 else basis_points // 100


def present(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def issue(record: Record) -> dict[str, Any]:
    """An issue, open or resolved."""
    repair = record["fix"]
    return {
        "issue_id": record["issue_id"],
        "timestamp": record["last_seen"],
        "resolved": record["resolved"],
        "hee_decision_conflict": record["decision_conflict"],
        "count": record["count"],
        **present(
            pattern_id=record["pattern_id"],
            severity=record["severity"],
            hee_impact=record["impact"],
            first_seen=record["first_seen"],
            fingerprint=record["fingerprint"],
            category=record["category"],
            title=record["title"],
            source=record["source"],
            workflow=record["workflow"],
            job=record["job"],
            step=record["step"],
            branch=record["branch"],
            commit=record["commit"],
            evidence=[present(**item) for item in record["evidence"]],
            action=record["action"],
            decision_id=record["decision_id"],
            rationale=record["rationale"],
            next_step=record["next_step"],
            resolved_at=record["resolved_at"],
            resolved_by=record["resolved_by"],
            fix=repair and present(**repair),
        ),
    }


def fix(record: Record) -> dict[str, Any]:
    """An attempt at a repair that has ended."""
    verdicts: dict[str, str] = record["governance"]
    asked = {"before", "after"} <= verdicts.keys() if record["success"] else bool(verdicts)
    return {
        "timestamp": record["time"],
        "pattern_id": record["pattern_id"],
        "success": record["success"],
        "rollback": record["rollback"],
        "hee_context": {
            "state_capsule_version": STATE_VERSION,
            "decision_impact": record["decision_impact"] or "none",
            "context_preservation": record["context_preserved"],
            "governance_validation": asked and all(verdict == "pass" for verdict in verdicts.values()),
        },
        "fix_id": record["fix_id"],
        "issue_id": record["issue_id"],
        "outcome": record["outcome"],
        "files_changed": record["files_changed"],
        "insertions": record["insertions"],
        "deletions": record["deletions"],
        **present(
            strategy=record["strategy"],
            branch=record["branch"],
            commit=record["commit"],
            reason=record["reason"],
            files=record["files"],
            diff=record["diff"],
            checks=record["checks"],
        ),
    }


def decision(record: Record) -> dict[str, Any]:
    """An active decision."""
    return {
        "kind": record["kind"],
        "key": record["key"],
        "statement": record["statement"],
        "decided_by": record["decided_by"],
        "decided_at": record["decided_at"],
        "event": record["event"],
        **present(
            action=record["action"],
            safety=record["safety"],
            rule=record["rule"],
            rationale=record["rationale"],
            issue_id=record["issue_id"],
            value=record["value"],
            deny_paths=record["deny_paths"],
            scope=record["scope"],
            alternatives=record["alternatives"],
            evidence=record["evidence"],
            policy=record["policy"],
            supersedes=record["supersedes"],
            review_by=record["review_by"],
        ),
    }


def gate(record: Record) -> dict[str, Any]:
    """A quality gate."""
    value = present(value=percent(record["value"]))
    return {"gate": record["gate"], "target": percent(record["target"]), "met": record["met"], **value}


_COUNTED = {
    "cycles": "monitor.completed",
    "polls": "ci.polled",
    "detections": "ci.failure_detected",
    "resolutions": "ci.issue_resolved",
    "decisions_recorded": "decision.recorded",
    "approvals": "approval.granted",
    "alerts": "alert.raised",
    "fixes_started": "fix.started",
    "fixes_applied": "fix.applied",
    "fixes_verified": "fix.verified",
    "fixes_rolled_back": "fix.rolled_back",
    "fixes_refused": "fix.refused",
    "fixes_proposed": "fix.proposed",
    "transitions": "state.changed",
    "rollbacks": "state.rolled_back",
}


def totals(state: State) -> dict[str, Any]:
    """Numbers over the whole log."""
    ledger: Ledger = state.ledger
    operational = state.operational
    return {
        **{name: ledger.counts.get(type_, 0) for name, type_ in _COUNTED.items()},
        "decisions_active": len(ledger.decisions),
        "decisions_ended": ledger.ended_count,
        "issues_open": len(operational.issues),
        "issues_earlier": operational.closed_earlier,
        "fixes_earlier": ledger.fixes_earlier,
        "events_unknown": ledger.unknown,
        "events_malformed": ledger.malformed,
        "events_refused": ledger.refused,
        **present(issues_earlier_digest=operational.closed_digest, fixes_earlier_digest=ledger.fixes_digest),
    }


def log(state: State, log_id: str) -> dict[str, Any]:
    """Which log, how long, and the digest of the state."""
    ledger = state.ledger
    return {
        "size": state.size,
        "status": "frozen" if ledger.frozen else "open",
        "state": digest(state),
        **present(
            id=log_id,
            as_of=state.time,
            frozen_reason=ledger.frozen_reason,
            config=ledger.config.get("digest", ""),
            governance=ledger.config.get("governance", ""),
            patterns=ledger.patterns.get("version", ""),
            patterns_digest=ledger.patterns.get("digest", ""),
        ),
    }
