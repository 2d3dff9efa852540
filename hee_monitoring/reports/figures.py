"""Numbers of a report: a ratio that is floored or null, and durations held against a target. Pure.

Invariant: a figure without a sample has the value null and is neither met nor missed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hee_governance.measures import interval, ratio


def share(
    name: str, numerator: int, denominator: int, events: list[int], *, target: int | None = None
) -> dict[str, Any]:
    """A share in basis points, with what it was counted from."""
    value = ratio(numerator, denominator)
    met = None if value is None or target is None else value >= target
    return {
        "name": name, "unit": "basis points", "value": value, "numerator": numerator, "denominator": denominator,
        "interval": bounds(numerator, denominator), "target": target, "met": met, "events": events,
    }  # fmt: skip


def bounds(numerator: int, denominator: int) -> list[int] | None:
    """The 95 % interval of a share, as JSON has it."""
    found = interval(numerator, denominator)
    return list(found) if found else None


@dataclass
class Durations:
    """Samples in milliseconds, each with the event that ended it; `how` says how one is measured.

    The target itself counts as within it only where `inclusive`: a frequency is kept at, a latency below.
    """

    name: str
    target_ms: int
    how: str
    inclusive: bool = False
    samples: list[tuple[int, int]] = field(default_factory=list)

    def add(self, milliseconds: float, index: int) -> None:
        """Adds a sample; a negative one (two clocks that disagree) counts as none."""
        if milliseconds >= 0:
            self.samples.append((int(milliseconds), index))

    def figure(self) -> dict[str, Any]:
        """Median and worst sample, how many were within the target, and the events."""
        values = sorted(value for value, _ in self.samples)
        within = sum(value < self.target_ms or (value == self.target_ms and self.inclusive) for value in values)
        return {
            "name": self.name, "unit": "ms", "value": values[(len(values) - 1) // 2] if values else None,
            "worst": values[-1] if values else None, "numerator": within, "denominator": len(values),
            "interval": bounds(within, len(values)),
            "target": self.target_ms, "met": within == len(values) if values else None, "how": self.how,
            "events": [index for _, index in self.samples],
        }  # fmt: skip
