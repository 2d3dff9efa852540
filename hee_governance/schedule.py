"""The specification's maintenance schedule as data, and what is due: from when each task was done last.

Responsible for times; what a task does is left to `hee_monitoring.maintenance`. Invariant: a task that was never done
is due at once, and overdue when more than half a period has passed since it was due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Status = Literal["done", "due", "overdue"]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the schedule: how often, and the specification's words for it."""

    name: str
    period_days: int
    words: str


TASKS = (
    Task("state-health", 1, "Daily: health checks and state validation"),
    Task("performance-review", 7, "Weekly: performance reviews and pattern updates"),
    Task("pattern-review", 14, "Bi-weekly: pattern database updates with state validation"),
    Task("capsule-archive", 30, "Monthly: capsule archiving and cleanup; nothing is deleted"),
    Task("dependency-review", 30, "Monthly: dependency updates with state preservation"),
    Task("security-audit", 90, "Quarterly: security audits"),
    Task("governance-review", 90, "Quarterly: governance reviews"),
    Task("migration-check", 90, "Quarterly: major version updates with state migration"),
    Task("architecture-review", 365, "Annual: architecture reviews with state evolution planning"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a task stands: done last (empty: never), due next, and which of the three that is now."""

    task: Task
    last: str
    next_due: str
    status: Status


def standing(task: Task, last: str, *, born: str, now: str) -> Standing:
    """Where a task stands at a time; `born` is when the log began, from which a task never done counts."""
    period = timedelta(days=task.period_days)
    due = datetime.fromisoformat(last) + period if last else datetime.fromisoformat(born)
    here = datetime.fromisoformat(now)
    late = here > due + period / 2
    status: Status = "done" if here < due else "overdue" if late else "due"
    return Standing(task, last, due.isoformat().replace("+00:00", "Z"), status)
