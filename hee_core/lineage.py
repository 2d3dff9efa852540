"""Which end of the log replaced which in this repository: signed notes, so that whoever saw the old one can go on.

A sync puts events that nobody else had in order again, which makes other commits of them. A handle or a snapshot at one
of the old commits would take that for an attack. A note names the old end, the new one, and the events that were kept
aside, signed by whoever did it; it is durable before the branch moves. Responsible for the notes and for judging one;
what the new end says is verified by whoever reads it. Invariant: nothing is explained away that loses an event: every
event of the old end is in the new one, or is named as kept aside.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from hee_core import anchors, merkle, sshsig
from hee_core.errors import GitError, HeeError
from hee_core.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hee_core.chain import Head
    from hee_core.clock import Clock
    from hee_core.disk import Disk
    from hee_core.gitread import Step
    from hee_core.gitstore import GitStore
    from hee_core.keyring import KeyRing
    from hee_core.keys import Signer

NAMESPACE = "hee-lineage"
_MOST = 100  # notes that are kept; whoever saw none of so many ends reads the log from the start


class Lineage:
    """The notes of one repository."""

    def __init__(self, path: Path, *, disk: Disk, clock: Clock) -> None:
        """Reads and writes nothing yet."""
        self._path = path
        self._disk = disk
        self._clock = clock

    def era(self) -> str:
        """A text that is another one after every note: what was remembered of the log's order before it is void."""
        data = self._read()
        return hashlib.sha256(data).hexdigest()[:16] if data else ""

    def add(self, signer: Signer, *, log_id: str, old: str, new: str, aside: Iterable[str]) -> None:
        """Writes a note durably; raises GitError when it cannot be."""
        body = json.dumps({"log": log_id, "old": old, "new": new, "aside": sorted(aside)}, sort_keys=True).encode()
        line = base64.b64encode(signer.sign(body, NAMESPACE)) + b" " + body + b"\n"
        kept = self._read().splitlines(keepends=True)[1 - _MOST :]
        beside = self._path.with_name(f"ref-lineage-{os.getpid()}-{self._clock.nonce()[:8]}")
        try:
            self._disk.make_directory(self._path.parent)
            self._disk.write(beside, b"".join([*kept, line]))
            self._disk.rename(beside, self._path)
            self._disk.sync_directory(self._path.parent)
        except OSError as error:
            raise GitError(
                f"cannot write {self._path}: {error.strerror}", hint="free some space; nothing was changed"
            ) from None

    def notes(self, ring: KeyRing, index: int) -> list[dict[str, Any]]:
        """The notes that a key wrote which may sign the event at an index, oldest first."""
        return [note for line in self._read().splitlines() if (note := _note(line, ring, index))]

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""


def _note(line: bytes, ring: KeyRing, index: int) -> dict[str, Any] | None:
    signature, _, body = line.partition(b" ")
    try:
        key = sshsig.fingerprint(sshsig.verify(base64.b64decode(signature, validate=True), body, NAMESPACE))
        held = ring.keys.get(key)
        note: dict[str, Any] = json.loads(body)
        sound = held is not None and held.valid(index) and note.keys() == {"log", "old", "new", "aside"}
        texts = (note["log"], note["old"], note["new"], *note["aside"]) if sound else ()
    except (HeeError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    return note if sound and all(isinstance(text, str) for text in texts) else None


def explains(notes: Iterable[dict[str, Any]], head: Head, tip: str, store: GitStore) -> bool:
    """Says whether notes lead from a head to a tip that its history does not hold, and no event was lost on the way."""
    ways: list[tuple[str, set[str]]] = [
        (head.commit or "", set())
    ]  # a sync that was cut off left a note that leads nowhere
    for note in notes:
        if note["log"] == head.log_id:
            ways += [(note["new"], aside | {*note["aside"]}) for end, aside in ways if store.descends(note["old"], end)]
    ways = [(end, aside) for end, aside in ways[1:] if store.descends(tip, end)]
    if not ways:
        return False
    try:
        there = {event for step in store.steps(tip, head.commit) for event in _ids(step)}
        here = {event for step in store.steps(head.commit or "", tip) for event in _ids(step)}
    except HeeError:
        return False
    return any(here <= there | aside for _, aside in ways)


def anchored(head: Head, tip: str, store: GitStore) -> bool:
    """Says whether a history begins with exactly a head's events, in other commits, and has an event that answers for these."""
    ring, frontier = head.keyring, merkle.Frontier()
    try:
        for line in (line for step in store.steps(tip, None) for line in (step.content or b"").splitlines()):
            if frontier.size < head.size:
                frontier = frontier.append(merkle.leaf_hash(line))
                if frontier.size == head.size and frontier.root() != head.frontier.root():
                    return False
            elif ring and anchors.TYPE.encode() in line and _answers(Event.from_bytes(line), ring, head.size):
                return True
    except HeeError:
        return False
    return False


def _answers(event: Event, ring: KeyRing, size: int) -> bool:
    known = event.key_id in ring.keys and anchors.refusal(ring, event) is None
    events = event.data.get("events")
    return known and event.type == anchors.TYPE and type(events) is int and events >= size


def _ids(step: Step) -> list[str]:
    return [hashlib.sha256(line).hexdigest() for line in (step.content or b"").splitlines()]
