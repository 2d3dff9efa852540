"""The loop: one cycle after another, 60 seconds apart, 30 while something is open, until somebody ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_core import machine
from hee_core.errors import Frozen, HeeError, SourceError
from hee_monitoring import pipeline
from hee_monitoring.cycle import Cycle, Result
from hee_monitoring.workspace import load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hee_core.catalogue import Level
    from hee_core.record import Record
    from hee_monitoring.evidence import Judge, Source
    from hee_monitoring.sources.act import ActSource
    from hee_monitoring.workspace import Workspace


def silent(_: object) -> None:
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
    trouble: Callable[[HeeError], None] = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Cycle, Result]]:
    """Yields each cycle with what it did; ends after `limit` cycles or when `stop` says so.

    Raises what keeps it from ever beginning (see `ready`) and the fault of the last cycle of a limit. The fault of
    another cycle goes to `trouble`, once while it stays the same, and the next cycle comes as always.
    """
    clock = workspace.clock
    ready(workspace)
    quiet, since, longest, last = 0, clock.now(), 0, clock.monotonic()
    count, said = 0, ""
    while not stop():
        count += 1
        done = None
        try:
            workspace = reloaded(workspace)
            cycle, result = one_cycle(workspace, source=source, logs=logs, fix=fix, rerun=rerun, progress=progress)
            longest = max(longest, int((clock.monotonic() - last) * 1000))
            last = clock.monotonic()
            quiet += not result.events
            if quiet and pipeline.heartbeat(cycle, result, polls=quiet, since=since, longest_ms=longest):
                quiet, since, longest = 0, clock.now(), 0
            done, said = (cycle, result), ""
        except HeeError as error:
            if limit is not None and count >= limit:
                raise
            if str(error) != said:
                trouble(error)
            said = str(error)
            progress(f"the last cycle failed: {said}")
        if done:
            yield done
        if limit is not None and count >= limit:
            return
        clock.sleep(interval(workspace))


def ready(workspace: Workspace) -> None:
    """Raises KeyFault or Frozen if nothing that a cycle finds could be recorded: better before a job runs than after."""
    head = workspace.log.refresh()
    if head.keyring and (fault := head.keyring.fault(workspace.log.signer, head.size)):
        raise fault
    if head.state.frozen:
        raise Frozen(
            f"the log is frozen ({head.state.ledger.frozen_reason}): nothing is looked at or repaired",
            hint="only a person can end it: `hee unfreeze`",
        )


def reloaded(workspace: Workspace) -> Workspace:
    """The workspace with the configuration that is in force now."""
    config = load_config(workspace.repository)
    old = workspace.config
    if (config, config.as_of, config.waivers) == (old, old.as_of, old.waivers):
        return workspace
    workspace.log.pin = config.log_id
    return replace(workspace, config=config)


def interval(workspace: Workspace) -> int:
    """Seconds until the next cycle; a log that cannot be read is looked at soon again."""
    try:
        return machine.poll_interval(workspace.log.state.status)
    except HeeError:
        return machine.poll_interval("")


def one_cycle(
    workspace: Workspace,
    *,
    source: str = "auto",
    logs: Sequence[Path] = (),
    fix: bool = True,
    rerun: bool = False,
    wanted: Callable[[Record], bool] = lambda _: True,
    alert_level: Level = "low",
    progress: Callable[[str], None] = silent,
) -> tuple[Cycle, Result]:
    """Runs one cycle over the commit at HEAD; raises SourceError when no source can be asked, and what `ready` does."""
    ready(workspace)
    commit, branch = workspace.commit()
    asked, judge = sources(workspace, source, logs, progress)
    cycle = Cycle(
        workspace, asked, commit, branch,
        judge=judge, fix=fix, rerun=rerun, wanted=wanted, alert_level=alert_level, progress=progress,
    )  # fmt: skip
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
