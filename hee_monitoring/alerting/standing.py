"""What people must be told as things stand, read from the state of the log. Pure.

An alert is named by what it is about: an issue that only a person can take further, the log itself when it is frozen or
failed (`state`), a source that cannot be asked (`source/NAME`). What the log knows of who was told is put beside it, not judged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from hee_core.events import Event

if TYPE_CHECKING:
    from hee_core.catalogue import Level
    from hee_core.clock import Clock
    from hee_core.projection import State
    from hee_core.record import Record


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell; `why` and `proof` may be empty, `proof` is a line of a log and nobody's word but the log's."""

    name: str
    severity: Level
    title: str
    why: str = ""
    proof: str = ""
    where: str = ""
    next_step: str = ""
    category: str = ""
    pattern_id: str = ""
    count: int = 1
    first_seen: str = ""


def standing(state: State) -> dict[str, Alert]:
    """All that people must know of now, by name, the oldest first."""
    found = [_issue(issue) for issue in state.issues.values() if issue["next_step"]]
    if state.frozen:
        words = state.ledger.frozen_reason
        found.append(Alert("state", "critical", "HEE is frozen", words, next_step="look, then `hee unfreeze`"))
    elif state.status == "failed":
        step = "look, then `hee rollback` to a state that you trust"
        found.append(Alert("state", "critical", "HEE stopped: its state is not trusted", next_step=step))
    for name, record in state.operational.sources.items():
        if blind := record.get("blind"):
            words = "what cannot be asked is unknown, not green"
            step = "`hee tokens check`, `hee doctor`"
            title = f"HEE is blind: {blind['reason']}"
            alert = Alert(f"source/{name}", "high", title, words, next_step=step, first_seen=blind["since"])
            found.append(alert)
    return {alert.name: alert for alert in found}


def listed(state: State) -> list[dict[str, Any]]:
    """The alerts that stand as JSON, each with who was told by which channel and who sees to it."""
    return [{"alert": alert.name, **asdict(alert), **telling(state, alert.name)} for alert in standing(state).values()]


def telling(state: State, name: str) -> dict[str, Any]:
    """How far each channel was told of an alert, and who acknowledged it; empty where nobody ever was."""
    record: Any = state.ledger.alerts.get(name) or {}
    return {
        "since": record.get("since", ""),
        **{field: record.get(field, {}) for field in ("told", "failed", "acknowledged")},
    }


def acknowledgement(name: str, statement: str, *, clock: Clock, seen: str = "") -> Event:
    """The event by which a person sees to an alert, not bound yet; `seen` is the id of the last event that they saw."""
    data = {"alert": name, "statement": statement}
    causes = (seen,) if seen else ()
    return Event.new("alert.acknowledged", data, subject=f"alert/{name}", causes=causes, clock=clock)


def ended(state: State, name: str) -> Alert:
    """What is over: the issue as it was closed, or no more than a name where the state forgot the rest."""
    issue = state.operational.closed.get(name)
    if issue is None:
        what = {"state": "HEE works again"}.get(name, f"{name.removeprefix('source/')} answers again")
        return Alert(name, "low", what if "/" in name or name == "state" else "no longer open in the state that holds")
    return replace(_issue(issue), why=f"resolved: {issue['resolved_by']}", proof="", next_step="")


def _issue(issue: Record) -> Alert:
    fix = issue["fix"] or {}
    why = issue["rationale"]
    if fix.get("outcome") in ("rolled_back", "refused"):
        why = f"a repair was {fix['outcome'].replace('_', ' ')}: {fix['reason']}"
    job = issue["job"].rpartition("#")[2]
    proof = next((item["text"].strip() for item in issue["evidence"] if item["text"].strip()), "")
    at = f"{issue['branch']} at {issue['commit'][:7]}" if issue["branch"] else issue["commit"][:7]
    return Alert(
        issue["issue_id"],
        cast("Level", issue["severity"] or "critical"),
        f"{job}: {issue['title']}" if job else issue["title"],
        why,
        proof,
        at,
        issue["next_step"],
        issue["category"],
        issue["pattern_id"],
        issue["count"],
        issue["first_seen"],
    )
