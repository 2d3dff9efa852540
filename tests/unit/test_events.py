"""An event is checked when it is made, bound once, and has one spelling; its identity is its content."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core import canonical, catalogue
from hee_core.clock import FixedClock
from hee_core.errors import EventError
from hee_core.events import Event
from hee_core.testing.strategies import events

SOURCE = "urn:hee:" + "ab" * 32


def bound(**options) -> Event:
    draft = Event.new("note.recorded", {"text": "hello"}, clock=FixedClock(), **options)
    return draft.bound(source=SOURCE, actor="agent:hee", key_id="SHA256:x")


@given(events())
def test_any_event_of_the_catalogue_is_written_canonically_and_read_back(event):
    line = event.bound(source=SOURCE, actor="human:ada", key_id="SHA256:x").to_bytes()
    wire = json.loads(line)
    assert canonical.encode(wire) == line
    again = Event.from_bytes(line)
    assert again.to_bytes() == line
    assert again.id == canonical.digest(line)
    assert again.payload == catalogue.model(again.type, again.version, again.data)
    assert Event.trusted(line) == again


@given(events(), st.data())
def test_no_other_spelling_of_an_event_is_read(event, data):
    line = event.bound(source=SOURCE, actor="human:ada", key_id="SHA256:x").to_bytes()
    wire = json.loads(line)
    extra = {**wire, "more": 1}
    for other in (
        line + b" ",
        b" " + line,
        line.replace(b":", b": ", 1),
        b'{"actor":"human:bob",' + line[1:],
        line.replace(b'"actor"', b'"\\u0061ctor"', 1),
        canonical.encode(extra),
        canonical.encode({**wire, "dataversion": True}),
        canonical.encode({**wire, "causes": 7}),
        canonical.encode({name: value for name, value in wire.items() if name != "keyid"}),
    ):
        with pytest.raises(EventError):
            Event.from_bytes(other)
    at = data.draw(st.integers(0, len(line) - 1))
    changed = line[:at] + bytes([line[at] ^ 1 << data.draw(st.integers(0, 7))]) + line[at + 1 :]
    try:
        read = Event.from_bytes(changed)
    except EventError:
        return
    assert canonical.encode(canonical.parse(changed)) == read.to_bytes() == changed


def test_the_wire_form_is_a_cloudevent():
    cause = "c" * 64
    wire = json.loads(bound(subject="release", causes=(cause, "d" * 64)).to_bytes())
    assert wire == {
        "specversion": "1.0", "id": f"{1:032x}", "source": SOURCE, "type": "note.recorded", "time": "2026-01-24T12:00:01.000000Z",
        "datacontenttype": "application/json", "dataversion": 1, "actor": "agent:hee", "keyid": "SHA256:x", "subject": "release",
        "causes": f"{cause} {'d' * 64}", "data": {"text": "hello"},
    }  # fmt: skip


def test_a_draft_has_no_identity_and_is_bound_once():
    draft = Event.new("note.recorded", {"text": "x"})
    assert draft.role == ""
    with pytest.raises(EventError, match="a draft has no bytes"):
        draft.to_bytes()
    first = draft.bound(source=SOURCE, actor="ci:x", key_id="k")
    assert first.bound(source="urn:hee:other", actor="human:y", key_id="z") is first
    assert draft.bound(source=SOURCE, actor="ci:x", key_id="k").id == first.id
    assert first.role == "ci"
    with pytest.raises(EventError, match="is not human:, agent: or ci:"):
        draft.bound(source=SOURCE, actor="root", key_id="k")


def test_an_event_that_was_put_together_by_hand_is_checked_when_it_is_written():
    event = Event(
        "note.recorded", {"text": "a\x1bb"}, "2026-01-24T12:00:00Z", "0", source=SOURCE, actor="ci:x", key_id="k"
    )
    with pytest.raises(EventError, match="/text: text holds control"):
        event.to_bytes()


@pytest.mark.parametrize(
    ("type_", "data", "options"),
    [
        ("no.such", {}, {}), ("note.recorded", {}, {}), ("note.recorded", {"text": 1}, {}), ("note.recorded", {"text": "x", "y": 1}, {}),
        ("note.recorded", {"text": "\x07"}, {}), ("note.recorded", {"text": object()}, {}), ("note.recorded", {"text": "\ud800"}, {}),
        ("note.recorded", {"text": "x"}, {"subject": "two\nlines"}), ("note.recorded", {"text": "x"}, {"subject": "s" * 201}),
        ("note.recorded", {"text": "x"}, {"subject": "\u202e"}), ("note.recorded", {"text": "x"}, {"causes": ("abc",)}),
        ("gate.evaluated", {"gate": "g", "target": 0.5, "value": 1, "met": True}, {}),
    ],
)  # fmt: skip
def test_an_event_that_may_not_be_is_refused_when_it_is_made(type_, data, options):
    with pytest.raises(EventError):
        Event.new(type_, data, **options)


def test_a_payload_may_be_given_as_its_model():
    assert Event.new("note.recorded", catalogue.NoteRecorded(text="x")).data == {"text": "x"}


@pytest.mark.parametrize(
    "changes",
    [
        {"specversion": "0.3"}, {"datacontenttype": "text/plain"}, {"dataversion": 0}, {"dataversion": True}, {"dataversion": "1"},
        {"time": "yesterday"}, {"time": "2026-01-24T12:00:00+01:00"}, {"actor": "root"}, {"actor": "human:"}, {"causes": "abc"},
        {"causes": ""}, {"causes": 7}, {"data": []}, {"subject": 1}, {"id": 5}, {"extra": 1}, {"type": None}, {"keyid": None},
    ],
)  # fmt: skip
def test_a_line_that_is_no_event_is_refused(changes):
    wire = json.loads(bound().to_bytes()) | changes
    with pytest.raises(EventError, match="not an event"):
        Event.from_bytes(canonical.encode(wire))


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b"null", b"7", b"\xff", b'{"a":1}'])
def test_what_is_not_even_an_object_of_the_envelope_is_refused(line):
    with pytest.raises(EventError):
        Event.from_bytes(line)


def test_an_event_from_the_future_is_carried_as_it_is():
    wire = json.loads(bound().to_bytes()) | {"type": "thing.invented", "dataversion": 9, "data": {"new": [1]}}
    event = Event.from_bytes(canonical.encode(wire))
    assert (event.type, event.version, event.data) == ("thing.invented", 9, {"new": [1]})
    with pytest.raises(EventError, match="not in the event catalogue"):
        _ = event.payload
    newer = Event.from_bytes(canonical.encode(wire | {"type": "note.recorded"}))
    with pytest.raises(EventError, match="version 9 is newer than this program"):
        _ = newer.payload
