"""What the log remembers of a failure: how often it was seen, since when, and what ended it the last time. Pure.

Responsible for the words; whose log it is and how it is read is left to the caller. A failure is known by its fingerprint
alone, over runs, branches and machines.

Invariant: nothing is said of a failure that the state does not hold: None is "never seen here", not "new".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import branches

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        "branches": [place["branch"] for place in branches.places(issue)],
        "branches_more": issue.get("branches_dropped", 0),
        "triage": triage_of(issue),
    }


def triage_of(issue: Mapping[str, Any]) -> dict[str, Any] | None:
    """The last verdict on an issue as JSON; None where the log has none."""
    return shown(issue["triage"]) if issue.get("triage") else None


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict's fields as JSON, probabilities from 0 to 1."""
    causes = ("flaky", "infrastructure", "broken_base", "change")
    return {
        "verdict": found["verdict"],
        "probability": found["probability"] / 10000,
        "causes": {name: found[name] / 10000 for name in causes},
        "evidence": list(found["evidence"]),
        "missing": list(found["missing"]),
        "model": found["model"],
    }


def triage_told(triage: Mapping[str, Any]) -> str:
    """A verdict with its first evidence, or what is missing most, in one line for a person."""
    why = next(iter(triage["evidence"]), "no reason was recorded")
    if len(triage["evidence"]) == 1 and triage["verdict"] == "new":
        why = "as most failures of its kind"  # nothing but the shares that its kind begins with
    if triage["verdict"] == "unknown":
        best = max(triage["causes"], key=lambda name: triage["causes"][name])
        likely = f"{best.replace('_', ' ')} {_percent(triage['causes'][best])} % at most"
        return f"unknown ({likely}): {triage['missing'][0] if triage['missing'] else why}"
    return f"{triage['verdict']}, {_percent(triage['probability'])} %: {why}"


def _percent(part: float) -> int:
    return int(part * 10000 + 0.5) // 100


def told(memory: dict[str, Any]) -> str:
    """The memory in one line for a person."""
    times = "once" if memory["count"] == 1 else f"{memory['count']} times"
    since = f"{times}, first {memory['first_seen'][:10]}, last {memory['last_seen'][:10]}"
    if len(memory["branches"]) > 1:
        since += f", red on {len(memory['branches']) + memory['branches_more']} branches ({', '.join(memory['branches'][-3:])})"
    if memory["resolved"]:
        return f"{since}; it ended: {memory['resolved_by']}"
    return f"{since}; still open" + (f", repaired by {memory['fixed_by']}" if memory["fixed_by"] else "")
