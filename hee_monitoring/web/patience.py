"""A connection that does not say what it wants in time is closed, so that slow strangers cannot hold the places of others.

Responsible for the head of a request alone; its body is bounded by `guard`. Invariant: between two requests, and before the
first, a connection lasts at most `HEAD_S` seconds after its first byte or its opening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_S = 10.0


class Patience(H11Protocol):
    """The protocol of uvicorn with an end to waiting for the head of a request."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Reads on; a head that is whole ends the wait, the first byte of another one begins it."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._end()
        elif self._due is None and (before is None or before.response_complete):
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait with the connection."""
        self._end()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._due = self.loop.call_later(HEAD_S, self.transport.close)

    def _end(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
