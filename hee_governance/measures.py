"""A measured value: a ratio in basis points that is floored, or unknown, with what it was computed from.

Invariant: nothing divided by nothing is unknown, never 100 %, and 99.999 % never reads as 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

FULL = 10_000
Z = 1.96


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `value` is basis points or None; `inputs` is a digest of what it was computed from."""

    name: str
    value: int | None
    numerator: int = 0
    denominator: int = 0
    inputs: str = ""
    evidence: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, numerator: int, denominator: int, *, inputs: str = "", evidence: tuple[str, ...] = ()
    ) -> Measure:
        """A measure whose value is the floored ratio."""
        return cls(name, ratio(numerator, denominator), numerator, denominator, inputs, evidence)


def ratio(numerator: int, denominator: int) -> int | None:
    """Basis points, rounded down; None where there is nothing to divide by or the counts make no sense."""
    return numerator * FULL // denominator if 0 <= numerator <= denominator and denominator > 0 else None


def interval(numerator: int, denominator: int) -> tuple[int, int] | None:
    """Wilson's 95 % interval of a share in basis points, rounded outwards; None where there is no share."""
    if ratio(numerator, denominator) is None:
        return None
    share, square = numerator / denominator, Z * Z / denominator
    middle, half = share + square / 2, Z * sqrt(share * (1 - share) / denominator + square / denominator / 4)
    low, high = ((middle + side) / (1 + square) for side in (-half, half))
    # An interval that begins or ends at the share itself is not to miss it by an error of the arithmetic.
    return (
        floor(max(low, 0.0) * FULL) if numerator else 0,
        min(ceil(high * FULL), FULL) if numerator < denominator else FULL,
    )


def percent(value: int | None) -> str:
    """Basis points as people read them: `99.5 %`, or `unknown`."""
    if value is None:
        return "unknown"
    whole, part = divmod(value, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + " %" if part else f"{whole} %"
