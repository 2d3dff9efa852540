"""An issue: why it is red, with the lines that prove it, what was decided and tried, its history, and what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.errors import NotFound
from hee_monitoring.recall import recall, told
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
    return {
        "issue": issue,
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
