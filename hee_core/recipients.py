"""For whom payloads are sealed: a fold over the log, and the rule who may change it.

Responsible for the recipients at a point and for what happened to each sealed payload; keys and boxes are `recipientkey`'s
and `sealing`'s. Invariant: a recipient counts only if a root key added it, or once the log knows a person, a person: an
agent could otherwise make itself a reader of what people seal. The same holds for removing one and for redaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core import forms, recipientkey
from hee_core.errors import HeeError
from hee_core.keyring import KeyRing, makes_another_ring

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hee_core.events import Event
    from hee_core.store import Entry

ADDED, REMOVED = "recipient.added", "recipient.removed"
SEALED, SHARED, REDACTED = "payload.sealed", "payload.shared", "payload.redacted"
STEERED = frozenset({ADDED, REMOVED, REDACTED})


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who reads what is sealed from event `since` on, and before event `until` if that is set."""

    key_id: str
    public_key: str
    actor: str
    since: int
    until: int | None = None


@dataclass(slots=True)
class Payload:
    """A sealed payload: the event with the markers, its envelope, whose keys open it, and its end."""

    entry: Entry
    envelope: Mapping[str, Any]
    wraps: dict[str, str]
    redacted: Entry | None = None


def refusal(ring: KeyRing, index: int, event: Event) -> str | None:
    """Says why this event may not change recipients or redact at this index; None if it may, or does neither."""
    if event.type not in STEERED:
        return None
    held = ring.keys.get(event.key_id)
    if held is None:
        return f"key {event.key_id} is not in the key ring"
    if ring.people(index):
        if held.role != "human":
            return f"{event.type} takes a person's key, not {event.actor}'s"
    elif not held.root:
        return f"{event.type} takes a root key, {event.key_id} is none"
    if event.type == ADDED:
        try:
            recipientkey.raw(str(event.data.get("public_key")))
        except HeeError as error:
            return str(error)
    return None


def current(entries: Iterable[Entry]) -> dict[str, Recipient]:
    """The recipients by key id after some entries from the log's beginning, those that were removed among them."""
    known: dict[str, Recipient] = {}
    for entry, ring in _with_ring(entries):
        data = entry.event.data
        if entry.event.type not in (ADDED, REMOVED) or refusal(ring, entry.index, entry.event):
            continue
        if entry.event.type == ADDED:
            name = recipientkey.key_id(data["public_key"])
            known[name] = Recipient(name, data["public_key"], str(data.get("actor")), entry.index + 1)
        elif (held := known.get(str(data.get("key_id")))) and held.until is None:
            known[held.key_id] = Recipient(held.key_id, held.public_key, held.actor, held.since, entry.index + 1)
    return known


def payloads(entries: Iterable[Entry]) -> dict[str, Payload]:
    """The sealed payloads by the nonce of their event, after some entries from the log's beginning.

    An envelope counts if it stands right after its event and is of the same author.
    """
    found: dict[str, Payload] = {}
    before: Entry | None = None
    for entry, ring in _with_ring(entries):
        event = entry.event
        if event.type == SEALED and before and (mark := before.event).nonce == event.data.get("nonce"):
            if (mark.actor, mark.key_id) == (event.actor, event.key_id) and _whole(event):
                wraps = {wrap["key_id"]: wrap["wrapped"] for wrap in event.data["wraps"]}
                found[mark.nonce] = Payload(before, event.data, wraps)
        elif event.type in (SHARED, REDACTED) and (payload := found.get(str(event.data.get("nonce")))):
            if event.type == SHARED and _whole(event):
                for wrap in event.data["wraps"]:
                    payload.wraps.setdefault(wrap["key_id"], wrap["wrapped"])
            elif event.type == REDACTED and not refusal(ring, entry.index, event):
                payload.redacted = payload.redacted or entry
        before = entry
    return found


def _with_ring(entries: Iterable[Entry]) -> Iterator[tuple[Entry, KeyRing]]:
    """Each entry with the key ring that judges it."""
    ring: KeyRing | None = None
    for entry in entries:
        ring = ring or KeyRing.of(entry.event)
        yield entry, ring
        if entry.index and makes_another_ring(entry.event.type):
            ring = ring.fold(entry.index, entry.event)


def _whole(event: Event) -> bool:
    """Says whether the payload is what the catalogue promises; a foreign event may hold anything."""
    return forms.stored(event.type, event.version, event.data) is not None
