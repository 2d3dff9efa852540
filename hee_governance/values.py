"""What a decision says that something must be: a value, or a constraint on numbers and versions, and when two exclude each other.

`3.12` is a value, `>=3.11,<4` a constraint; anything else is text. Invariant: only what provably cannot both hold is
incompatible: texts that differ, values that differ, and constraints without a common value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})")
_PART = re.compile(r"(>=|<=|==|!=|>|<)\s*v?(\d{1,9}(?:\.\d{1,9}){0,5})")

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from `low` to `high`, each with whether it belongs to them; None is no bound."""

    low: Version | None = None
    low_in: bool = True
    high: Version | None = None
    high_in: bool = True

    @property
    def empty(self) -> bool:
        """Says whether no version lies in it."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in))

    def meet(self, other: Interval) -> Interval:
        """The versions in both."""
        lows = [(each.low, not each.low_in) for each in (self, other) if each.low is not None]
        highs = [(each.high, each.high_in) for each in (self, other) if each.high is not None]
        low, excluded = max(lows) if lows else (None, False)
        high, included = min(highs) if highs else (None, True)
        return Interval(low, not excluded, high, included)


def incompatible(one: str, other: str) -> bool:
    """Says whether two values of decisions cannot both hold; an empty one says nothing."""
    one, other = one.strip(), other.strip()
    if not one or not other or one == other:
        return False
    first, second = interval(one), interval(other)
    if first is None or second is None:
        return True
    return first.meet(second).empty


def interval(text: str) -> Interval | None:
    """A value or constraint as an interval; None for text, and for what no interval can say (`!=`)."""
    text = text.strip()
    if match := _VERSION.fullmatch(text):
        return Interval(_version(match[1]), True, _version(match[1]), True)
    found = Interval()
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        match = _PART.fullmatch(part)
        if not match or match[1] == "!=":
            return None
        bound = _version(match[2])
        low = bound if match[1] in (">=", ">", "==") else None
        high = bound if match[1] in ("<=", "<", "==") else None
        found = found.meet(Interval(low, match[1] != ">", high, match[1] != "<"))
    return found


def _version(text: str) -> Version:
    """A version without the zeros at its end: 3.11.0 is 3.11."""
    parts = [int(part) for part in text.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
