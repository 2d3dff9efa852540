"""The life of an issue, and what a monitoring cycle says about the world.

Detected, classified, assessed, decided, repaired, resolved: each a handler that folds one event into a draft.
Invariant: an issue closes only by `ci.issue_resolved`, and takes the decisions about itself with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import alerts, branches
from hee_core.ledger import of_a_person
from hee_core.operational import CLOSED_KEPT
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

EVIDENCE_KEPT = 3
REASONS_KEPT = 5
GATES_KEPT = 100


def detected(draft: Draft, _: Any, data: Data) -> None:
    """Opens an issue, reopens a closed one, or counts an open one again with its newest evidence."""
    name = data["issue_id"]
    earlier: Data | None = draft.issues.get(name)
    if earlier is None and name in draft.closed:
        earlier = {**draft.own("closed").pop(name), **_UNDECIDED}
    elif earlier is not None and (data.get("commit") or "") != earlier["commit"]:
        # What was decided and repaired was another commit; the decision stays until the next one supersedes it.
        earlier = {**earlier, **_UNDECIDED, "decision_id": earlier["decision_id"]}
    seen = {
        "fingerprint": data["fingerprint"],
        "source": data["source"],
        "workflow": data.get("workflow", ""),
        "job": data.get("job", ""),
        "step": data.get("step", ""),
        "commit": data.get("commit") or "",
        "branch": data.get("branch", ""),
        "run_id": data.get("run_id", 0),
        "attempt": data.get("attempt", 1),
        "evidence": [
            {key: item.get(key, 0 if key == "line" else "") for key in ("channel", "line", "text", "where")}
            for item in data["evidence"][:EVIDENCE_KEPT]
        ],
        "last_seen": draft.time,
        "resolved": False,
    }
    if earlier is None:
        earlier = {"issue_id": name, "count": 0, "first_seen": draft.time, **_NEW}
    draft.put("issues", Record(earlier, **seen, count=earlier["count"] + 1), name)


_UNDECIDED: Data = {
    "action": "",
    "decision_id": "",
    "rationale": "",
    "fix": None,
    "next_step": "",
    "resolved_at": "",
    "resolved_by": "",
}
_NEW: Data = {
    "pattern_id": "",
    "category": "",
    "title": "",
    "confidence": 0,
    "database": "",
    "impact": "",
    "severity": "",
    "reasons": [],
    "decision_conflict": False,
    **_UNDECIDED,
}


def classified(draft: Draft, _: Any, data: Data) -> None:
    """Says which pattern explains the issue."""
    names = ("pattern_id", "category", "title", "confidence", "database")
    draft.update_issue(data["issue_id"], **{name: data[name] for name in names})


def assessed(draft: Draft, _: Any, data: Data) -> None:
    """Says what the issue hits and how badly."""
    draft.update_issue(
        data["issue_id"],
        impact=data["impact"],
        severity=data["severity"],
        reasons=data.get("reasons", [])[:REASONS_KEPT],
        decision_conflict=data.get("decision_conflict", False),
    )


def alerted(draft: Draft, _: Any, data: Data) -> None:
    """Keeps the next step that people were told."""
    if data.get("next_step"):
        draft.update_issue(data.get("issue_id", ""), next_step=data["next_step"])


def resolved(draft: Draft, _: Any, data: Data) -> None:
    """Closes an issue and settles every decision about it, but for what a person decided for good."""
    name = data["issue_id"]
    if name in draft.issues:
        issue = branches.ended(draft.own("issues").pop(name), data.get("commit"))
        proof = {"resolved": True, "resolved_at": draft.time, "resolved_by": data["by"]}
        closed = Record(issue, **proof, commit=data.get("commit") or issue["commit"])
        draft.archive("closed", closed, name, keep=CLOSED_KEPT)
        alerts.ended(draft, name)
    about = [key for key, record in draft.decisions.items() if record["issue_id"] == name and not of_a_person(record)]
    for decision in about:
        draft.end_decision(decision, how="settled", reason=data["by"])


def cycle_started(draft: Draft, _: Any, data: Data) -> None:
    """Remembers that a cycle is under way."""
    draft.cycle = {"source": data["source"], "started": draft.time}


def cycle_completed(draft: Draft, _: Any, data: Data) -> None:
    """Remembers how the cycle ended."""
    counts = {name: data.get(name, 0) for name in ("failures", "open_issues", "unknown")}
    draft.cycle = {**draft.cycle, "completed": draft.time, **counts}


def coverage_measured(draft: Draft, _: Any, data: Data) -> None:
    """Takes over a coverage metric; null is UNKNOWN and replaces an older number."""
    record = Record(
        metric=data["metric"],
        value=data["value"],
        numerator=data.get("numerator", 0),
        denominator=data.get("denominator", 0),
        time=draft.time,
    )
    draft.put("coverage", record, data["metric"])


def gate_evaluated(draft: Draft, _: Any, data: Data) -> None:
    """Takes over the verdict of a quality gate."""
    gate = {name: data[name] for name in ("gate", "target", "value", "met")}
    draft.put("gates", Record(gate, time=draft.time), data["gate"], keep=GATES_KEPT)
