"""What the log alone measures: decisions kept, state and context preserved, repairs that held, and how long things took.

Takes the state and the events of one log; leaves signatures and projections to its verification, whose count of sound
events it is given. Invariant: a rate over nothing is unknown, and a time is the difference of two recorded times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.clock import seconds_between
from hee_core.ledger import decisions_stood
from hee_governance.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.operational import State

# The specification's targets in seconds, by what is timed; how long a state update takes is in docs/benchmarks.md.
TARGETS = {
    "detection_latency": 120,
    "analysis_time": 30,
    "alert_delivery": 60,
    "state_update": 5,
    "fix_execution": 300,
    "rollback_time": 120,
}


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, over `count` times: seconds, or None where it never happened."""

    name: str
    target: int
    count: int
    median: float | None
    p95: float | None
    longest: float | None

    @property
    def met(self) -> bool | None:
        """Says whether even the longest one kept the target; None where there was none."""
        return None if self.longest is None else self.longest < self.target


def of_state(state: State, *, sound: int, events: int, flapping: tuple[str, ...] = ()) -> dict[str, Measure]:
    """The measures of a state; `sound` of `events` follow from the log as verification found them."""
    ledger = state.ledger
    recorded = int(ledger.counts.get("decision.recorded", 0))
    ended = [fix for fix in ledger.fixes.values() if fix["outcome"]]
    kept = sum(bool(fix["context_preserved"]) for fix in ended)
    held = sum(fix["success"] and not fix["rollback"] for fix in ended)
    stood, lately = decisions_stood(ledger, state.time)
    lost = tuple(fix["fix_id"] for fix in ended if not fix["context_preserved"])[:20]
    names = ("configuration", "patterns")
    found = (
        Measure.of("decision_continuity", max(0, recorded - abs(ledger.lost)), recorded),
        Measure.of("decision_stability", stood, lately),
        Measure.of("state_preservation", sound + kept, events + len(ended), evidence=lost),
        Measure.of("context_preservation", kept, len(ended), evidence=lost),
        Measure.of("context_stability", len(names) - len(flapping), len(names), evidence=flapping),
        Measure.of("success_rate", held, len(ended)),
    )
    return {measure.name: measure for measure in found}


def flapping(events: Iterable[Any]) -> tuple[str, ...]:
    """Of configuration and patterns those that went back to what they had just been left for (A, B, A)."""
    names = {"config.loaded": "configuration", "patterns.loaded": "patterns"}
    seen: dict[str, list[str]] = {}
    for event in events:
        if event.type in names:
            seen.setdefault(event.type, []).append(event.data["digest"])
    back = (type_ for type_, digests in seen.items() if any(a == c for a, c in zip(digests, digests[2:], strict=False)))
    return tuple(sorted(names[type_] for type_ in back))


def timings(events: Iterable[Any]) -> tuple[Timing, ...]:
    """The specification's times, each from the event that begins it to the one that ends it."""
    found: dict[str, list[float]] = {name: [] for name in TARGETS}
    detected: dict[str, str] = {}
    analysis: int | None = None
    for event in events:
        data = event.data
        if event.type == "ci.polled":
            analysis = data.get("analysis_ms")
        elif event.type == "monitor.completed":
            if data.get("state_update_ms") is not None:
                found["state_update"].append(data["state_update_ms"] / 1000)
        elif event.type == "ci.failure_detected":
            detected[data["issue_id"]] = event.time
            _add(found["detection_latency"], data.get("completed_at", ""), event.time)
        elif event.type == "ci.impact_assessed":
            if analysis is not None:
                found["analysis_time"].append(analysis / 1000)
            else:  # version 1 of the poll did not say
                _add(found["analysis_time"], detected.get(data["issue_id"], ""), event.time)
        elif event.type == "alert.raised":
            _add(found["alert_delivery"], detected.get(data.get("issue_id", ""), ""), event.time)
        elif event.type == "alert.delivered" and data["stage"] == "raised":
            for name in data["alerts"]:
                _add(found["alert_delivery"], detected.get(name, ""), event.time)
        elif event.type == "fix.applied":
            _add(found["fix_execution"], detected.get(data["issue_id"], ""), event.time)
        elif event.type == "fix.rolled_back":
            found["rollback_time"].append(data.get("duration_ms", 0) / 1000)
    return tuple(_timing(name, sorted(times)) for name, times in found.items())


def _add(times: list[float], earlier: str, later: str) -> None:
    """Keeps a difference; two clocks that disagree give none, and no start gives none."""
    if earlier:
        try:
            seconds = seconds_between(earlier, later)
        except (ValueError, TypeError):
            return
        if seconds >= 0:
            times.append(seconds)


def _timing(name: str, times: list[float]) -> Timing:
    if not times:
        return Timing(name, TARGETS[name], 0, None, None, None)
    high = times[min(len(times) - 1, (95 * len(times)) // 100)]
    return Timing(name, TARGETS[name], len(times), times[len(times) // 2], high, times[-1])


def to_json(timing: Timing) -> Mapping[str, Any]:
    """A timing as `hee gates --json` prints it."""
    return {
        "name": timing.name,
        "target_s": timing.target,
        "count": timing.count,
        "median_s": timing.median,
        "p95_s": timing.p95,
        "max_s": timing.longest,
        "met": timing.met,
    }
