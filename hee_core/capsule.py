"""The state capsule: the specification's document, filled from the state, and read back as a typed value.

Building is plain and light; only reading needs the model. What is not known is left out and named under
`hee_unknown`, since the specification's schema has no null. Invariant: the capsule follows from the state and the
log's id alone, byte for byte, and is valid under the strict schema.
"""

from __future__ import annotations

import json
from itertools import compress
from typing import TYPE_CHECKING, Any

from hee_core import canonical, views
from hee_core.errors import CapsuleError, EventError
from hee_core.ledger import decision_continuity, decision_stability
from hee_core.record import compact
from hee_core.remembered import last
from hee_core.views import STATE_VERSION, percent, present

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.model import StateCapsule
    from hee_core.operational import State
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
    operational, ledger = state.operational, state.ledger
    measures = _measures(state)
    specific = {name: measures[name] for name in _SPECIFIC if measures[name] is not None}
    compliance = {"state_version": STATE_VERSION, "governance_compliance": operational.compliance is True}
    unmeasured = [measures.get(name, operational.compliance) is None for name in _UNMEASURED]
    monitoring = {
        "coverage_metrics": _covered(operational.coverage),
        "current_status": compact(operational.status),
        "hee_specific": compact({**compliance, **specific}),
        "last_run_id": compact(operational.last_run_id),
        "recent_issues": _issues(operational.issues, operational.closed),
    }
    parts = {
        "hee_auto_fix_history": _fixes(ledger.fixes),
        "hee_decisions": _decisions(ledger.decisions),
        "hee_gates": _gates(operational.gates),
        "hee_log": compact(views.log(state, log_id)),
        "hee_measures": compact(present(decision_continuity=measures["decision_continuity"])),
        "hee_monitoring_state": _object(monitoring),
        "hee_totals": compact(views.totals(state)),
        "hee_unknown": _unknown(operational.coverage, operational.sources, *unmeasured),
    }
    return _object(parts).encode()


@last
def _fixes(fixes: Mapping[str, Record]) -> str:
    return _array(fix.shown(views.fix) for fix in fixes.values() if fix["outcome"])


@last
def _decisions(decisions: Mapping[str, Record]) -> str:
    return _object({name: record.shown(views.decision) for name, record in decisions.items()})


@last
def _gates(gates: Mapping[str, Record]) -> str:
    return _array(gate.shown(views.gate) for gate in gates.values())


@last
def _issues(issues: Mapping[str, Record], closed: Mapping[str, Record]) -> str:
    return _array(issue.shown(views.issue) for issue in _recent(issues, closed))


@last
def _covered(coverage: Mapping[str, Record]) -> str:
    return compact({name: percent(value) for name, value in _coverage(coverage).items() if value is not None})


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
# What has no value while nobody measured it, and its name in the capsule.
_UNMEASURED = {
    **{name: f"hee_specific.{name}" for name in _SPECIFIC},
    "decision_continuity": "hee_measures.decision_continuity",
    "governance_compliance": "hee_specific.governance_compliance",
}


@last
def _coverage(coverage: Mapping[str, Record]) -> Mapping[str, int | None]:
    return {name: coverage[name]["value"] if name in coverage else None for name in METRICS}


def _measures(state: State) -> dict[str, float | int | None]:
    prompts = state.operational.gates.get("prompt_compatibility")
    return {
        "decision_stability": percent(decision_stability(state.ledger, state.time)),
        "decision_continuity": percent(decision_continuity(state.ledger)),
        "spec_coverage": percent(_coverage(state.operational.coverage)["spec"]),
        "prompt_compatibility": percent(prompts["value"]) if prompts else None,
    }


@last
def _unknown(coverage: Mapping[str, Record], sources: Mapping[str, Record], *unmeasured: bool) -> str:
    names = {f"coverage_metrics.{name}" for name, value in _coverage(coverage).items() if value is None}
    names.update(compress(_UNMEASURED.values(), unmeasured))
    names.update(f"job {name} ({source['source']})" for source in sources.values() for name in source["unknown"])
    return compact(sorted(names)[:UNKNOWN_SHOWN])


def _recent(opened: Mapping[str, Record], resolved: Mapping[str, Record]) -> list[Record]:
    """The last issues, open ones before all others when there is no room for both; oldest first."""
    issues = sorted(opened.values(), key=lambda record: str(record["last_seen"]))[-ISSUES_SHOWN:]
    closed = list(resolved.values())
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
