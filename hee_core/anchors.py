"""A history that was really rewritten (as by git filter-repo, which strips signatures), taken over again by an event.

`log.reanchored` says that the events so far, by number and Merkle root, now stand in the commits up to one that it
names. Its author takes the place of whoever signed those commits: it takes a root key or a person's. Every event, every
author's signature, capsule and checkpoint is judged as before; only missing signatures and messages of the named
commits are excused. Pure. Invariant: an event anchors only what stood before it, exactly and as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hee_core.chain import Head
    from hee_core.events import Event
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


def holds(head: Head, event: Event) -> bool:
    """Says whether an event names exactly the history that stands before it."""
    here = (head.size, head.frontier.root().hex(), head.commit)
    return event.type == TYPE and (event.data.get("events"), event.data.get("root"), event.data.get("new_head")) == here
