"""All that is known of one finished run: its jobs with their steps, and of the red ones annotations and logs.

Responsible for which of these have to be asked for, and for saying why one is missing: a log that is not there proves
nothing. Listing runs is `feed`'s, what a job's evidence means the classifier's.

Invariant: a job is red, green or UNKNOWN as GitHub says, whatever of its evidence could be read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import SourceError, Unauthorized, Unreachable
from hee_monitoring.cursor import SOURCE
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run
from hee_monitoring.github.payloads import JobItem, Unreadable, annotation, job_item
from hee_monitoring.observe import FAILING
from hee_monitoring.sources.logs import read_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_monitoring.github.client import Client
    from hee_monitoring.github.payloads import RunItem

ATTEMPTS = 5  # earlier attempts that are asked for, the last ones
MANY = 6  # red jobs from which on one archive costs less than a log for each
_MEMBER = re.compile(r"-?\d+_([^/]+)\.txt")


@dataclass(frozen=True, slots=True)
class _Log:
    data: bytes = b""
    reason: str = ""


class Detail:
    """Reads runs whole."""

    def __init__(self, client: Client, progress: Callable[[str], None]) -> None:
        """Asks nothing yet."""
        self._client = client
        self._progress = progress

    def run(self, item: RunItem) -> Run:
        """A run with its jobs; raises Unreachable if not even those can be listed."""
        self._progress(f"reading run {item.run_id} of {item.workflow}")
        path = self._client.place.path(f"actions/runs/{item.run_id}/attempts/{item.attempt}/jobs")
        jobs: list[Job] = []
        found: list[JobItem] = []
        for number, each in enumerate(self._client.pages(path, "jobs"), 1):
            try:
                found.append(job_item(each))
            except Unreadable as fault:
                key = f"{item.workflow}#job {number}"
                jobs.append(
                    Job(key, f"job {number}", Conclusion.UNKNOWN, reason=f"GitHub's answer cannot be read: {fault}")
                )
        red = [job for job in found if job.conclusion in FAILING]
        archive = self._archive(item) if len(red) >= MANY else {}
        jobs += [self._job(item, job, archive) for job in found]
        if not jobs and item.conclusion is not Conclusion.STARTUP_FAILURE:
            why = f"the run ended as {item.word}, and GitHub lists no job of it"
            jobs = [Job(item.workflow, item.workflow, item.conclusion, completed_at=item.completed_at, reason=why)]
        return Run(
            SOURCE, item.conclusion, tuple(jobs), commit=item.commit, branch=item.branch, run_id=item.run_id,
            attempt=item.attempt, workflow=item.workflow, event=item.event, completed_at=item.completed_at,
            was_green=self._was_green(item) if red and item.attempt > 1 else {},
        )  # fmt: skip

    def _was_green(self, item: RunItem) -> Mapping[str, int]:
        """In how many earlier attempts each job was green; an attempt that cannot be read counts for nothing."""
        found: Counter[str] = Counter()
        for attempt in range(item.attempt - 1, max(0, item.attempt - 1 - ATTEMPTS), -1):
            path = self._client.place.path(f"actions/runs/{item.run_id}/attempts/{attempt}/jobs")
            try:
                jobs = [job_item(each) for each in self._client.pages(path, "jobs")]
            except (SourceError, Unreadable):
                continue
            found.update(f"{item.workflow}#{job.name}" for job in jobs if job.conclusion is Conclusion.SUCCESS)
        return found

    def _job(self, item: RunItem, job: JobItem, archive: dict[str, bytes]) -> Job:
        notes: tuple[Annotation, ...] = ()
        log = _Log()
        if job.conclusion in FAILING:
            notes = self._annotations(job)
            log = _Log(archive[_plain(job.name)]) if _plain(job.name) in archive else self._log(job)
        elif not job.done:
            log = _Log(reason="it has not ended")
        elif job.conclusion is Conclusion.UNKNOWN:
            log = _Log(reason="it ended in a way that this program does not know")
        return Job(
            f"{item.workflow}#{job.name}", job.name, job.conclusion, log.data, job.steps, notes, job.started_at,
            job.completed_at or item.completed_at, log.reason,
        )  # fmt: skip

    def _annotations(self, job: JobItem) -> tuple[Annotation, ...]:
        """What the platform says of a job; none where that may not or cannot be read, since the log speaks as well."""
        path = self._client.place.path(f"check-runs/{job.job_id}/annotations")
        notes: list[Annotation] = []
        try:
            for each in self._client.pages(path, ""):
                try:
                    notes.append(annotation(each))
                except Unreadable:
                    continue
        except Unauthorized as error:
            if error.status != 403:  # without `checks: read`
                raise
        except Unreachable:
            pass
        return tuple(notes)

    def _log(self, job: JobItem) -> _Log:
        try:
            answer = self._client.log(self._client.place.path(f"actions/jobs/{job.job_id}/logs"))
        except Unauthorized as error:
            if error.status != 403:
                raise
            return _Log(reason=f"its log may not be read with this token: {error}")
        except Unreachable as error:
            return _Log(reason=f"its log could not be read: {error}")
        if answer.status == 200:
            return _Log(answer.body, "" if answer.body.strip() else "its log is empty, which proves nothing")
        if answer.status == 410:
            return _Log(reason="its log has expired")
        return _Log(reason=self._missing(job))

    def _missing(self, job: JobItem) -> str:
        """Why a log is not there: GitHub says 404 of a job that runs, and of one that was cancelled early."""
        try:
            now = job_item(self._client.json(self._client.place.path(f"actions/jobs/{job.job_id}")))
        except (Unreadable, Unreachable):
            return "it left no log, and GitHub does not say why"
        if not now.done:
            return "it runs again: its log comes when it ends"
        if now.conclusion is Conclusion.CANCELLED:
            return "it was cancelled before it left a log"
        return "it left no log"

    def _archive(self, item: RunItem) -> dict[str, bytes]:
        """The logs of all jobs at once, by what is left of their names in an archive; those that clash are left out."""
        try:
            answer = self._client.log(
                self._client.place.path(f"actions/runs/{item.run_id}/attempts/{item.attempt}/logs")
            )
            if answer.status != 200 or answer.lost:
                return {}
            files = read_input(None, answer.body)
        except Unauthorized as error:
            if error.status != 403:
                raise
            return {}
        except SourceError:
            return {}
        logs: dict[str, bytes] = {}
        clash: set[str] = set()
        for file in files:
            if (member := _MEMBER.fullmatch(file.name)) and file.data.strip():
                name = _plain(member[1])
                clash |= {name} & logs.keys()
                logs[name] = file.data
        return {name: data for name, data in logs.items() if name not in clash}


def _plain(name: str) -> str:
    """What an archive's member and a job's name have in common: GitHub leaves out what no file name may have."""
    return re.sub(r"[^\w.-]+", "", name)[:60]
