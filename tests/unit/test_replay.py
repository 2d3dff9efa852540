"""Any earlier state, with or without snapshots, is the state that folding from the beginning gives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from state_world import World

from hee_core import projection, replay
from hee_core.errors import NotFound
from hee_core.replay import Replay

if TYPE_CHECKING:
    from hee_core.events import Event
    from hee_core.operational import State


def history(size: int, seed: int) -> World:
    """Detections, resolutions and rollbacks at random."""
    world, chance = World(), random.Random(seed)
    world.say("note.recorded")
    while len(world.events) < size:
        kind = chance.random()
        if kind < 0.15:
            world.return_to(chance.randrange(len(world.events)))
        else:
            type_ = chance.choice(["ci.failure_detected", "ci.issue_resolved", "decision.recorded"])
            world.events.append(world.event(type_, issue_id=f"ISS-{chance.randrange(5)}"))
    return world


def slowly(events: list[Event]) -> list[State]:
    states = [projection.INITIAL]
    for index, event in enumerate(events):
        states.append(projection.fold(states[-1], index, event, restore=lambda n: states[n + 1]))
    return states


@pytest.mark.spec("SEED-017", "SEED-311")
@pytest.mark.parametrize("seed", range(3))
def test_snapshots_change_the_time_and_never_the_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "WINDOW", 4)
    monkeypatch.setattr(replay, "KEPT", 5)
    world = history(120, seed)
    states = slowly(world.events)
    again = Replay(lambda start, stop: world.events[start:stop])
    chance = random.Random(seed)
    for index in [50, 3, 119, *chance.choices(range(-1, 120), k=60)]:
        assert projection.digest(again.state_after(index)) == projection.digest(states[index + 1])
    assert len(again._states) <= 6


def test_going_back_reads_no_more_than_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "WINDOW", 16)
    world, read = history(200, 7), []

    def counted(start: int, stop: int) -> list[Event]:
        read.append(stop - start)
        return world.events[start:stop]

    again = Replay(counted)
    again.state_after(199)
    read.clear()
    for index in range(200):
        again.state_after(index)
    assert max(read) <= 16


def test_a_rollback_to_a_rollback_to_a_rollback_is_still_quick() -> None:
    world = World()
    world.say("note.recorded")
    for number in range(300):
        world.events.append(
            world.event(
                "state.rolled_back",
                to_index=number,
                to_event=world.events[number].id,
                state="0" * 64,
                reason="again",
            )
        )
    assert world.state.ledger.counts["state.rolled_back"] == 300


@pytest.mark.parametrize("index", [3, -2])
def test_past_the_last_event_there_is_no_state(index: int) -> None:
    world = history(3, 1)
    assert world.state.size == 3
    with pytest.raises(NotFound, match="the log has 3"):
        world.replay.state_after(index)


def test_before_the_first_event_is_the_initial_state() -> None:
    assert history(3, 1).replay.state_after(-1) == projection.INITIAL
