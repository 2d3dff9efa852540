"""Proof that an event is in a log, in one small file that is checked without the repository (C2SP `tlog-proof`).

Responsible for the file and for what follows from it; trees are `merkle`'s and notes are `checkpoint`'s business. The
file carries the event itself as its extra data, so that nothing else is needed but the log's id and its keys.
Invariant: what `check` returns is in the tree that a key given by the caller signed, under the log id given by the caller.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core import chain, checkpoint, merkle
from hee_core.cosignature import cosigners
from hee_core.errors import IntegrityError
from hee_core.events import Event
from hee_core.sshkey import unbase64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hee_core.cosignature import Witness
    from hee_core.log import Log

HEADER = "c2sp.org/tlog-proof@v1"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof shows: this event stands at this index of a log that had `size` events."""

    event: Event
    index: int
    size: int
    log_id: str


def prove(log: Log, index: int, *, within: int | None = None, note: bytes = b"") -> bytes:
    """Makes the proof of the event at an index, under the checkpoint of the log's last append; raises NotFound.

    `within` is an index: the checkpoint is that of the append which holds it. `note` is an earlier checkpoint of the log
    to prove it under instead, one with cosignatures perhaps.
    """
    entry = log.entry(index)
    leaves = [merkle.leaf_hash(each.event.to_bytes()) for each in log.read()]
    note = note or log.store.file(log.entry(len(leaves) - 1 if within is None else within).commit, "checkpoint")
    under = checkpoint.parse(note)
    if under.size > len(leaves) or under.root != merkle.root_of(leaves[: under.size]):
        raise IntegrityError("the checkpoint is not that of this log's events", hint="run `hee verify`")
    lines = [
        HEADER,
        f"extra {base64.b64encode(entry.event.to_bytes()).decode()}",
        f"index {index}",
        *(base64.b64encode(node).decode() for node in merkle.inclusion_proof(leaves, index, under.size)),
    ]
    return "\n".join([*lines, "", ""]).encode() + note


def check(
    proof: bytes, *, log_id: str, keys: Iterable[str], witnesses: Sequence[Witness] = (), quorum: int = 1
) -> Proven:
    """Checks a proof against the log's id and the public keys that may sign its checkpoints; raises IntegrityError.

    With `witnesses`, a `quorum` of them must have cosigned its checkpoint.
    """
    index, event_bytes, path, note = _parse(proof)
    parsed = checkpoint.parse(note)
    if parsed.origin != chain.origin(log_id):
        raise IntegrityError(f"the proof is about {parsed.origin[:80]!a}, expected {chain.origin(log_id)}")
    trusted = set(keys)
    if not any(checkpoint.is_signed(parsed, key) for key in trusted):
        raise IntegrityError("no key of this log signed the checkpoint of the proof")
    cosigned = {witness.public_key for witness in cosigners(parsed, witnesses)} - trusted  # no log witnesses itself
    if witnesses and len(cosigned) < quorum:
        raise IntegrityError(
            f"{len(cosigned)} of the {quorum} witnesses that are needed cosigned the proof's checkpoint"
        )
    merkle.verify_inclusion(merkle.leaf_hash(event_bytes), index, parsed.size, path, parsed.root)
    event = Event.from_bytes(event_bytes)
    if event.source != f"urn:hee:{log_id}" and not (index == 0 and event.id == log_id):
        raise IntegrityError("the event of the proof belongs to another log")
    return Proven(event, index, parsed.size, log_id)


def size_of(proof: bytes) -> int:
    """The number of events of the log that a proof is about, as it claims; raises IntegrityError for what is no proof."""
    return checkpoint.parse(_parse(proof)[3]).size


def _parse(proof: bytes) -> tuple[int, bytes, list[bytes], bytes]:
    head, gap, note = proof.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        sound = len(proof) <= _MAX_BYTES and bool(gap) and len(lines) >= 3 and lines[0] == HEADER
        if not sound or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
            raise IntegrityError(f"not a proof: {HEADER}, `extra`, `index` and hashes are expected")
        number = lines[2][6:]
        if not number.isdigit() or len(number) > 15 or str(int(number)) != number:
            raise IntegrityError("proof: the index is not a number")
        event, *path = (unbase64(text, "proof") for text in (lines[1][6:], *lines[3:]))
    except UnicodeDecodeError:
        raise IntegrityError("proof: text that is not ASCII") from None
    return int(number), event, path, note
