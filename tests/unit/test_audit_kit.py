"""The audit kit finds what breaks a promise, and finds nothing in an honest log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_world import World

from hee_core import projection, testing
from hee_core.errors import LogNotFound
from hee_core.events import Event
from hee_core.log import Log
from hee_core.memory import MemoryLog, MemoryStore
from hee_core.operational import State
from hee_core.record import Record
from hee_core.testing import append_only, audit, check, decision_continuity, legal_transitions, replay_equal


@pytest.fixture
def entries() -> list[tuple[int, Event]]:
    world = World()
    world.say("note.recorded")
    world.say("ci.failure_detected")
    world.move("degraded")
    name = world.decide()
    world.say("fix.started")
    world.say("fix.rolled_back")
    world.decide(supersedes=name)
    world.decide(kind="issue", issue_id="ISS-1")
    world.return_to(1)
    world.say("ci.issue_resolved")
    world.say("decision.ended", decision_id=next(iter(world.state.decisions)))
    return list(enumerate(world.events))


def details(found: tuple[testing.Violation, ...]) -> list[tuple[int, str]]:
    return [(violation.index, violation.detail) for violation in found]


def test_an_honest_log_keeps_every_promise(entries: list[tuple[int, Event]]) -> None:
    check(entries)
    check(iter(entries))
    check([])
    assert append_only(entries, earlier=entries[:5]) == ()


def test_gaps_repetitions_changes_and_losses_are_found(entries: list[tuple[int, Event]]) -> None:
    (_, first), (_, second), *_ = entries
    assert details(append_only([(0, first), (2, second)])) == [(2, "stands at place 1")]
    assert details(append_only([(0, first), (1, first)])) == [(1, "is event 0 again")]
    assert details(append_only([(0, second)], earlier=entries[:2])) == [(0, "was another event before"), (1, "is gone")]
    forged = replace(first, data={"text": "other"})  # keeps the bytes it was read from
    forged.__dict__["id"] = first.id
    object.__setattr__(forged, "_bytes", first.to_bytes())
    assert (0, "its bytes say something else") in details(append_only([(0, forged)]))
    draft = Event.new("note.recorded", {"text": "x"})
    ((index, detail),) = details(append_only([(0, draft)]))
    assert (index, "cannot be read back" in detail) == (0, True)


def test_an_illegal_transition_in_a_log_is_found() -> None:
    world = World()
    world.claim("state.changed", {"from": "operational", "to": "failed", "trigger": "x"})
    world.claim("state.changed", {"from": 1, "to": [], "trigger": "x"})
    world.claim("state.rolled_back", {"to_index": "x"})
    found = details(legal_transitions(enumerate(world.events)))
    assert found == [(0, "operational to failed while operational"), (1, "1 to [] while operational")]
    with pytest.raises(AssertionError, match="legal-transitions at 0: operational to failed"):
        check(enumerate(world.events))


def test_a_transition_during_a_freeze_is_found() -> None:
    world = World()
    world.say("state.frozen")
    world.claim("state.changed", {"from": "operational", "to": "degraded", "trigger": "x"})
    found = details(legal_transitions(enumerate(world.events)))
    assert found == [(1, "the projection says operational, not degraded")]


def forgetful(state: State, index: int, event: Event, *, restore: Any) -> State:
    """A projection that a rollback makes forget its ledger, which is what must never happen."""
    after = projection.fold(state, index, event, restore=restore)
    return (
        State(after.operational, projection.INITIAL.ledger, after.size) if event.type == "state.rolled_back" else after
    )


def absent_minded(state: State, index: int, event: Event, *, restore: Any) -> State:
    """A projection that forgives failed attempts, and that cannot count."""
    after = projection.fold(state, index, event, restore=restore)
    fields = after.fields()
    if event.type == "state.rolled_back":
        fields["attempts"] = {key: {**record, "failed": 0} for key, record in after.ledger.attempts.items()}
        fields["ended_count"] += 1
        fields["fixes"] = {name: Record(record, success=True) for name, record in after.ledger.fixes.items()}
    return State.flat(fields)


def test_a_projection_that_loses_decisions_or_attempts_is_found(entries: list[tuple[int, Event]]) -> None:
    found = details(decision_continuity(entries, fold=forgetful))
    assert len([detail for index, detail in found if index == 8 and "loses or changes HEE-DEC-" in detail]) == 2
    found = details(decision_continuity(entries, fold=absent_minded))
    assert (8, "state.rolled_back forgets a failed attempt at fp-1") in found
    assert (8, "state.rolled_back makes failed fix-1 a success") in found
    assert (8, "-1 decisions are unaccounted for") in found


def test_a_projection_that_depends_on_how_it_is_folded_is_found(entries: list[tuple[int, Event]]) -> None:
    found = replay_equal(entries, fold=forgetful)
    assert {violation.detail.split(" gives")[0] for violation in found} == {
        "folding all at once",
        "the replay with snapshots",
        "going on from a dump",
    }


def test_an_unknown_name_of_the_kit_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = testing.nonsense
    assert all(getattr(testing, name) for name in testing.__all__)


class Lying(MemoryStore):
    """A store that gives other bytes than were kept: `wrong` maps a file's name to what is read in its place."""

    def __init__(self, kept: MemoryStore, **wrong: bytes) -> None:
        self.__dict__.update(kept.__dict__)
        self.wrong = {name.replace("_", "."): data for name, data in wrong.items()}

    def file(self, commit: str, name: str) -> bytes:
        return self.wrong.get(name) or super().file(commit, name)


@pytest.fixture
def log() -> Log:
    log = MemoryLog()
    for text in ("one", "two", "three"):
        log.append([Event.new("note.recorded", {"text": text}), Event.new("note.recorded", {"text": text})])
    return log


def test_an_honest_log_keeps_the_promises_of_its_bytes_too(log: Log) -> None:
    assert audit(log) == ()
    check(log)
    assert append_only(log, earlier=[(entry.index, entry.event) for entry in log.read()]) == ()
    assert len(log) == 7, "an audit only reads"


def test_a_capsule_that_is_not_the_projection_is_found_by_folding_anew(log: Log) -> None:
    other = Log(Lying(log.store, capsule_json=log.store.file(log.head, "capsule.json")))
    assert [one.index for one in testing.capsule_follows(other)] == [0, 1, 3]
    log.store.objects = {
        key: (kind, data.replace(b"operational", b"degraded", 1)) for key, (kind, data) in log.store.objects.items()
    }
    assert "object" in {one.detail.split(":")[0] for one in testing.verified(log)}


def test_a_judge_that_accepts_forgeries_or_finds_them_too_late_is_found(log: Log) -> None:
    blind = testing.tamper_evident(log, judge=lambda _: [])
    assert {one.detail for one in blind} >= {"a changed byte in events.jsonl: OK", "two appends exchanged: OK"}
    late = testing.tamper_evident(log, judge=lambda copy: [6])
    assert all(one.detail.endswith("found at 6") and one.index < 5 for one in late)
    assert late


def test_a_log_that_takes_the_same_event_twice_is_found(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hee_core.log.find", lambda *_: {})
    assert [one.index for one in testing.idempotent_append(log)] == list(range(7))


def test_an_empty_log_is_never_ok() -> None:
    store = MemoryStore()
    with pytest.raises(LogNotFound):
        testing.verified(Log(store))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(testing.logs(max_size=6))
def test_every_generated_log_keeps_every_promise(log: Log) -> None:
    check(log)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_generated_log_in_a_repository_keeps_every_promise(data: st.DataObject) -> None:
    with TemporaryDirectory() as place:
        made = data.draw(testing.logs(new=lambda **given: testing.git_log(Path(place) / "a", **given), max_size=4))
        check(made)
        made.close()
        check(Path(place) / "a")
