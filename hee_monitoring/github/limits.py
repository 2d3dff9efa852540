"""How often GitHub may be asked: what it says of its limits, pauses that it asks for, and a budget of our own.

Times are this machine's monotonic seconds; what GitHub says in its own time is held against the time that its answer
claims, so that a clock that is wrong here waits neither for ever nor not at all.

Invariant: in no hour are more requests made than the budget, and none during a pause.
"""

from __future__ import annotations

from collections import deque
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from hee_core.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.clock import Clock

HOUR = 3600.0
BUDGET = 900  # an hour: a workflow's own token has 1000 for each repository
LONGEST = 3600.0
_SHARE = 0.8  # of the limit that GitHub tells: other programs use the same token
_FIRST_PAUSE = 60.0


class Limits:
    """The limits of one client."""

    def __init__(self, clock: Clock, budget: int = BUDGET) -> None:
        """Takes how many requests an hour may have until GitHub says how many it allows."""
        self._clock = clock
        self.budget = budget
        self._made: deque[float] = deque()
        self._until = 0.0
        self._why = ""
        self._strikes = 0
        self.total = 0

    def take(self) -> None:
        """Counts one request; raises RateLimited instead when it may not be made now."""
        now = self._clock.monotonic()
        if now < self._until:
            raise RateLimited(self._why, wait=self._until - now)
        while self._made and self._made[0] <= now - HOUR:
            self._made.popleft()
        if len(self._made) >= self.budget:
            raise RateLimited(
                f"the budget of {self.budget} requests an hour is used up", wait=self._made[0] + HOUR - now
            )
        self._made.append(now)
        self.total += 1

    def saw(self, headers: Mapping[str, str]) -> None:
        """Takes note of what an ordinary answer says; the last requests of a window are left to others."""
        self._strikes = 0
        limit, remaining = _number(headers.get("x-ratelimit-limit")), _number(headers.get("x-ratelimit-remaining"))
        if limit and headers.get("x-ratelimit-resource", "core") == "core":
            self.budget = max(int(limit * _SHARE), 1)
            if remaining is not None and remaining <= limit // 50:
                self._pause(_until_reset(headers), f"GitHub allows {remaining} more of {limit} requests")

    def refused(self, headers: Mapping[str, str], why: str) -> RateLimited:
        """The error for an answer that asks for a pause: as long as it says, else longer each time; always jittered."""
        told = _number(headers.get("retry-after"))
        if told is None and headers.get("x-ratelimit-remaining") == "0":
            told = _until_reset(headers)
        wait = float(told) if told is not None else _FIRST_PAUSE * 2**self._strikes
        self._strikes = min(self._strikes + 1, 6)
        self._pause(wait * (1 + self.jitter() / 4) + self.jitter(), f"GitHub asks for a pause: {why}")
        return RateLimited(self._why, wait=self._until - self._clock.monotonic())

    def jitter(self) -> float:
        """A fraction from 0 to 1 that two machines do not share."""
        return int(self._clock.nonce()[:8], 16) / 2**32

    def _pause(self, seconds: float, why: str) -> None:
        self._until = max(self._until, self._clock.monotonic() + min(max(seconds, 1.0), LONGEST))
        self._why = why


def _until_reset(headers: Mapping[str, str]) -> int:
    """Seconds until the window ends, by the clock of the one who says so; a minute where it does not say."""
    reset = _number(headers.get("x-ratelimit-reset"))
    try:
        now = int(parsedate_to_datetime(headers.get("date", "")).timestamp())
    except (ValueError, TypeError, OverflowError):
        return 60
    return 60 if reset is None else max(reset - now, 1)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
