"""What the log's own times and records measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_world import World

from hee_governance.ledgermeasures import TARGETS, of_state, timings, to_json
from hee_governance.measures import interval


def test_times_are_differences_of_recorded_times_and_nothing_is_unknown():
    world = World()
    assert {timing.name: timing.met for timing in timings(world.events)} == dict.fromkeys(TARGETS)
    world.say("ci.failure_detected", completed_at="2026-01-24T11:59:31Z")  # detected at 12:00:01
    world.say("ci.failure_detected", completed_at="2026-01-24T12:59:31Z")  # a clock that disagrees is no time
    world.say("ci.failure_detected", completed_at="soon")
    world.say("ci.impact_assessed")
    world.say("alert.raised")
    world.say("fix.started")
    world.say("fix.applied", hours=1)
    world.say("fix.started", fix_id="fix-2")
    world.say("fix.rolled_back", fix_id="fix-2", duration_ms=1500)
    found = {timing.name: timing for timing in timings(world.events)}
    assert {name: (timing.count, timing.longest) for name, timing in found.items()} == {
        "detection_latency": (1, 30.0),
        "analysis_time": (1, 1.0),
        "alert_delivery": (1, 2.0),
        "state_update": (0, None),
        "fix_execution": (1, 3604.0),
        "rollback_time": (1, 1.5),
    }
    assert [name for name, timing in found.items() if timing.met is False] == ["fix_execution"]
    printed = to_json(found["fix_execution"])
    assert (printed["target_s"], printed["p95_s"], printed["met"]) == (300, 3604.0, False)


@pytest.mark.spec("SEED-194", "SEED-196")
def test_analysis_and_state_update_are_what_a_cycle_says_of_its_own_work():
    world = World()
    world.say("ci.polled", analysis_ms=4000)
    world.say("ci.failure_detected")
    world.say("ci.impact_assessed")
    world.say("monitor.completed", state_update_ms=5001)
    world.say("monitor.completed", state_update_ms=12)
    world.say("monitor.completed")
    found = {timing.name: timing for timing in timings(world.events)}
    assert (found["analysis_time"].longest, found["analysis_time"].met) == (4.0, True)
    assert (found["state_update"].count, found["state_update"].longest, found["state_update"].met) == (2, 5.001, False)


@pytest.mark.spec("SEED-198", "SEED-200")
def test_repairs_that_ended_are_what_rates_are_made_of():
    world = World()
    empty = of_state(world.state, sound=0, events=0)
    assert (empty["success_rate"].value, empty["state_preservation"].value, empty["decision_stability"].value) == (
        None,
    ) * 3
    world.say("ci.failure_detected")
    world.say("fix.started")
    world.say("fix.applied")
    world.say("fix.started", fix_id="fix-2")
    world.say("fix.rolled_back", fix_id="fix-2", restored=False)
    world.say("fix.started", fix_id="fix-3")  # it is still running and counts for nothing
    found = of_state(world.state, sound=6, events=6)
    assert (found["success_rate"].numerator, found["success_rate"].denominator) == (1, 2)
    assert (found["context_preservation"].value, found["context_preservation"].evidence) == (5000, ("fix-2",))
    assert (found["state_preservation"].numerator, found["state_preservation"].denominator) == (7, 8)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_an_interval_holds_its_share_and_narrows_with_more_of_it(numerator, more):
    denominator = numerator + more
    found = interval(numerator, denominator)
    if not denominator:
        assert found is None
        return
    low, high = found
    assert 0 <= low <= 10_000 * numerator / denominator <= high <= 10_000
    again = interval(4 * numerator, 4 * denominator)
    assert again[1] - again[0] <= high - low


def test_an_interval_is_wilson_s():
    assert interval(9, 10) == (5958, 9822)  # 59.58 % to 98.21 %, as the tables have it
    assert interval(0, 10) == (0, 2776)
    assert interval(10, 10) == (7224, 10_000)
    assert interval(3, 2) is None
