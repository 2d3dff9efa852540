"""How long jobs took on this machine, to say how long they will take: a cache beside the clones, and nobody's evidence.

What cannot be read or written is forgotten without a word: an estimate is worth no failure.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from hee_core.clock import seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hee_monitoring.evidence import Job

_FILE, _KEPT = "durations.json", 200


def read(place: Path) -> dict[str, float]:
    """Seconds by job key, of the last time each ran."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = json.loads((place / _FILE).read_text(encoding="utf-8")).items()
        return {str(key): float(value) for key, value in found if isinstance(value, (int, float)) and value >= 0}
    return {}


def keep(place: Path, jobs: Iterable[Job]) -> None:
    """Remembers the times of jobs that ran."""
    took = {job.key: _seconds(job) for job in jobs if job.started_at and job.completed_at}
    if not took:
        return
    whole = {key: value for key, value in read(place).items() if key not in took} | took
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        beside = place / f".{_FILE}.new"
        beside.write_text(json.dumps(dict(list(whole.items())[-_KEPT:])), encoding="utf-8")
        beside.replace(place / _FILE)


def left(keys: Iterable[str], known: Mapping[str, float], *, at_once: int) -> str:
    """`, about 40 s left`; nothing where the time of one of the jobs is not known."""
    keys = list(keys)
    times = [known[key] for key in keys if key in known]
    if not times or len(times) < len(keys):
        return ""
    seconds = max(*times, sum(times) / at_once)
    return f", about {seconds:.0f} s left" if seconds >= 1 else ""


def _seconds(job: Job) -> float:
    try:
        return round(max(0.0, seconds_between(job.started_at, job.completed_at)), 1)
    except (ValueError, TypeError):
        return 0.0
