"""The log as the pages read it: now, or at any earlier point; through a handle that can write nothing.

Responsible for following the log, for earlier states, and for one reader at a time. Invariant: everything that a page
shows of a look was true after the look's event, and the handle has no key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from hee_core.clock import SYSTEM, Clock
from hee_core.history import resolve
from hee_core.log import Log
from hee_monitoring.reports.course import Course
from hee_monitoring.watch import reloaded
from hee_monitoring.web.index import Index
from hee_monitoring.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hee_core.projection import State
    from hee_core.store import Entry


@dataclass(frozen=True)
class Look:
    """A point of the log: `at` is how it was asked for, empty for now; `index` is its last event, `size` counts all."""

    at: str
    index: int
    size: int
    head: str
    log_id: str
    state: State


class Book:
    """The log of one repository, for reading. Hold `lock` while more than one question is asked; use it in `with`."""

    def __init__(self, place: str, *, clock: Clock = SYSTEM) -> None:
        """Opens the repository that holds `place`; raises what `Workspace.open` does."""
        self.place = place
        self.lock = RLock()
        opened = Workspace.open(place, clock=clock)
        log = Log(opened.log.store, clock=clock, pin=opened.config.log_id)
        self.workspace = replace(opened, log=log)
        self.index = Index(log)
        self._course = (b"", Course(log.state_after))
        self._config_of = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.workspace.log.close()

    def tip(self) -> str:
        """The commit of the last append, looked up now and not followed; empty if the branch is gone."""
        return self.workspace.log.store.tip() or ""

    def look(self, at: str = "") -> Look:
        """Follows the log, and looks at a point of it; raises NotFound for one that is not there."""
        with self.lock:
            log = self.workspace.log
            head = log.refresh()
            if self._config_of != head.commit:
                self.workspace = reloaded(self.workspace)
                self._config_of = head.commit or ""
            if self.index.size != head.size or not self.index.stands_at(head.commit or ""):
                self.index.follow()
            index = resolve(log, at or None)
            state = head.state if index == head.size - 1 else log.state_after(index)
            return Look(at, index, head.size, head.commit or "", head.log_id, state)

    def course(self, look: Look) -> list[dict[str, Any]]:
        """The status and the open issues over time, up to a look; follows the log, or begins anew where a sync reordered it."""
        with self.lock:
            log, (last, course) = self.workspace.log, self._course
            size = course.state.size
            if size and (size > look.size or self.entries([size - 1])[0].event.id.encode() != last):
                course, size = Course(log.state_after), 0
            for entry in log.read(size):
                course.add(entry)
                last = entry.event.id.encode()
            self._course = (last, course)
            return course.document(upto=look.index)

    def about(self, look: Look, *names: str) -> list[Entry]:
        """The events of a look that name an issue, a repair or a decision, oldest first."""
        return self.index.entries(self.index.about(*names, upto=look.index))

    def entries(self, indexes: Iterable[int]) -> list[Entry]:
        """The entries at some indexes."""
        return self.index.entries(indexes)
