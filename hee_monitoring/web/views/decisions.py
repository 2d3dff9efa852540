"""The decisions: a list, one of them whole, and the graph of what each replaced, is about, and led to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.errors import NotFound
from hee_governance.decisions import Decision, Subject
from hee_monitoring.web import drawing
from hee_monitoring.web.drawing import Box, cut
from hee_monitoring.web.pages import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.projection import State
    from hee_monitoring.web.book import Book, Look

ROWS = 40


def values(_: Book, look: Look) -> dict[str, Any]:
    """What the list and the graph show."""
    rows = rows_of(look.state)
    chains = _chains(rows)
    return {
        "standing": [row for row in reversed(rows) if row["kind"] == "standing"],
        "about_issues": [row for row in reversed(rows) if row["kind"] == "issue"],
        "graph": drawing.graph([_boxes(chain, look.state) for chain in chains[:ROWS]]),
        "left_out": max(0, len(chains) - ROWS),
    }


def one(book: Book, look: Look, name: str) -> dict[str, Any]:
    """What the page of one decision shows; raises NotFound."""
    rows = rows_of(look.state)
    found = next((row for row in rows if row["decision_id"] == name), None)
    if found is None:
        raise NotFound(f"{name} is no decision that is remembered here", hint="the page of decisions lists them")
    decision = Decision.of(name, found)
    applies = [
        issue
        for issue in look.state.issues.values()
        if found["status"] != "ended"
        and decision.applies(Subject(issue["category"], issue["pattern_id"], issue["branch"], issue["issue_id"]))
    ]
    chain = next(chain for chain in _chains(rows) if any(row["decision_id"] == name for row in chain))
    return {
        "decision": found,
        "event": book.index.find(found["event"]),
        "applies": applies if found["kind"] == "standing" else [],
        "graph": drawing.graph([_boxes(chain, look.state)]),
    }


def rows_of(state: State) -> list[dict[str, Any]]:
    """Active decisions and the ended ones that the ledger remembers, in the order of their times."""
    today = state.time[:10]
    rows = [
        {**record, "status": "review due" if record["review_by"] and record["review_by"][:10] < today else "active"}
        for record in state.decisions.values()
    ]
    rows += [{**record, "status": "ended"} for record in state.ledger.ended.values()]
    return sorted(rows, key=lambda row: str(row["decided_at"]))


def _chains(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Decisions that replaced each other, oldest first; the chain with the newest decision comes first."""
    chains: list[list[dict[str, Any]]] = []
    chain_of: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        chain = chain_of.get(row["supersedes"])
        if chain is None or chain[-1]["decision_id"] != row["supersedes"]:
            chain = []
            chains.append(chain)
        chain.append(row)
        chain_of[row["decision_id"]] = chain
    return sorted(chains, key=lambda chain: str(chain[-1]["decided_at"]), reverse=True)


def _boxes(chain: list[dict[str, Any]], state: State) -> list[Box]:
    """The last three decisions of a chain, then the issue that they are about, then what came of it."""
    boxes = [
        Box("decision", row["action"] or cut(row["key"]), row["statement"], ("decision", row["decision_id"]),
            faded=row["status"] == "ended", label="replaced by" if number else "")
        for number, row in enumerate(chain[-3:])
    ]  # fmt: skip
    issue = _issue(state, chain[-1]["issue_id"])
    if issue is not None:
        boxes.append(Box("issue", issue["issue_id"], issue["title"], ("issue", issue["issue_id"]), label="about"))
        fix = issue["fix"] or {}
        if fix:
            word = OUTCOMES.get(fix["outcome"], ("UNKNOWN", fix["outcome"]))[1]
            href = ("fix", fix["fix_id"]) if fix.get("fix_id") else ()
            boxes.append(Box("fix", word, fix["strategy"] or fix["reason"], href, label="led to"))
    return boxes


def _issue(state: State, name: str) -> Mapping[str, Any] | None:
    return state.issues.get(name) or state.operational.closed.get(name) if name else None
