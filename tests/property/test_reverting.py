"""Whatever is rolled back and reverted, on any history: no decision and no failed attempt is lost, and no seal is passed."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hee_core import catalogue, projection, reverting
from hee_core.clock import FixedClock
from hee_core.errors import EventError, Frozen, HeeError, KeyFault
from hee_core.events import Event
from hee_core.replay import Replay
from hee_core.testing import check, histories

SOAK = bool(os.environ.get("HEE_SOAK"))
FEW = settings(
    max_examples=1000 if SOAK else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TYPES = [name for name in catalogue.TYPES if not name.startswith(("key.", "log.", "recipient.", "payload."))]


class Going:
    """A history that goes on, each event guarded as an honest writer's is."""

    def __init__(self, history: list[Event]) -> None:
        self.events = list(history)
        self.refusals: list[EventError] = []
        self.replay = Replay(lambda start, stop: self.events[start:stop])

    @property
    def state(self) -> projection.State:
        return self.replay.state_after(len(self.events) - 1)

    def append(self, type_: str, data: dict, actor: str = "human:ada") -> None:  # type: ignore[type-arg]
        clock = FixedClock("2027-01-24T12:00:00.000000Z", seed=(1 << 65) + len(self.events))
        event = Event.new(type_, data, clock=clock).bound(source="urn:hee:x", actor=actor, key_id="k")
        projection.guard(
            self.state, event, restore=self.replay.state_after, event_id=lambda index: self.events[index].id
        )
        self.events.append(event)

    def roll_back(self, index: int, actor: str = "human:ada") -> None:
        state = projection.digest(self.replay.state_after(index))
        self.append(
            "state.rolled_back",
            {"to_index": index, "to_event": self.events[index].id, "state": state, "reason": "r"},
            actor,
        )

    def revert(self, index: int) -> bool:
        try:
            drafts = reverting.undoing(self.events[index], self.state, reason="r")
        except EventError as error:
            self.refusals.append(error)
            return False
        for type_, data in drafts:
            try:
                self.append(type_, data)  # what undoes an event may be written, but for a freeze
            except Frozen:
                assert self.state.frozen
                return False
        return True


def recorded(events: list[Event]) -> int:
    return sum(event.type == "decision.recorded" for event in events)


@pytest.mark.slow
@pytest.mark.spec("SEED-094", "SEED-223", "SEED-312")
@FEW
@given(histories(types=TYPES, min_size=4), st.data())
def test_decisions_and_failed_attempts_survive_every_rollback_and_revert(
    history: list[Event], data: st.DataObject
) -> None:
    going = Going(history)
    for _ in range(data.draw(st.integers(1, 6), label="steps")):
        before, anywhere = going.state, st.integers(0, len(going.events) - 1)
        undone = [index for index, event in enumerate(going.events) if event.type in reverting._RULES]
        if data.draw(st.booleans(), label="revert"):
            going.revert(data.draw(st.sampled_from(undone) | anywhere if undone else anywhere, label="index"))
        else:
            going.roll_back(data.draw(anywhere, label="index"))
        after = going.state
        known = after.decisions.keys() | after.ledger.ended.keys()
        assert before.decisions.keys() | before.ledger.ended.keys() <= known
        assert len(known) == recorded(going.events)  # fewer than the ledger remembers
        assert after.ledger.lost == 0
        assert before.ledger.fixes.keys() <= after.ledger.fixes.keys()
        assert all(after.ledger.fixes[name] == fix for name, fix in before.ledger.fixes.items() if fix["rollback"])
        assert all(
            after.ledger.attempts[key]["failed"] >= each["failed"] for key, each in before.ledger.attempts.items()
        )
        assert before.ledger.seals.items() <= after.ledger.seals.items()
        assert all(after.ledger.counts[type_] >= count for type_, count in before.ledger.counts.items())
    assert all("cannot be reverted: " in str(error) and error.hint for error in going.refusals)
    check(enumerate(going.events))


@pytest.mark.slow
@pytest.mark.spec("SEED-312")
@FEW
@given(histories(types=TYPES, min_size=4), st.data())
def test_only_a_person_goes_back_past_a_sealed_point(history: list[Event], data: st.DataObject) -> None:
    going = Going(history)
    sealed = data.draw(st.integers(0, len(history) - 1))
    going.append("state.checkpoint_sealed", {"index": sealed, "event": history[sealed].id, "reason": "release"})
    floor = max(record["index"] for record in going.state.ledger.seals.values())
    index = data.draw(st.integers(0, len(going.events) - 1))
    if index >= floor:
        going.roll_back(index, "agent:hee")
        return
    with pytest.raises(KeyFault, match="sealed: "):
        going.roll_back(index, "agent:hee")
    forged = Event.new("state.rolled_back", {"to_index": index, "to_event": "0" * 64, "state": "0" * 64, "reason": "r"})
    operational = going.state.operational
    going.events.append(forged.bound(source="urn:hee:x", actor="agent:hee", key_id="k"))
    assert going.state.operational == operational  # what nobody guarded changes nothing either
    other = data.draw(st.integers(0, floor - 1).filter(lambda number: number != index) if floor > 1 else st.none())
    if other is not None:
        going.append("approval.granted", {"subject": f"rollback/{other}", "statement": "another one"})
    going.append(
        "approval.granted", {"subject": f"rollback/{index}", "statement": "late", "expires": "2027-01-01T00:00:00Z"}
    )
    with pytest.raises(KeyFault):
        going.roll_back(index, "ci:github")
    going.append("approval.granted", {"subject": f"rollback/{index}", "statement": "yes"})
    going.roll_back(index, "agent:hee")
    with pytest.raises(KeyFault):  # an approval is for one rollback
        going.roll_back(index, "agent:hee")
    going.roll_back(index)


def test_an_agent_seals_nothing_and_nobody_seals_what_is_to_come() -> None:
    going = Going([])
    for number in range(2):
        going.append("note.recorded", {"text": str(number)})
    with pytest.raises(KeyFault, match="only a person can"):
        going.append("state.checkpoint_sealed", {"index": 0, "event": going.events[0].id, "reason": "r"}, "agent:hee")
    for index, event, words in ((2, "0" * 64, "cannot seal event 2"), (0, going.events[1].id, "names another event")):
        with pytest.raises(EventError, match=words):
            going.append("state.checkpoint_sealed", {"index": index, "event": event, "reason": "r"})
    with pytest.raises(HeeError, match="no approval"):
        going.append("approval.revoked", {"approval_id": "0" * 64, "reason": "r"})


def test_a_state_without_seals_is_written_as_it_always_was() -> None:
    going = Going([])
    going.append("note.recorded", {"text": "a"})
    assert "seals" not in projection.dump(going.state)["ledger"]
    before = going.state.digest
    going.append("state.checkpoint_sealed", {"index": 0, "event": going.events[0].id, "reason": "r"})
    assert projection.load(projection.dump(going.state)) == going.state
    assert projection.load(projection.dump(going.replay.state_after(0))).digest == before
