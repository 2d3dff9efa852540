"""What is asked of a repair and how it ended, as values.

Responsible for the words; `transaction` gives them their meaning. Nothing here touches the world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hee_core.errors import HeeError
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.evidence import Diagnosis

Verdict = Literal["verified", "applied", "rolled_back", "refused"]
KEPT: tuple[Verdict, ...] = ("verified", "applied")


@dataclass(frozen=True)
class Request:
    """What to repair and within which bounds. `job_key` is empty for what no job shows (a gap in the specifications).

    `known_green` are the other jobs that were green at `commit`: each must be green after the repair. `known_red` are
    named for the record only. `allowed_paths` are globs, as are a strategy's own; a path must match both. `approved` says
    that a person's approval, and not the matrix alone, lets it be repaired.
    """

    issue_id: str
    fix_id: str
    diagnosis: Diagnosis
    matrix_row: str
    job_key: str
    commit: str
    branch: str = ""
    allowed_paths: tuple[str, ...] = ("**",)
    denied_paths: tuple[str, ...] = ()
    max_files: int = 50
    max_lines: int = 2000
    known_green: tuple[str, ...] = ()
    known_red: tuple[str, ...] = ()
    trailers: Mapping[str, str] = field(default_factory=dict)
    budget_s: float = 300.0
    approved: bool = False


@dataclass(frozen=True)
class Check:
    """One thing that was checked before or after the change."""

    name: str
    ok: bool
    detail: str = ""
    duration_ms: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a repair ended. `commit`, `tree` and the numbers are set only when it is `verified` or `applied`.

    `verified`: the failed job ran again on the fix and is green. `applied`: every check held, but no job could prove
    it. `rolled_back`: tried, and nothing of it is left. `refused`: not tried. `reason` is one sentence, redacted.
    `followed` are the failures that the first one hid and that were repaired with it.
    """

    outcome: Verdict
    reason: str
    strategy: str = ""
    tool: str = ""
    summary: str = ""
    commit: str = ""
    tree: str = ""
    files: tuple[str, ...] = ()
    insertions: int = 0
    deletions: int = 0
    diff_sha256: str = ""
    diff: str = ""
    pre: tuple[Check, ...] = ()
    post: tuple[Check, ...] = ()
    followed: tuple[Diagnosis, ...] = ()
    duration_ms: int = 0

    @property
    def kept(self) -> bool:
        """Whether a change came out that every check let through."""
        return self.outcome in KEPT


def commit_message(summary: str, tool: str, request: Request) -> str:
    """The message of a repair's commit: our own words, numbers and trailers, nothing of a log."""
    how = (
        "Proved by running the failed job again."
        if request.job_key
        else "No job proves this; it counts as no coverage."
    )
    trailers = [f"{name}: {' '.join(publishable(value).split())}" for name, value in request.trailers.items()]
    lines = [publishable(summary, limit=100), "", f"Repaired mechanically with {publishable(tool, limit=120)}.", how]
    return "\n".join([*lines, *(["", *trailers] if trailers else []), ""])


def sentence(error: Exception) -> str:
    """An error in words fit for an event; one that is not ours names its type."""
    text = str(error) or "no message"
    return tidy(text if isinstance(error, HeeError) else f"{type(error).__name__}: {text}")


def tidy(text: str) -> str:
    """Text fit for an event: redacted, one line, without control characters, bounded."""
    return publishable(" ".join(text.split()), limit=500)
