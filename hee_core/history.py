"""Time travel: a point in the log by index, commit, event id or time; the state there; and the way back.

Three words with three meanings: *state at* only looks; *rollback* makes the operational state of an earlier point the
present one with one more event, and keeps every decision and every attempt; nothing ever rewrites the log.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from hee_core import capsule, projection
from hee_core.errors import EventError, NotFound
from hee_core.events import Event
from hee_core.keyring import KeyRing, makes_another_ring
from hee_core.rfc3339 import is_date_time

if TYPE_CHECKING:
    from hee_core.capsule import StateCapsule
    from hee_core.log import Entry, Log

At = int | str | None
_SHORTEST_ID = 7
_HINT = "name an index, a commit, an event id, or an RFC 3339 time; `hee log` lists them"


def resolve(log: Log, at: At, *, within: At = None) -> int:
    """The index that `at` means: None is the last event, a time the last event not after it; raises NotFound.

    `within` is a point after which there was nothing yet.
    """
    size = len(log) if within is None else resolve(log, within) + 1
    if at is None:
        index = size - 1
    elif isinstance(at, int) or re.fullmatch(r"-?[0-9]{1,15}", at):
        index = int(at) + (size if int(at) < 0 else 0)
        if index >= size and isinstance(at, str) and len(at) >= _SHORTEST_ID:
            index = _by_id(log, at)  # one in a hundred ids of ten digits has no letter
    elif re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_ID},64}}", at):
        index = _by_id(log, at)
    else:
        index = min(_by_time(log, at), size - 1)
    if not 0 <= index < size:
        then = "" if within is None else f" as of {within}"
        raise NotFound(f"the log has no event {at}{then} (it has {size})", hint=_HINT)
    return index


def _by_id(log: Log, prefix: str) -> int:
    found, commits, index = set[str](), -1, -1
    for entry in log.read():
        if entry.event.id.startswith(prefix):
            found.add(entry.event.id)
            index = entry.index
        if entry.commit.startswith(prefix):
            found.add(entry.commit)
            commits = entry.index
    if len(found) > 1:
        raise NotFound(f"{prefix} is ambiguous: {len(found)} events or commits begin with it", hint="give more digits")
    return max(index, commits)


def _by_time(log: Log, text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise NotFound(f"{text!r} is no point of the log", hint=_HINT) from None
    if len(text) == len("2026-01-24"):
        when = when.replace(hour=23, minute=59, second=59, microsecond=999999)
    try:
        limit = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise NotFound(f"{text} is no time in UTC", hint=_HINT) from None
    index = -1
    for entry in log.read():
        if is_date_time(entry.event.time) and datetime.fromisoformat(entry.event.time) <= limit:
            index = entry.index
    if index < 0:
        raise NotFound(f"nothing was recorded by {text}", hint="`hee log` shows when the log begins")
    return index


def ring_at(log: Log, index: int) -> KeyRing:
    """The key ring after the event at an index."""
    now = log.refresh()
    if index == now.size - 1 and now.keyring is not None:
        return now.keyring
    ring = KeyRing.of(log.entry(0).event)
    for entry in islice(log.read(1), index):
        if makes_another_ring(entry.event.type):
            ring = ring.fold(entry.index, entry.event)
    return ring


def state_at(log: Log, at: At = None) -> StateCapsule:
    """The state capsule as of a point of the log, replayed from its events."""
    state = log.state if at is None else log.state_after(resolve(log, at))
    return capsule.parse(capsule.to_bytes(capsule.build(state, log_id=log.id)))


def rollback(log: Log, *, to: At, reason: str) -> Entry:
    """Makes the operational state of an earlier point the present one, by one more event; decisions and attempts stay."""
    if not reason.strip():
        raise EventError("a rollback needs a reason", hint='say why: reason="…"')
    head = log.head
    index = resolve(log, to)
    if index >= len(log) - 1:
        raise EventError(f"event {index} is the present: there is nothing to roll back", hint="name an earlier point")
    event = Event.new(
        "state.rolled_back",
        {
            "to_index": index,
            "to_event": log.entry(index).event.id,
            "state": projection.digest(log.state_after(index)),
            "reason": reason,
        },
        subject=f"event/{index}",
        clock=log.clock,
    )
    return log.append([event], expected=head)
