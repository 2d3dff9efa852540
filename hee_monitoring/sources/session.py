"""Running the jobs of one commit or tree: a room of their own, the order of their needs, a sandbox for each.

Responsible for the directories (made for one call, removed at its end whatever happens), for running two jobs at a time,
and for passing results and outputs on. What act is given is `singlejob`'s, what it said `actlog`'s.

Invariant: when a call ends, by result or by exception, no process of it runs and no directory of it is left.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hee_core.clock import SYSTEM
from hee_core.errors import SourceError
from hee_monitoring import durations, rooms, sandbox, singlejob
from hee_monitoring.evidence import Conclusion, Job
from hee_monitoring.singlejob import Place, Result
from hee_monitoring.sources import actlog, published, step
from hee_monitoring.sources.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hee_core.clock import Clock
    from hee_monitoring.sources.pushed import Pushed
    from hee_monitoring.workflow import PlannedJob

_AT_ONCE = 2
_PREFIX = "act-"
_STATUS = re.compile(r"\b(?:always|failure|cancelled|success)\s*\(")
_RESULTS = {Conclusion.SUCCESS: "success", Conclusion.SKIPPED: "skipped"}
_ROOM = "free some disk space, or set HEE_HOME to a larger disk"
_WRAPPER = (sys.executable, "-I", "-S", step.__file__)
_PUBLISHED = (sys.executable, "-I", "-S", published.__file__)
_STARTED = ("bash", "sh", "python", "node", "pwsh")
_PAST = {"failure": "failed", "skipped": "was skipped"}


@contextmanager
def room(work: Path) -> Iterator[Path]:
    """A directory for one call, after what killed calls left was swept away; raises SourceError where none can be made."""
    with ExitStack() as end:
        try:
            place = end.enter_context(rooms.room(work, f"{_PREFIX}{SYSTEM.nonce()[:16]}"))
        except OSError as error:
            raise SourceError(f"no room for a copy in {work}: {error.strerror}", hint=_ROOM) from None
        rooms.sweep(work, _PREFIX)
        yield place


@dataclass
class Session:
    """The jobs of one commit or tree, run in order."""

    room: Path
    tree: Path
    pushed: Pushed
    clock: Clock
    timeout: float
    progress: Callable[[str], None]
    hide: tuple[Path, ...]
    closed: tuple[Path, ...]
    took: Mapping[str, float] = field(default_factory=dict)
    done: dict[str, Job] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def artifacts(self) -> Path:
        """Where the jobs of this run leave artifacts for each other."""
        return self.room / "artifacts"

    def run(self, jobs: Sequence[PlannedJob]) -> dict[str, Job]:
        """Runs every job once those it needs are done; jobs it needs that are not given count as passed."""
        waiting = list(jobs)
        running: dict[Future[tuple[Job, Mapping[str, str]]], PlannedJob] = {}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="act") as pool:
            try:
                while waiting or running:
                    for job in [job for job in waiting if self._ready(job, jobs)]:
                        before = self._before(job, jobs)
                        refused = self._refused(job, before)
                        if refused is not None:
                            self.done[job.key] = refused
                            waiting.remove(job)
                        elif len(running) < _AT_ONCE:
                            still = [each.key for each in (*waiting, *running.values())]
                            left = durations.left(still, self.took, at_once=_AT_ONCE)
                            number = len(self.done) + len(running) + 1
                            self.progress(f"running {job.name} ({number} of {len(jobs)}{left})")
                            handed_on = (
                                any(job.job_id in other.needs for other in jobs) and job.body.get("outputs") is not None
                            )
                            running[pool.submit(self._one, job, before, self.clock.now(), outputs=handed_on)] = job
                            waiting.remove(job)
                    finished = wait(running, return_when=FIRST_COMPLETED).done if running else ()
                    for future in finished:
                        job = running.pop(future)
                        result, self.outputs[job.key] = future.result()
                        self.done[job.key] = replace(result, completed_at=self.clock.now())
                        self.progress(f"{job.name}: {result.conclusion}")
            except BaseException:
                self.cancel.set()
                raise
        return self.done

    def _ready(self, job: PlannedJob, jobs: Sequence[PlannedJob]) -> bool:
        return all(
            other.key in self.done for other in jobs if other.workflow == job.workflow and other.job_id in job.needs
        )

    def _before(self, job: PlannedJob, jobs: Sequence[PlannedJob]) -> dict[str, Result | None]:
        """How the jobs it needs ended; None for one that is not known."""
        found: dict[str, Result | None] = {}
        for needed in job.needs:
            rows = [other for other in jobs if other.workflow == job.workflow and other.job_id == needed]
            ends = {counted(row, self.done[row.key].conclusion) for row in rows}
            outputs = {name: value for row in rows for name, value in self.outputs.get(row.key, {}).items()}
            known = not ends or Conclusion.UNKNOWN not in ends
            words = {_RESULTS.get(end, "failure") for end in ends} or {"success"}
            word = next(word for word in ("failure", "success", "skipped") if word in words)
            found[needed] = Result(word, outputs) if known else None
        return found

    def _refused(self, job: PlannedJob, before: Mapping[str, Result | None]) -> Job | None:
        """The job as it ends without being run, if it is not to be run."""
        if job.skipped:
            return Job(job.key, job.name, Conclusion.SKIPPED, reason=job.reason)
        if not _STATUS.search(job.body.word("if")):
            for needed, result in before.items():
                if result is not None and result.result != "success":
                    return Job(
                        job.key, job.name, Conclusion.SKIPPED, reason=f"it needs {needed}, which {_PAST[result.result]}"
                    )
        if not job.runnable:
            return Job(job.key, job.name, Conclusion.UNKNOWN, reason=f"it was not run here: {job.reason}")
        for needed, result in before.items():
            if result is None:
                return Job(
                    job.key, job.name, Conclusion.UNKNOWN, reason=f"it needs {needed}, of which the outcome is unknown"
                )
        return None

    def _one(
        self, job: PlannedJob, before: Mapping[str, Result | None], started: str, *, outputs: bool
    ) -> tuple[Job, Mapping[str, str]]:
        """Runs one job in a place of its own; works in a thread."""
        place = self.room / f"job-{SYSTEM.nonce()[:8]}"
        limit = min(self.timeout, job.timeout_minutes * 60)
        try:
            home, logs, start = self._prepare(place, job, before, outputs=outputs)
            stand_ins = _stand_ins(logs)
            self.artifacts.mkdir(exist_ok=True)
            with Kept(logs) as kept:
                done = sandbox.run(
                    self._argv(place, start),
                    cwd=home, home=home, timeout=limit, only_write=(place, self.artifacts), read_only=self.closed, hide=self.hide, cancel=self.cancel,
                    env={"PATH": f"{stand_ins}:{home}/.local/bin:{home}/.cargo/bin:{sandbox.path()}", "PAGER": "cat"},
                )  # fmt: skip
                spoken = actlog.listen(done.output, job.job_id)
                ended = done.exit_code in (0, 1) and not done.timed_out
                outcome = actlog.judge(job, spoken, kept.logs(len(job.steps)), _installed, ended=ended)
                handed_on = kept.outputs()
        except OSError as error:
            raise SourceError(f"{job.name} can't be run in {self.room}: {error.strerror}", hint=_ROOM) from None
        finally:
            rooms.remove(place)
        if done.timed_out:
            outcome = actlog.late(outcome, limit, job.timeout_minutes)
        shown = self.pushed.shown(home)
        return Job(
            key=job.key,
            name=job.name,
            conclusion=outcome.conclusion,
            log=shown.text(outcome.log),
            steps=outcome.steps,
            annotations=tuple(shown.annotation(annotation) for annotation in outcome.annotations),
            started_at=started,
            reason=outcome.reason,
        ), handed_on

    def _prepare(
        self, place: Path, job: PlannedJob, before: Mapping[str, Result | None], *, outputs: bool
    ) -> tuple[Path, Path, str]:
        """Makes the job's home and the folder of its logs, and writes what act is given; the last is the job to start."""
        home, logs = place / "home", place / "logs"
        for directory in (home, logs):
            directory.mkdir(parents=True)
        needs = {name: result for name, result in before.items() if result is not None}
        text, start = singlejob.write(
            job,
            needs,
            Place(str(self.tree), str(logs), _WRAPPER, step.NUMBER, _PUBLISHED, str(self.artifacts)),
            outputs=outputs,
        )
        (place / "workflow.yml").write_text(text, encoding="utf-8")
        (place / "event.json").write_text(json.dumps(self.pushed.event()), encoding="utf-8")
        (place / "env").write_text(self.pushed.variables(), encoding="utf-8")
        return home, logs, start

    def _argv(self, place: Path, start: str) -> list[str]:
        nothing = ("--secret-file", os.devnull, "--var-file", os.devnull, "--input-file", os.devnull)
        return [
            "act", "push", "--json", "-P", f"{singlejob.RUNNER}=-self-hosted", "--no-cache-server", "--container-daemon-socket", "-",
            "--action-offline-mode", "--use-gitignore=false", "-C", str(self.tree), "-W", str(place / "workflow.yml"), "-j", start,
            "-e", str(place / "event.json"), "--env-file", str(place / "env"), *nothing, "-a", self.pushed.origin.owner,
        ]  # fmt: skip


def _stand_ins(logs: Path) -> Path:
    """Makes a folder with a stand-in for each program that act starts by itself and that this machine has."""
    folder = logs / step.STAND_INS
    folder.mkdir()
    for program in _STARTED:
        if sandbox.find(program) is not None:
            words = shlex.join([*_WRAPPER, "--stand-in", str(logs), program])
            (folder / program).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
            (folder / program).chmod(0o755)
    return folder


def _installed(program: str) -> bool:
    return sandbox.find(program) is not None


def reads_needs(job: PlannedJob) -> bool:
    """Whether how a job runs depends on how those that it needs ended."""
    downloads = any(step.stand_in == "download" for step in job.steps)
    return job.uses_needs or downloads or _STATUS.search(job.body.word("if")) is not None


def counted(job: PlannedJob, conclusion: Conclusion) -> Conclusion:
    """How a job counts for its run and for the jobs that need it: one that may fail (`continue-on-error`) passes."""
    return (
        Conclusion.SUCCESS if job.may_fail and conclusion in (Conclusion.FAILURE, Conclusion.TIMED_OUT) else conclusion
    )
