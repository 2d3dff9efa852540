"""Which events are in a log already: for a retry, which appends nothing twice, and against whoever repeats an event.

A signature holds wherever its event stands. So somebody who may write to a repository, and has no key, could say again
what a person once said (an unfreeze, an approval). The index of ids is a cache: what it says is believed only after
reading the event there. Invariant: an event that is found stands in the log, at the place that its entry names.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from typing import TYPE_CHECKING

from hee_core import chain, reading
from hee_core.errors import IntegrityError
from hee_core.events import Event
from hee_core.store import NO_IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.gitread import Step
    from hee_core.store import Entry, Store, Tail

_VERIFY = "run `hee verify`"


def find(
    store: Store, head: chain.Head, events: Sequence[Event], tail: Tail, *, ended: bool = True
) -> dict[str, Entry]:
    """Those of some events that are in the log up to a head, by id.

    `tail` are ids that an earlier process added to the index and did not store. `ended` says that the log ends at that
    head; else the index may know of more.
    """
    ids = store.ids
    if not head.size:
        return {}
    for _ in range(3):  # an index that turns out to be wrong is made anew, from the log itself
        ids.begin(head.log_id, head.size if ended else sys.maxsize)
        ids.resume(tail, head.size)
        tail = NO_IDS  # once: what turns out to be wrong is not believed again
        if ids.covered < head.size:
            for entry in reading.up_to(store, head, ids.covered):
                ids.add(entry.index, (entry.event,))
        places = {name: place for name, place in ids.find(events).items() if ended or place < head.size}
        found = {name: next(reading.up_to(store, head, place), None) for name, place in places.items()}
        whole = ids.covered == head.size if ended else ids.covered >= head.size
        if whole and all(entry and entry.event.id == name for name, entry in found.items()):
            return {name: entry for name, entry in found.items() if entry}
        ids.forget()
    raise IntegrityError("the index of event ids cannot be made", hint=_VERIFY)


class Repeats:
    """What is followed from a head on; every event of it is new."""

    def __init__(self, store: Store, start: chain.Head, tail: Tail) -> None:
        """Reads nothing yet; `tail` is as in `find`."""
        self._store = store
        self._start = start
        self._tail = tail
        self._here: set[bytes] = set()
        self._all: set[bytes] | None = None

    def refuse(self, first: int, step: Step) -> None:
        """Raises IntegrityError where an append, whose first event stands at an index, holds what was said before."""
        lines = chain.lines(step)
        before = self._before([Event.trusted(line) for line in lines]) if self._start.size else set()
        for index, line in enumerate(lines, first):
            name = sha256(line).digest()
            if name in before or name in self._here:
                raise IntegrityError(
                    f"event {index}: {name.hex()[:12]} is in the log already, and somebody repeats it",
                    hint=f"{_VERIFY}; do not append until a person has looked",
                )
            self._here.add(name)

    def _before(self, events: Sequence[Event]) -> set[bytes]:
        """The ids before the start, as far as they matter for some events."""
        if any(event.role == "human" for event in events) and self._all is None:
            # An index from which somebody took an entry lets an agent's key repeat what takes a person: the log is read.
            steps = self._store.steps(self._start.commit or "", None)
            self._all = {sha256(line).digest() for each in steps for line in chain.lines(each)}
        if self._all is not None:
            return self._all
        tail, self._tail = self._tail, NO_IDS
        return set(map(bytes.fromhex, find(self._store, self._start, events, tail, ended=False)))
