"""Where the events of a log are, kept small: by id, by type, by what they are about; one event is read without the rest.

It follows a log that grows, and begins anew where a sync put events in another order. What it keeps of an event are
numbers and its id, so a million events fit into memory; the events themselves stay in git.
Invariant: an entry that it gives is the one at that index of the log it followed last.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from hee_core.errors import IntegrityError
from hee_core.events import Event
from hee_core.store import EVENTS, SIGNATURES, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hee_core.log import Log

_ABOUT = ("issue_id", "fix_id", "decision_id")


class Index:
    """The index of one log."""

    def __init__(self, log: Log) -> None:
        """Reads nothing yet."""
        self._log = log
        self._forget()

    def _forget(self) -> None:
        self.size = 0
        self._ids: dict[bytes, int] = {}
        self._last = b""
        self._firsts = array("I")
        self._commits: list[bytes] = []
        self.types: dict[str, array[int]] = {}
        self._about: dict[str, array[int]] = {}

    def follow(self) -> None:
        """Takes what was appended since the last time."""
        entries = self._log.read(max(self.size - 1, 0))
        if self.size:
            known = next(entries, None)
            if known is None or bytes.fromhex(known.event.id) != self._last:
                self._forget()
                entries = self._log.read()
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        event, commit = entry.event, bytes.fromhex(entry.commit)
        if not self._commits or self._commits[-1] != commit:
            self._firsts.append(entry.index)
            self._commits.append(commit)
        self._last = bytes.fromhex(event.id)
        self._ids[self._last] = entry.index
        self.types.setdefault(event.type, array("I")).append(entry.index)
        for name in {event.subject, *(event.data.get(field) for field in _ABOUT)}:
            if isinstance(name, str) and name:
                self._about.setdefault(name, array("I")).append(entry.index)
        self.size = entry.index + 1

    def stands_at(self, commit: str) -> bool:
        """Whether the last append that was followed is in this commit."""
        return bool(self._commits) and self._commits[-1].hex() == commit

    def find(self, event_id: str) -> int | None:
        """Where an event stands, by its whole id."""
        return self._ids.get(bytes.fromhex(event_id))

    def about(self, *names: str, upto: int) -> list[int]:
        """The events that name an issue, a repair, a decision or a subject, up to an index, oldest first."""
        found = {index for name in names for index in self._about.get(name, ())}
        return sorted(index for index in found if index <= upto)

    def of_type(self, prefix: str, *, upto: int) -> list[int]:
        """The events whose type begins so, up to an index, oldest first."""
        found: list[int] = []
        for name, indexes in self.types.items():
            if name.startswith(prefix):
                found += indexes[: bisect_right(indexes, upto)]
        return sorted(found)

    def append_of(self, index: int) -> tuple[str, int, int]:
        """The commit of the append that holds an event, with the first index in it and the first after it."""
        place = bisect_right(self._firsts, index) - 1
        after = self._firsts[place + 1] if place + 1 < len(self._firsts) else self.size
        return self._commits[place].hex(), self._firsts[place], after

    def entries(self, indexes: Iterable[int]) -> list[Entry]:
        """The entries at some indexes, each append being read once."""
        read: dict[str, list[bytes]] = {}
        found = []
        for index in indexes:
            commit, first, _ = self.append_of(index)
            if commit not in read:
                read[commit] = self._log.store.file(commit, EVENTS).split(b"\n")
            found.append(Entry(index, Event.from_bytes(read[commit][index - first]), commit))
        return found

    def signature(self, index: int) -> bytes:
        """The base64 of an event's signature."""
        commit, first, _ = self.append_of(index)
        lines = self._log.store.file(commit, SIGNATURES).split(b"\n")
        if index - first >= len(lines):
            raise IntegrityError(f"event {index} has no signature", hint="run `hee verify`")
        return lines[index - first]
