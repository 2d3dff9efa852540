"""Any earlier state, without folding everything again.

Keeps a snapshot every 1024 events and the outcome of every rollback, so going back costs one window; on a long log
the windows grow with it and memory stays level. Snapshots are a cache of the fold: leaving them out changes the time,
never the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core.draft import Draft
from hee_core.errors import NotFound
from hee_core.operational import INITIAL, Operational, State
from hee_core.projection import ROLLED_BACK, Folded, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WINDOW = 1024
KEPT = 256


class Replay:
    """The states of one log. `read(start, stop)` yields the events of that half-open range, fewer if there are fewer."""

    def __init__(self, read: Callable[[int, int], Iterable[Folded]]) -> None:
        """Starts before the first event; events are read when somebody asks."""
        self._read = read
        self._states: dict[int, State] = {0: INITIAL}
        self._restored: dict[int, Operational] = {}  # what each rollback so far brought back, by its index
        self._stride = WINDOW
        self._front = INITIAL  # the furthest state so far

    def state_after(self, index: int) -> State:
        """The state after the event at `index`, -1 being before the first; raises NotFound past the last."""
        size = index + 1
        if size > self._front.size:
            self._advance(size)
        if size == self._front.size:
            return self._front
        if not 0 <= size < self._front.size:
            raise NotFound(f"there is no event {index}: the log has {self._front.size}", hint="`hee log` lists them")
        return self._return(size)

    def _advance(self, size: int) -> None:
        """Folds what nobody has seen yet. A rollback met on the way goes to where we have been."""
        draft = Draft(self._front)
        start = draft.size
        for number, event in enumerate(self._read(start, size), start):
            if event.type == ROLLED_BACK:
                self._front = draft.state()
                apply(draft, number, event, self.state_after)
                self._restored[number] = draft.state().operational
            else:
                apply(draft, number, event, self.state_after)
            if draft.size % self._stride == 0:
                self._keep(draft.state())
        self._front = draft.state()

    def _return(self, size: int) -> State:
        """Folds again from the nearest snapshot; every rollback on the way is known."""
        base = self._states[max(known for known in self._states if known <= size)]
        draft = Draft(base)
        for number, event in enumerate(self._read(base.size, size), base.size):
            known = self._restored.get(number)
            apply(draft, number, event, lambda _, known=known: State(known, base.ledger))  # type: ignore[misc]
        return draft.state()

    def _keep(self, state: State) -> None:
        self._states[state.size] = state
        if len(self._states) > KEPT:
            self._stride *= 2
            self._states = {size: kept for size, kept in self._states.items() if size % self._stride == 0}
