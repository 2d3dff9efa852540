"""The course of a log: which status, and how many open issues, after each append that changed one of the two. Pure.

Invariant: what the projection refuses changes nothing here either; a point stands for a whole append, never for half of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.projection import State
    from hee_core.store import Entry


class Course:
    """Follows a log from its first event on."""

    def __init__(self, restore: Callable[[int], State]) -> None:
        """`restore` gives the state after an index, for rollbacks."""
        self.state = projection.INITIAL
        self.points: list[tuple[int, str, str, int]] = []  # index, time, status, open issues
        self._restore = restore
        self._commit = ""

    def add(self, entry: Entry) -> None:
        """Takes the next event."""
        before = (self.state.status, len(self.state.issues))
        self.state = projection.fold(self.state, entry.index, entry.event, restore=self._restore)
        now = (self.state.status, len(self.state.issues))
        if entry.index == 0 or now != before:
            if self.points and entry.commit == self._commit:
                self.points.pop()
            self._commit = entry.commit
            self.points.append((entry.index, self.state.time, *now))

    def document(self, *, upto: int | None = None) -> list[dict[str, Any]]:
        """The points up to an index as a report names their parts."""
        return [
            {"event": index, "time": time, "status": status, "open": count}
            for index, time, status, count in self.points
            if upto is None or index <= upto
        ]
