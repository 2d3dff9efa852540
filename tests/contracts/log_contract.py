"""What every log promises, whatever keeps it: each back end's tests inherit this class."""

from __future__ import annotations

import pytest

import hee_core
from hee_core.clock import FixedClock
from hee_core.errors import Conflict, EventError, IllegalTransition, IntegrityError, KeyFault, NotFound
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Condition, Log

CLOCK = FixedClock()


def note(text: str, subject: str = "release", **more: object) -> Event:
    return Event.new("note.recorded", {"text": text}, subject=subject, clock=CLOCK, **more)  # type: ignore[arg-type]


def changed(from_: str, to: str) -> Event:
    return Event.new("state.changed", {"from": from_, "to": to, "trigger": "test"}, clock=CLOCK)


def texts(log: Log, start: int = 0) -> list[str]:
    return [entry.event.data["text"] for entry in log.read(start) if entry.event.type == "note.recorded"]


class LogContract:
    """Inherit, and give a fixture `log`: a new log that holds nothing but its first event."""

    def again(self, log: Log) -> Log:
        """Another handle on the same log."""
        return Log(log.store, signer=log.signer, clock=log.clock)

    @pytest.mark.spec("SEED-309", "SEED-310")
    def test_an_event_is_in_the_log_when_append_returns(self, log):
        entry = log.append([note("one")], expected=log.head)
        assert (entry.index, entry.commit, entry.event.data) == (1, log.head, {"text": "one"})
        assert [e.event.type for e in log.read()] == ["log.created", "note.recorded"]
        assert len(log) == 2

    def test_many_events_are_one_append_in_the_order_given(self, log):
        entry = log.append([note(str(n)) for n in range(20)])
        assert entry.index == 20
        assert texts(log) == [str(n) for n in range(20)]
        assert {e.commit for e in log.read(1)} == {entry.commit}

    def test_an_append_without_events_is_refused(self, log):
        with pytest.raises(EventError, match="at least one event"):
            log.append([])

    def test_a_writer_with_an_old_head_gets_a_conflict_and_nothing_is_written(self, log):
        seen = log.head
        log.append([note("first")])
        with pytest.raises(Conflict, match="expected"):
            log.append([note("second")], expected=seen)
        assert texts(log) == ["first"]

    def test_expecting_no_log_conflicts_with_one(self, log):
        with pytest.raises(Conflict):
            log.append([note("x")], expected=None)
        with pytest.raises((Conflict, EventError)):
            log.create()

    def test_a_retry_appends_nothing_and_answers_as_the_first_time(self, log):
        seen = log.head
        events = [note("a"), note("b")]
        first = log.append(events, expected=seen)
        assert log.append(events, expected=seen) == first
        assert log.append(events[1:], expected=seen) == first
        assert len(log) == 3

    def test_a_retry_by_another_handle_appends_nothing(self, log):
        event = log.append([note("a")]).event
        log.append([note("b")])
        other = self.again(log)
        assert other.append([event]).index == 1
        assert len(other) == 3

    def test_a_retry_with_something_new_appends_only_that(self, log):
        old = note("old")
        log.append([old])
        entry = log.append([old, note("new"), old])
        assert texts(log) == ["old", "new"]
        assert entry.event.data == {"text": "old"}

    def test_a_condition_is_broken_by_what_came_after_and_by_nothing_else(self, log):
        here = log.append([note("x", subject="release")]).index
        log.append([note("y", subject="other")])
        log.append([note("z", subject="mine")], unless=Condition(here, subjects=("release",)))
        with pytest.raises(Conflict, match=r"event 2 \(note.recorded other\) came after what was read"):
            log.append([note("n")], unless=Condition(here, types=("note.recorded",), subjects=("other",)))
        with pytest.raises(Conflict):
            log.append([note("n")], unless=Condition(-1))
        assert len(log) == 4

    def test_of_several_conditions_each_counts_from_its_own_point(self, log):
        first = log.append([note("x", subject="release"), changed("operational", "degraded")]).index
        log.append([note("y", subject="other")])
        notes = Condition(first, types=("note.recorded",), subjects=("release", "branch"))
        status = Condition(-1, types=("state.changed", "state.rolled_back"))
        assert [e.index for e in log.select(status, notes)] == [2]
        assert list(log.select(notes)) == list(log.select()) == []
        with pytest.raises(Conflict, match=r"event 2 \(state.changed \) came after what was read"):
            log.append([note("n")], unless=[notes, status])
        later = Condition(3, types=("state.changed",))
        log.append([note("n", subject="release")], unless=[notes, later])
        with pytest.raises(Conflict):
            log.append([note("m")], unless=[notes, later])
        assert [e.index for e in log.select(notes, later)] == [4]

    def test_a_retry_of_an_append_on_condition_is_safe(self, log):
        event, mine = note("once", subject="mine"), Condition(0, subjects=("mine",))
        first = log.append([event], unless=mine)
        assert log.append([event], unless=mine) == first
        with pytest.raises(Conflict):
            log.append([event, note("more", subject="mine")], unless=mine)
        assert len(log) == 2

    def test_reading_may_begin_anywhere(self, log):
        for n in range(10):
            log.append([note(str(2 * n)), note(str(2 * n + 1))])
        for start in (0, 1, 2, 5, 11, 12, 19, 20):
            assert [e.index for e in log.read(start)] == list(range(start, 21))
            assert texts(log, start) == [str(n) for n in range(max(start - 1, 0), 20)]
        assert list(log.read(21)) == list(log.read(500)) == []

    def test_reading_sees_the_log_as_it_was_at_the_call(self, log):
        reader = log.read()
        log.append([note("later")])
        assert [e.event.type for e in reader] == ["log.created"]

    def test_an_entry_that_does_not_exist_is_not_found(self, log):
        assert log.entry(0).event.type == "log.created"
        assert log.event_id(0) == log.id
        for index in (-1, 1, 10**9):
            with pytest.raises(NotFound, match="it has 1"):
                log.entry(index)

    @pytest.mark.spec("SEED-172", "SEED-311")
    def test_the_state_follows_from_the_events(self, log):
        assert log.state.status == "operational"
        log.append([changed("operational", "degraded")])
        assert log.state.status == "degraded"
        assert self.again(log).state == log.state
        assert log.state_after(0).status == "operational"
        with pytest.raises(NotFound):
            log.state_after(2)

    @pytest.mark.spec("SEED-184")
    def test_an_illegal_transition_is_refused_and_leaves_no_trace(self, log):
        head = log.head
        with pytest.raises(IllegalTransition):
            log.append([note("x"), changed("operational", "failed")])
        assert log.head == head

    @pytest.mark.spec("SEED-189")
    def test_a_chain_of_legal_transitions_is_one_append(self, log):
        log.append([changed("operational", "degraded"), note("why"), changed("degraded", "failed")])
        assert log.state.status == "failed"

    @pytest.mark.spec("SEED-312")
    def test_a_rollback_is_one_more_event_and_restores_the_state(self, log):
        log.append([note("before")])
        log.append([changed("operational", "degraded")])
        entry = hee_core.rollback(log, to=1, reason="a mistake")
        assert (entry.index, entry.event.type) == (3, "state.rolled_back")
        assert log.state.status == "operational"
        assert [e.index for e in log.read()] == [0, 1, 2, 3]
        assert hee_core.verify(log).ok

    @pytest.mark.spec("SEED-312")
    def test_decisions_survive_a_rollback(self, log):
        point = log.append([note("before")]).index
        decided = log.append([Event.new("decision.recorded", {"key": "k", "statement": "s"}, clock=CLOCK)])
        hee_core.rollback(log, to=point, reason="a mistake")
        assert [record["key"] for record in log.state.decisions.values()] == ["k"]
        assert decided.event.id in {e.event.id for e in log.read()}

    def test_a_rollback_needs_a_reason_and_an_earlier_point(self, log):
        log.append([note("x")])
        with pytest.raises(EventError, match="needs a reason"):
            hee_core.rollback(log, to=0, reason=" ")
        with pytest.raises(EventError, match="nothing to roll back"):
            hee_core.rollback(log, to=1, reason="x")

    def test_a_point_is_named_by_index_commit_id_or_time(self, log):
        from hee_core.history import resolve

        entries = [log.append([note(str(n))]) for n in range(3)]
        one = entries[0]
        assert resolve(log, None) == resolve(log, -1) == resolve(log, "-1") == 3
        assert resolve(log, "1") == resolve(log, one.event.id) == resolve(log, one.commit[:12]) == 1
        assert resolve(log, one.event.time) == 1
        assert resolve(log, "2099-01-01") == 3

    @pytest.mark.parametrize(
        "at",
        [
            4,
            -5,
            "4",
            "1e5",
            "9" * 40,
            "0x1",
            "",
            " ",
            "yesterday",
            "abcdef0",
            "1970-01-01",
            "9999999999999",
            "²",
            "1_0",
            "\x00",
        ],
    )
    def test_a_point_that_does_not_exist_is_not_found(self, log, at):
        from hee_core.history import resolve

        for n in range(3):
            log.append([note(str(n))])
        with pytest.raises(NotFound) as caught:
            resolve(log, at)
        assert caught.value.hint

    @pytest.mark.spec("SEED-311")
    def test_the_capsule_of_a_point_is_that_of_the_state_there(self, log):
        log.append([changed("operational", "degraded")])
        assert hee_core.state_at(log, 0).hee_monitoring_state.current_status == "operational"
        assert hee_core.state_at(log).hee_monitoring_state.current_status == "degraded"

    @pytest.mark.spec("SEED-215")
    def test_an_intact_log_verifies_and_everything_was_looked_at(self, log):
        log.append([note("a"), note("b")])
        log.append([note("c")])
        report = hee_core.verify(log)
        assert (report.ok, report.events, report.findings, report.log_id) == (True, 4, (), log.id)
        assert report.checked == {
            "commits": 3, "objects": 21, "event signatures": 4, "commit signatures": 3, "capsules": 3, "checkpoints": 3,
        }  # fmt: skip

    @pytest.mark.spec("SEED-216")
    def test_a_key_that_was_added_may_write_until_it_is_revoked(self, log):
        other = EphemeralSigner(actor="agent:other")
        theirs = Log(log.store, signer=other, clock=log.clock)
        with pytest.raises(IntegrityError, match="not in the key ring"):
            theirs.append([note("too early")])
        data = {"public_key": other.public_key, "actor": other.actor, "role": other.role}
        log.append([Event.new("key.added", data, clock=CLOCK)])
        theirs.append([note("mine")])
        log.append([Event.new("key.revoked", {"key_id": other.key_id, "reason": "lost"}, clock=CLOCK)])
        with pytest.raises(IntegrityError, match="revoked"):
            theirs.append([note("too late")])
        assert texts(log) == ["mine"]
        assert hee_core.verify(log).ok

    def test_an_event_of_another_log_is_refused(self, log):
        foreign = hee_core.MemoryLog().append([note("x")]).event
        with pytest.raises(EventError, match="bound to another log"):
            log.append([foreign])

    def test_a_log_that_is_only_read_needs_no_key_and_cannot_append(self, log):
        log.append([note("x")])
        reader = Log(log.store)
        assert texts(reader) == ["x"]
        assert reader.state == log.state
        with pytest.raises(KeyFault, match="no signing key"):
            reader.append([note("y")])

    def test_a_pin_refuses_another_log(self, log):
        pinned = Log(log.store, signer=log.signer, pin="0" * 64)
        with pytest.raises(IntegrityError, match="the configuration names 000000000000"):
            len(pinned)
        assert [finding.kind for finding in hee_core.verify(pinned).findings] == ["foreign-log"]
        assert len(Log(log.store, signer=log.signer, pin=log.id)) == 1

    def test_what_a_caller_does_with_its_data_later_changes_nothing(self, log):
        data = {"text": "as signed"}
        event = Event.new("note.recorded", data, clock=CLOCK)
        data["text"] = event.data["text"] = "changed"  # type: ignore[index]
        assert log.append([event]).event.data == {"text": "as signed"}
        assert hee_core.verify(log).ok

    def test_two_handles_take_turns(self, log):
        other = self.again(log)
        for n in range(6):
            (log, other)[n % 2].append([note(str(n))])
        assert texts(log) == texts(other) == [str(n) for n in range(6)]

    @pytest.mark.spec("SEED-312")
    def test_a_rollback_by_somebody_else_is_followed_like_ones_own(self, log):
        other = self.again(log)
        log.append([changed("operational", "degraded")])
        assert len(other) == 2
        for n in range(4):
            log.append([note(str(n))])
        hee_core.rollback(log, to=0, reason="a mistake")
        hee_core.rollback(log, to=4, reason="it was none")
        assert other.state == log.state
        assert other.state.status == "degraded"
