"""Moves bytes between a process and memory: never blocks on one side, never holds more than it was told to.

Responsible for the pipes of one process while it runs and for what is still in them afterwards. Starting and ending the
process is left to `sandbox`.

Invariant: memory is bounded by the limit given, whatever the process writes.
"""

from __future__ import annotations

import os
import selectors
from contextlib import suppress
from typing import TYPE_CHECKING

from hee_core.clock import SYSTEM

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

_CHUNK = 1 << 16
_LINGER_S = 1.0


class Bounded:
    """Bytes as they come; past the limit the middle is dropped, and the first and the last half are kept."""

    def __init__(self, limit: int) -> None:
        """Takes the limit in bytes."""
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0

    def add(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        room = max(self._half - len(self._head), 0)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def _trim(self) -> None:
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self.dropped += excess

    def value(self) -> bytes:
        """Head and tail, with a line between them that says how much is missing."""
        self._trim()
        gap = b"\n[hee: %d bytes left out]\n" % self.dropped if self.dropped else b""
        return bytes(self._head) + gap + bytes(self._tail)


class Pump:
    """The pipes of one process. It takes over the descriptors and closes them."""

    def __init__(self, pid: int, outputs: Sequence[tuple[int, Bounded]], stdin: int | None, data: bytes) -> None:
        """Takes where each output goes, and the input with the bytes for it."""
        self._selector = selectors.DefaultSelector()
        self._exit = os.pidfd_open(pid)
        self._stdin = stdin
        self._data = memoryview(data)
        self._open = dict(outputs)
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)
        if stdin is not None:
            os.set_blocking(stdin, False)
            self._selector.register(stdin, selectors.EVENT_WRITE)
        self._selector.register(self._exit, selectors.EVENT_READ)

    def until_exit(self, deadline: float, cancel: threading.Event | None) -> bool:
        """Works until the process ends; False when the deadline (monotonic seconds) or `cancel` came first."""
        while not (cancel and cancel.is_set()):
            left = deadline - SYSTEM.monotonic()
            if left <= 0:
                return False
            for key, _ in self._selector.select(min(left, 0.1) if cancel else left):
                if key.fd == self._exit:
                    return True
                self._move(key.fd)
        return False

    def drain(self) -> None:
        """Reads what is still in the pipes; a process that got away can't hold this up for longer than a second."""
        self._selector.unregister(self._exit)
        deadline = SYSTEM.monotonic() + _LINGER_S
        while self._open and (left := deadline - SYSTEM.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._move(key.fd)

    def _move(self, descriptor: int) -> None:
        if descriptor == self._stdin:
            with suppress(BrokenPipeError):
                self._data = self._data[os.write(descriptor, self._data[:_CHUNK]) :]
                if self._data:
                    return
            self._stdin = None
        else:
            chunk = os.read(descriptor, _CHUNK)
            if chunk:
                self._open[descriptor].add(chunk)
                return
            del self._open[descriptor]
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """Closes every descriptor that is still open."""
        self._selector.close()
        for descriptor in (*self._open, self._exit, *(() if self._stdin is None else (self._stdin,))):
            os.close(descriptor)
        self._open, self._stdin = {}, None
