"""The versions of the ruleset, and which rules are in force on a day.

A rule's `valid_from` and `valid_to` are data; a version is a name for the rules of its first day. MINOR holds at once
and stays compatible, MAJOR may newly fail a repository that passed, so it is published before it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hee_governance.rules.model import Rule


class Ruleset(NamedTuple):
    """One version: in force from the day `valid_from` until the next one's."""

    version: str
    valid_from: str
    note: str


RULESETS = (
    Ruleset("1.0.0", "2026-01-24", "The specification's day: gates, references, pinning, capsules, text."),
    Ruleset("1.1.0", "2026-01-26", "The executable rules of the HEE community (GOV-*)."),
    Ruleset("1.2.0", "2026-01-27", "Frozen documents keep their digests; waivers have a grammar and an end."),
    Ruleset(
        "1.3.0",
        "2026-11-24",
        "Conditions, path filters and hooks that select nothing, and more gates that cannot fail, are told.",
    ),
    Ruleset(
        "2.0.0",
        "2027-01-01",
        "Pinning, selecting nothing and those gates become errors; full history and pinned tooling where they matter.",
    ),
)
RELEASED = "2026-11-24"  # without a day, the rules of this release's day are in force


def of_day(day: str) -> Ruleset | None:
    """The version in force on a day; None before the first."""
    return next((entry for entry in reversed(RULESETS) if entry.valid_from <= day), None)


def named(version: str) -> Ruleset | None:
    """The newest version that a pin names: `1` and `1.1` name the last of their kind."""
    fitting = [entry for entry in RULESETS if f"{entry.version}.".startswith(f"{version}.")]
    return fitting[-1] if fitting else None


def next_after(day: str) -> Ruleset | None:
    """The next version that is published and not in force yet."""
    return next((entry for entry in RULESETS if entry.valid_from > day), None)


def in_force(rules: Iterable[Rule], day: str) -> tuple[Rule, ...]:
    """The rules that hold on a day (`2026-01-24`)."""
    return tuple(rule for rule in rules if rule.valid_from <= day and (not rule.valid_to or day < rule.valid_to))
