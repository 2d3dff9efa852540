"""A history that was really rewritten (as by git filter-repo, which strips signatures), taken over again by an event.

`log.reanchored` says that the events so far, by number and Merkle root, now stand in the commits up to one that it
names. Its author takes the place of whoever signed those commits: it takes a root key or a person's. Every event, every
author's signature, capsule and checkpoint is judged as before; only missing signatures and messages of the named
commits are excused. Pure. Invariant: an event anchors only what stood before it, exactly and as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import HeeError
from hee_core.events import Event

if TYPE_CHECKING:
    from hee_core.chain import Head
    from hee_core.keyring import KeyRing

TYPE = "log.reanchored"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The event at `index` answers for the first `events` events, in `commits` commits up to `head`."""

    index: int
    events: int
    commits: int
    head: str


def refusal(ring: KeyRing, event: Event) -> str | None:
    """Says why this event's key may not anchor a log; None if it may, or if it is another event."""
    if event.type != TYPE:
        return None
    key = ring.keys[event.key_id]
    return None if key.root or key.role == "human" else f"it takes a root key or a person's, not {event.actor}'s"


def read(head: Head, content: bytes, commits: int) -> Anchor | None:
    """The anchor that the next append's events begin with, if it names exactly what stands before it and its key may."""
    line = content.partition(b"\n")[0]
    if head.keyring is None or TYPE.encode() not in line:
        return None
    try:
        event = Event.from_bytes(line)
    except HeeError:
        return None  # it will be found where it stands
    here = (TYPE, head.size, head.frontier.root().hex(), head.commit)
    count = event.data.get("events")
    named = (event.type, count, event.data.get("root"), event.data.get("new_head"))
    if (
        type(count) is not int
        or named != here
        or head.keyring.refusal(head.size, event)
        or refusal(head.keyring, event)
    ):
        return None
    return Anchor(head.size, head.size, commits, head.commit or "")
