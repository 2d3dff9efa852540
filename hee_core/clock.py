"""The only source of time and randomness; everything else receives a `Clock`.

Times are RFC 3339 in UTC with microseconds, so that text order is time order.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the shell needs of the world: a time, a nonce, a way to wait."""

    def now(self) -> str:
        """The present as RFC 3339 UTC with microseconds."""
        ...

    def nonce(self) -> str:
        """32 hexadecimal digits that nobody else has."""
        ...

    def monotonic(self) -> float:
        """Seconds for measuring durations; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """The machine's own clock and entropy."""

    def now(self) -> str:
        return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def nonce(self) -> str:
        return os.urandom(16).hex()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FixedClock:
    """A clock for tests and replays: starts where told, moves a step each time it is asked, and counts nonces up."""

    def __init__(self, start: str = "2026-01-24T12:00:00.000000Z", *, step: float = 1.0, seed: int = 0) -> None:
        """Takes the start as RFC 3339 and the step in seconds."""
        self._now = datetime.fromisoformat(start)
        self._step = timedelta(seconds=step)
        self._count = seed
        self._elapsed = 0.0

    def now(self) -> str:
        self._now += self._step
        return self._now.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def nonce(self) -> str:
        self._count += 1
        return f"{self._count:032x}"

    def monotonic(self) -> float:
        self._elapsed += self._step.total_seconds()
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds


SYSTEM: Clock = SystemClock()


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one RFC 3339 time to another; negative if the order is reversed."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
