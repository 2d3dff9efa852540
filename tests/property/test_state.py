"""What follows from a log follows from it always: on any history, folded in any way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from state_world import LOG_ID, World

from hee_core import capsule, catalogue, machine, model, projection, render, shapes
from hee_core.errors import EventError, IllegalTransition
from hee_core.events import Event
from hee_core.replay import Replay
from hee_core.testing import check, events, foreign_events, histories, payloads, replay_equal
from hee_core.validation import validate_capsule

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def after(history: list[Event]) -> projection.State:
    return Replay(lambda start, stop: history[start:stop]).state_after(len(history) - 1)


@pytest.mark.spec("SEED-005", "SEED-015", "SEED-184", "SEED-223", "SEED-311", "SEED-318")
@FEW
@given(histories())
def test_every_honest_history_keeps_every_promise(history: list[Event]) -> None:
    check(enumerate(history))


@pytest.mark.spec("SEED-094", "SEED-312")
@FEW
@given(histories(min_size=1), st.data())
def test_decisions_and_failed_attempts_survive_any_rollback(history: list[Event], data: st.DataObject) -> None:
    whole = list(history)
    replay = Replay(lambda start, stop: whole[start:stop])
    index = data.draw(st.integers(0, len(history) - 1))
    event = Event.new(
        "state.rolled_back",
        {
            "to_index": index,
            "to_event": history[index].id,
            "state": projection.digest(replay.state_after(index)),
            "reason": "any",
        },
    ).bound(source="urn:hee:x", actor="human:ada", key_id="k")
    whole.append(event)
    before, then, now = (
        replay.state_after(len(history) - 1),
        replay.state_after(index),
        replay.state_after(len(history)),
    )
    unjudged = {name: {**poll, "judged": []} for name, poll in then.operational.sources.items()}
    assert now.operational == then.operational._replace(sources=unjudged)
    kept = {name: value for name, value in now.ledger._asdict().items() if name not in ("rollbacks", "counts")}
    assert kept == {name: value for name, value in before.ledger._asdict().items() if name in kept}
    written = json.loads(capsule.write(now, log_id=LOG_ID))
    assert written["hee_decisions"] == capsule.build(before, log_id=LOG_ID)["hee_decisions"]
    assert written["hee_auto_fix_history"] == capsule.build(before, log_id=LOG_ID)["hee_auto_fix_history"]


@FEW
@given(st.lists(foreign_events() | events(), max_size=12))
def test_folding_is_total_over_every_event_that_can_be_read(history: list[Event]) -> None:
    assert replay_equal(enumerate(history)) == ()
    state = after(history)
    ledger = state.ledger
    assert sum(ledger.counts.values()) + ledger.unknown + ledger.malformed + ledger.refused == len(history)
    document = capsule.build(state, log_id=LOG_ID)
    assert validate_capsule(document) == validate_capsule(document, strict=False) == ()
    page = render.to_markdown(document, log_id=LOG_ID, head="x", index=len(history) - 1)
    assert model.read(render.from_markdown(page)).document() == document


@FEW
@given(
    st.sampled_from(sorted(catalogue.TYPES)).flatmap(lambda type_: st.tuples(st.just(type_), payloads(type_))),
    st.data(),
)
def test_a_payload_fits_where_the_catalogue_accepts_it_and_only_there(
    drawn: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    type_, payload = drawn
    if type_ not in shapes.TYPES:
        return
    assert shapes.fits(type_, payload)
    name = data.draw(st.sampled_from(sorted(shapes.fields(type_))))
    value = data.draw(
        st.sampled_from(
            [
                None,
                True,
                -1,
                0,
                10001,
                "",
                "x",
                "x" * 301,
                "x" * 2001,
                "\n",
                "a" * 64,
                [],
                [""],
                ["x"],
                [1],
                {},
                [{}],
                "HEE-PAT-1",
            ]
        )
        | st.just([{"channel": "log"}])
        | st.just([{"channel": "log", "line": -1}])
        | st.just([{"name": "x", "ok": 1}])
    )
    changed = {**payload, name: value}
    try:
        catalogue.payload(type_, changed)
    except EventError:
        accepted = False
    else:
        accepted = True
    assert shapes.fits(type_, changed) is accepted
    del changed[name]
    fits = shapes.fits(type_, changed)
    try:
        catalogue.payload(type_, changed)
    except EventError:
        assert not fits
    else:
        assert fits


class Transitions(RuleBasedStateMachine):
    """All 25 pairs of states, tried in any order: the state moves along edges and refuses the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.status = "operational"
        self.refused = 0

    @rule(from_=st.sampled_from(list(machine.STATES)), to=st.sampled_from(list(machine.STATES)))
    def attempt(self, from_: str, to: str) -> None:
        event = self.world.event("state.changed", **{"from": from_, "to": to, "trigger": "any"})
        legal = from_ == self.status and any((step.from_, step.to) == (from_, to) for step in machine.TRANSITIONS)
        try:
            self.world.guard(event)
        except IllegalTransition:
            assert not legal
        else:
            assert legal
        self.world.events.append(event)
        self.status, self.refused = (to, self.refused) if legal else (self.status, self.refused + 1)

    @rule(to=st.sampled_from(list(machine.STATES)))
    def walk(self, to: str) -> None:
        self.world.move(*(step.to for step in machine.path(self.status, to)))
        self.status = to

    @invariant()
    def agrees(self) -> None:
        assert (self.world.state.status, self.world.state.ledger.refused) == (self.status, self.refused)


Transitions.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
test_only_edges_are_walked = pytest.mark.spec("SEED-184", "SEED-189")(Transitions.TestCase)
