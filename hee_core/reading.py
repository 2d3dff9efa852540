"""The entries of a log, streamed from its store: from the first append on, or from near the end without reading it all.

Checks that each append follows the one before it and that each event is of this log; signatures and meaning are judged
where the head is followed. Invariant: an entry that is yielded stands at its index in an unbroken chain, or an
IntegrityError says where the chain breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hee_core import chain
from hee_core.errors import IntegrityError
from hee_core.events import GENESIS_SOURCE, Event
from hee_core.store import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.gitread import Step
    from hee_core.store import Store

_KEPT, _KEPT_STEPS = 1 << 20, 256  # bytes and commits of the log's end that are held while counting back
_VERIFY = "run `hee verify`"


def whole(store: Store, tip: str, start: int) -> Iterator[Entry]:
    """The entries up to a commit, from an index on, read from the first append."""
    return _entries(store.steps(tip, None), "", 0, GENESIS_SOURCE, start)


def up_to(store: Store, head: chain.Head, start: int) -> Iterator[Entry]:
    """The entries up to a head, from an index on, by the shorter of both ways."""
    if not head.commit or start >= head.size:
        return iter(())
    return tail(store, head, start) if start > head.size // 2 else whole(store, head.commit, start)


def tail(store: Store, head: chain.Head, start: int) -> Iterator[Entry]:
    """The same up to a head whose size is known: counts back from it, then reads on from there."""
    kept: list[Step] = []
    first, size = head.size, 0
    before = None
    for step in store.back(cast("str", head.commit)):
        first -= len(chain.lines(step))
        before = step.parents[0] if step.parents else None
        size += len(step.content or b"")
        if size <= _KEPT and len(kept) < _KEPT_STEPS:
            kept.append(step)
        else:
            kept, size = [], _KEPT + 1  # too many to hold: they are read again from there on
        if first <= start:
            break
    steps = iter(kept[::-1]) if kept else store.steps(cast("str", head.commit), before)
    return _entries(steps, before or "", first, f"urn:hee:{head.log_id}", start)


def _entries(steps: Iterator[Step], before: str, index: int, source: str, start: int) -> Iterator[Entry]:
    for step in steps:
        commit = step.commit
        if step.parents != ((before,) if before else ()) and step.content is not None:
            raise IntegrityError(f"commit {commit} does not follow {before or 'nothing'}", hint=_VERIFY)
        for line in chain.lines(step):
            if index >= start or index == 0:
                try:
                    event = Event.trusted(line)
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise IntegrityError(f"event {index} is not an event: {error}", hint=_VERIFY) from None
                if event.source != source:
                    raise IntegrityError(f"event {index} belongs to another log", hint=_VERIFY)
                if index == 0:
                    source = f"urn:hee:{event.id}"
                if index >= start:
                    yield Entry(index, event, commit)
            index += 1
        before = commit
