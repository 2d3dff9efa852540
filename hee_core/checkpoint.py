"""Checkpoints: a signed note (C2SP `signed-note`, `tlog-checkpoint`) that says how long the log is, and its root.

Responsible for the bytes of notes and their Ed25519 signatures (type 0x01), so that transparency tools read ours and we
read theirs; trees are `merkle`'s business, trust in a key is the keyring's. Invariant: `verify` returns only what the
key asked for signed, under the origin asked for; signatures by others (witnesses) are carried and prove nothing here.

A note's signature is plain Ed25519 over the note's text. It cannot pass for an SSH signature: what SSH signs here
begins with `SSHSIG` and lengths that hold NUL bytes, and the text of a note holds no control character but the line's
end, which `note_text` enforces on whoever signs.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from hee_core.errors import IntegrityError, KeyFault
from hee_core.merkle import HASH_SIZE
from hee_core.sshkey import ED25519, ed25519, ed25519_bytes, unbase64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_BYTES = 65536
MAX_SIGNATURES = 100
_ED25519_TYPE = b"\x01"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\N{EM DASH} "


class NoteSigner(Protocol):
    """What writing needs of a signer; every `keys.Signer` has it."""

    @property
    def public_key(self) -> str:
        """The Ed25519 key as text."""
        ...

    def sign_raw(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 over the text of a note."""
        ...


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose (a name and four bytes of a hash that say which key), and the bytes."""

    name: str
    key_id: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says. `text` is what the signatures are over; `extensions` are further lines, not judged."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[NoteSignature, ...]
    text: bytes
    extensions: tuple[str, ...] = ()


def write(origin: str, size: int, root: bytes, signer: NoteSigner, *, extensions: Sequence[str] = ()) -> bytes:
    """Makes the checkpoint of a log's tree, signed under the log's origin."""
    check_name(origin)
    if size < 0 or len(root) != HASH_SIZE or any(not line or "\n" in line for line in extensions):
        raise IntegrityError("checkpoint: a size below 0, a root that is not 32 bytes, or an extension that is no line")
    text = "".join(f"{line}\n" for line in (origin, str(size), b64encode(root).decode(), *extensions)).encode()
    signature = NoteSignature(origin, key_id(origin, signer.public_key), signer.sign_raw(text))
    return join(text, [signature])


def parse(note: bytes) -> Checkpoint:
    """Takes a checkpoint apart without checking a signature; raises IntegrityError unless it is well-formed."""
    text, signatures = split(note)
    lines = text.decode().split("\n")[:-1]
    if len(lines) < 3 or not all(lines):
        raise IntegrityError("checkpoint: origin, size and root are expected, and no empty line")
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdigit()) or (size.startswith("0") and size != "0") or len(size) > 19:
        raise IntegrityError("checkpoint: the second line is not a number of events")
    hashed = unbase64(root, "checkpoint root")
    if len(hashed) != HASH_SIZE:
        raise IntegrityError("checkpoint: the root is not a SHA-256 hash")
    return Checkpoint(origin, int(size), hashed, signatures, text, tuple(extensions))


def verify(note: bytes, public_key: str, origin: str) -> Checkpoint:
    """Returns what a checkpoint says if this key signed it under this origin."""
    checkpoint = parse(note)
    if checkpoint.origin != origin:
        raise IntegrityError(f"checkpoint: of log {checkpoint.origin!r}, expected {origin!r}")
    if not is_signed(checkpoint, public_key):
        raise IntegrityError(f"checkpoint: not signed by the expected key of {origin!r}")
    return checkpoint


def is_signed(note: bytes | Checkpoint, public_key: str) -> bool:
    """Says whether this key signed a checkpoint under the checkpoint's own origin; a key of another type signs none.

    A signature that names the key and does not match raises IntegrityError: the text was changed.
    """
    from cryptography.exceptions import InvalidSignature

    checkpoint = parse(note) if isinstance(note, bytes) else note
    if not public_key.startswith(f"{ED25519} "):
        return False
    wanted = (checkpoint.origin, key_id(checkpoint.origin, public_key))
    ours = [one.raw for one in checkpoint.signatures if (one.name, one.key_id) == wanted]
    for raw in ours:
        try:
            ed25519(ed25519_bytes(public_key)).verify(raw, checkpoint.text)
        except InvalidSignature:
            raise IntegrityError("checkpoint: the signature does not match the text") from None
    return bool(ours)


def signer_of(checkpoint: Checkpoint, public_keys: Iterable[str]) -> str:
    """The first of these keys that signed a checkpoint as it is; empty if none did."""
    for key in public_keys:
        try:
            if is_signed(checkpoint, key):
                return key
        except IntegrityError:  # a line names the key, and the text is another one
            continue
    return ""


@lru_cache(maxsize=1024)
def key_id(name: str, public_key: str) -> bytes:
    """The four bytes by which a note's signature line names an Ed25519 key."""
    return sha256(name.encode() + b"\n" + _ED25519_TYPE + ed25519_bytes(public_key)).digest()[:4]


def verifier_key(name: str, public_key: str) -> str:
    """The key as transparency tools want it (`name+hash+key`, a vkey)."""
    check_name(name)
    key = b64encode(_ED25519_TYPE + ed25519_bytes(public_key)).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{key}"


# ------------------------------------------------------------------ signed notes


def join(text: bytes, signatures: Sequence[NoteSignature]) -> bytes:
    """Makes a note of a text and signatures over it."""
    lines = (f"{_DASH}{one.name} {b64encode(one.key_id + one.raw).decode()}\n" for one in signatures)
    note = text + b"\n" + "".join(lines).encode()
    split(note)
    return note


def split(note: bytes) -> tuple[bytes, tuple[NoteSignature, ...]]:
    """Splits a note into its text and signature lines; raises IntegrityError unless it is one by the specification."""
    if len(note) > MAX_BYTES:
        raise IntegrityError(f"signed note: longer than {MAX_BYTES} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise IntegrityError("signed note: not UTF-8 text") from None
    if _CONTROL.search(whole):
        raise IntegrityError("signed note: control characters")
    at = whole.rfind("\n\n")
    lines = whole[at + 2 :].split("\n")
    if at < 0 or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise IntegrityError("signed note: text, an empty line and signature lines are expected")
    return whole[: at + 1].encode(), tuple(map(_signature, lines))


def _signature(line: str) -> NoteSignature:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap:
        raise IntegrityError("signed note: a line after the text that is no signature")
    check_name(name)
    data = unbase64(encoded, "signed note")
    if len(data) < 5:
        raise IntegrityError("signed note: a signature cut short")
    return NoteSignature(name, data[:4], data[4:])


@lru_cache(maxsize=256)
def check_name(name: str) -> None:
    """Refuses what cannot name a key in a note."""
    if not name or "+" in name or any(char.isspace() or not char.isprintable() for char in name):
        raise IntegrityError(f"signed note: {name!a} cannot name a key (no spaces, no plus sign)")


def note_text(message: bytes) -> bytes:
    """Returns the message if it is the text of a signed note, the only thing that is ever signed raw.

    Its lines hold no control characters, so that it cannot begin what SSH signs: a signature (`SSHSIG` and lengths
    with NUL bytes) or a login (a length with NUL bytes).
    """
    try:
        text = message.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise KeyFault("raw signatures are for the text of notes only", hint="use sign(message, namespace)")
    return message
