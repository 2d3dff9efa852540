"""Server-sent events: says when the log has a new head. What is new is on the pages; a browser without it reloads them.

Invariant: a stream ends when the server does, and there are never more than `MOST` of them.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from hee_core.errors import HeeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

EVERY_S = 0.2
BEAT_S = 15.0
MOST = 32


class Streams:
    """The streams that are open. `tip` says where the log is, `ended` whether the server goes down."""

    def __init__(self, tip: Callable[[], str], ended: Callable[[], bool]) -> None:
        """Opens none yet."""
        self._tip = tip
        self._ended = ended
        self._lock = Lock()
        self.open = 0

    def full(self) -> bool:
        """Whether no other one may be opened."""
        return self.open >= MOST

    async def events(self, known: str) -> AsyncIterator[str]:
        """The text of one stream for a page that shows the head `known`."""
        with self._lock:
            self.open += 1
        try:
            yield "retry: 3000\n\n"
            quiet = 0.0
            while not self._ended():
                tip = await to_thread.run_sync(self._look, known)
                if tip != known:
                    known, quiet = tip, 0.0
                    yield f"event: head\ndata: {json.dumps({'head': tip})}\n\n"
                elif quiet >= BEAT_S:
                    quiet = 0.0
                    yield ": still here\n\n"
                await anyio.sleep(EVERY_S)
                quiet += EVERY_S
        finally:
            with self._lock:
                self.open -= 1

    def _look(self, known: str) -> str:
        try:
            return self._tip() or known
        except (HeeError, OSError):
            return known  # what is wrong with the log is said by the page
