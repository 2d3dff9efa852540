"""Measures and quality gates."""

from __future__ import annotations

import pytest

from hee_governance.gates import NAMES, Gate, evaluate
from hee_governance.measures import Measure, percent, ratio


@pytest.mark.parametrize(
    ("numerator", "denominator", "value"),
    [(1, 3, 3333), (99_999, 100_000, 9999), (5, 5, 10_000), (0, 7, 0), (0, 0, None), (3, 2, None), (-1, 2, None)],
)
def test_a_ratio_is_rounded_down_and_nothing_by_nothing_is_unknown(numerator, denominator, value):
    assert ratio(numerator, denominator) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(10_000, "100 %"), (9_999, "99.99 %"), (9_950, "99.5 %"), (5, "0.05 %"), (0, "0 %"), (None, "unknown")],
)
def test_basis_points_read_as_percentages(value, text):
    assert percent(value) == text


@pytest.mark.spec("SEED-036", "SEED-037", "SEED-042")
@pytest.mark.parametrize(
    ("measure", "met", "unknown", "says"),
    [
        (Measure.of("spec_coverage", 10, 10), True, False, "100 % (10 of 10) meets"),
        (Measure.of("spec_coverage", 99_999, 100_000), False, False, "99.99 % (99999 of 100000) is below"),
        (Measure("spec_coverage", 10_000), True, False, "100 % meets"),
        (Measure.of("spec_coverage", 0, 0), False, True, "unknown (0 of 0)"),
        (None, False, True, "nothing was measured"),
    ],
)
def test_a_gate_is_met_only_by_a_measured_value(measure, met, unknown, says):
    result = evaluate(Gate("spec_coverage", 10_000), measure)
    assert (result.met, result.unknown, result.gate, result.target) == (met, unknown, "spec_coverage", 10_000)
    assert says in result.detail


def test_a_gate_of_nothing_is_still_closed_by_unknown():
    assert not evaluate(Gate("spec_coverage", 0), None).met
    assert evaluate(Gate("spec_coverage", 0), Measure.of("spec_coverage", 0, 9)).met


@pytest.mark.spec("SEED-035", "SEED-036", "SEED-037")
def test_the_specifications_gates_have_names():
    assert {"spec_coverage", "state_preservation", "decision_continuity"} <= set(NAMES)
