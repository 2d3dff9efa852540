"""What the log remembers of a failure: how often it was seen, since when, and what ended it the last time. Pure.

Responsible for the words; whose log it is and how it is read is left to the caller. A failure is known by its fingerprint
alone, over runs, branches and machines.

Invariant: nothing is said of a failure that the state does not hold: None is "never seen here", not "new".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hee_core.projection import State

_PROVED = ("verified", "applied")


def recall(state: State, issue_id: str) -> dict[str, Any] | None:
    """The memory of an issue as JSON; `fixed_by` is the repair that was proved, empty when none was.

    Open issues and the last resolved ones are remembered; earlier ones are only counted by the state.
    """
    issue = state.issues.get(issue_id) or state.operational.closed.get(issue_id)
    if issue is None:
        return None
    fix = issue["fix"] or {}
    return {
        "count": issue["count"],
        "first_seen": issue["first_seen"],
        "last_seen": issue["last_seen"],
        "resolved": issue["resolved"],
        "resolved_by": issue["resolved_by"],
        "fixed_by": fix["strategy"] if fix.get("outcome") in _PROVED else "",
        "action": issue["action"],
    }


def told(memory: dict[str, Any]) -> str:
    """The memory in one line for a person."""
    times = "once" if memory["count"] == 1 else f"{memory['count']} times"
    since = f"{times}, first {memory['first_seen'][:10]}, last {memory['last_seen'][:10]}"
    if memory["resolved"]:
        return f"{since}; it ended: {memory['resolved_by']}"
    return f"{since}; still open" + (f", repaired by {memory['fixed_by']}" if memory["fixed_by"] else "")
