"""Cosignatures (C2SP `tlog-cosignature` v1, Ed25519): how a witness signs that a checkpoint goes on from all it saw.

Responsible for the bytes: a witness's key as text (a vkey of type 0x04), its line in a note, and the check of one. What a
witness must have seen before it signs is `witness`'s business, which witnesses count is that of whoever verifies.
Invariant: a cosignature counts only for the witness that was asked for, by name and key, never for one that a note names.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from hee_core import checkpoint, sshkey
from hee_core.checkpoint import Checkpoint, NoteSignature
from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

_TYPE = b"\x04"
_HINT = "`hee witness key` prints one: NAME+HASH+KEY"
_SIZE = 8 + 64  # the time, and Ed25519's signature
_MAX_TIME = 2**63 - 1


@dataclass(frozen=True)
class Witness:
    """Somebody whose cosignatures count: a name and an Ed25519 key, which only together mean one witness."""

    name: str
    public_key: str

    def __post_init__(self) -> None:
        """Refuses a name that no line of a note could hold."""
        checkpoint.check_name(self.name)

    @classmethod
    def parse(cls, vkey: str) -> Witness:
        """Reads a vkey; raises IntegrityError unless its hash is that of its name and key."""
        name, _, rest = vkey.strip().partition("+")
        _, _, encoded = rest.partition("+")
        data = sshkey.unbase64(encoded, "witness key")
        if not data.startswith(_TYPE) or len(data) != 33:
            raise IntegrityError(f"{vkey[:80]!a} is not the key of a witness", hint=_HINT)
        sshkey.ed25519(data[1:])
        witness = cls(name, sshkey.ed25519_text(data[1:]))
        if witness.vkey != vkey.strip():
            raise IntegrityError(f"{vkey[:80]!a}: the hash is not that of its name and key", hint=_HINT)
        return witness

    @property
    def vkey(self) -> str:
        """The key as transparency tools want it."""
        raw = sshkey.ed25519_bytes(self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_TYPE + raw).decode()}"

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes by which a note's line names this witness."""
        return sha256(self.name.encode() + b"\n" + _TYPE + sshkey.ed25519_bytes(self.public_key)).digest()[:4]

    def time_of(self, cosigned: Checkpoint) -> int | None:
        """When this witness cosigned a checkpoint (seconds since 1970, its own claim); None if it did not.

        A line that names the witness and does not match raises IntegrityError: the text was changed.
        """
        from cryptography.exceptions import InvalidSignature

        key = sshkey.ed25519(sshkey.ed25519_bytes(self.public_key))
        times: list[int] = []
        for line in cosigned.signatures:
            if (line.name, line.key_id) != (self.name, self.key_id):
                continue
            time = int.from_bytes(line.raw[:8], "big")
            try:
                if len(line.raw) != _SIZE or time > _MAX_TIME:
                    raise InvalidSignature
                key.verify(line.raw[8:], message(cosigned.text, time))
            except InvalidSignature:
                raise IntegrityError(f"cosignature of {self.name}: it does not match the checkpoint") from None
            times.append(time)
        return max(times, default=None)


def message(text: bytes, time: int) -> bytes:
    """The bytes that a witness signs: the first line keeps them apart from everything else that a key signs."""
    return b"cosignature/v1\ntime %d\n" % time + text


def cosign(note: bytes, name: str, signer: checkpoint.NoteSigner, time: int) -> bytes:
    """The note with a witness's line added, in the place of its earlier ones."""
    parsed = checkpoint.parse(note)
    witness = Witness(name, signer.public_key)
    raw = time.to_bytes(8, "big") + signer.sign_raw(message(parsed.text, time))
    others = [line for line in parsed.signatures if (line.name, line.key_id) != (name, witness.key_id)]
    return checkpoint.join(parsed.text, [*others, NoteSignature(name, witness.key_id, raw)])


def cosigners(cosigned: Checkpoint, witnesses: Iterable[Witness]) -> dict[Witness, int]:
    """The witnesses that cosigned a checkpoint, with their times; a line that does not match counts for nothing."""
    found = {}
    for witness in witnesses:
        try:
            time = witness.time_of(cosigned)
        except IntegrityError:
            continue
        if time is not None:
            found[witness] = time
    return found
