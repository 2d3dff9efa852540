"""What is red: from runs and detectors to observations, one for each distinct failure. Pure.

Green jobs are counted as well, since only a job that was seen green resolves an issue; a job that could not be judged
is UNKNOWN and named. So is one that was cancelled because a later run took its place, or a sibling failed: it says nothing
of its own, unless its log holds a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.evidence import Channel, Conclusion, Diagnosis, Evidence, Job, Run
from hee_monitoring.fingerprint import fingerprint
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hee_core.record import Record

FAILING = {
    Conclusion.FAILURE,
    Conclusion.TIMED_OUT,
    Conclusion.CANCELLED,
    Conclusion.STARTUP_FAILURE,
    Conclusion.ACTION_REQUIRED,
    Conclusion.STALE,
}
# What GitHub notes at a job that it cancelled, as its runner and its service print it.
_SUPERSEDED = "Canceling since a higher priority waiting request"
_FAIL_FAST = "The strategy configuration was canceled because"


@dataclass(frozen=True, slots=True)
class Observation:
    """One failure: its diagnosis, and the run and job that showed it (none for what a detector found in files)."""

    diagnosis: Diagnosis
    run: Run | None = None
    job: Job | None = None

    @property
    def issue_id(self) -> str:
        """The same failure is the same issue over runs, branches and machines."""
        return self.diagnosis.issue_id

    @property
    def job_key(self) -> str:
        """The job, or nothing."""
        return self.job.key if self.job else ""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that one poll showed; `started` are the workflows that could be read."""

    observations: tuple[Observation, ...]
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    unknown: Mapping[str, str]
    started: frozenset[str] = frozenset()


def observe(runs: Iterable[Run], detected: Iterable[Diagnosis], diagnose: Callable[[Job], Diagnosis]) -> Picture:
    """Diagnoses every failing job and adds what the detectors found; the first of equal failures stands for all."""
    found: dict[str, Observation] = {}
    passed, failed, unknown = [], [], {}
    broken: set[str] = set()
    for run in runs:
        jobs = run.jobs
        fell = any(job.conclusion in FAILING - {Conclusion.CANCELLED} for job in jobs)
        if run.conclusion in FAILING - {Conclusion.CANCELLED} and not jobs:  # red, and nothing in it to be red
            broken.add(run.workflow)
            jobs = (
                Job(
                    run.workflow,
                    run.workflow,
                    run.conclusion,
                    annotations=run.annotations,
                    completed_at=run.completed_at,
                ),
            )
        for job in jobs:
            if job.conclusion in FAILING:
                diagnosis = diagnose(job)
                if why := consequence(run, job, diagnosis, fell=fell):
                    unknown[publishable(job.key)] = why
                    continue
                failed.append(job.key)
                if diagnosis.category == "none":
                    diagnosis = unexplained(job)
                found.setdefault(diagnosis.fingerprint, Observation(diagnosis, run, job))
            elif job.conclusion is Conclusion.SUCCESS:
                passed.append(job.key)
            elif job.conclusion is Conclusion.UNKNOWN:
                why = job.reason or "the source did not say how it ended"
                unknown[publishable(job.key)] = publishable(why)
    for diagnosis in detected:
        # A workflow that did not start is one failure, not a second one because the rules cannot read it either.
        if not (diagnosis.captures.get("violated") == "HGV-CI-000" and diagnosis.captures.get("path") in broken):
            found.setdefault(diagnosis.fingerprint, Observation(diagnosis))
    # A run that shows no job of its own proves not even that its workflow starts.
    started = frozenset(key.partition("#")[0] for key in (*passed, *failed, *unknown) if "#" in key) - broken
    return Picture(tuple(found.values()), tuple(passed), tuple(failed), unknown, started)


def consequence(run: Run, job: Job, diagnosis: Diagnosis, *, fell: bool) -> str:
    """Why a cancelled job says nothing of its own; empty if it does. `fell` says that another job of the run failed."""
    if job.conclusion is not Conclusion.CANCELLED or diagnosis.category not in ("cancelled", "none", "unknown"):
        return ""
    if any(step.conclusion is Conclusion.FAILURE for step in job.steps):
        return ""
    said = [note.message for note in job.annotations]
    if run.superseded or any(_SUPERSEDED in message for message in said):
        return "it was cancelled: a later run took its place"
    if fell or any(_FAIL_FAST in message for message in said):
        return "it was cancelled because another job failed"
    return ""


def unexplained(job: Job) -> Diagnosis:
    """What is said of a red job in which nothing shows a failure: it is red, and nobody knows why."""
    text = publishable(job.reason or f"job {job.name} ended as {job.conclusion.value}", limit=500)
    mark = fingerprint("unknown", {"job": job.key})
    evidence = Evidence(Channel.JOB, text, 0, publishable(job.key, limit=300))
    return Diagnosis("", "unknown", "It is red, and nothing shows why", mark, 0, (evidence,))


def resolved(picture: Picture, issues: Mapping[str, Record], *, detectors_ran: bool) -> dict[str, str]:
    """The open issues that a positive observation closes, each with the words for it.

    A job's issue closes when that job was seen green; a detector's when the detector looked and did not find it.
    """
    still = {observation.issue_id for observation in picture.observations}
    # An issue names its job as the log may hold it.
    green = {publishable(key, limit=200) for key in picture.passed} if issues else set()
    started = {publishable(key, limit=200) for key in picture.started} if issues else set()
    closed = {}
    for issue_id, issue in issues.items():
        if issue_id in still:
            continue
        if issue["job"] and issue["job"] in green:
            closed[issue_id] = f"{issue['job']} was seen green"
        elif issue["job"] in started:
            closed[issue_id] = f"{issue['job']} starts again"
        elif not issue["job"] and issue["source"] == "files" and detectors_ran:
            closed[issue_id] = "the detector looked again and did not find it"
    return closed
