"""The flow, written once: observe, classify, assess, decide, fix, record, tell. It reads like the specification's graph.

Each stage takes values and gives values; what it has to say is one append. A later stage learns of an earlier one only
from the log, so a cycle that was killed anywhere is finished by the next one, and nothing is said twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import chain
from hee_core.canonical import digest
from hee_core.clock import seconds_between
from hee_core.errors import ConfigError, SourceError
from hee_core.tree import CommitTree
from hee_monitoring import classify, facts, judging, loops, ownpatterns, repairs, sightings
from hee_monitoring.cursor import SOURCE, is_settled
from hee_monitoring.cycle import Cycle, Result, record
from hee_monitoring.impact import assess
from hee_monitoring.observe import Observation, Picture, observe, resolved
from hee_monitoring.redact import publishable
from hee_monitoring.telling import tell, transitions, warn
from hee_monitoring.verdicts import policy_name, verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.rules import Report
    from hee_monitoring.evidence import Diagnosis, Job, Run

HEARTBEAT = 3600.0  # seconds between two records of quiet polls


def run(cycle: Cycle) -> Result:
    """Runs one whole cycle."""
    result = Result()
    began = cycle.workspace.clock.monotonic()
    picture = look(cycle, result)
    decide(cycle, result)
    if cycle.fix and cycle.judge is not None:
        warn(cycle, result)
        repairs.repair_all(cycle, result, picture)
    tell(cycle, result, int((cycle.workspace.clock.monotonic() - began) * 1000))
    return result


# ------------------------------------------------------------------ A to H: look, classify, assess


def look(cycle: Cycle, result: Result) -> Picture:
    """Polls the source unless it judged this commit before, runs the detectors, and records what is new."""
    workspace, log = cycle.workspace, cycle.workspace.log
    began = workspace.clock.monotonic()
    state = log.state
    detected: tuple[Diagnosis, ...] = ()
    if cycle.sight is not None:
        report = cycle.reports[cycle.files]
    else:
        with CommitTree(workspace.repository, cycle.commit) as tree:
            report, detected = inspect(cycle, tree, state)
    asked = must_poll(cycle, state)
    runs = cycle.source.runs(cycle.commit) if asked else ()
    if asked and not runs:
        raise SourceError(
            f"{cycle.commit[:7]} has no workflow that a push would start: there is nothing to judge",
            hint="add one under .github/workflows; `hee explain LOG` and `hee governance check` work without",
        )
    result.polled = bool(runs)
    read = workspace.clock.monotonic()
    picture = observe(runs, detected, lambda job: diagnose(cycle, job))
    result.unknown.update(picture.unknown)
    result.passed, result.evaluated = len(picture.passed), report.evaluated
    ended = workspace.clock.monotonic()
    took = {"duration_ms": int((ended - began) * 1000), "analysis_ms": int((ended - read) * 1000)}

    def news(state: State) -> list[Event]:
        step = cycle.sight.step if cycle.sight is not None else None
        if step is not None and is_settled(step, state):
            return []  # another monitor was first
        fresh = [seen for seen in picture.observations if is_news(seen, state, cycle)]
        here = comparable(cycle, state)
        closed = resolved(picture, here, detectors_ran=cycle.sight is None)
        said = {*closed, *(seen.issue_id for seen in fresh)}  # red here now: its other branches are for the next look
        gone = [
            event for name, issue in state.issues.items() if name not in said for event in judging.lost(cycle, issue)
        ]
        if not (fresh or closed or gone or step or is_first_look(cycle, state, runs)):
            return []
        events = opening(cycle, state, report)
        events.append(polled(cycle, runs, picture, issues=bool(fresh), took=took))
        if step is not None:
            events.append(facts.event("ci.cursor_moved", step, subject="cursor", clock=workspace.clock))
        events += [event for seen in fresh for event in failure(cycle, seen, state, picture)]
        events += judging.storm(cycle, fresh, state)
        events += [
            event
            for name, words in closed.items()
            for event in judging.green(cycle, state.issues[name], here[name], words)
        ]
        events += gone
        return events + transitions(cycle, state, opened=bool(fresh))

    record(cycle, result, news)
    return picture


def is_first_look(cycle: Cycle, state: State, runs: Sequence[Run]) -> bool:
    """Whether the source has now judged a commit that it had not judged before."""
    return bool(runs) and cycle.sight is None and cycle.commit not in judged_by(cycle, state)


def judged_by(cycle: Cycle, state: State) -> Sequence[str]:
    """The commits that the cycle's source judged already."""
    poll = state.operational.sources.get(cycle.source.name)
    return poll["judged"] if poll else ()


def is_approved(issue: Record, state: State) -> bool:
    """Whether a person approved something about an issue that waits for one."""
    names = (issue["issue_id"], issue["fingerprint"])
    waits = issue["action"] in ("agent-review", "manual-only")
    return waits and any(approval["subject"] in names for approval in state.ledger.approvals.values())


def must_poll(cycle: Cycle, state: State) -> bool:
    """Whether the source has to be asked: for a commit that it judged before only if something is unfinished."""
    unfinished = any(
        (issue["action"] in ("", "auto-fix", "rerun") or is_approved(issue, state))
        and repairs.is_open(issue)
        and issue["job"]
        for issue in comparable(cycle, state).values()
    )
    return cycle.source.name != "files" and (
        cycle.rerun
        or cycle.sight is not None
        or cycle.source.name == "logs"
        or cycle.commit not in judged_by(cycle, state)
        or (unfinished and cycle.fix)
    )


def is_news(seen: Observation, state: State, cycle: Cycle) -> bool:
    """Whether an observation says something new: a new issue, an open one on another branch, commit or in another run."""
    issue = state.issues.get(seen.issue_id)
    known = sightings.on(issue, (seen.run.branch if seen.run else "") or cycle.branch) if issue is not None else None
    if known is None or seen.run is None:
        return known is None
    if cycle.sight is not None:
        return (known["run_id"], known["attempt"]) != (seen.run.run_id, seen.run.attempt)
    return bool(known["commit"] != cycle.commit)


def comparable(cycle: Cycle, state: State) -> Mapping[str, Record]:
    """The open issues as they stand where a look can close them: on its branch, a platform's by a later run of it."""
    run = cycle.sight.run if cycle.sight is not None else None
    here = {name: sightings.on(issue, run.branch if run else cycle.branch) for name, issue in state.issues.items()}
    return {
        name: place
        for name, place in here.items()
        if place is not None
        and (
            place["source"] != SOURCE
            if run is None
            else place["source"] == run.source and (place["run_id"], place["attempt"]) < (run.run_id, run.attempt)
        )
    }


def inspect(cycle: Cycle, tree: Mapping[str, bytes], state: State) -> tuple[Report, tuple[Diagnosis, ...]]:
    """Evaluates the rules and runs the detectors over the commit's files."""
    from hee_governance import rules
    from hee_monitoring import detectors

    cycle.progress("reading the rules, capsules and specifications")
    report = cycle.reports[cycle.commit] = rules.check(tree, cycle.workspace.config)
    found = detectors.detect(tree, state, cycle.workspace.config, report)
    unspecified = [each.pattern_id for each in found if cycle.workspace.patterns.get(each.pattern_id) is None]
    if unspecified:
        raise ConfigError(
            f"a detector speaks of {unspecified[0]}, which the pattern database does not specify",
            hint="a pattern is specified before anything detects it",
        )
    return report, found


def diagnose(cycle: Cycle, job: Job) -> Diagnosis:
    """Says why a job is red."""
    return classify.diagnose(job, cycle.workspace.patterns)


def opening(cycle: Cycle, state: State, report: Report) -> list[Event]:
    """How a cycle that has something to say begins (nodes A, B, C)."""
    workspace, log, clock = cycle.workspace, cycle.workspace.log, cycle.workspace.clock
    events: list[Event] = []
    loaded: dict[str, Any]
    known = state.ledger.config
    if (workspace.config.digest, workspace.config.governance_rules) != (known.get("digest"), known.get("governance")):
        loaded = {
            "path": workspace.config.path,
            "digest": workspace.config.digest,
            "governance": workspace.config.governance_rules,
        }
        events.append(facts.event("config.loaded", loaded, subject="config", clock=clock))
    patterns, file = workspace.patterns, workspace.pattern_file
    if file != state.ledger.patterns.get("file", ""):
        loaded = {"path": ownpatterns.PATH, "blob": file or None, "count": ownpatterns.count(patterns)}
        events.append(facts.event("patterns.extended", loaded, subject="patterns", clock=clock))
    if patterns.digest != state.ledger.patterns.get("digest"):
        loaded = {"version": patterns.version, "digest": patterns.digest, "count": len(patterns)}
        events.append(facts.event("patterns.loaded", loaded, subject="patterns", clock=clock))
    started = {
        "source": cycle.source.name,
        "capsule": digest(chain.capsule_bytes(log.refresh())),
        "status": state.status,
        "decisions": sorted(state.decisions)[:50],
    }
    evaluated = {
        "scope": "cycle",
        "verdict": report.verdict,
        "evaluated": report.evaluated,
        "rules": sorted({finding.rule for finding in report.findings})[:50],
        "detail": f"{len(report.findings)} finding(s)",
    }
    return [
        *events,
        facts.event("monitor.started", started, subject="monitor", clock=clock),
        facts.event("governance.evaluated", evaluated, subject="governance", clock=clock),
    ]


def polled(cycle: Cycle, runs: Sequence[Run], picture: Picture, *, issues: bool, took: Mapping[str, int]) -> Event:
    """What the source showed (nodes D, E); without runs only files were looked at."""
    data = {
        "source": cycle.source.name if runs else "files",
        "commit": cycle.commit,
        "branch": publishable(cycle.branch, limit=200),
        "run_id": max((run.run_id for run in runs), default=0),
        "jobs_passed": [publishable(key, limit=200) for key in picture.passed],
        "jobs_failed": [publishable(key, limit=200) for key in picture.failed],
        "jobs_unknown": [publishable(key, limit=200) for key in picture.unknown],
        "issues_detected": issues,
        **took,
    }
    return facts.event("ci.polled", data, subject=f"commit/{cycle.commit}", clock=cycle.workspace.clock)


def failure(cycle: Cycle, seen: Observation, state: State, picture: Picture) -> list[Event]:
    """One failure detected, classified and assessed (nodes F, G, H)."""
    clock, patterns = cycle.workspace.clock, cycle.workspace.patterns
    known = state.issues.get(seen.issue_id) or state.operational.closed.get(seen.issue_id)
    blocked = [key for key, reason in picture.unknown.items() if seen.job and seen.job.name in reason]
    impact = assess(
        seen.diagnosis, patterns.get(seen.diagnosis.pattern_id), branch=cycle.branch,
        known=known["count"] if known else 0, blocked=blocked,
    )  # fmt: skip
    said = facts.detected(seen, commit=cycle.commit, branch=cycle.branch, decisions=state.decisions, clock=clock)
    return [
        said,
        facts.classified(seen, patterns, clock=clock),
        facts.assessed(seen, impact, clock=clock),
        judging.triaged(cycle, seen, state, said.data),
    ]


# ------------------------------------------------------------------ I: decide


def decide(cycle: Cycle, result: Result) -> None:
    """Decides every open issue that has no decision yet."""

    def verdicts(state: State) -> list[Event]:
        made = []
        for issue in state.issues.values():
            if issue["pattern_id"] and (issue["action"] == "" or is_approved(issue, state)):
                verdict = verdict_of(cycle, issue, state)
                if verdict.rule in loops.STOPPING:
                    made.append(loops.incident(state, issue, verdict.rule, verdict.reasons[-1], cycle.workspace.clock))
                if verdict.action != issue["action"]:
                    made.append(facts.decided(issue, verdict, policy=policy_name(cycle), clock=cycle.workspace.clock))
        return made

    record(cycle, result, verdicts)


def heartbeat(cycle: Cycle, result: Result, *, polls: int, since: str, longest_ms: int) -> bool:
    """Records quiet polls as one event when an hour of them has passed; says whether it did."""
    clock = cycle.workspace.clock
    if seconds_between(since, clock.now()) < HEARTBEAT:
        return False
    data = {"source": cycle.source.name, "polls": polls, "since": since, "longest_gap_ms": longest_ms}
    record(cycle, result, lambda _: [facts.event("monitor.heartbeat", data, subject="monitor", clock=clock)])
    return True
