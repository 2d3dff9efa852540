"""What a log needs of whatever keeps it, and the values that pass between a log and those who use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from hee_core.chain import Head
    from hee_core.events import Event
    from hee_core.gitobjects import GitObject
    from hee_core.gitread import Step

REF = "refs/heads/hee/log"
EVENTS = "events.jsonl"
SIGNATURES = "signatures"


class _Any:
    """The expectation of a writer that does not mind who was first."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = _Any()


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its place: `index` counts from 0, `commit` is a hint (histories get rewritten, event ids do not)."""

    index: int
    event: Event
    commit: str


@dataclass(frozen=True)
class Condition:
    """Append only if no event after `after` (an index, -1 for none) has one of these types and one of these subjects.

    Empty means any: `Condition(after=7, subjects=("release",))` is broken by every later event about the release. Several
    conditions are one that any of them breaks. An index counts in the order that was read: a sync may put events that
    no other repository has in another one, and the handle that has seen both refuses a condition once for that.
    """

    after: int
    types: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def broken_by(self, entry: Entry) -> bool:
        """Says whether an entry is one that must not be there."""
        event = entry.event
        right_type = not self.types or event.type in self.types
        return entry.index > self.after and right_type and (not self.subjects or event.subject in self.subjects)


Tail = tuple[str, int, tuple[bytes, ...]]  # ids that no file has: of which order of which log, from which index on

NO_IDS: Tail = ("", 0, ())


class Named(Protocol):
    """What an index of ids keeps of a bound event."""

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> str: ...


class IdIndex(Protocol):
    """Where each event id stands, for the first `covered` events of a log; a cache, and so checked before it is believed."""

    @property
    def covered(self) -> int:
        """How many events, from the first, are in it."""
        ...

    def begin(self, log_id: str, size: int) -> None:
        """Takes what is kept for this log; forgets it if it is another's or says more than the log has."""
        ...

    def find(self, events: Iterable[Named]) -> dict[str, int]:
        """The index that each of these ids is said to have, for those that are in it."""
        ...

    def add(self, first: int, events: Iterable[Named]) -> None:
        """Notes events from an index on; ignored unless `first` is where the index ends."""
        ...

    def tail(self) -> Tail:
        """What was added and is not stored yet."""
        ...

    def resume(self, tail: Tail, size: int) -> None:
        """Takes the tail of an earlier process, unless it is of another order, begins elsewhere or goes beyond `size`."""
        ...

    def forget(self) -> None:
        """Drops everything."""
        ...

    def save(self) -> None:
        """Keeps what was added, if it can."""
        ...


class Store(Protocol):
    """Git objects and one ref, as a log needs them."""

    object_format: str
    name: str

    @property
    def ids(self) -> IdIndex:
        """The index of event ids that goes with this log."""
        ...

    def tip(self) -> str | None:
        """The commit that the ref points at; None without one."""
        ...

    def steps(self, tip: str, after: str | None, name: str = EVENTS) -> Iterator[Step]:
        """The commits after `after` (None: from the first) up to `tip`, oldest first, with one file of each: its events.

        Raises IntegrityError where they cannot be read, LogError where a shallow clone has no beginning.
        """
        ...

    def back(self, tip: str) -> Iterator[Step]:
        """The same from `tip` to the first, newest first."""
        ...

    def commits(self, tip: str) -> list[str]:
        """The ids of all commits up to `tip`, oldest first; raises GitError where they cannot be listed."""
        ...

    def read(self, *ids: str) -> list[tuple[str, bytes] | None]:
        """Objects as (kind, content), None for a missing one; raises GitError for one that cannot be read."""
        ...

    def stream(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes] | None]:
        """The same one by one, the next being fetched meanwhile; one such stream at a time."""
        ...

    def file(self, commit: str, name: str) -> bytes:
        """A file of a commit's tree; raises IntegrityError without one."""
        ...

    def publish(self, objects: Sequence[GitObject], new: str, old: str | None) -> None:
        """Stores the objects durably, then moves the ref from `old` to `new`; raises Conflict if it is elsewhere."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps other writers on this machine waiting."""
        ...

    def resequenced(self, head: Head, tip: str) -> bool:
        """Says whether a sync here put the events of a head in another order, on the way to a tip that lost none of them."""
        ...

    def load_snapshot(self) -> bytes | None:
        """A cached head that `save_snapshot` kept; whoever reads it checks it."""
        ...

    def save_snapshot(self, data: bytes) -> None:
        """Keeps a cached head; losing it costs time and nothing else."""
        ...

    def close(self) -> None:
        """Ends what was started for reading."""
        ...
