from __future__ import annotations

import pytest

import hee_core
from hee_core import Event, HEEStateManager, IntegrityError, MemoryLog, StateCapsule


def note(text: str) -> Event:
    return Event.new("note.recorded", {"text": text})


def decision(statement: str, **more: object) -> dict[str, object]:
    return {"key": "python", "statement": statement, "rationale": "because", **more}


@pytest.mark.spec("SEED-014", "SEED-015", "SEED-311")
def test_the_current_state_is_the_replay_of_the_log() -> None:
    manager = HEEStateManager(MemoryLog())
    assert isinstance(manager.current_state, StateCapsule)
    assert manager.current_state == hee_core.state_at(manager.log, len(manager.log) - 1)


@pytest.mark.spec("SEED-016")
def test_saving_appends_the_events_and_names_the_commit() -> None:
    manager = HEEStateManager(MemoryLog())
    commit = manager.save_hee_state([note("a"), note("b")])
    assert (commit, len(manager.log)) == (manager.log.head, 3)
    assert manager.save_hee_state() == commit


@pytest.mark.spec("SEED-017", "SEED-312")
def test_restoring_replays_an_earlier_point_and_rewrites_nothing() -> None:
    manager = HEEStateManager(MemoryLog())
    before = [entry.event.id for entry in manager.log.read()]
    manager.save_hee_state(
        [Event.new("state.changed", {"from": "operational", "to": "degraded", "trigger": "HEE Issues Detected"})]
    )
    assert manager.current_state.hee_monitoring_state.current_status == "degraded"
    restored = manager.restore_hee_state(0, reason="false alarm")
    assert restored.hee_monitoring_state.current_status == "operational"
    assert [entry.event.id for entry in manager.log.read()][: len(before)] == before
    assert len(manager.log) == 3


@pytest.mark.spec("SEED-018")
def test_a_decision_that_contradicts_an_active_one_is_told_with_its_id() -> None:
    manager = HEEStateManager(MemoryLog())
    manager.save_hee_state([Event.new("decision.recorded", decision("3.11", value="3.11"))])
    (name,) = manager.log.state.decisions
    assert manager.validate_hee_decision(decision("3.12", value="3.12")).conflicts == (name,)
    assert manager.validate_hee_decision(decision("3.12", value="3.12", supersedes=name)).valid
    assert manager.validate_hee_decision({**decision("x", value="1"), "key": "other"}).valid


@pytest.mark.spec("SEED-253")
def test_integrity_is_validated_over_the_whole_log() -> None:
    manager = HEEStateManager(MemoryLog())
    assert manager.validate_integrity().events == 1
    store = manager.log.store
    name, (kind, data) = next((i, o) for i, o in store.objects.items() if o[1].startswith(b"{"))  # type: ignore[attr-defined]
    store.objects[name] = (kind, data.replace(b'"', b"'", 1))  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError, match="event 0"):
        manager.validate_integrity()
