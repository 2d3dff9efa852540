"""How bad it is: the pattern's own impact, raised or lowered by what surrounds the failure, with the reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.catalogue import Level
    from hee_monitoring.database import Pattern
    from hee_monitoring.evidence import Diagnosis

LEVELS = ("low", "medium", "high", "critical")
PROTECTED = ("main", "master", "release", "stable")
# Seconds until somebody must have been told (the escalation matrix).
WITHIN = {"critical": 0, "high": 300, "medium": 900, "low": 3600}


@dataclass(frozen=True, slots=True)
class Impact:
    """`impact` is what the pattern says of its kind, `severity` what it is here."""

    impact: Level
    severity: Level
    reasons: tuple[str, ...]
    decision_conflict: bool = False


def assess(diagnosis: Diagnosis, pattern: Pattern | None, *, branch: str, known: int, blocked: Sequence[str]) -> Impact:
    """Assesses a failure on a branch; `known` counts its earlier sightings, `blocked` names the jobs that waited for it."""
    level = cast("Level", pattern.hee_impact.lower()) if pattern else "medium"
    reasons = [f"failures of this kind have {level} impact" if pattern else "no pattern knows it: medium until read"]
    position = LEVELS.index(level)
    if blocked:
        position = min(position + 1, 3)
        reasons.append(f"{len(blocked)} job(s) could not run because of it")
    if branch and branch.split("/", maxsplit=1)[0] not in PROTECTED:
        position = max(position - 1, 0) if level != "critical" else position
        reasons.append(f"on {branch}, not on a protected branch")
    if known:
        reasons.append(f"seen {known} time(s) before")
    return Impact(level, cast("Level", LEVELS[position]), tuple(reasons), diagnosis.category == "decision")
