"""Transient failures on the platform itself: its failed jobs are run again, few times, and never in a storm.

Responsible for how often, and for the record; who is asked is the cycle's `restart`. A platform that is in trouble fails
many runs at once, and running all of them again makes it worse: then a person looks.

Invariant: one run is asked for once an attempt, whatever number of its jobs failed, and never past the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core.clock import seconds_between
from hee_core.errors import HeeError
from hee_monitoring import facts, judging
from hee_monitoring.cycle import record
from hee_monitoring.evidence import Conclusion
from hee_monitoring.fixes.room import room
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.evidence import Job

STORM = 5  # runs within an hour
WINDOW = 3600.0
LOCAL = 3  # further runs of one failure here within an hour
_MOST = {"network": 2}  # further attempts by category; one for every other


def restart(cycle: Cycle, result: Result, issue: Record) -> None:
    """Asks for the failed jobs of the run that showed an issue to be run again, or hands it to a person."""
    assert cycle.sight is not None  # noqa: S101 - the caller checked
    assert cycle.restart is not None  # noqa: S101 - a platform's cycle has one
    run = cycle.sight.run
    assert run is not None  # noqa: S101 - it showed the issue
    asked = requested(cycle)
    if run.attempt > _MOST.get(issue["category"], 1):
        return refuse(
            cycle, result, issue, "rerun", f"the failed jobs were run again and are red at attempt {run.attempt}"
        )
    if (run.run_id, run.attempt + 1) not in asked:
        if len({run_id for run_id, _ in asked}) >= STORM:
            why = (
                f"{STORM} runs were started again within an hour: this looks like an incident, and more would add to it"
            )
            return refuse(cycle, result, issue, "storm", why)
        cycle.progress(f"{issue['title']}: asking for run {run.run_id} to be run again")
        if why := cycle.restart(run):
            return refuse(cycle, result, issue, "rerun", f"the failed jobs could not be run again: {why}")
    data = {
        "source": run.source,
        "issue_id": issue["issue_id"],
        "run_id": run.run_id,
        "attempt": run.attempt + 1,
        "reason": issue["rationale"],
    }
    return say(cycle, result, issue, "ci.rerun_requested", data)


def requested(cycle: Cycle) -> set[tuple[int, int]]:
    """The runs with the attempts that were asked for within the last hour."""
    state, now = cycle.workspace.log.state, cycle.workspace.clock.now()
    asked = [
        issue["rerun"] for issue in (*state.issues.values(), *state.operational.closed.values()) if "rerun" in issue
    ]
    return {
        (each["run_id"], each["attempt"])
        for each in asked
        if each["run_id"] and seconds_between(each["time"], now) < WINDOW
    }


def refuse(cycle: Cycle, result: Result, issue: Record, rule: str, why: str) -> None:
    """Records that nothing is run again, and so that a person has to look."""
    data = {
        "issue_id": issue["issue_id"],
        "pattern_id": issue["pattern_id"],
        "reason": publishable(why, limit=500),
        "rule": rule,
    }
    say(cycle, result, issue, "fix.refused", data)


def say(cycle: Cycle, result: Result, issue: Record, type_: str, data: dict[str, object]) -> None:
    """Records one thing about an issue that nobody has dealt with meanwhile."""

    def events(state: State) -> list[Event]:
        now = state.issues.get(issue["issue_id"])
        if now is None or now["fix"] is not None:
            return []
        return [facts.event(type_, data, subject=f"issue/{issue['issue_id']}", clock=cycle.workspace.clock)]

    record(cycle, result, events)


def run_again(cycle: Cycle, result: Result, issue: Record, job_key: str, *, at_once: int = 1) -> None:
    """Runs the job of a transient failure once more: green resolves it, red hands it to a person.

    `at_once` is how many jobs of this cycle would be run again: in a storm none is. One failure gets so many further
    runs within an hour, whatever number of commits shows it.
    """
    assert cycle.judge is not None  # noqa: S101 - the caller checked
    if at_once >= STORM:
        why = f"{at_once} jobs fail at once in passing: this looks like an incident, and running them again would add to it"
        return refuse(cycle, result, issue, "storm", why)
    last, now = issue.get("rerun"), cycle.workspace.clock.now()
    attempt = last["attempt"] + 1 if last and seconds_between(last["time"], now) < WINDOW else 1
    if attempt > LOCAL:
        return refuse(
            cycle, result, issue, "rerun", f"the job was run again {LOCAL} times within an hour and fails anew"
        )
    asked = {
        "source": cycle.source.name,
        "issue_id": issue["issue_id"],
        "run_id": 0,
        "attempt": attempt,
        "reason": issue["rationale"],
    }
    say(cycle, result, issue, "ci.rerun_requested", asked)
    try:
        job = rerun(cycle, issue, job_key)
        red = "the job was run again and is red again" if job.conclusion is not Conclusion.SUCCESS else ""
    except HeeError as error:
        red = f"the job could not be run again: {error}"
    if red:
        data = {
            "issue_id": issue["issue_id"],
            "pattern_id": issue["pattern_id"],
            "reason": publishable(red, limit=500),
            "rule": "rerun",
        }
        return say(cycle, result, issue, "fix.refused", data)
    return record(cycle, result, lambda state: judging.passed_again(cycle, state, issue))


def rerun(cycle: Cycle, issue: Record, job_key: str) -> Job:
    """The job of an issue, run once more in a clone of its own; the key is the source's, since the log's is redacted."""
    assert cycle.judge is not None  # noqa: S101 - the caller checked
    with room(cycle.workspace.work / "fix", f"rerun-{issue['issue_id']}") as place:
        cycle.progress(f"{issue['title']}: running {issue['job'].rpartition('#')[2]} again")
        cycle.workspace.repository.clone_to(place / "tree", cycle.commit, cycle.branch)
        return cycle.judge.run_job(str(place / "tree"), job_key)
