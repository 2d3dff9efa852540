"""Logs of earlier and later programs: old payloads become new ones, what is newer is carried and said to be unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from forge import Forge
from hypothesis import given
from logs import make_log, open_at
from pydantic import Field

import hee_core
from hee_core import canonical, capsule, catalogue, chain, form_table, projection, upcasters
from hee_core.clock import FixedClock
from hee_core.errors import EventError, IntegrityError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.testing import check
from hee_core.testing.strategies import payloads_of

OWNER = EphemeralSigner()
FUTURE = [("weather.observed", 1, {"sky": "blue"}), ("ci.failure_detected", 9, {"what": {"is": "it"}})]
SOURCE = "urn:hee:x"


class LaterFreeze(catalogue.Payload):
    """What `state.frozen` might become: a scope beside its reason, and more reasons than one."""

    reasons: tuple[catalogue.Text, ...] = Field(min_length=1)
    scope: Literal["all", "repairs"] = "all"


@pytest.fixture
def later(monkeypatch):
    """This program, one version on: `state.frozen` has another form, and its first one is history."""
    fields = form_table.FORMS["state.frozen"][1]
    form = {"reasons": (("list", ("text", 0, 2000, ""), 1),), "scope": (("word", "all", "repairs"), "all")}
    monkeypatch.setitem(form_table.PAST, ("state.frozen", 1), fields)
    monkeypatch.setitem(form_table.FORMS, "state.frozen", (2, form))
    monkeypatch.setitem(catalogue.TYPES, "state.frozen", LaterFreeze)
    monkeypatch.setitem(catalogue.VERSIONS, "state.frozen", 2)
    monkeypatch.setitem(
        upcasters.UPCASTERS, ("state.frozen", 1), lambda data: {"reasons": [data["reason"]], "scope": "all"}
    )
    monkeypatch.setattr(projection, "fits", lambda type_, data: type_ != "state.frozen" or "reasons" in data)
    handler = projection._HANDLERS["state.frozen"]
    reading = lambda draft, event, data: handler(draft, event, {"reason": "; ".join(data["reasons"])})  # noqa: E731
    monkeypatch.setitem(projection._HANDLERS, "state.frozen", reading)


def wire(type_: str, version: int, data: dict[str, Any]) -> Event:
    event = Event(type=type_, data=data, version=version, time="2026-01-24T12:00:00Z", nonce="1", source=SOURCE,
                  actor="agent:hee", key_id="k")  # fmt: skip
    return Event.from_bytes(event.to_bytes())


@pytest.mark.parametrize("past", [*form_table.PAST, None], ids=str)
def test_whatever_was_valid_in_an_earlier_version_is_valid_in_the_newest(past, request):
    if past is None:  # the mechanism itself, as long as it has seen no second version
        request.getfixturevalue("later")
        past = ("state.frozen", 1)
    type_, version = past

    @given(payloads_of(form_table.PAST[past]))
    def holds(data):
        event = wire(type_, version, data)
        assert event.fields == catalogue.payload(type_, event.payload)
        assert projection.fits(type_, event.fields)

    holds()


@pytest.mark.spec("SEED-265")
def test_an_old_event_is_folded_in_the_newest_form_everywhere(later):
    old, new = (
        wire("state.frozen", 1, {"reason": "a"}),
        wire("state.frozen", 2, {"reasons": ["a", "b"], "scope": "all"}),
    )
    for event, reason in ((old, "a"), (new, "a; b")):
        state = projection.fold(projection.INITIAL, 0, event, restore=lambda _: projection.INITIAL)
        assert (state.frozen, state.ledger.frozen_reason, state.ledger.unknown) == (True, reason, 0)
        projection.guard(projection.INITIAL, event)
    assert old.fields == {"reasons": ["a"], "scope": "all"}
    assert Event.new("state.frozen", {"reasons": ["c"]}).version == 2
    made = [event.bound(source=SOURCE, actor="agent:hee", key_id="k") for event in (old, new)]
    assert chain.story.subject(made) == "frozen: no writes until a person unfreezes"


@pytest.mark.parametrize("data", [{}, {"reason": 5}, {"reason": "a", "more": 1}, {"reasons": ["a"]}])
def test_an_old_event_that_never_was_valid_is_malformed_and_no_crash(later, data):
    event = wire("state.frozen", 1, data)
    state = projection.fold(projection.INITIAL, 0, event, restore=lambda _: projection.INITIAL)
    assert (state.frozen, state.ledger.malformed) == (False, 1)
    with pytest.raises(EventError, match="does not fit version 1"):
        _ = event.fields
    with pytest.raises(EventError, match="does not fit the catalogue"):
        projection.guard(projection.INITIAL, event)


@pytest.mark.spec("SEED-265")
def test_a_log_of_the_version_before_is_read_extended_and_verified_by_this_one(tmp_path, request):
    with make_log(tmp_path / "repository", signer=OWNER) as log:
        log.append([Event.new("state.frozen", {"reason": "look"})])
    request.getfixturevalue("later")
    with open_at(tmp_path / "repository", signer=OWNER) as log:
        assert log.state.ledger.frozen_reason == "look"
        log.append([Event.new("decision.recorded", {"key": "k", "statement": "s"})])
        assert hee_core.verify(log).ok
        check(log)


# ------------------------------------------------------------------ what a later program wrote


def carried(place: Path, type_: str, version: int, data: dict[str, Any]) -> Log:
    """A log in which a later program's event stands between ours, put there as that program would."""
    log = make_log(place, signer=OWNER, clock=FixedClock())
    log.append([Event.new("note.recorded", {"text": "before"}, clock=log.clock)])
    event = Event(type=type_, data=data, version=version, time=log.clock.now(), nonce=log.clock.nonce())
    log.append([event])
    log.append([Event.new("note.recorded", {"text": "after"}, clock=log.clock)])
    return log


def hee(place: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "hee_monitoring.cli.main", "-C", str(place), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("type_", "version", "data"), FUTURE)
def test_a_later_event_is_carried_and_verify_says_unknown(tmp_path, type_, version, data):
    place = tmp_path / "repository"
    with carried(place, type_, version, data) as log:
        assert [entry.event.type for entry in log.read()][2] == type_
        assert log.entry(2).event.data == data
        assert log.state.ledger.unknown == 1
        assert log.append([log.entry(2).event]).index == 2, "a retry finds it"
        hee_core.rollback(log, to=1, reason="it stays through a rollback")
        assert log.state.ledger.unknown == 1
        report = hee_core.verify(log)
        assert (report.ok, report.findings) == (False, ())
        assert [(one.index, one.kind) for one in report.unknown] == [(2, "unknown")]
        assert capsule.events_unknown(log.store.file(log.head, "capsule.json")) == 1
    status, said = hee(place, "verify")
    assert status == 2
    assert "UNKNOWN" in said
    assert "upgrade hee" in said
    assert "OK" not in said
    report = json.loads(hee(place, "verify", "--json")[1])
    assert (report["ok"], report["findings"], report["unknown"][0]["index"]) == (False, [], 2)
    assert json.loads(hee(place, "log", "--json")[1])[2]["data"] == data


def test_what_depends_on_an_unknown_event_is_unknown_and_not_refused(tmp_path):
    """A later program's event led to a state in which its next step was legal; here it looks like no edge at all."""
    with carried(tmp_path / "repository", "state.healed", 1, {}) as log:
        data = {"from": "failed", "to": "degraded", "trigger": "t", "reason": ""}
        forge_ahead = Event(type="state.changed", data=data, time=log.clock.now(), nonce="f").bound(
            source=f"urn:hee:{log.id}", actor=OWNER.actor, key_id=OWNER.key_id
        )
        after = chain.grow(log.refresh(), (forge_ahead,), log)
        signature = OWNER.sign(forge_ahead.to_bytes(), "hee-event")
        made = chain.seal(log.refresh(), after, [forge_ahead], [signature], OWNER, object_format="sha1")
        log.store.publish(made.objects, made.head.commit, log.head)
        report = hee_core.verify(log)
        assert (report.findings, [one.index for one in report.unknown]) == ((), [2, 4])


def test_state_and_capsule_of_another_projection_are_unknown_and_the_rest_is_judged(tmp_path):
    place = tmp_path / "repository"
    with carried(place, "note.recorded", 1, {"text": "known"}) as log:
        assert hee_core.verify(log).ok
    forge = Forge(place, OWNER)
    forge.appends[2].files["capsule.json"] = b'{"of": "another"}'
    forge.appends[2].message = forge.appends[2].message.replace("HEE-Projection: 1", "HEE-Projection: 2")
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        report = hee_core.verify(log)
        assert (report.findings, [one.index for one in report.unknown]) == ((), [2])
    forge.appends[2].message = forge.appends[2].message.replace("HEE-Index: 2", "HEE-Index: 1")
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        assert [(one.index, one.kind) for one in hee_core.verify(log).findings] == [(2, "trailer")]


def test_a_capsule_by_a_program_that_knew_less_is_unknown(tmp_path, monkeypatch):
    """The other way round: the older program wrote on top of what it did not know, and this one knows it."""
    place = tmp_path / "repository"
    known = form_table.FORMS["ci.polled"]
    monkeypatch.setitem(form_table.FORMS, "ci.polled", (0, known[1]))  # no version of it is known yet
    data = {name: value[1] for name, value in known[1].items() if len(value) > 1} | {
        "source": "act",
        "issues_detected": False,
    }
    carried(place, "ci.polled", 2, data).close()
    monkeypatch.undo()
    with open_at(place, signer=OWNER) as log:
        log.keep_snapshots = False
        report = hee_core.verify(log)
        assert (report.ok, report.findings, [one.index for one in report.unknown]) == (False, (), [2, 3])
        log.append([Event.new("note.recorded", {"text": "more"})])
        assert [one.index for one in hee_core.verify(log).unknown] == [2, 3], "what this program adds can be judged"


def test_a_rollback_by_a_program_that_knew_less_is_unknown_and_one_that_lies_is_found(tmp_path, monkeypatch):
    """Its digest is that of its own fold; who takes it for a lie can never sync with that program again."""
    place = tmp_path / "repository"
    known = form_table.FORMS["patterns.extended"]
    monkeypatch.setitem(form_table.FORMS, "patterns.extended", (0, known[1]))
    with carried(place, "patterns.extended", 1, {"path": "p", "blob": None, "count": 0}) as log:
        hee_core.rollback(log, to=2, reason="as the older program sees it")
    monkeypatch.undo()
    with open_at(place, signer=OWNER) as log:
        log.keep_snapshots = False
        report = hee_core.verify(log)
        assert (report.findings, [one.index for one in report.unknown]) == ((), [2, 3, 4, 4])
        assert log.state.ledger.rollbacks, "what is not judged is followed all the same"
        hee_core.rollback(log, to=1, reason="mine")
    forge = Forge(place, OWNER)
    lie = json.loads(forge.appends[5].lines[0])
    lie["data"]["state"] = "0" * 64
    forge.appends[5].files["events.jsonl"] = canonical.encode(lie) + b"\n"
    forge.appends[5].sign_events(OWNER)
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        assert (5, "refused") in [(one.index, one.kind) for one in hee_core.verify(log).findings]


@pytest.mark.parametrize(
    ("at", "type_", "version"), [(1, "key.delegated", 1), (1, "key.added", 2), (0, "log.created", 2)]
)
def test_from_an_event_on_that_may_change_whose_keys_count_nothing_is_judged(tmp_path, at, type_, version):
    place = tmp_path / "repository"
    with carried(place, "note.recorded", 1, {"text": "x"}) as log:
        log.keep_snapshots = False
    forge = Forge(place, OWNER)
    line = json.loads(forge.appends[at].lines[0]) | {"type": type_, "dataversion": version}
    forge.appends[at].lines = [hee_core.canonical.encode(line)]
    forge.appends[at].sign_events(OWNER)
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        report = hee_core.verify(log)
        assert (report.ok, report.findings, [one.index for one in report.unknown]) == (False, (), [at])
        assert report.events == at
        with pytest.raises(IntegrityError, match=f"event {at}"):
            log.append([Event.new("note.recorded", {"text": "x"})])


def test_an_event_without_what_the_story_tells_is_verified_without_a_crash():
    """Its author left out what our own writer always fills in: that is unusual, and no damage."""
    log = hee_core.MemoryLog()
    data = {"issue_id": "i", "fingerprint": "f", "source": "act", "evidence": []}
    log.append([Event(type="ci.failure_detected", data=data, time="2026-01-24T12:00:00Z", nonce="1")])
    assert hee_core.verify(log).ok
