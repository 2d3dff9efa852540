"""What a CI source says, as values: runs, their jobs, their logs, and what a diagnosis makes of them.

Evidence has five channels; a pattern says which it reads. Nothing here touches the world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Channel(StrEnum):
    """Where a piece of evidence was read."""

    LOG = "log"
    ANNOTATION = "annotation"
    JOB = "job"
    RUN = "run"
    FILE = "file"


class Conclusion(StrEnum):
    """How a run, job or step ended; a word that we do not know is UNKNOWN, never success."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    STARTUP_FAILURE = "startup_failure"
    ACTION_REQUIRED = "action_required"
    STALE = "stale"
    SKIPPED = "skipped"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, word: str | None) -> Conclusion:
        """Reads a source's word."""
        return cls(word) if word and word in cls._value2member_map_ else cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line that proves something; `line` counts from 1 in the job's log or the file, 0 where there is no line.

    `where` is a path, a job or an annotation's title; `text` is redacted and clean.
    """

    channel: Channel
    text: str
    line: int = 0
    where: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message that the platform attached to a check run."""

    message: str
    level: str = "failure"
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job."""

    name: str
    number: int
    conclusion: Conclusion


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a run. `key` is stable over runs (workflow path, `#`, job id); `log` is raw bytes.

    `reason` says in one sentence why a job is UNKNOWN. Times are RFC 3339 or empty.
    """

    key: str
    name: str
    conclusion: Conclusion
    log: bytes = b""
    steps: tuple[Step, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    started_at: str = ""
    completed_at: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of CI for one commit, from one source (`act`, `logs`, `github`).

    `superseded` says that a later run of the same workflow on the same branch began; `was_green` counts by job the earlier
    attempts of this run in which it was green.
    """

    source: str
    conclusion: Conclusion
    jobs: tuple[Job, ...]
    commit: str | None = None
    branch: str = ""
    run_id: int = 0
    attempt: int = 1
    workflow: str = ""
    event: str = "push"
    annotations: tuple[Annotation, ...] = ()
    completed_at: str = ""
    superseded: bool = False
    was_green: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """Where runs come from. A source reads and never writes; what it cannot judge it returns as UNKNOWN."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def runs(self, commit: str) -> tuple[Run, ...]:
        """The runs for a commit; raises SourceError when the source cannot be asked at all."""
        ...


class Judge(Protocol):
    """Runs one job of a checked-out tree again; how a fix is proved."""

    def run_job(self, tree: str, key: str) -> Job:
        """Runs the job `key` in the directory `tree` and returns how it ended."""
        ...


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why something is red: one pattern, the line that proves it, how sure (0 to 10000 basis points).

    `category` is a word of the vocabulary; `unknown` when no pattern explains it, `none` when nothing failed.
    `fingerprint` is the same for the same failure over runs, branches and machines.
    """

    pattern_id: str
    category: str
    title: str
    fingerprint: str
    confidence: int
    evidence: tuple[Evidence, ...]
    captures: Mapping[str, str] = field(default_factory=dict)
    secondary: tuple[Diagnosis, ...] = ()

    @property
    def issue_id(self) -> str:
        """The same failure is the same issue over runs, branches and machines."""
        return f"HEE-ISS-{self.fingerprint[:10]}"

    @property
    def line(self) -> int:
        """The line of the first evidence; 0 if there is none."""
        return self.evidence[0].line if self.evidence else 0

    @property
    def text(self) -> str:
        """The text of the first evidence."""
        return self.evidence[0].text if self.evidence else ""
