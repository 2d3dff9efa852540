"""The specification's roadmap as data: what was planned for when, and whether that day is past."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Milestone:
    """One row. `shows` is the module that shows that its features are there, empty where none claims it."""

    version: str
    features: str
    target: str
    impact: str
    shows: str

    def planned(self, day: str) -> str:
        """`past` or `planned`, as of a day: a date says when something was meant, not that it was done."""
        return "past" if self.target < day else "planned"


ROADMAP = (
    Milestone("1.0", "Core HEE monitoring + state", "2026-02-15", "Full", "hee_monitoring.pipeline"),
    Milestone("1.1", "HEE ML integration + state", "2026-03-01", "Enhanced", "hee_monitoring.learning"),
    Milestone("1.2", "HEE cross-repo monitoring", "2026-04-01", "Extended", "hee_monitoring.fleet"),
    Milestone("2.0", "HEE self-healing pipelines", "2026-06-01", "Transformative", "hee_monitoring.repairs"),
)
