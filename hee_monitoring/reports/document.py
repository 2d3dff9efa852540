"""The report as one plain document, computed from the events up to a point of the log. Pure.

Invariant: every figure carries the indexes of its events; a share without a denominator is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.capsule import METRICS
from hee_core.ledger import decision_stability
from hee_governance.analyzer import PRIORITIES
from hee_monitoring.alerting.standing import ended, standing
from hee_monitoring.recall import triage_of
from hee_monitoring.reports.figures import share
from hee_monitoring.reports.trail import Telling, Trail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_core.log import Entry
    from hee_core.projection import State
    from hee_core.record import Record

SUCCESS = 8500  # basis points: the specification's target of repairs that succeed
FULL = 10_000
# metric -> (the specification's name for it, the name of its measure)
COVERAGE = {
    "line": ("Line Coverage", "line_coverage"),
    "branch": ("Branch Coverage", "branch_coverage"),
    "function": ("Function Coverage", "function_coverage"),
    "integration": ("Integration Tests", "integration_coverage"),
    "spec": ("Spec Coverage", "spec_coverage"),
    "prompt": ("Prompt Coverage", "prompt_coverage"),
    "hee_decision": ("HEE Decision Coverage", "decision_coverage"),
}
_TOLD = ("title", "reason", "statement", "summary", "trigger", "text", "by", "verdict", "job", "gate", "metric")


def build(entries: Sequence[Entry], *, log_id: str, head: str | None, governance: bool = False) -> dict[str, Any]:
    """The report of a log's events from the first up to a point; `governance` adds how the rules, decisions and approvals were kept."""
    trail = Trail(entries)
    state = trail.state
    attempts = [attempt for attempt in trail.attempts.values() if attempt.outcome]
    document = {
        "log": log_id,
        "head": head,
        "events": state.size,
        "as_of": state.time,
        "status": state.status,
        "frozen": state.frozen,
        "open_issues": len(state.issues),
        "timeline": trail.course.document(),
        "failures": _failures(trail),
        "issues": [_issue(issue, trail) for issue in state.issues.values()],
        "alerts": _alerts(trail),
        "fixes": [
            {
                "fix_id": attempt.fix_id, "issue_id": attempt.issue_id, "pattern_id": attempt.pattern_id,
                "strategy": attempt.strategy, "outcome": attempt.outcome, "reason": attempt.reason,
                "branch": attempt.branch, "commit": attempt.commit, "time": attempt.time, "proof": list(attempt.proof.values()),
                "events": attempt.events,
            }
            for attempt in attempts
        ],
        "decisions": _decisions(state, entries),
        "gates": [_gate(gate, trail) for gate in state.operational.gates.values()],
        "latencies": [durations.figure() for durations in trail.durations.values()],
        "rates": _rates(state, trail),
        "coverage": [_coverage(name, state, trail) for name in METRICS],
        "governance": _governance(state, trail) if governance else None,
    }  # fmt: skip
    document["referenced"] = _referenced(document, entries)
    return document


def _failures(trail: Trail) -> list[dict[str, Any]]:
    causes: dict[str, dict[str, Any]] = {}
    for issue in trail.issues.values():
        if not issue.seen:
            continue
        cause = causes.setdefault(
            issue.category,
            {"category": issue.category, "issues": 0, "seen": 0, "resolved": 0, "patterns": [], "events": []},
        )
        cause["issues"] += 1
        cause["seen"] += len(issue.seen)
        cause["resolved"] += issue.resolved is not None
        cause["patterns"] = sorted({*cause["patterns"], *([issue.pattern_id] if issue.pattern_id else [])})
        cause["events"] += [index for index, _ in issue.seen]
    return sorted(causes.values(), key=lambda cause: (-cause["issues"], cause["category"]))


def _issue(issue: Record, trail: Trail) -> dict[str, Any]:
    names = (
        "issue_id",
        "pattern_id",
        "category",
        "title",
        "severity",
        "job",
        "action",
        "rationale",
        "next_step",
        "first_seen",
    )
    known = trail.issues.get(issue["issue_id"])
    return {
        **{name: issue[name] for name in names},
        "evidence": [dict(item) for item in issue["evidence"]],
        "triage": triage_of(issue),
        "events": known.events if known else [],
    }


def _alerts(trail: Trail) -> list[dict[str, Any]]:
    """Every alert that anybody was told of, or should have been; `stands` says whether it still does."""
    now = standing(trail.state)
    names = [*trail.alerts, *(name for name in now if name not in trail.alerts)]
    rows = []
    for name in names:
        telling = trail.alerts.get(name) or Telling(name)
        known = now.get(name) or ended(trail.state, name)
        rows.append(
            {"alert": name, "title": telling.title or known.title, "severity": known.severity, "stands": name in now,
             "delivered": telling.delivered, "failed": telling.failed, "acknowledged": telling.acknowledged,
             "events": telling.events}
        )  # fmt: skip
    return rows


def _decisions(state: State, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    index_of = {entry.event.id: entry.index for entry in entries if entry.event.type == "decision.recorded"}
    names = ("kind", "key", "statement", "action", "rule", "rationale", "issue_id", "decided_by", "decided_at")
    return [
        {"decision_id": name, **{key: record[key] for key in names},
         "events": [index_of[record["event"]]] if record["event"] in index_of else []}
        for name, record in state.decisions.items()
    ]  # fmt: skip


def _gate(gate: Record, trail: Trail) -> dict[str, Any]:
    names = ("gate", "target", "value", "met")
    return {**{name: gate[name] for name in names}, "events": trail.last.get(gate["gate"], [])}


def _rates(state: State, trail: Trail) -> list[dict[str, Any]]:
    """The specification's table of repairs: success, state preservation, decision continuity; and how many failures one reached."""
    ended = [attempt for attempt in trail.attempts.values() if attempt.outcome]
    kept = [attempt for attempt in ended if attempt.outcome != "rolled_back"]
    whole = [attempt for attempt in ended if attempt.preserved]
    events = [attempt.events[-1] for attempt in ended]
    recorded = trail.types.get("decision.recorded", [])
    failures = {name: issue for name, issue in trail.issues.items() if issue.seen}
    reached = failures.keys() & {attempt.issue_id for attempt in kept}
    return [
        share("Success rate", len(kept), len(ended), events, target=SUCCESS),
        share("Failures repaired", len(reached), len(failures), [issue.seen[-1][0] for issue in failures.values()]),
        share("State preservation", len(whole), len(ended), events, target=FULL),
        share("Decision continuity", len(recorded) - abs(state.ledger.lost), len(recorded), recorded, target=FULL),
    ]


def _coverage(name: str, state: State, trail: Trail) -> dict[str, Any]:
    title, measure = COVERAGE[name]
    known: Mapping[str, Any] = state.operational.coverage.get(name, {})
    value = known.get("value")
    return {
        "name": title, "metric": name, "unit": "basis points", "value": value, "target": FULL, "priority": PRIORITIES[measure],
        "gap": None if value is None else FULL - value, "met": None if value is None else value >= FULL,
        "numerator": known.get("numerator", 0), "denominator": known.get("denominator", 0),
        "events": trail.last.get(name, []),
    }  # fmt: skip


def _governance(state: State, trail: Trail) -> dict[str, Any]:
    passed = [index for index, _, verdict in trail.governance if verdict == "pass"]
    cycles = [verdict for _, phase, verdict in trail.governance if phase == "cycle"]
    indexes = [index for index, _, _ in trail.governance]
    ledger = state.ledger
    stable = decision_stability(ledger, state.time)
    counted = (
        "approval.granted",
        "decision.ended",
        "state.frozen",
        "state.unfrozen",
        "state.rolled_back",
        "fix.refused",
    )
    return {
        "compliance": state.operational.compliance,
        "mode": ledger.config.get("governance"),
        "verdict": cycles[-1] if cycles else None,
        "evaluations": share("Evaluations that passed", len(passed), len(indexes), indexes),
        "decision_stability": stable,
        "refused_events": ledger.refused,
        "counts": [{"type": name, "count": len(trail.types.get(name, ())), "events": trail.types.get(name, [])} for name in counted],
    }  # fmt: skip


def _referenced(document: Mapping[str, Any], entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The events that some number of the report stands on, each in a line, so that a link leads somewhere."""
    wanted = set(_indexes(document))
    return [
        {"event": entry.index, "id": entry.event.id, "time": entry.event.time, "type": entry.event.type,
         "actor": entry.event.actor, "subject": entry.event.subject, "told": _told(entry.event.data)}
        for entry in entries if entry.index in wanted
    ]  # fmt: skip


def _indexes(value: Any) -> list[int]:
    if isinstance(value, dict):
        own = [value["event"]] if isinstance(value.get("event"), int) else []
        listed = value.get("events")
        own += listed if isinstance(listed, list) else []
        return own + [index for item in value.values() for index in _indexes(item)]
    if isinstance(value, list):
        return [index for item in value if isinstance(item, (dict, list)) for index in _indexes(item)]
    return []


def _told(data: Mapping[str, Any]) -> str:
    return next((str(data[name]) for name in _TOLD if data.get(name)), "")
