"""An issue: why it is red, with the lines that prove it, what was decided and tried, its history, and what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import branches
from hee_core.errors import NotFound
from hee_monitoring.alerting.standing import standing
from hee_monitoring.recall import recall, told
from hee_monitoring.web.views import alerts
from hee_monitoring.web.views.timeline import row

if TYPE_CHECKING:
    from hee_core.store import Entry
    from hee_monitoring.web.book import Book, Look

HISTORY = 100


def values(book: Book, look: Look, issue_id: str) -> dict[str, Any]:
    """What the page shows; raises NotFound for an issue that the state does not remember at this point."""
    state = look.state
    issue = state.issues.get(issue_id) or state.operational.closed.get(issue_id)
    if issue is None:
        raise NotFound(
            f"{issue_id} is no issue that is remembered here", hint="the timeline has the events that name it"
        )
    indexes = book.index.about(issue_id, f"issue/{issue_id}", upto=look.index)
    history = book.entries(indexes[-HISTORY:])
    memory = recall(state, issue_id)
    fixes = [record for record in state.ledger.fixes.values() if record["issue_id"] == issue_id]
    alert = alerts.about(book, look, issue_id)
    return {
        "issue": issue,
        "triage": issue.get("triage"),
        "places": branches.places(issue),
        "places_more": issue.get("branches_dropped", 0),
        "last_time": _last_time(book, look, indexes, resolved=issue["resolved"]),
        "alert": alert,
        "may_acknowledge": not look.at and issue_id in standing(state) and not alert["acknowledged"],
        "evidence": _evidence(history) or issue["evidence"],
        "secondary": _last(history, "ci.failure_classified").get("secondary", []),
        "pattern": book.workspace.patterns.get(issue["pattern_id"]),
        "memory": told(memory) if memory else "",
        "fixes": list(reversed(fixes)),
        "decision": state.decisions.get(issue["decision_id"]) or state.ledger.ended.get(issue["decision_id"]),
        "approvals": [record for record in state.ledger.approvals.values() if record["subject"] == issue_id],
        "may_approve": not look.at and not issue["resolved"] and issue["action"] in ("agent-review", "manual-only"),
        "history": [row(entry) for entry in reversed(history)],
        "more": max(0, len(indexes) - HISTORY),
    }


def _last_time(book: Book, look: Look, indexes: list[int], *, resolved: bool) -> dict[str, Any] | None:
    """How the episode before this one ended, with the repair that was applied in it; None for the first."""
    ends = sorted(set(indexes) & set(book.index.of_type("ci.issue_resolved", upto=look.index)))
    ends = ends[:-1] if resolved else ends
    if not ends:
        return None
    entry = book.entries(ends[-1:])[0]
    began = ends[-2] if len(ends) > 1 else -1
    repairs = set(indexes) & set(book.index.of_type("fix.applied", upto=ends[-1]))
    made = [each.event for each in book.entries(sorted(index for index in repairs if index > began)) if each.event.fits]
    by = entry.event.fields["by"] if entry.event.fits else "unknown: the event breaks its form"
    told = {"index": entry.index, "time": entry.event.time, "by": by, "fix_id": "", "summary": ""}
    return told | ({name: made[-1].fields.get(name, "") for name in ("fix_id", "summary")} if made else {})


def _last(history: list[Entry], type_: str) -> Any:
    """The payload of the last event of a type, in the newest form; empty for one that breaks its form."""
    last = next((entry.event for entry in reversed(history) if entry.event.type == type_), None)
    return last.fields if last is not None and last.fits else {}


def _evidence(history: list[Entry]) -> list[dict[str, Any]]:
    """All lines of the last detection; the state keeps only the first three."""
    return [
        {name: item.get(name, 0 if name == "line" else "") for name in ("channel", "line", "text", "where")}
        for item in _last(history, "ci.failure_detected").get("evidence", [])
    ]
