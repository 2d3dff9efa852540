"""Facts of a job's metadata that beat its text: how it ended, that it never began, and which of its steps decided.

Responsible for naming them; what they explain is the database's, and whether they win is decided by `classify`.

Invariant: a fact is named only where the metadata alone shows it, never from the words of a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.evidence import Conclusion

if TYPE_CHECKING:
    from hee_monitoring.evidence import Job
    from hee_monitoring.scan import Scan


def signal_of(job: Job, *, silent: bool) -> str:
    """Names the fact of the metadata that explains the job, or nothing; `silent` says that its log explains nothing."""
    if job.conclusion is Conclusion.TIMED_OUT:
        return "timed_out"
    if job.conclusion is Conclusion.STARTUP_FAILURE:
        return "startup_failure"
    if job.conclusion is Conclusion.CANCELLED:
        return "cancelled"
    if job.conclusion is Conclusion.FAILURE and not job.steps and not job.log and not job.started_at:
        return "never_started" if "#" in job.key else "startup_failure"  # a red run without jobs: a job has its own key
    ended = [step.conclusion for step in job.steps]
    if job.conclusion is Conclusion.FAILURE and ended and Conclusion.FAILURE not in ended:
        return "died_without_failed_step" if silent else ""
    return ""


def words(signal: str, job: Job) -> str:
    """A fact of the metadata, told."""
    return {
        "timed_out": f"job {job.name} ended as timed_out",
        "startup_failure": job.reason or f"job {job.name} ended as {job.conclusion.value}",
        "cancelled": f"job {job.name} ended as cancelled",
        "never_started": f"job {job.name} failed without a step, a log or a start time",
        "died_without_failed_step": f"job {job.name} failed although none of its {len(job.steps)} steps did",
    }[signal]


def decided(found: Scan, job: Job) -> Scan:
    """Takes the word "failed" from steps that the platform says did not decide: those with `continue-on-error`, before the one that did.

    The platform's names are those of the log only for steps without a name of their own; else the last one that failed decides,
    since steps after a failure run only if they ask for it.
    """
    failing = [step for step in found.steps if step.failures]
    named = [step.name for step in job.steps if step.conclusion is Conclusion.FAILURE]
    if len(named) != 1 or len(failing) < 2:
        return found
    same = [step for step in failing if f"Run {step.name}" == named[0]]
    decides = (same or failing)[-1]
    for step in failing:
        if step is not decides:
            step.failures.clear()
    return found
