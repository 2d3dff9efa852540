"""The loop: one cycle after another, 60 seconds apart, 30 while something is open, until somebody ends it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hee_core import machine
from hee_core.errors import Frozen, HeeError, IntegrityError, RateLimited, SourceError
from hee_monitoring import pipeline
from hee_monitoring.alerting.dispatch import deliver
from hee_monitoring.cycle import Cycle, Result
from hee_monitoring.workspace import load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from hee_core.catalogue import Level
    from hee_core.record import Record
    from hee_monitoring.evidence import Judge, Source
    from hee_monitoring.following import Follower
    from hee_monitoring.github.client import Client
    from hee_monitoring.sources.act import ActSource
    from hee_monitoring.workspace import Workspace

LONGEST_PAUSE = 900


def silent(_: object) -> None:
    """Progress that nobody watches."""


def watch(
    workspace: Workspace,
    *,
    source: str = "auto",
    logs: Sequence[Path] = (),
    fix: bool = True,
    rerun: bool = False,
    run_id: int = 0,
    limit: int | None = None,
    progress: Callable[[str], None] = silent,
    trouble: Callable[[HeeError], None] = silent,
    stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object] | None = None,
    told: Callable[[], Collection[int]] = tuple,
    tell: str = "",
) -> Iterator[tuple[Cycle, Result]]:
    """Yields each cycle with what it did; ends after `limit` cycles or when `stop` says so.

    Raises what keeps it from ever beginning (see `ready`), a damaged log at any time, and the fault of the last cycle of
    a limit. The fault of another cycle goes to `trouble`, once while it stays the same, and the next cycle comes as
    always, later each time. `pause` waits instead of the clock, and may end early; `told` gives the runs that a platform told
    of, and `tell` says how pull requests are told of what is red (see `platform`).
    """
    clock = workspace.clock
    ready(workspace)
    quiet, since, longest, last = 0, clock.now(), 0, clock.monotonic()
    count, said, failed = 0, "", 0
    with ExitStack() as end:
        follower = end.enter_context(closing(found)) if (found := platform(workspace, source, progress, tell)) else None
        while not stop():
            count += 1
            done, wait = None, 0.0
            try:
                workspace = reloaded(workspace)
                if follower is not None:
                    follower.told |= set(told())
                cycle, result = one_cycle(
                    workspace,
                    source=source,
                    logs=logs,
                    fix=fix,
                    rerun=rerun,
                    run_id=run_id,
                    progress=progress,
                    follower=follower,
                )
                longest = max(longest, int((clock.monotonic() - last) * 1000))
                last = clock.monotonic()
                quiet += not result.events
                if quiet and pipeline.heartbeat(cycle, result, polls=quiet, since=since, longest_ms=longest):
                    quiet, since, longest = 0, clock.now(), 0
                done, said, failed = (cycle, result), "", 0
            except IntegrityError:
                raise  # nothing may be judged by a log that does not hold, or be written to it
            except HeeError as error:
                if limit is not None and count >= limit:
                    raise
                wait = error.wait if isinstance(error, RateLimited) else 0.0
                if type(error).__name__ != said:
                    trouble(error)
                said = type(error).__name__
                failed += 1
                progress(f"the last cycle failed: {error}")
            if done:
                yield done
            if limit is not None and count >= limit:
                return
            (pause or clock.sleep)(max(min(interval(workspace) * 2 ** min(failed, 8), LONGEST_PAUSE), wait))


def ready(workspace: Workspace) -> None:
    """Raises KeyFault or Frozen if nothing that a cycle finds could be recorded: better before a job runs than after."""
    head = workspace.log.refresh()
    if head.keyring and (fault := head.keyring.fault(workspace.log.signer, head.size)):
        raise fault
    if head.state.frozen:
        deliver(workspace)
        raise Frozen(
            f"the log is frozen ({head.state.ledger.frozen_reason}): nothing is looked at or repaired",
            hint="only a person can end it: `hee unfreeze`",
        )


def reloaded(workspace: Workspace) -> Workspace:
    """The workspace with the configuration and the patterns that are in force now."""
    config = load_config(workspace.repository)
    old, fresh = workspace.config, replace(workspace, config=config)
    same = (config, config.as_of, config.waivers) == (old, old.as_of, old.waivers)
    if same and fresh.patterns.digest == workspace.patterns.digest:
        return workspace
    workspace.log.pin = config.log_id
    return fresh


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
    run_id: int = 0,
    progress: Callable[[str], None] = silent,
    follower: Follower | None = None,
) -> tuple[Cycle, Result]:
    """Runs one cycle: over the commit at HEAD, or over what a platform shows.

    Raises SourceError when no source can be asked, and what `ready` does.
    """
    ready(workspace)
    if follower is not None:
        return follower.cycle(workspace, fix=fix, wanted=wanted, alert_level=alert_level, run_id=run_id)
    if (found := platform(workspace, source, progress)) is not None:
        with closing(found):
            return found.cycle(workspace, fix=fix, wanted=wanted, alert_level=alert_level, run_id=run_id)
    if run_id:
        raise SourceError("a run has a number only on GitHub", hint="--source github, with a token in GITHUB_TOKEN")
    commit, branch = workspace.commit()
    asked, judge = sources(workspace, source, logs, progress)
    cycle = Cycle(
        workspace, asked, commit, branch,
        judge=judge, fix=fix, rerun=rerun, wanted=wanted, alert_level=alert_level, progress=progress,
    )  # fmt: skip
    return cycle, pipeline.run(cycle)


def platform(workspace: Workspace, name: str, progress: Callable[[str], None], tell: str = "") -> Follower | None:
    """What follows GitHub, where the name asks for it; `auto` does if origin is on GitHub and a token is there.

    `tell` is `comment`, `check` or `nothing`, and empty for what the configuration says.
    """
    if name not in ("auto", "github"):
        return None
    client = github(workspace, needed=name == "github")
    if client is None:
        return None
    from hee_monitoring.following import Follower

    return Follower(workspace, client, local(workspace, progress), progress, tell=tell)


def github(workspace: Workspace, *, needed: bool = True) -> Client | None:
    """A client of the repository's GitHub; without a token or a place None, or SourceError where it is `needed`."""
    from hee_monitoring.github import credentials, place
    from hee_monitoring.github.client import Client

    credential, where = credentials.find(workspace.clock), place.find(workspace.repository)
    if credential is not None and where is not None:
        return Client(where, credential, clock=workspace.clock)
    if not needed:
        return None
    if credential is None:
        raise SourceError("no token for GitHub was given", hint="set GITHUB_TOKEN; it needs actions: read")
    raise SourceError(
        "the remote `origin` is not on GitHub",
        hint="for a server of your own set GITHUB_API_URL=https://HOST/api/v3",
    )


def sources(
    workspace: Workspace, name: str, logs: Sequence[Path], progress: Callable[[str], None]
) -> tuple[Source, Judge | None]:
    """The source of evidence and the judge of repairs that a name stands for; the default runs the workflows here."""
    if name == "logs":
        from hee_monitoring.sources.logs import LogSource

        if not logs:
            raise SourceError(
                "--source logs needs log files", hint="name them: hee monitor --once --source logs --log build.log"
            )
        return LogSource(logs, workspace.patterns), None
    if name not in ("auto", "act", "github"):
        from hee_monitoring import plugins

        root = workspace.repository.root or workspace.repository.git_dir
        brought = plugins.source(name, workspace.config.plugins, root)
        if brought is None:
            raise SourceError(
                f"there is no source {name!r}: `plugins` in hee.yaml names none of that name",
                hint="auto, github, act, logs, or the name of a plugin that hee.yaml lists",
            )
        return brought, None
    act = local(workspace, progress)
    return act, act


def local(workspace: Workspace, progress: Callable[[str], None]) -> ActSource:
    """The workflows of the repository itself, run here."""
    from hee_monitoring.sources.act import ActSource

    return ActSource(
        workspace.repository.root or workspace.repository.git_dir,
        clock=workspace.clock, work=workspace.work / "act", progress=progress,
    )  # fmt: skip
