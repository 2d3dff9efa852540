"""Repairs that do not converge: too many that failed, too many in a day, or one that somebody takes back.

Responsible for counting what the log knows of a failure since a person last approved it, for recognizing a change that
was made, taken over and undone, and for the incident that stops it. That a stopped failure is not repaired is `decide`'s.

Invariant: between two approvals a fingerprint gets at most `max_repeats` repairs within any day, never the same change a
second time once it was taken over, and none after its incident, whoever changes the repository in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core.clock import seconds_between
from hee_monitoring import facts
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.clock import Clock
    from hee_core.events import Event
    from hee_core.git import Repository
    from hee_core.projection import State
    from hee_core.record import Record

DAY = 86400.0
STOPPING = ("attempts", "repeats", "cycle")


def tried(state: State, issue: Record) -> list[Record]:
    """The attempts at a failure that ended after a person last approved it, oldest first."""
    return [fix for fix in _ended(state, issue) if fix["key"] == issue["fingerprint"]]


def failed(state: State, issue: Record) -> int:
    """How many attempts in a row failed, up to now."""
    tries = state.ledger.attempts.get(issue["fingerprint"])
    recent = sum(not fix["success"] for fix in tried(state, issue))
    return min(tries["streak"], recent) if tries else 0


def repeats(state: State, issue: Record, now: str) -> int:
    """How many repairs succeeded within the last day; one of a time to come, as a wrong clock wrote it, counts too."""
    return sum(fix["success"] and seconds_between(fix["time"], now) < DAY for fix in tried(state, issue))


def stopped(state: State, issue: Record) -> str:
    """Why a failure is not repaired any more; empty if it may be."""
    stop = state.ledger.stops.get(issue["fingerprint"])
    return str(stop["reason"]) if stop else ""


def undone(state: State, issue: Record, diff: str, taken: Callable[[Record], bool]) -> str:
    """The earlier repair that made exactly this change, and that was taken over and taken back since; empty without one."""
    same = (fix for fix in _ended(state, issue) if fix["success"] and fix["diff"] == diff)
    return next((str(fix["fix_id"]) for fix in same if taken(fix)), "")


def _ended(state: State, issue: Record) -> list[Record]:
    """The attempts at any failure that ended after a person last approved this one."""
    names = (issue["issue_id"], issue["fingerprint"])
    approved = max((each["time"] for each in state.ledger.approvals.values() if each["subject"] in names), default="")
    return [fix for fix in state.ledger.fixes.values() if fix["outcome"] and fix["time"] > approved]


def taken_over(repository: Repository, fix: Record, commit: str) -> bool:
    """Whether the files of a repair came into the history of a commit: by a merge, squashed, or by somebody's own hand."""
    made = fix["commit"]
    if not made or repository.ref(f"{made}^{{commit}}") is None:
        return False  # pruned: nobody keeps it, so nobody merged it
    for path in fix["files"]:
        blob = repository.ref(f"{made}:{path}")
        found = ["log", "-1", "-m", "--format=%H", f"--find-object={blob}", f"{made}^..{commit}", "--", path]
        if blob and repository.attempt(*found).stdout.strip():
            return True
    return False


def incident(state: State, issue: Record, rule: str, reason: str, clock: Clock) -> Event:
    """What stops the repairs of a failure, told in the order of the failure playbook."""
    fixes = [str(fix["fix_id"]) for fix in tried(state, issue)][-20:]
    name = issue["issue_id"]
    steps = {
        "stop": "no further repair of this failure is tried",
        "capture": f"{len(fixes)} attempts with their changes and checks stand in the log; last at {issue['commit'][:12]}",
        "classify": f"repairs that do not converge ({rule}): {publishable(reason, limit=500)}",
        "correct": "a person decides which state is right, and ends what works against it",
        "verify": f"`hee approve {name}` lets repairs begin anew; the next one is proved as always",
        "report": "an alert tells people",
    }
    data = {
        "issue_id": name, "pattern_id": issue["pattern_id"], "fingerprint": issue["fingerprint"], "rule": rule,
        "reason": publishable(reason, limit=1000), "fixes": fixes,
        "playbook": [{"step": step, "said": said} for step, said in steps.items()],
    }  # fmt: skip
    return facts.event("fix.stopped", data, subject=f"issue/{name}", clock=clock)
