"""Decisions are kept until an event ends them, and two measures say how well."""

from __future__ import annotations

from typing import Any

import pytest
from state_world import World

from hee_core.errors import EventError
from hee_core.ledger import (
    ENDED_KEPT,
    Ledger,
    continuity_between,
    contrary,
    decision_continuity,
    decision_id,
    decision_stability,
)
from hee_core.record import Record


@pytest.fixture
def world() -> World:
    return World()


def stability(world: World) -> int | None:
    return decision_stability(world.state.ledger, world.state.time)


def test_a_decision_is_named_after_its_event_and_longer_while_the_name_is_taken() -> None:
    event = "0123456789abcdef" * 4
    assert decision_id(event, {}, {}) == "HEE-DEC-01234567"
    assert decision_id(event, {"HEE-DEC-01234567"}, {}) == "HEE-DEC-0123456789ab"
    assert decision_id(event, {"HEE-DEC-0123456789ab"}, {"HEE-DEC-01234567"}) == "HEE-DEC-0123456789abcdef"


def test_a_decision_keeps_all_that_was_said_who_said_it_and_when(world: World) -> None:
    said = {
        "value": "2",
        "rationale": "3 breaks the API",
        "scope": ["src"],
        "deny_paths": ["vendor/"],
        "alternatives": ["3"],
        "evidence": ["benchmark"],
        "review_by": "2026-06-01",
        "safety": "high",
    }
    name = world.decide(actor="human:ada", **said)
    record = world.state.decisions[name]
    event = world.events[0]
    assert {key: record[key] for key in said} == said
    assert (record["decided_by"], record["decided_at"], record["event"]) == ("human:ada", event.time, event.id)
    assert name == f"HEE-DEC-{event.id[:8]}"


@pytest.mark.spec("SEED-223")
def test_a_decision_is_active_until_it_is_ended_superseded_or_settled(world: World) -> None:
    kept, ended = world.decide(key="a"), world.decide(key="b")
    settled = world.decide(key="c", kind="issue", issue_id="ISS-1")
    world.say("decision.ended", decision_id=ended)
    world.say("ci.issue_resolved")
    successor = world.decide(key="d", supersedes=world.decide(key="d"))
    ledger = world.state.ledger
    assert set(ledger.decisions) == {kept, successor}
    assert [(record["how"], record["end_reason"]) for record in ledger.ended.values()] == [
        ("revoked", "no longer needed"),
        ("settled", "job lint is green"),
        ("superseded", "stay on 2"),
    ]
    assert ledger.ended[settled]["successor"] == ""
    assert list(ledger.ended.values())[-1]["successor"] == successor
    assert (ledger.ended_count, ledger.lost) == (3, 0)


@pytest.mark.parametrize("name", ["HEE-DEC-00000000", "x"])
def test_what_is_not_active_can_neither_be_ended_nor_superseded(world: World, name: str) -> None:
    with pytest.raises(EventError, match="not an active decision"):
        world.say("decision.ended", decision_id=name)
    with pytest.raises(EventError, match="not an active decision"):
        world.say("decision.recorded", supersedes=name)


def test_a_decision_that_supersedes_nothing_known_is_recorded_all_the_same(world: World) -> None:
    state = world.claim("decision.recorded", {"key": "a", "statement": "b", "supersedes": "HEE-DEC-00000000"})
    assert len(state.decisions) == 1


# ------------------------------------------------------------------ continuity


def test_continuity_is_unknown_before_the_first_decision_and_whole_after_it(world: World) -> None:
    assert decision_continuity(world.state.ledger) is None
    world.say("decision.ended", decision_id=world.decide())
    world.decide()
    assert decision_continuity(world.state.ledger) == 10000


@pytest.mark.parametrize(("recorded", "measure"), [(1, 10000), (2, 5000), (3, 3333), (0, None)])
def test_a_decision_that_is_neither_active_nor_ended_is_missed(recorded: int, measure: int | None) -> None:
    ledger = Ledger(decisions={"a": Record()}, counts={"decision.recorded": recorded})
    assert decision_continuity(ledger) == measure


def test_between_two_states_a_decision_is_carried_ended_or_lost(world: World) -> None:
    assert continuity_between(world.state.ledger, world.state.ledger) is None
    names = [world.decide(key=key) for key in "abc"]
    before = world.state.ledger
    world.say("decision.ended", decision_id=names[0])
    after = world.state.ledger
    assert continuity_between(before, after) == 10000
    lost = {name: record for name, record in after.decisions.items() if name != names[1]}
    assert continuity_between(before, after._replace(decisions=lost)) == 6666
    changed = {**after.decisions, names[1]: Record(after.decisions[names[1]], statement="other")}
    assert continuity_between(before, after._replace(decisions=changed)) == 6666


# ------------------------------------------------------------------ stability


def test_stability_is_unknown_while_nothing_was_decided(world: World) -> None:
    assert stability(world) is None
    world.say("note.recorded")
    assert stability(world) is None


@pytest.mark.spec("SEED-137")
def test_a_decision_reversed_within_a_week_is_unstable(world: World) -> None:
    first = world.decide(value="2")
    assert stability(world) == 10000
    world.decide(value="3", supersedes=first, hours=24)
    assert stability(world) == 5000


@pytest.mark.parametrize(
    ("change", "hours"),
    [({"value": "2"}, 1), ({"value": "3"}, 24 * 8), ({"value": "3", "key": "other"}, 1)],
    ids=["the same value", "after the cool-off", "another subject"],
)
def test_these_are_no_reversals(world: World, change: dict[str, Any], hours: int) -> None:
    first = world.decide(value="2")
    world.decide(supersedes=first, hours=hours, **change)
    assert stability(world) == 10000


def test_what_ended_before_the_window_no_longer_counts(world: World) -> None:
    world.decide(value="3", supersedes=world.decide(value="2"))
    assert stability(world) == 5000
    world.say("note.recorded", hours=24 * 31)
    assert stability(world) == 10000


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ({}, {}, True),
        ({"scope": ["a"]}, {}, True),
        ({"scope": ["a", "b"]}, {"scope": ["b"]}, True),
        ({"scope": ["a"]}, {"scope": ["b"]}, False),
        ({"key": "other"}, {}, False),
        ({"issue_id": "ISS-1"}, {"issue_id": "ISS-2"}, False),
        ({"value": "3"}, {}, False),
        ({"value": "3", "action": "rerun"}, {"action": "none"}, True),
    ],
)
def test_two_active_decisions_conflict_when_both_cannot_hold(
    world: World, first: dict[str, Any], second: dict[str, Any], conflict: bool
) -> None:
    one, other = world.decide(**{"value": "2", **first}), world.decide(**{"value": "3", **second})
    decisions = world.state.decisions
    assert contrary(decisions[one], decisions[other]) is contrary(decisions[other], decisions[one]) is conflict
    assert stability(world) == (5000 if conflict else 10000)


def test_stability_never_falls_below_nothing(world: World) -> None:
    ledger = Ledger(decisions={"a": Record(key="a", issue_id="")}, counts={"decision.recorded": 9})
    assert decision_stability(ledger, "2026-01-24T12:00:00Z") == 0


def test_a_clock_at_the_beginning_of_time_is_no_fault(world: World) -> None:
    state = world.claim("decision.recorded", {"key": "a", "statement": "b"}, time="0001-01-02T00:00:00Z")
    assert decision_stability(state.ledger, state.time) == 10000


def test_many_decisions_settled_at_once_are_all_accounted_for(world: World) -> None:
    for _ in range(ENDED_KEPT + 5):
        world.decide(kind="issue", issue_id="ISS-1")
    world.say("ci.issue_resolved")
    ledger = world.state.ledger
    assert (len(ledger.decisions), len(ledger.ended), ledger.ended_count, ledger.lost) == (
        0,
        ENDED_KEPT,
        ENDED_KEPT + 5,
        0,
    )
