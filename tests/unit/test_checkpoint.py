"""Checkpoints are C2SP signed notes, read strictly; only the key that was asked for proves anything."""

from __future__ import annotations

from base64 import b64encode

import pytest

from hee_core import checkpoint, sshkey
from hee_core.errors import IntegrityError
from hee_core.keys import EphemeralSigner

ROOT = bytes(range(32))
ORIGIN = "hee/log/0123abcd"

# The example of Go's golang.org/x/mod/sumdb/note: a verifier key and a note signed with it.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


@pytest.fixture(scope="module")
def signer():
    return EphemeralSigner()


def note(text: str, signer, name: str = ORIGIN) -> bytes:
    data = text.encode()
    line = checkpoint.NoteSignature(name, checkpoint.key_id(name, signer.public_key), signer.sign_raw(data))
    return checkpoint.join(data, [line])


def test_a_note_that_another_program_signed_has_the_key_id_and_signature_that_we_compute():
    name, key_id, encoded = GO_VKEY.split("+")
    public = sshkey.ed25519_text(sshkey.unbase64(encoded, "vkey")[1:])
    assert checkpoint.key_id(name, public).hex() == key_id
    assert checkpoint.verifier_key(name, public) == GO_VKEY
    text, (signature,) = checkpoint.split(GO_NOTE)
    assert (signature.name, signature.key_id.hex()) == (name, key_id)
    sshkey.ed25519(sshkey.ed25519_bytes(public)).verify(signature.raw, text)
    assert checkpoint.join(text, [signature]) == GO_NOTE


@pytest.mark.spec("SEED-215")
def test_a_checkpoint_says_what_was_written(signer):
    data = checkpoint.write(ORIGIN, 17, ROOT, signer, extensions=["more", "and more"])
    read = checkpoint.verify(data, signer.public_key, ORIGIN)
    assert (read.origin, read.size, read.root, read.extensions) == (ORIGIN, 17, ROOT, ("more", "and more"))
    assert data.decode().split("\n")[:3] == [ORIGIN, "17", b64encode(ROOT).decode()]
    assert checkpoint.parse(data) == read
    assert checkpoint.is_signed(data, signer.public_key)
    assert checkpoint.is_signed(read, signer.public_key)


@pytest.mark.spec("SEED-215")
def test_a_checkpoint_with_any_bit_flipped_is_refused(signer):
    data = checkpoint.write(ORIGIN, 17, ROOT, signer)
    for bit in range(len(data) * 8):
        bad = data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]
        with pytest.raises(IntegrityError):
            checkpoint.verify(bad, signer.public_key, ORIGIN)


def test_another_key_or_another_log_is_refused(signer):
    data = checkpoint.write(ORIGIN, 17, ROOT, signer)
    other = EphemeralSigner()
    with pytest.raises(IntegrityError, match="not signed by the expected key"):
        checkpoint.verify(data, other.public_key, ORIGIN)
    with pytest.raises(IntegrityError, match="expected 'other'"):
        checkpoint.verify(data, signer.public_key, "other")
    assert not checkpoint.is_signed(data, other.public_key)
    assert not checkpoint.is_signed(data, "sk-ssh-ed25519@openssh.com AAAA")


def test_signatures_of_witnesses_are_carried_and_prove_nothing(signer):
    data = checkpoint.write(ORIGIN, 17, ROOT, signer)
    text, ours = checkpoint.split(data)
    witness = checkpoint.NoteSignature("witness.example", b"\1\2\3\4", bytes(72))
    cosigned = checkpoint.join(text, [witness, *ours])
    assert checkpoint.verify(cosigned, signer.public_key, ORIGIN).signatures == (witness, *ours)
    alone = checkpoint.join(text, [witness])
    with pytest.raises(IntegrityError, match="not signed by the expected key"):
        checkpoint.verify(alone, signer.public_key, ORIGIN)


def test_a_second_signature_by_the_same_key_must_hold_too(signer):
    text, (ours,) = checkpoint.split(checkpoint.write(ORIGIN, 17, ROOT, signer))
    for raw in (bytes(64), b"", ours.raw + b"\0", ours.raw[:-1]):
        bad = checkpoint.NoteSignature(ours.name, ours.key_id, raw or b"\0")
        with pytest.raises(IntegrityError, match="does not match the text"):
            checkpoint.verify(checkpoint.join(text, [ours, bad]), signer.public_key, ORIGIN)


B64 = b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n17\n",
        f"{ORIGIN}\n\n{B64}\n",
        f"\n17\n{B64}\n",
        f"{ORIGIN}\n017\n{B64}\n",
        f"{ORIGIN}\n+17\n{B64}\n",
        f"{ORIGIN}\n-1\n{B64}\n",
        f"{ORIGIN}\n1 7\n{B64}\n",
        f"{ORIGIN}\n\N{ARABIC-INDIC DIGIT ONE}7\n{B64}\n",
        f"{ORIGIN}\n{'9' * 20}\n{B64}\n",
        f"{ORIGIN}\n17\n{B64[:-1]}\n",
        f"{ORIGIN}\n17\n{b64encode(ROOT[:-1]).decode()}\n",
        f"{ORIGIN}\n17\n{B64}\n\nmore\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_is_refused(signer, text):
    with pytest.raises(IntegrityError, match="checkpoint"):
        checkpoint.verify(note(text, signer), signer.public_key, ORIGIN)


def test_bytes_that_are_no_signed_note_are_refused(signer):
    good = checkpoint.write(ORIGIN, 17, ROOT, signer)
    line = good[good.rindex(b"\n\n") + 2 :]
    for bad, reason in (
        (b"", "are expected"),
        (b"text\n", "are expected"),
        (b"text\n\n", "are expected"),
        (good[:-1], "are expected"),
        (good + b"\n", "are expected"),
        (good + line * 100, "are expected"),
        (good + b"hello\n", "no signature"),
        (good + "— name\n".encode(), "no signature"),
        (good + "— na+me AAAAAAAA\n".encode(), "cannot name a key"),
        (good + "—  AAAAAAAA\n".encode(), "cannot name a key"),
        (good + "— name AAAA\n".encode(), "cut short"),
        (good + "— name AAAA AAAA\n".encode(), "not base64"),
        (b"\xff" + good, "UTF-8"),
        (b"a\rb\n" + good, "control"),
        (b"a" * 70000 + good, "longer than"),
    ):
        with pytest.raises(IntegrityError, match=reason):
            checkpoint.parse(bad)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, ROOT, []),
        ("two words", 1, ROOT, []),
        ("a+b", 1, ROOT, []),
        ("a\nb", 1, ROOT, []),
        ("a", -1, ROOT, []),
        ("a", 1, ROOT[:-1], []),
        ("a", 1, ROOT, [""]),
        ("a", 1, ROOT, ["a\nb"]),
    ],
)
def test_a_checkpoint_that_nobody_could_read_is_not_written(signer, origin, size, root, extensions):
    with pytest.raises(IntegrityError):
        checkpoint.write(origin, size, root, signer, extensions=extensions)


def test_an_empty_log_has_a_checkpoint(signer):
    assert checkpoint.verify(checkpoint.write("a", 0, ROOT, signer), signer.public_key, "a").size == 0
