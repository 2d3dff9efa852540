"""Sealed fields: whatever the payload, they come back to whom they were sealed for, and to nobody else, from no other place."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hee_core import canonical, recipientkey, sealing
from hee_core.clock import FixedClock
from hee_core.errors import EventError, IntegrityError
from hee_core.events import Event
from hee_core.recipientkey import RecipientKey
from hee_core.testing import payloads

FEW = settings(max_examples=25, deadline=None)
LOG, OTHER_LOG = "1" * 64, "2" * 64
ADA, BOB, EVE = RecipientKey(), RecipientKey(), RecipientKey()
KEYS = (b"s" * 32, b"h" * 32)
DRAWN = st.sampled_from(sorted(sealing.FIELDS)).flatmap(lambda type_: st.tuples(st.just(type_), payloads(type_)))


def wrapped_for(*keys: RecipientKey) -> dict[str, Any]:
    return {
        key.key_id: partial(lambda text, *rest: recipientkey.wrap(rest[0], text, rest[1]), key.public_key)
        for key in keys
    }


def sealed(type_: str, data: dict[str, Any], *, seed: int = 0) -> tuple[Event, sealing.Sealed]:
    event = Event.new(type_, data, clock=FixedClock(seed=seed))
    try:
        made = sealing.seal(event, (), wrapped_for(ADA, BOB), log_id=LOG, keys=KEYS, clock=FixedClock(seed=seed + 1))
    except EventError:  # nothing in it says anything
        assume(False)
        raise
    return event, made


def read(made: sealing.Sealed, key: RecipientKey, log_id: str = LOG, event: Event | None = None) -> dict[str, Any]:
    envelope = made.envelope.data
    wraps = {wrap["key_id"]: wrap["wrapped"] for wrap in envelope["wraps"]}
    about = event or made.event
    secret = key.unwrap(wraps.get(key.key_id, wraps[ADA.key_id]), sealing.context(log_id, about.nonce))
    return sealing.opened(about, envelope, (secret, made.share), log_id=log_id)


@pytest.mark.spec("SEED-217")
@FEW
@given(DRAWN)
def test_what_is_sealed_comes_back_whole_and_everything_else_stays_readable(drawn: tuple[str, dict[str, Any]]) -> None:
    event, made = sealed(*drawn)
    bound = made.event.bound(source=f"urn:hee:{LOG}", actor="agent:hee", key_id="k")
    assert (bound.type, bound.time, bound.nonce) == (event.type, event.time, event.nonce)
    assert bound.fields == bound.data  # it fits the catalogue with its markers in
    for key in (ADA, BOB):
        assert sealing.filled(bound.data, read(made, key)) == event.data
    boxes = made.envelope.data["boxes"]
    for path in read(made, ADA):
        assert sealing.is_marker(sealing._at(made.event.data, path))
        assert (len(base64.b64decode(boxes[path])) - 16) % 64 == 0  # all that a box tells is a length in steps
    assert sealing.filled(made.event.data, {path: sealing._at(event.data, path) for path in boxes}) == event.data


@FEW
@given(DRAWN, st.data())
def test_any_flipped_bit_of_a_box_a_wrap_or_the_commitment_is_refused(
    drawn: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    _, made = sealed(*drawn)
    envelope = json.loads(canonical.encode(made.envelope.data))
    part = data.draw(st.sampled_from([*envelope["boxes"], "wrap", "commitment", "share"]))

    def flip(raw: bytes) -> bytes:
        bit = data.draw(st.integers(0, 8 * len(raw) - 1))
        return bytes(byte ^ (1 << bit % 8 if number == bit // 8 else 0) for number, byte in enumerate(raw))

    share = made.share
    if part == "wrap":
        wrap = next(wrap for wrap in envelope["wraps"] if wrap["key_id"] == ADA.key_id)
        wrap["wrapped"] = base64.b64encode(flip(base64.b64decode(wrap["wrapped"]))).decode()
    elif part == "commitment":
        envelope["commitment"] = flip(bytes.fromhex(envelope["commitment"])).hex()
    elif part == "share":
        share = flip(share)
    else:
        envelope["boxes"][part] = base64.b64encode(flip(base64.b64decode(envelope["boxes"][part]))).decode()
    changed = sealing.Sealed(made.event, replace(made.envelope, data=envelope), share)
    with pytest.raises(IntegrityError, match=r"does not open|not the one that its author used"):
        read(changed, ADA)


@FEW
@given(DRAWN, DRAWN)
def test_a_box_opens_in_no_other_log_event_type_or_field(
    one: tuple[str, dict[str, Any]], two: tuple[str, dict[str, Any]]
) -> None:
    _, made = sealed(*one)
    _, other = sealed(*two, seed=5)
    with pytest.raises(IntegrityError):
        read(made, ADA, log_id=OTHER_LOG)
    with pytest.raises(IntegrityError):
        read(made, ADA, event=replace(made.event, nonce=other.event.nonce))
    with pytest.raises(IntegrityError):
        read(made, ADA, event=replace(made.event, type="fix.verified"))
    boxes = list(made.envelope.data["boxes"])
    if len(boxes) > 1:  # the author's own boxes, each in another's place, markers and all
        moved = json.loads(canonical.encode(made.envelope.data))
        event = json.loads(canonical.encode(made.event.data))
        for path, source in zip(boxes, [*boxes[1:], boxes[0]], strict=True):
            moved["boxes"][path] = made.envelope.data["boxes"][source]
            sealing._put(event, path, sealing._at(made.event.data, source))
        with pytest.raises(IntegrityError, match="does not open"):
            read(sealing.Sealed(replace(made.event, data=event), replace(made.envelope, data=moved), made.share), ADA)
    boxes_of = replace(made.envelope, data={**made.envelope.data, "boxes": other.envelope.data["boxes"]})
    with pytest.raises(IntegrityError, match=r"does not open"):  # boxes of another event under this one's key
        read(sealing.Sealed(made.event, boxes_of, made.share), ADA)


@FEW
@given(DRAWN)
def test_nobody_else_reads_it_and_nobody_at_all_without_both_halves(drawn: tuple[str, dict[str, Any]]) -> None:
    _, made = sealed(*drawn)
    with pytest.raises(IntegrityError, match="does not open with"):
        read(made, EVE)
    for keys in ((KEYS[0], b"?" * 32), (b"?" * 32, KEYS[1])):
        with pytest.raises(IntegrityError, match="not the one that its author used"):
            sealing.opened(made.event, made.envelope.data, keys, log_id=LOG)


def test_the_page_about_the_format_is_enough_to_open_a_box() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    _, made = sealed("note.recorded", {"text": "héllo"})
    nonce, envelope = made.event.nonce, made.envelope.data

    def bound(*parts: str) -> bytes:
        return json.dumps(["hee-sealed-v1", *parts], separators=(",", ":")).encode()

    wrapped = next(wrap["wrapped"] for wrap in envelope["wraps"] if wrap["key_id"] == ADA.key_id)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    secret = suite.decrypt(base64.b64decode(wrapped), ADA._key, bound("wrap", LOG, nonce))
    both = HKDF(SHA256(), length=64, salt=made.share, info=bound("key", LOG, nonce)).derive(secret)
    assert both[32:].hex() == envelope["commitment"]
    assert hashlib.sha256(made.share).hexdigest() == envelope["share"]
    box = base64.b64decode(envelope["boxes"]["text"])
    assert made.event.data["text"] == f"sealed:{hashlib.sha256(box).hexdigest()}"
    iv, about = hashlib.sha256(b"text").digest()[:12], bound("box", LOG, nonce, "note.recorded", "text")
    assert AESGCM(both[:32]).decrypt(iv, box, about).decode() == '"héllo"'.ljust(63)


def test_a_field_that_rules_read_cannot_be_sealed_and_a_bound_event_neither() -> None:
    seal = partial(sealing.seal, wrap=wrapped_for(ADA), log_id=LOG, keys=KEYS, clock=FixedClock())
    decision = Event.new("decision.recorded", {"key": "format", "statement": "by hand", "alternatives": ["a", "b"]})
    made = seal(decision, ["alternatives.1"])
    assert list(made.envelope.data["boxes"]) == ["alternatives.1"]
    assert made.event.data["alternatives"][0] == "a"
    assert sorted(seal(decision, ["alternatives", "statement"]).envelope.data["boxes"]) == [
        "alternatives.0",
        "alternatives.1",
        "statement",
    ]
    for field in ("key", "scope", "deny_paths.0", "nothing", "rationale", "alternatives.2"):
        with pytest.raises(EventError, match="nothing that may be sealed") as caught:
            seal(decision, [field])
        assert "statement" in caught.value.hint
    with pytest.raises(EventError, match="nothing that may be sealed"):
        seal(Event.new("key.revoked", {"key_id": "k", "reason": "left"}), [])
    with pytest.raises(EventError, match="bound"):
        seal(decision.bound(source=f"urn:hee:{LOG}", actor="agent:hee", key_id="k"), [])
    with pytest.raises(EventError, match="at least one recipient"):
        sealing.seal(decision, [], {}, log_id=LOG, keys=KEYS, clock=FixedClock())


@pytest.mark.parametrize(
    "text", ["", "x25519", "x25519 AAAA", "x448 " + "A" * 43 + "=", "x25519  " + "A" * 43 + "=", "x25519 é"]
)
def test_what_is_no_recipients_key_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        recipientkey.raw(text)


def test_a_key_with_which_everybody_could_read_is_refused() -> None:
    with pytest.raises(IntegrityError, match="small order"):
        recipientkey.wrap(b"x" * 32, recipientkey.text_of(bytes(32)), b"")
