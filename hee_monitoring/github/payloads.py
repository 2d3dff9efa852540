"""What is read of GitHub's JSON: runs, jobs, steps and annotations as values of ours. Pure.

The published description is not a promise: real histories hold words that it does not list (`startup_failure`), and
deliveries with half of a run. What we need must be there, or the item is unreadable and skipped; a word that we do not
know is kept as it is, and is never success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hee_core.rfc3339 import is_date_time
from hee_monitoring.evidence import Annotation, Conclusion, Step

_LARGEST_ID = 2**53 - 1


class Unreadable(ValueError):
    """An item lacks what we need of it."""


@dataclass(frozen=True, slots=True)
class RunItem:
    """A run as a listing shows it. `branch` is `owner:branch` for a fork, whose branches have names like our own."""

    run_id: int
    attempt: int
    done: bool
    word: str
    workflow: str
    event: str
    branch: str
    commit: str
    completed_at: str
    started_at: str

    @property
    def conclusion(self) -> Conclusion:
        """How it ended, in our words."""
        return Conclusion.of(self.word)

    @property
    def line(self) -> tuple[str, str]:
        """The workflow on a branch: within one, a later run says more than an earlier one."""
        return self.workflow, self.branch


@dataclass(frozen=True, slots=True)
class JobItem:
    """A job as a listing shows it."""

    job_id: int
    name: str
    done: bool
    conclusion: Conclusion
    steps: tuple[Step, ...]
    started_at: str
    completed_at: str


def run_item(item: Any, repository: str) -> RunItem:
    """Reads a run; raises Unreadable."""
    done = _word(item, "status") == "completed"
    commit = _word(item, "head_sha")
    if len(commit) not in (40, 64) or set(commit) - set("0123456789abcdef"):
        raise Unreadable("head_sha is no commit")
    home = item.get("head_repository")
    full = home.get("full_name") if isinstance(home, dict) else None
    branch = item.get("head_branch") if isinstance(item.get("head_branch"), str) else ""
    if isinstance(full, str) and full.lower() != repository.lower():
        branch = f"{full.partition('/')[0]}:{branch}"
    return RunItem(
        run_id=_number(item, "id"),
        attempt=_number(item, "run_attempt") if item.get("run_attempt") else 1,
        done=done,
        word=(_optional(item, "conclusion") or "unknown") if done else "",
        workflow=(_optional(item, "path") or _optional(item, "name") or "workflow").partition("@")[0],
        event=_optional(item, "event"),
        branch=branch,
        commit=commit,
        completed_at=_time(item, "updated_at") if done else "",
        started_at=_time(item, "run_started_at") or _time(item, "created_at"),
    )


def job_item(item: Any) -> JobItem:
    """Reads a job; raises Unreadable."""
    done = _word(item, "status") == "completed"
    steps = item.get("steps")
    return JobItem(
        job_id=_number(item, "id"),
        name=_word(item, "name"),
        done=done,
        conclusion=Conclusion.of(_optional(item, "conclusion")) if done else Conclusion.UNKNOWN,
        steps=tuple(_step(step) for step in steps) if isinstance(steps, list) else (),
        started_at=_time(item, "started_at"),
        completed_at=_time(item, "completed_at"),
    )


def annotation(item: Any) -> Annotation:
    """Reads an annotation; raises Unreadable. What is said of no file in particular has the path `.github`."""
    path, line = _optional(item, "path"), item.get("start_line")
    return Annotation(
        message=_word(item, "message"),
        level=_optional(item, "annotation_level") or "failure",
        path="" if path == ".github" else path,
        line=line if isinstance(line, int) and not isinstance(line, bool) and line > 0 and path != ".github" else 0,
    )


def _step(item: Any) -> Step:
    return Step(_word(item, "name"), _number(item, "number"), Conclusion.of(_optional(item, "conclusion")))


def _word(item: Any, key: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is missing")
    return value


def _optional(item: Any, key: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _number(item: Any, key: str) -> int:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST_ID:
        raise Unreadable(f"{key} is no number")
    return value


def _time(item: Any, key: str) -> str:
    value = _optional(item, key)
    return value if is_date_time(value) else ""
