"""What earlier checkpoints of a log prove about it now: that nothing was rewritten since (RFC 6962 consistency).

Responsible for the comparison with one checkpoint that somebody kept, and for how far a quorum of witnesses has seen the
log. The tree is made of the log's own lines, never of what a file says. Invariant: a checkpoint that the log does not
go on from is a finding; one that nobody whose key counted then has signed proves nothing, and is a finding too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core import chain, checkpoint, merkle, sshkey
from hee_core.cosignature import Witness, cosigners
from hee_core.errors import IntegrityError
from hee_core.inspection import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hee_core.checkpoint import Checkpoint
    from hee_core.keyring import KeyRing
    from hee_core.store import Store

COSIGNED = "checkpoint.cosigned"


@dataclass(frozen=True, slots=True)
class Since:
    """An earlier checkpoint that the log goes on from: `proof` leads from its root to the root of now."""

    size: int
    root: bytes
    key_id: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """How far witnesses saw the log: `size` events by as many as were asked for, `by` each the most and when."""

    size: int
    quorum: int
    by: tuple[tuple[Witness, int, int], ...]


@dataclass(frozen=True, slots=True)
class Past:
    """A log as its lines give it: its id, who might sign where, the leaves of its tree, and the notes of witnesses in it."""

    log_id: str
    ring: KeyRing
    leaves: tuple[bytes, ...]
    notes: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def read(cls, store: Store, tip: str, log_id: str, ring: KeyRing) -> Past:
        """Reads every line of the log; raises IntegrityError where one cannot be read."""
        leaves: list[bytes] = []
        notes: list[tuple[int, bytes]] = []
        wanted = f'"type":"{COSIGNED}"'.encode()
        for step in store.steps(tip, None):
            for line in chain.lines(step):
                if wanted in line:
                    notes.extend(_note(line, len(leaves)))
                leaves.append(merkle.leaf_hash(line))
        return cls(log_id, ring, tuple(leaves), tuple(notes))


def since(past: Past, note: bytes) -> Since | Finding:
    """Proves that the log goes on from a checkpoint; raises IntegrityError for what is no checkpoint at all."""
    then = checkpoint.parse(note)
    if then.origin != chain.origin(past.log_id):
        return Finding(
            0, "foreign-log", f"the checkpoint is of {then.origin[:80]!a}, this is {chain.origin(past.log_id)}"
        )
    now = len(past.leaves)
    if then.size > now:
        return Finding(now, "rolled-back", f"the checkpoint is of {then.size} events, and only {now} are left")
    signer = checkpoint.signer_of(then, past.ring.public_keys(max(then.size - 1, 0)))
    if not signer:
        return Finding(
            max(then.size - 1, 0),
            "checkpoint",
            f"no key that counts at event {max(then.size - 1, 0)} signed the checkpoint: "
            "it is forged, or the history in which its key counted is gone",
        )
    try:
        proof = prove(past, then)
    except IntegrityError as error:
        # Which event differs no root can tell; the first cannot, since its hash is the name of the log.
        return Finding(1, "rewritten", f"the first {then.size} events are not those of the checkpoint: {error}")
    return Since(then.size, then.root, sshkey.fingerprint(signer), proof)


def prove(past: Past, then: Checkpoint) -> tuple[bytes, ...]:
    """The consistency proof from an earlier checkpoint to now, checked; raises IntegrityError if there is none."""
    now = len(past.leaves)
    proof = merkle.consistency_proof(past.leaves, then.size, now)
    merkle.verify_consistency(then.size, now, then.root, merkle.root_of(past.leaves), proof)
    return tuple(proof)


def witnessed(past: Past, witnesses: Sequence[Witness], quorum: int, *, notes: Iterable[bytes] = ()) -> Seen | Finding:
    """How many events a quorum of these witnesses has seen, by the notes in the log and those given.

    A witness saw whatever came before what it cosigned. A key of the log itself is no witness of it.
    """
    keys = {key.public_key for key in past.ring.keys.values()}
    counted = [witness for witness in dict.fromkeys(witnesses) if witness.public_key not in keys]
    most: dict[Witness, tuple[int, int]] = {}
    for index, note in (*past.notes, *((len(past.leaves), note) for note in notes)):
        try:
            then = checkpoint.parse(note)
        except IntegrityError:
            continue
        found = cosigners(then, counted)
        if not found or then.origin != chain.origin(past.log_id):
            continue
        try:
            prove(past, then)
        except IntegrityError as error:
            names = ", ".join(witness.name for witness in found)
            return Finding(min(1, index), "rewritten", f"{names} saw {then.size} other events: {error}")
        for witness, time in found.items():
            most[witness] = max(most.get(witness, (0, 0)), (then.size, time))
    # One key under two names would be one witness that counts twice.
    sizes = sorted(
        {w.public_key: size for w, (size, _) in sorted(most.items(), key=lambda o: o[1])}.values(), reverse=True
    )
    if len(sizes) < quorum:
        return Finding(0, "quorum", f"{len(sizes)} of the {quorum} witnesses that are needed cosigned this log")
    return Seen(sizes[quorum - 1], quorum, tuple((witness, *found) for witness, found in most.items()))


def _note(line: bytes, index: int) -> list[tuple[int, bytes]]:
    try:
        event = json.loads(line)
        return [(index, event["data"]["note"].encode())] if event["type"] == COSIGNED else []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
