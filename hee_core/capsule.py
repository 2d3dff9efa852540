"""The state capsule: the specification's document, filled from the state, and read back as a typed value.

Building is plain and light; only reading needs the model. What is not known is left out and named under
`hee_unknown`, since the specification's schema has no null. Invariant: the capsule follows from the state and the
log's id alone, byte for byte, and is valid under the strict schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hee_core import canonical, views
from hee_core.errors import CapsuleError, EventError
from hee_core.ledger import decision_continuity, decision_stability
from hee_core.record import compact
from hee_core.views import STATE_VERSION, percent, present

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.model import StateCapsule
    from hee_core.operational import Operational, State
    from hee_core.record import Record

ISSUES_SHOWN = 50
UNKNOWN_SHOWN = 500
METRICS = ("line", "branch", "function", "integration", "spec", "prompt", "hee_decision")

__all__ = ["METRICS", "STATE_VERSION", "StateCapsule", "build", "parse", "to_bytes", "write"]


def __getattr__(name: str) -> Any:
    """Gives `StateCapsule`, whose model is loaded when somebody first asks for it."""
    if name == "StateCapsule":
        from hee_core.model import StateCapsule

        return StateCapsule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build(state: State, *, log_id: str) -> dict[str, Any]:
    """The capsule of a state as plain JSON, nobody else's to share; `log_id` is empty while there is no log."""
    capsule: dict[str, Any] = json.loads(write(state, log_id=log_id))
    return capsule


def write(state: State, *, log_id: str) -> bytes:
    """The canonical bytes of a state's capsule; the same as `to_bytes(build(...))`, and quicker."""
    operational = state.operational
    measures = _measures(state)
    known = {name: percent(value) for name, value in _coverage(operational).items() if value is not None}
    specific = {name: measures[name] for name in _SPECIFIC if measures[name] is not None}
    compliance = {"state_version": STATE_VERSION, "governance_compliance": operational.compliance is True}
    fixes = [fix.shown(views.fix) for fix in state.ledger.fixes.values() if fix["outcome"]]
    unknown = {*_unmeasured(state, measures), *_unjudged(operational)}
    monitoring = {
        "coverage_metrics": compact(known),
        "current_status": compact(operational.status),
        "hee_specific": compact({**compliance, **specific}),
        "last_run_id": compact(operational.last_run_id),
        "recent_issues": _array(issue.shown(views.issue) for issue in _recent(operational)),
    }
    parts = {
        "hee_auto_fix_history": _array(fixes),
        "hee_decisions": _object({name: record.shown(views.decision) for name, record in state.decisions.items()}),
        "hee_gates": _array(gate.shown(views.gate) for gate in operational.gates.values()),
        "hee_log": compact(views.log(state, log_id)),
        "hee_measures": compact(present(decision_continuity=measures["decision_continuity"])),
        "hee_monitoring_state": _object(monitoring),
        "hee_totals": compact(views.totals(state)),
        "hee_unknown": compact(sorted(unknown)[:UNKNOWN_SHOWN]),
    }
    return _object(parts).encode()


def _array(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"


def _object(items: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{items[name]}' for name in sorted(items)) + "}"


def to_bytes(capsule: Mapping[str, Any]) -> bytes:
    """The canonical bytes (RFC 8785) of a capsule; raises CapsuleError for what has none."""
    try:
        text = json.dumps(capsule, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        # Our own numbers print alike in Python and RFC 8785; a float that came from elsewhere may not.
        if _ordinary(capsule):
            return text.encode()
        import rfc8785

        return rfc8785.dumps(dict(capsule))
    except (TypeError, ValueError, RecursionError) as error:
        raise CapsuleError(f"the capsule has no canonical form: {error}") from None


def parse(data: bytes) -> StateCapsule:
    """Reads a capsule's JSON as its model; raises CapsuleError with the pointer of each fault."""
    from hee_core import model

    try:
        document = canonical.loads(data)
    except EventError as error:
        raise CapsuleError(str(error), hint="a capsule is one JSON document") from None
    return model.read(document)


def events_unknown(data: bytes) -> int:
    """How many events the writer of a capsule did not know; 0 also for bytes that do not say."""
    try:
        count = json.loads(data)["hee_totals"]["events_unknown"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return count if type(count) is int and count > 0 else 0


_SPECIFIC = ("decision_stability", "spec_coverage", "prompt_compatibility")


def _coverage(operational: Operational) -> dict[str, int | None]:
    return {name: operational.coverage[name]["value"] if name in operational.coverage else None for name in METRICS}


def _measures(state: State) -> dict[str, float | int | None]:
    prompts = state.operational.gates.get("prompt_compatibility")
    return {
        "decision_stability": percent(decision_stability(state.ledger, state.time)),
        "decision_continuity": percent(decision_continuity(state.ledger)),
        "spec_coverage": percent(_coverage(state.operational)["spec"]),
        "prompt_compatibility": percent(prompts["value"]) if prompts else None,
    }


def _unmeasured(state: State, measures: Mapping[str, Any]) -> Iterable[str]:
    yield from (f"coverage_metrics.{name}" for name, value in _coverage(state.operational).items() if value is None)
    yield from (f"hee_specific.{name}" for name in _SPECIFIC if measures[name] is None)
    if measures["decision_continuity"] is None:
        yield "hee_measures.decision_continuity"
    if state.operational.compliance is None:
        yield "hee_specific.governance_compliance"


def _unjudged(operational: Operational) -> Iterable[str]:
    for source in operational.sources.values():
        yield from (f"job {name} ({source['source']})" for name in source["unknown"])


def _recent(operational: Operational) -> list[Record]:
    """The last issues, open ones before all others when there is no room for both; oldest first."""
    issues = sorted(operational.issues.values(), key=lambda record: str(record["last_seen"]))[-ISSUES_SHOWN:]
    closed = list(operational.closed.values())
    room = ISSUES_SHOWN - len(issues)
    return [*closed[max(0, len(closed) - room) :], *issues]


def _ordinary(value: Any) -> bool:
    """Says whether Python writes every key and number of the value as RFC 8785 does."""
    if type(value) is float:
        return value == round(value, 2) and 0 < value < 1e15 and not value.is_integer()
    if isinstance(value, dict):
        return all(type(key) is str and key.isascii() and _ordinary(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_ordinary, value))
    return value is None or isinstance(value, (str, bool)) or (type(value) is int and abs(value) <= canonical.MAX_INT)
