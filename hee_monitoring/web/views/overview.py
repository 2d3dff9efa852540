"""The first page: the state at a glance, what to do next, what is open, gates, coverage, and what happened last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import story
from hee_core.capsule import METRICS
from hee_monitoring.nextsteps import by_urgency, next_steps
from hee_monitoring.reports.document import COVERAGE
from hee_monitoring.status import WORDS
from hee_monitoring.web import drawing

if TYPE_CHECKING:
    from hee_core.projection import State
    from hee_monitoring.web.book import Book, Look

STEPS = 6
APPENDS = 6


def values(book: Book, look: Look) -> dict[str, Any]:
    """What the page shows."""
    state = look.state
    issues = by_urgency(state)
    looked = bool(state.operational.sources or issues)
    return {
        "word": WORDS[state.status] if looked else "UNKNOWN",
        "sentence": _sentence(state, looked=looked),
        "machine": drawing.state_machine(state.status),
        "steps": list(next_steps(state, book.workspace.config))[:STEPS] if not look.at else [],
        "issues": issues,
        "gates": list(state.operational.gates.values()),
        "coverage": [
            {
                "name": COVERAGE[name][0],
                "value": record["value"],
                "counted": (record["numerator"], record["denominator"]),
            }
            for name in METRICS
            if (record := state.operational.coverage.get(name))
        ],
        "compliance": state.operational.compliance,
        "governance": state.operational.governance,
        "judged": _judged(state),
        "course": {"timeline": book.course(look), "as_of": state.time},
        "happened": happened(book, look),
    }


def _sentence(state: State, *, looked: bool) -> str:
    if not looked:
        return "Nothing was looked at yet."
    issues = state.issues.values()
    if not issues:
        return "Nothing is red."
    proved = sum((issue["fix"] or {}).get("outcome") == "verified" for issue in issues)
    people = sum(issue["action"] in ("agent-review", "manual-only") for issue in issues)
    parts = [f"{len(issues)} open issue{'s' if len(issues) > 1 else ''}"]
    if proved:
        parts.append(f"{proved} with a proved repair")
    if people:
        parts.append(f"{people} for a person")
    return ", ".join(parts) + "."


def _judged(state: State) -> list[dict[str, str]]:
    return [
        {"source": source, "commit": poll["commit"], "time": poll["time"]}
        for source, poll in state.operational.sources.items()
        if poll["commit"]
    ]


def happened(book: Book, look: Look) -> list[dict[str, Any]]:
    """The last appends of a look, newest first, each in its one line."""
    found: list[dict[str, Any]] = []
    index = look.index
    while index >= 0 and len(found) < APPENDS:
        _, first, after = book.index.append_of(index)
        entries = book.entries(range(max(first, index - 200), min(after, index + 1)))
        events = [entry.event for entry in entries]
        found.append({"first": first, "last": index, "time": events[-1].time, "told": story.subject(events)})
        index = first - 1
    return found
