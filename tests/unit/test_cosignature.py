"""A cosignature is computed here a second time from the specification's text (C2SP tlog-cosignature), without our code."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hee_core import MemoryLog, checkpoint, consistency, cosignature, proof
from hee_core.cosignature import Witness
from hee_core.errors import IntegrityError
from hee_core.events import Event
from hee_core.inspection import Finding
from hee_core.keys import EphemeralSigner

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (7, 8, 9)]
SIGNERS = [EphemeralSigner(key, actor="ci:witness") for key in KEYS]
NAMES = ["witness.example.com/w1", "witness.example.com/w2", "witness.example.com/w3"]
WITNESSES = [Witness(name, signer.public_key) for name, signer in zip(NAMES, SIGNERS, strict=True)]
LOG = MemoryLog()
LOG.append([Event.new("note.recorded", {"text": str(n)}) for n in range(5)])
NOTE = LOG.store.file(LOG.head, "checkpoint")
LOG.append([Event.new("note.recorded", {"text": str(n)}) for n in range(5)])
TIME = 1679315147


def by_hand(note: bytes, name: str, key: Ed25519PrivateKey, time: int) -> bytes:
    """The line that the specification describes, from its text alone."""
    raw = key.public_key().public_bytes_raw()
    body = note[: note.index(b"\n\n") + 1]
    signed = key.sign(b"cosignature/v1\ntime " + str(time).encode() + b"\n" + body)
    key_id = hashlib.sha256(name.encode() + b"\n\x04" + raw).digest()[:4]
    return f"\N{EM DASH} {name} {b64encode(key_id + time.to_bytes(8, 'big') + signed).decode()}\n".encode()


def past() -> consistency.Past:
    head = LOG.refresh()
    return consistency.Past.read(LOG.store, head.commit, head.log_id, head.keyring)


def test_what_a_witness_adds_is_the_line_that_the_specification_describes():
    made = cosignature.cosign(NOTE, NAMES[0], SIGNERS[0], TIME)
    assert made == NOTE + by_hand(NOTE, NAMES[0], KEYS[0], TIME)
    assert WITNESSES[0].time_of(checkpoint.parse(made)) == TIME
    assert checkpoint.is_signed(made, LOG.signer.public_key)


def test_a_line_made_by_hand_is_accepted_and_no_changed_byte_of_it():
    line = by_hand(NOTE, NAMES[0], KEYS[0], TIME)
    assert cosignature.cosigners(checkpoint.parse(NOTE + line), WITNESSES) == {WITNESSES[0]: TIME}
    prefix, _, encoded = line.rstrip(b"\n").rpartition(b" ")
    data = b64decode(encoded)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1
        note = NOTE + prefix + b" " + b64encode(bad) + b"\n"
        assert cosignature.cosigners(checkpoint.parse(note), WITNESSES) == {}
    other = NOTE.replace(b"\n6\n", b"\n5\n")
    with pytest.raises(IntegrityError, match="does not match"):
        WITNESSES[0].time_of(checkpoint.parse(other + line))


def test_a_witness_that_signs_again_has_one_line_and_witnesses_do_not_disturb_each_other():
    note = cosignature.cosign(NOTE, NAMES[0], SIGNERS[0], TIME)
    note = cosignature.cosign(note, NAMES[1], SIGNERS[1], TIME + 5)
    note = cosignature.cosign(note, NAMES[0], SIGNERS[0], TIME + 9)
    parsed = checkpoint.parse(note)
    assert len(parsed.signatures) == 3
    assert cosignature.cosigners(parsed, WITNESSES) == {WITNESSES[0]: TIME + 9, WITNESSES[1]: TIME + 5}


def test_neither_a_checkpoint_nor_a_commit_nor_an_event_passes_for_a_cosignature():
    raw = SIGNERS[0].sign_raw(checkpoint.parse(NOTE).text)
    key_id = WITNESSES[0].key_id
    forged = checkpoint.NoteSignature(NAMES[0], key_id, TIME.to_bytes(8, "big") + raw)
    parsed = checkpoint.parse(NOTE)
    note = checkpoint.join(parsed.text, [*parsed.signatures, forged])
    with pytest.raises(IntegrityError, match="does not match"):
        WITNESSES[0].time_of(checkpoint.parse(note))
    cosigned = checkpoint.parse(cosignature.cosign(NOTE, NAMES[0], SIGNERS[0], TIME))
    with pytest.raises(InvalidSignature):
        KEYS[0].public_key().verify(cosigned.signatures[-1].raw[8:], cosigned.text)


def test_the_key_of_a_witness_is_text_that_names_it():
    raw = KEYS[0].public_key().public_bytes_raw()
    hashed = hashlib.sha256(f"{NAMES[0]}\n\x04".encode() + raw).hexdigest()[:8]
    assert WITNESSES[0].vkey == f"{NAMES[0]}+{hashed}+{b64encode(bytes([4]) + raw).decode()}"
    assert Witness.parse(f" {WITNESSES[0].vkey}\n") == WITNESSES[0]
    name, hashed, key = WITNESSES[0].vkey.split("+", 2)
    bad = ["", "nonsense", f"{name}+{hashed}", f"{name}+{'0' * 8}+{key}", f"other+{hashed}+{key}", f"+{hashed}+{key}"]
    bad += [
        f"{name}+{hashed}+{b64encode(bytes([1]) + raw).decode()}",
        f"{name}+{hashed}+{b64encode(bytes([4])).decode()}",
    ]
    bad += [f"{name}+{hashed}+{b64encode(bytes([4]) + bytes(32)).decode()}", f"{name}+{hashed}+!!"]
    bad += [f"{spoiled}+{hashed}+{key}" for spoiled in ("a b", "\udcb1", "a\x1b", "a\u200b")]
    for vkey in bad:
        with pytest.raises(IntegrityError):
            Witness.parse(vkey)
    for spoiled in ("", "a b", "\udcb1", "a+b"):
        with pytest.raises(IntegrityError, match="cannot name a key"):
            cosignature.cosign(NOTE, spoiled, SIGNERS[0], TIME)


# ------------------------------------------------------------------ how far they saw


def cosigned(*numbers: int) -> bytes:
    note = NOTE
    for number in numbers:
        note = cosignature.cosign(note, NAMES[number], SIGNERS[number], TIME)
    return note


def test_a_quorum_has_seen_what_as_many_witnesses_cosigned():
    seen = consistency.witnessed(past(), WITNESSES, 2, notes=[cosigned(0, 1)])
    assert (seen.size, seen.quorum, {who.name for who, _, _ in seen.by}) == (6, 2, set(NAMES[:2]))
    later = cosignature.cosign(LOG.store.file(LOG.head, "checkpoint"), NAMES[2], SIGNERS[2], TIME)
    assert consistency.witnessed(past(), WITNESSES, 1, notes=[cosigned(0), later]).size == 11
    assert consistency.witnessed(past(), WITNESSES, 2, notes=[cosigned(0), later]).size == 6
    assert consistency.witnessed(past(), WITNESSES, 3, notes=[cosigned(0), later]).kind == "quorum"
    assert consistency.witnessed(past(), WITNESSES, 1).kind == "quorum"
    assert consistency.witnessed(past(), WITNESSES, 1, notes=[b"no note"]).kind == "quorum"


def test_one_key_under_two_names_is_one_witness_and_a_key_of_the_log_is_none():
    twice = [WITNESSES[0], Witness("another.example/w1", SIGNERS[0].public_key)]
    note = cosignature.cosign(cosigned(0), "another.example/w1", SIGNERS[0], TIME)
    assert consistency.witnessed(past(), twice, 2, notes=[note]).kind == "quorum"
    assert consistency.witnessed(past(), twice, 1, notes=[note]).size == 6
    own = Witness("own.example/w", LOG.signer.public_key)
    note = cosignature.cosign(NOTE, own.name, LOG.signer, TIME)
    assert consistency.witnessed(past(), [own], 1, notes=[note]).kind == "quorum"


def test_a_witness_that_saw_another_history_is_a_finding_and_a_stranger_is_none():
    head = LOG.refresh()
    forged = checkpoint.write(f"hee-log/{head.log_id}", 6, b"\1" * 32, LOG.signer)
    found = consistency.witnessed(
        past(), WITNESSES[:1], 1, notes=[cosignature.cosign(forged, NAMES[0], SIGNERS[0], TIME)]
    )
    assert isinstance(found, Finding)
    assert (found.index, found.kind) == (1, "rewritten")
    stranger = cosignature.cosign(forged, NAMES[1], SIGNERS[1], TIME)
    assert consistency.witnessed(past(), WITNESSES[:1], 1, notes=[stranger, cosigned(0)]).size == 6
    elsewhere = cosignature.cosign(checkpoint.write("hee-log/0", 6, b"\1" * 32, LOG.signer), NAMES[0], SIGNERS[0], TIME)
    assert consistency.witnessed(past(), WITNESSES[:1], 1, notes=[elsewhere]).kind == "quorum"


# ------------------------------------------------------------------ since a checkpoint, and proofs


def test_a_log_goes_on_from_its_own_checkpoint_and_shows_how():
    from hee_core import merkle

    shown = consistency.since(past(), NOTE)
    assert (shown.size, shown.key_id) == (6, LOG.signer.key_id)
    merkle.verify_consistency(6, 11, shown.root, merkle.root_of(past().leaves), shown.proof)


@pytest.mark.parametrize(
    ("make", "index", "kind"),
    [
        (lambda o: checkpoint.write("hee-log/other", 6, b"\1" * 32, LOG.signer), 0, "foreign-log"),
        (lambda o: checkpoint.write(o, 12, b"\1" * 32, LOG.signer), 11, "rolled-back"),
        (lambda o: checkpoint.write(o, 6, b"\1" * 32, LOG.signer), 1, "rewritten"),
        (lambda o: checkpoint.write(o, 11, b"\1" * 32, LOG.signer), 1, "rewritten"),
        (lambda o: checkpoint.write(o, 6, checkpoint.parse(NOTE).root, SIGNERS[0]), 5, "checkpoint"),
        (lambda o: NOTE.replace(b"\n6\n", b"\n5\n"), 4, "checkpoint"),
        (lambda o: checkpoint.write(o, 0, b"\1" * 32, LOG.signer), 1, "rewritten"),
    ],
)
def test_a_checkpoint_that_the_log_does_not_go_on_from_is_a_finding(make, index, kind):
    found = consistency.since(past(), make(f"hee-log/{LOG.id}"))
    assert isinstance(found, Finding)
    assert (found.index, found.kind) == (index, kind)


def test_a_proof_carries_the_cosignatures_of_the_checkpoint_that_it_is_under():
    made = proof.prove(LOG, 2, note=cosigned(0, 1))
    keys = [LOG.signer.public_key]
    shown = proof.check(made, log_id=LOG.id, keys=keys, witnesses=WITNESSES, quorum=2)
    assert (shown.index, shown.size, proof.size_of(made)) == (2, 6, 6)
    own = Witness("own.example/w", LOG.signer.public_key)
    alone = proof.prove(LOG, 2, note=cosignature.cosign(NOTE, own.name, LOG.signer, TIME))
    with pytest.raises(IntegrityError, match="0 of the 1 witnesses"):
        proof.check(alone, log_id=LOG.id, keys=keys, witnesses=[own])
    with pytest.raises(IntegrityError, match="2 of the 3 witnesses"):
        proof.check(made, log_id=LOG.id, keys=keys, witnesses=WITNESSES, quorum=3)
    with pytest.raises(IntegrityError, match="no leaf 8"):
        proof.prove(LOG, 8, note=NOTE)
    with pytest.raises(IntegrityError, match="not that of this log"):
        proof.prove(LOG, 2, note=checkpoint.write("x", 6, b"\1" * 32, LOG.signer))
