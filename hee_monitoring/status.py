"""Where things stand, as the document that `hee monitor --json` prints. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import branches
from hee_monitoring.recall import triage_of

if TYPE_CHECKING:
    from hee_core.projection import State
    from hee_core.record import Record

# The status word of the capsule -> how bad that is.
WORDS = {
    "operational": "OK",
    "degraded": "WARNING",
    "maintenance": "WARNING",
    "hee-compliance-check": "CRITICAL",
    "failed": "CRITICAL",
}


def document(
    state: State, *, head: str | None, events_appended: int, unknown: dict[str, str], notes: list[str]
) -> dict[str, Any]:
    """The status, every open issue, and what could not be judged."""
    return {
        "status": state.status,
        "head": head,
        "events_appended": events_appended,
        "failures": [failure(issue) for issue in state.issues.values()],
        "unknown": [{"job": job, "reason": reason} for job, reason in unknown.items()],
        "notes": notes,
    }


def failure(issue: Record) -> dict[str, Any]:
    """One open issue."""
    fix = issue["fix"]
    return {
        "issue_id": issue["issue_id"],
        "pattern_id": issue["pattern_id"],
        "category": issue["category"],
        "title": issue["title"],
        "fingerprint": issue["fingerprint"],
        "impact": issue["impact"],
        "severity": issue["severity"],
        "job": issue["job"],
        "commit": issue["commit"] or None,
        "branch": issue["branch"],
        "count": issue["count"],
        "first_seen": issue["first_seen"],
        "last_seen": issue["last_seen"],
        "branches": [place["branch"] for place in branches.places(issue)],
        "triage": triage_of(issue),
        "evidence": [dict(item) for item in issue["evidence"]],
        "action": issue["action"] or None,
        "rationale": issue["rationale"],
        "decision": issue["decision_id"] or None,
        "next_step": issue["next_step"],
        "fix": {name: fix[name] for name in ("outcome", "branch", "strategy", "reason")} if fix else None,
    }
