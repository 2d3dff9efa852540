"""The loop: one cycle after another, 60 seconds apart, 30 while something is open, until somebody ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core import machine
from hee_core.errors import SourceError
from hee_monitoring import pipeline
from hee_monitoring.cycle import Cycle, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hee_monitoring.evidence import Judge, Source
    from hee_monitoring.sources.act import ActSource
    from hee_monitoring.workspace import Workspace


def silent(_: str) -> None:
    """Progress that nobody watches."""


def watch(
    workspace: Workspace,
    *,
    source: str = "auto",
    logs: Sequence[Path] = (),
    fix: bool = True,
    rerun: bool = False,
    limit: int | None = None,
    progress: Callable[[str], None] = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Cycle, Result]]:
    """Yields each cycle with what it did; ends after `limit` cycles or when `stop` says so."""
    clock = workspace.clock
    quiet, since, longest, last = 0, clock.now(), 0, clock.monotonic()
    count = 0
    while not stop():
        cycle, result = one_cycle(workspace, source=source, logs=logs, fix=fix, rerun=rerun, progress=progress)
        count += 1
        longest = max(longest, int((clock.monotonic() - last) * 1000))
        last = clock.monotonic()
        quiet += not result.events
        if quiet and pipeline.heartbeat(cycle, result, polls=quiet, since=since, longest_ms=longest):
            quiet, since, longest = 0, clock.now(), 0
        yield cycle, result
        if limit is not None and count >= limit:
            return
        clock.sleep(machine.poll_interval(workspace.log.state.status))


def one_cycle(
    workspace: Workspace,
    *,
    source: str = "auto",
    logs: Sequence[Path] = (),
    fix: bool = True,
    rerun: bool = False,
    only: str = "",
    progress: Callable[[str], None] = silent,
) -> tuple[Cycle, Result]:
    """Runs one cycle over the commit at HEAD; raises SourceError when no source can be asked."""
    commit, branch = workspace.commit()
    asked, judge = sources(workspace, source, logs, progress)
    cycle = Cycle(workspace, asked, commit, branch, judge=judge, fix=fix, rerun=rerun, only=only, progress=progress)
    return cycle, pipeline.run(cycle)


def sources(
    workspace: Workspace, name: str, logs: Sequence[Path], progress: Callable[[str], None]
) -> tuple[Source, Judge | None]:
    """The source of evidence and the judge of repairs that a name stands for; `auto` runs the workflows here."""
    if name == "github":
        raise SourceError(
            "this version cannot ask GitHub yet",
            hint="--source act runs the workflows here; --source logs reads log files",
        )
    if name == "logs":
        from hee_monitoring.sources.logs import LogSource

        if not logs:
            raise SourceError(
                "--source logs needs log files", hint="name them: hee monitor --once --source logs --log build.log"
            )
        return LogSource(logs, workspace.patterns), None
    act = local(workspace, progress)
    return act, act


def local(workspace: Workspace, progress: Callable[[str], None]) -> ActSource:
    """The workflows of the repository itself, run here."""
    from hee_monitoring.sources.act import ActSource

    return ActSource(
        workspace.repository.root or workspace.repository.git_dir,
        clock=workspace.clock, work=workspace.work / "act", progress=progress,
    )  # fmt: skip
