"""The state as Prometheus metrics, in the text format that its client library writes; it comes with the extra `metrics`.

What was not measured has no sample, since 0 would be a measurement.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hee_core import machine, views
from hee_core.errors import ToolMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.projection import State


def text(state: State) -> str:
    """The exposition of a state; raises ToolMissing without prometheus-client."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.registry import Collector
    except ImportError:
        raise ToolMissing("metrics need prometheus-client", hint="pip install 'hee[metrics]'") from None

    class Projection(Collector):
        def collect(self) -> Iterator[Any]:
            return families(state)

    registry = CollectorRegistry()
    registry.register(Projection())
    return generate_latest(registry).decode()


def families(state: State) -> Iterator[Any]:
    """The metric families of a state."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    words = sorted({step.from_ for step in machine.TRANSITIONS} | {step.to for step in machine.TRANSITIONS})
    status = GaugeMetricFamily("hee_status", "1 for the status that holds, 0 for the others.", labels=["status"])
    for word in words:
        status.add_metric([word], float(word == state.status))
    yield status
    issues = GaugeMetricFamily("hee_open_issues", "Open issues.", labels=["severity", "category"])
    counted = Counter((each["severity"] or "unknown", each["category"] or "unknown") for each in state.issues.values())
    for labels, count in sorted(counted.items()):
        issues.add_metric(labels, count)
    yield issues
    for name, value in views.totals(state).items():
        if name == "issues_open" or not isinstance(value, int):
            continue
        if name == "decisions_active":
            yield GaugeMetricFamily("hee_decisions_active", "Active decisions.", value)
        else:
            yield CounterMetricFamily(f"hee_{name}", f"{name.replace('_', ' ')}, over the whole log.", value)
    yield CounterMetricFamily("hee_events", "Events in the log.", state.size)
    yield GaugeMetricFamily("hee_frozen", "1 while a freeze stops writes.", float(state.frozen))
    gates = GaugeMetricFamily(
        "hee_gate_met", "1 for a quality gate that is met, 0 for one that is not.", labels=["gate"]
    )
    measured = GaugeMetricFamily("hee_gate_ratio", "What a quality gate measured, from 0 to 1.", labels=["gate"])
    for gate in state.operational.gates.values():
        gates.add_metric([gate["gate"]], float(gate["met"]))
        if gate["value"] is not None:
            measured.add_metric([gate["gate"]], gate["value"] / 10000)
    yield gates
    yield measured
    blind = GaugeMetricFamily("hee_source_blind", "1 while a source cannot be asked.", labels=["source"])
    for name, record in state.operational.sources.items():
        blind.add_metric([name], float("blind" in record))
    yield blind
    if completed := state.operational.cycle.get("completed"):
        seconds = datetime.fromisoformat(completed).timestamp()
        yield GaugeMetricFamily("hee_last_cycle_timestamp_seconds", "When the last cycle ended.", seconds)
