"""What one cycle is given, what it did, and how a stage writes: compare-and-swap from the state it was computed of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hee_core.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hee_core.catalogue import Level
    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.rules import Report
    from hee_monitoring.evidence import Judge, Run, Source
    from hee_monitoring.workspace import Workspace


class Sight(Protocol):
    """A run that a platform made; read-only parts, since one of them is frozen."""

    @property
    def run(self) -> Run | None:
        """The run, with its jobs."""
        ...

    @property
    def step(self) -> Mapping[str, Any] | None:
        """What moves the platform's cursor past it; None if the cursor is past it already."""
        ...


@dataclass(frozen=True)
class Cycle:
    """One look at one commit. `judge` proves repairs; without one, or with `fix` off, nothing is repaired.

    `wanted` picks the issues that may be repaired this time, `alert_level` is the least severity that people are told of.
    `reports` keeps what the rules said about the commit, since every repair is held against it. `sight` is set when the
    look was a platform's own run, of any commit and branch: `files` is then the commit that rules are read against,
    `judged_here` the jobs that the judge can run, and `restart` asks the platform to run a run's failed jobs again and
    returns why it does not, or nothing. `exists` says whether a branch is there, None where that cannot be told.
    """

    workspace: Workspace
    source: Source
    commit: str
    branch: str
    judge: Judge | None = None
    fix: bool = True
    rerun: bool = False
    wanted: Callable[[Record], bool] = lambda _: True
    alert_level: Level = "low"
    progress: Callable[[str], None] = lambda _: None
    reports: dict[str, Report] = field(default_factory=dict, compare=False)
    sight: Sight | None = None
    files: str = ""
    judged_here: frozenset[str] | None = None
    restart: Callable[[Run], str] | None = None
    exists: Callable[[str], bool | None] | None = None


@dataclass
class Result:
    """What a cycle did: the events it appended, the jobs it saw green, the rule checks it made, what nobody could judge.

    `longest_append_ms` is the longest that its events took until they and their capsule were durable.
    """

    events: int = 0
    passed: int = 0
    evaluated: int = 0
    unknown: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    polled: bool = False
    longest_append_ms: int | None = None


def record(cycle: Cycle, result: Result, make: Callable[[State], Sequence[Event]]) -> None:
    """Appends what a stage has to say about the state it was said of; if another writer was first, says it anew."""
    log = cycle.workspace.log
    while True:
        head, state = log.head, log.state
        events = make(state)
        if not events:
            return
        began = cycle.workspace.clock.monotonic()
        try:
            log.append(events, expected=head)
        except Conflict:
            continue
        took = int((cycle.workspace.clock.monotonic() - began) * 1000)
        result.longest_append_ms = max(took, result.longest_append_ms or 0)
        result.events += len(events)
        return
