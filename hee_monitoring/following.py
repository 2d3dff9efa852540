"""Follows the runs of a platform: one poll, and one cycle of the pipeline for each run that has something to say.

Responsible for the order (everything is read before anything is recorded), for looking at the files of HEAD once, for
runs whose repair is still to be made, and for saying when the platform cannot be asked. What a poll finds is `github`'s.

Invariant: a poll that found nothing new and failed nowhere appends nothing; one that was refused records only that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.errors import NotFound, Unauthorized, Unreachable
from hee_monitoring import facts, pipeline, telling, workflow
from hee_monitoring.cursor import SOURCE, is_settled
from hee_monitoring.cycle import Cycle, Result, record
from hee_monitoring.github.announcing import Announcer
from hee_monitoring.github.feed import Batch, Feed, Sight
from hee_monitoring.publishing import Publisher
from hee_monitoring.redact import publishable
from hee_monitoring.repairs import is_open

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core.catalogue import Level
    from hee_core.errors import SourceError
    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.rules import Report
    from hee_monitoring.evidence import Job, Judge
    from hee_monitoring.github.client import Client
    from hee_monitoring.workspace import Workspace

BLIND_AFTER = 600.0  # seconds without an answer from which on it is recorded
AGAIN = 5  # runs looked at again in one cycle, for a repair that is still to be made


@dataclass(frozen=True)
class ByName:
    """A judge that runs jobs here by the names that the platform shows."""

    local: Judge

    def run_job(self, tree: str, key: str) -> Job:
        """Runs the job of that name; one that this tree does not have is UNKNOWN."""
        path, _, name = key.partition("#")
        place = (Path(tree) / path).resolve()
        inside = place.is_relative_to(Path(tree).resolve()) and place.is_file()
        named = names({path: place.read_bytes()} if inside else {})
        return replace(self.local.run_job(tree, named.get(f"{path}#{name}", (key, False))[0]), key=key)


def names(files: Mapping[str, bytes]) -> dict[str, tuple[str, bool]]:
    """The jobs of some workflows by the platform's name for them: our key, and whether they can be run here."""
    return {f"{job.workflow}#{job.name}": (job.key, job.runnable) for job in workflow.plan(files).jobs}


class Follower:
    """Follows one repository on GitHub. Use it in `with`; it closes the client."""

    def __init__(
        self, workspace: Workspace, client: Client, judge: Judge, progress: Callable[[str], None], *, tell: str = ""
    ) -> None:
        """Asks nothing yet; `tell` says how pull requests are told of what is red, where the configuration does not."""
        self._feed = Feed(client, workspace.work, progress=progress)
        self._client = client
        self._judge = ByName(judge)
        self._progress = progress
        self._tell = tell
        self.told: set[int] = set()  # runs that a webhook told of and no poll has looked at
        self._inspected: tuple[str, str | None] = ("", None)
        self._answered = workspace.clock.monotonic()

    def close(self) -> None:
        """Closes the connection."""
        self._client.__exit__()

    def cycle(
        self,
        workspace: Workspace,
        *,
        fix: bool = True,
        wanted: Callable[[Record], bool] = lambda _: True,
        alert_level: Level = "low",
        run_id: int = 0,
    ) -> tuple[Cycle, Result]:
        """One poll and what follows from it; with `run_id`, a look at that run. Raises SourceError when nothing is known."""
        log, result = workspace.log, Result()
        commit, branch = workspace.commit()
        looked = Cycle(
            workspace,
            Sight(None, None),
            commit,
            branch,
            fix=fix,
            wanted=wanted,
            alert_level=alert_level,
            progress=self._progress,
        )
        state = log.state
        batch = Batch((self._feed.one(run_id, state),)) if run_id else self._poll(looked, result)
        again = self._unfinished(workspace, state, batch) if fix else ()
        result.notes += batch.notes
        result.polled = batch.empty
        if batch.sights or again or self._inspected != (commit, log.head):
            reports: dict[str, Report] = {}
            files = replace(looked, source=_Files(), judge=self._judge, reports=reports)
            join(result, pipeline.run(files))
            for sight in (*batch.sights, *again):
                join(result, self._see(looked, sight, reports))
        self._feed.keep(batch, log.state)
        if (how := self._tell or workspace.config.pull_requests) != "nothing":
            result.notes += Announcer(self._client, workspace.work, how).tell(log.state)
        if workspace.config.publish == "pull-request":
            publisher = Publisher(workspace, self._client)
            publisher.hold(looked, result)
            result.notes += publisher.offer(wanted) if fix else []
        self._inspected = (commit, log.head)
        return looked, result

    def _poll(self, looked: Cycle, result: Result) -> Batch:
        """Asks the platform; a refusal is recorded at once, silence when it has lasted."""
        clock, log = looked.workspace.clock, looked.workspace.log
        try:
            batch = self._feed.poll(log.state, told=self.told)
        except Unauthorized as error:
            tell_blind(looked, result, "authentication", error)
            raise
        except Unreachable as error:
            if clock.monotonic() - self._answered >= BLIND_AFTER:
                tell_blind(looked, result, "network", error)
            raise
        self._answered = clock.monotonic()
        self.told.clear()
        if blind := blindness(log.state):
            data = {"source": SOURCE, "since": blind["since"]}
            record(looked, result, lambda _: [facts.event("monitor.recovered", data, subject="monitor", clock=clock)])
        return batch

    def _see(self, looked: Cycle, sight: Sight, reports: dict[str, Report]) -> Result:
        """One cycle of the pipeline over a run; calm runs only move the cursor."""
        workspace, run, step = looked.workspace, sight.run, sight.step
        result = Result()
        if run is None or not run.commit:

            def settled(state: State) -> list[Event]:
                if step is None or (step["runs"] and is_settled(step, state)):
                    return []
                return [facts.event("ci.cursor_moved", step, subject="cursor", clock=workspace.clock)]

            record(looked, result, settled)
            return result
        here = workspace.repository.files(run.commit, ".github/workflows") if self._has(workspace, run.commit) else {}
        can = frozenset(name for name, (_, runnable) in names(here).items() if runnable)
        cycle = replace(
            looked, source=sight, sight=sight, commit=run.commit, branch=run.branch, files=looked.commit, reports=reports,
            judge=self._judge, judged_here=can, restart=self._feed.restart, exists=self._feed.has_branch,
        )  # fmt: skip
        return pipeline.run(cycle)

    def _unfinished(self, workspace: Workspace, state: State, batch: Batch) -> tuple[Sight, ...]:
        """The runs of issues that are to be repaired and were not: a cycle was killed, or the commit came only now."""
        shown = {sight.run.run_id for sight in batch.sights if sight.run}
        wanted = {
            issue["run_id"]
            for issue in state.issues.values()
            if issue["source"] == SOURCE
            and is_open(issue)
            and (
                (issue["action"] in ("", "auto-fix") and self._has(workspace, issue["commit"]))
                or (issue["action"] == "rerun" and "rerun" not in issue)
                or pipeline.is_approved(issue, state)
            )
        }
        sights = []
        for run_id in sorted(wanted - shown)[-AGAIN:]:
            try:
                sights.append(self._feed.one(run_id, state))
            except NotFound:
                continue  # it is gone, or runs again
        return tuple(sights)

    @staticmethod
    def _has(workspace: Workspace, commit: str) -> bool:
        return bool(commit) and workspace.repository.ref(f"{commit}^{{commit}}") is not None


class _Files:
    """The source of a cycle that looks at files only."""

    name = "files"

    def runs(self, commit: str) -> tuple[()]:
        """None."""
        del commit
        return ()


def blindness(state: State) -> Mapping[str, str] | None:
    """Since when and why the platform cannot be asked; None if it can."""
    record = state.operational.sources.get(SOURCE)
    return record.get("blind") if record is not None else None


def join(total: Result, part: Result) -> None:
    """Adds what one cycle did to what a poll did."""
    total.events += part.events
    total.passed += part.passed
    total.evaluated = max(total.evaluated, part.evaluated)
    total.unknown.update(part.unknown)
    total.notes += part.notes
    total.polled |= part.polled


def tell_blind(looked: Cycle, result: Result, kind: str, error: SourceError) -> None:
    """Records once that nothing is known from here on, and tells a person."""
    clock = looked.workspace.clock
    reason = publishable(str(error), limit=500)
    alert = {
        "severity": "high",
        "title": f"HEE is blind: {reason}",
        "rationale": "what cannot be asked is unknown, not green; nothing of the cycle in flight was recorded",
        "next_step": publishable(error.hint, limit=500),
        "within_s": 300,
    }

    def events(state: State) -> list[Event]:
        if blindness(state):
            return []
        data = {"source": SOURCE, "kind": kind, "reason": reason}
        return [
            facts.event("monitor.blinded", data, subject="monitor", clock=clock),
            facts.event("alert.raised", alert, subject="monitor", clock=clock),
        ]

    record(looked, result, events)
    telling.send(looked, result)
