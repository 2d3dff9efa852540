"""The log: append with an expectation, read, time travel's index; the same over every store.

A `Store` keeps git objects and one ref; `hee_core.gitstore` is the real one, `hee_core.memory` one for tests. Whatever
the store, an append is a compare-and-swap from the head that was read: the loser reads again, checks again what it
expected, and tries again. An event that is in the log already is not appended twice, whoever appended it.
"""

from __future__ import annotations

from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Self, cast

from hee_core import chain, reading
from hee_core.clock import SYSTEM, Clock
from hee_core.errors import Conflict, EventError, IntegrityError, KeyFault, LogNotFound, NotFound
from hee_core.known import Repeats, find
from hee_core.replay import Replay
from hee_core.store import ANY, NO_IDS, REF, SIGNATURES, Condition, Entry, Store, _Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hee_core.events import Event
    from hee_core.keys import Signer
    from hee_core.projection import State
    from hee_core.seen import Seen
    from hee_core.store import Tail

__all__ = ["ANY", "REF", "Condition", "Entry", "Log", "Store"]

SAVE_AFTER = 4096  # events; a process that is killed costs the next one the replay of at most as many
_VERIFY = "run `hee verify`"


class Log:
    """A signed, append-only sequence of events. Use it in `with`, or close it."""

    def __init__(
        self,
        store: Store,
        *,
        signer: Signer | Callable[[], Signer] | None = None,
        clock: Clock = SYSTEM,
        pin: str = "",
        seen: Seen | None = None,
    ) -> None:
        """Opens lazily; `signer` may be a function that finds the key when first needed; `pin` is the log id to expect.

        `seen` remembers, outside of the store, how far the log was when it was last verified here.
        """
        self.store = store
        self.clock = clock
        self.pin = pin
        self.keep_snapshots = True
        self.seen = seen
        self._signer = signer
        self._head = chain.EMPTY
        self._saved = 0
        self._ids: Tail = NO_IDS  # those that an earlier process added and did not store
        self._replay: Replay | None = None
        self._reordered = False  # a sync moved events since a condition was last refused for it
        self._lock = RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ where it stands

    @property
    def head(self) -> str | None:
        """The commit of the last append, read now; None while the log is empty."""
        return self.refresh().commit

    @property
    def id(self) -> str:
        """The id of the first event, which is the log's own; raises LogNotFound while there is none."""
        return self._existing().log_id

    @property
    def state(self) -> State:
        """The projection after the last event."""
        return self._existing().state

    def __len__(self) -> int:
        return self.refresh().size

    @property
    def signer(self) -> Signer:
        """The key that this writer signs with; raises KeyFault without one."""
        if self._signer is None:
            raise KeyFault("this log was opened for reading: it has no signing key", hint="run `hee init`")
        if not hasattr(self._signer, "sign"):
            self._signer = self._signer()
        return cast("Signer", self._signer)

    def _existing(self) -> chain.Head:
        head = self.refresh()
        if not head.size:
            raise LogNotFound("the log is empty", hint="run `hee init`")
        return head

    def known_size(self, tip: str) -> int:
        """How many events were seen up to a commit, if it is the one that was seen last; 0 otherwise."""
        head = self.remembered()
        return head.size if head and head.commit == tip else 0

    def refresh(self) -> chain.Head:
        """Follows whatever was appended since the last look; raises IntegrityError if the chain does not hold."""
        with self._lock:
            tip = self.store.tip()
            if self._head.commit == tip:
                return self._head
            if tip is None:
                raise IntegrityError("the log's branch is gone", hint="restore it: `hee doctor` says from where")
            if self._head.commit is None:
                self._begin(tip)
            if self._head.commit != tip:
                self._go_on(tip)
            if self.pin and self._head.log_id != self.pin:
                raise IntegrityError(
                    f"this is log {self._head.log_id[:12]}, the configuration names {self.pin[:12]}",
                    hint="somebody replaced the branch hee/log, or the configuration belongs to another repository",
                )
            return self._head

    def remembered(self) -> chain.Head | None:
        """Where this handle, or an earlier process of this writer, has seen the log; None if nobody has."""
        return self._head if self._head.commit else self._load_snapshot()

    def take(self, head: chain.Head, *, reordered: bool = False) -> None:
        """Stands where a sync has brought the log; `reordered` if events have another index than before."""
        with self._lock:
            self._head, self._replay, self._saved = head, None, -1
            self._reordered |= reordered

    def _go_on(self, tip: str) -> None:
        try:
            self._follow(tip)
        except IntegrityError:
            if not self.store.resequenced(self._head, tip):
                raise
            self._replay, self._reordered = None, True
            self._begin(tip)
            if self._head.commit != tip:
                self._follow(tip)

    def _begin(self, tip: str) -> None:
        """Starts from the snapshot of an earlier process, unless the branch has become another log since."""
        self._head = self._load_snapshot() or chain.EMPTY
        if self._head.commit in (None, tip):
            return
        try:
            self._follow(tip)
        except IntegrityError:
            moved = self.store.resequenced(self._head, tip)
            if not moved and next(reading.whole(self.store, tip, 0)).event.id == self._head.log_id:
                raise
            self._head = chain.EMPTY

    def _follow(self, tip: str) -> None:
        head = start = self._head
        repeats = Repeats(self.store, start, self._take_ids() if start.size else NO_IDS)
        signed = self.store.steps(tip, head.commit, SIGNATURES)
        for step, signatures in zip(self.store.steps(tip, head.commit), signed, strict=True):
            if head is start and head.commit and step.parents != (head.commit,):
                raise self._rewritten(head.commit)
            after = chain.follow(head, step, self, signatures.content or b"")
            repeats.refuse(head.size, step)
            self._head = head = after  # what was followed stays followed, whatever comes after it
        if head is start:
            raise self._rewritten(start.commit or "")

    def _rewritten(self, commit: str) -> IntegrityError:
        return IntegrityError(
            f"the log no longer holds commit {commit[:12]} that was seen before: its history was rewritten",
            hint=f"{_VERIFY}; do not append until a person has looked",
        )

    # ------------------------------------------------------------------ writing

    def create(self, note: str = "", *, roots: Sequence[tuple[str, str]] = (), threshold: int = 1) -> Entry:
        """Writes the first event, `roots` being more root keys, each with its actor; raises Conflict when the log exists."""
        first = chain.genesis(self.signer, self.clock, note, roots=roots, threshold=threshold)
        return self.append([first], expected=None)

    def append(
        self,
        events: Sequence[Event],
        *,
        expected: str | _Any | None = ANY,
        unless: Condition | Sequence[Condition] = (),
    ) -> Entry:
        """Appends events as one commit and returns the last one's entry.

        `expected` is the head that the writer has seen: Conflict if the log is past it. `unless` is the narrower
        question whether anything that matters came since, by any of several conditions: Conflict if it did. Events that are in the log already are
        not appended again, so a retry after a lost answer is safe.
        """
        if not events:
            raise EventError("an append holds at least one event")
        with self._lock, self.store.exclusive():
            while True:
                head = self.refresh()
                drafts = [chain.bind(head, event, self.signer) for event in events]
                bound = list({event.id: event for event in drafts}.values())
                known = find(self.store, head, bound, self._take_ids() if head.size else NO_IDS)
                fresh = [event for event in bound if event.id not in known]
                if not fresh:
                    return known[drafts[-1].id]
                if not isinstance(expected, _Any) and expected != head.commit:
                    raise Conflict(
                        f"the log is at {(head.commit or 'nothing')[:12]}, expected {(expected or 'nothing')[:12]}",
                        hint="read what was appended and decide again",
                    )
                if unless:
                    self._check((unless,) if isinstance(unless, Condition) else tuple(unless))
                made = chain.make(head, fresh, self.signer, past=self, object_format=self.store.object_format)
                commit = cast("str", made.head.commit)
                try:
                    self.store.publish(made.objects, commit, head.commit)
                except Conflict:
                    continue
                self._head = made.head
                self.store.ids.begin(made.head.log_id, made.head.size)
                self.store.ids.add(head.size, made.events)
                last = Entry(made.head.size - 1, made.events[-1], commit)
                break
        if self._head.size - self._saved >= SAVE_AFTER:
            self.save_snapshot()
        return known.get(drafts[-1].id, last)

    def select(self, *conditions: Condition) -> Iterator[Entry]:
        """The entries that would break one of these conditions, oldest first: what was decided from is what is guarded."""
        start = min((condition.after for condition in conditions), default=len(self)) + 1
        return (entry for entry in self.read(start) if any(condition.broken_by(entry) for condition in conditions))

    def _check(self, conditions: tuple[Condition, ...]) -> None:
        if self._reordered:
            self._reordered = False  # told once: whoever reads again reads the new order
            raise Conflict("a sync put the log's events in another order", hint="read again and decide again")
        for entry in self.select(*conditions):
            raise Conflict(
                f"event {entry.index} ({entry.event.type} {entry.event.subject}) came after what was read",
                hint="read it and decide again",
            )

    def _take_ids(self) -> Tail:
        """The ids of an earlier process, once: after that they are in the index."""
        ids, self._ids = self._ids, NO_IDS
        return ids

    def _at(self, index: int) -> Entry | None:
        return next(iter(self.read(index)), None)

    # ------------------------------------------------------------------ reading

    def read(self, start: int = 0) -> Iterator[Entry]:
        """Entries from an index on, oldest first, up to the head as it was at the call; checks the chain."""
        tip = self.store.tip()
        if tip is None:
            return iter(())
        if start > 0:
            return reading.up_to(self.store, self.refresh(), start)
        return reading.whole(self.store, tip, start)

    def entry(self, index: int) -> Entry:
        """The entry at an index; raises NotFound."""
        found = self._at(index) if index >= 0 else None
        if found is None:
            raise NotFound(f"the log has no event {index} (it has {len(self)})")
        return found

    def event_id(self, index: int) -> str:
        """The id of the event at an index; raises NotFound."""
        return self.entry(index).event.id

    def state_after(self, index: int) -> State:
        """The projection after the event at `index`, by replay; raises NotFound."""
        if self._replay is None:
            self._replay = Replay(self._events)
        return self._replay.state_after(index)

    def _events(self, start: int, stop: int) -> Iterator[Event]:
        # Not through `read`: following a rollback asks for earlier events while the head is still being read.
        head, tip = self._head, self.store.tip()
        if head.commit and head.size // 2 < start and stop <= head.size:
            entries = reading.tail(self.store, head, start)
        else:
            entries = reading.whole(self.store, tip, start) if tip else iter(())
        return (entry.event for entry in islice(entries, stop - start))

    def close(self) -> None:
        """Keeps a snapshot for the next process and ends the store's helpers."""
        self.save_snapshot()
        self.store.close()

    # ------------------------------------------------------------------ snapshots: caches, checked, never trusted

    def save_snapshot(self) -> None:
        """Keeps the head, signed by this writer's own key, so that the next process need not replay."""
        nothing_new = self._head.commit is None or self._head.size == self._saved
        if nothing_new or not self.keep_snapshots or not hasattr(self._signer, "sign"):
            return
        from hee_core import snapshot

        self.store.ids.save()
        ids = self.store.ids.tail() if self._ids is NO_IDS else self._ids
        self.store.save_snapshot(snapshot.dump(self._head, self.signer, ids))
        # What goes on from our own snapshot is the log we knew; anything else waits for somebody to verify it.
        ours = self.seen is not None and self.seen.size(self._head.log_id) <= self._saved
        if self.seen is not None and ours and self.store.tip() == self._head.commit:
            self.seen.keep(self._head)
        self._saved = self._head.size

    def _load_snapshot(self) -> chain.Head | None:
        if self._signer is None:
            return None
        from hee_core import snapshot

        data = self.store.load_snapshot()
        if data is None:
            return None
        try:
            found = snapshot.load(data, self.signer)
        except KeyFault:
            return None
        if found is None or found[0].commit is None:
            return None
        head, self._ids = found
        self._saved = head.size
        return head
