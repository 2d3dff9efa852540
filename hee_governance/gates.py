"""Quality gates: a target of the configuration held against a measure.

Invariant: a measure that is unknown does not meet any target, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance.measures import percent

if TYPE_CHECKING:
    from hee_governance.measures import Measure

# What a gate may be set on. The first three are the specification's.
NAMES = (
    *("spec_coverage", "state_preservation", "decision_continuity"),
    *("line_coverage", "branch_coverage", "function_coverage", "integration_coverage", "prompt_coverage"),
    *("decision_coverage", "decision_stability", "context_preservation", "context_stability", "prompt_compatibility"),
    *("governance_compliance", "success_rate"),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A name of NAMES and the least value, in basis points, that meets it."""

    name: str
    target: int


@dataclass(frozen=True, slots=True)
class GateResult:
    """How a gate came out. `value` is None where nothing could be measured; `met` is then False."""

    gate: str
    target: int
    value: int | None
    met: bool
    detail: str

    @property
    def unknown(self) -> bool:
        """Says whether the gate is closed because nothing could be measured."""
        return self.value is None


def evaluate(gate: Gate, measure: Measure | None) -> GateResult:
    """Holds a gate against a measure; no measure, or one without a value, closes the gate."""
    value = measure.value if measure else None
    if measure is None or value is None:
        counted = f" ({measure.numerator} of {measure.denominator})" if measure else ""
        detail = f"{gate.name} is unknown{counted}: nothing was measured, so the gate {percent(gate.target)} is not met"
        return GateResult(gate.name, gate.target, None, met=False, detail=detail)
    met = value >= gate.target
    counted = f" ({measure.numerator} of {measure.denominator})" if measure.denominator else ""
    word = "meets" if met else "is below"
    detail = f"{gate.name} {percent(value)}{counted} {word} the gate {percent(gate.target)}"
    return GateResult(gate.name, gate.target, value, met, detail)
