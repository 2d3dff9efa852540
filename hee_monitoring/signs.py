"""What is known of a failure beyond its text, gathered for the verdict: other attempts, its history, its base, its siblings.

Responsible for reading signs out of the state and an observation; weighing them is `triage`'s. Whether one commit is in
another's history is asked of the caller, since only a repository knows.

Invariant: pure given that answer; what the state does not hold is None, never no.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import branches
from hee_core.clock import seconds_between
from hee_core.rfc3339 import is_date_time
from hee_monitoring.redact import publishable
from hee_monitoring.triage import MANY, TRANSIENT, Signs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.observe import Observation

    Contains = Callable[[str, str], bool | None]  # (commit, later): is the first in the history of the second

WINDOW = 600.0  # seconds within which failures of different commits count as one storm


def of(seen: Observation, state: State, *, bases: Collection[str], contains: Contains) -> Signs:
    """The signs of a failure that a run showed now; `bases` are the branches that others start from, the first one first."""
    known = state.issues.get(seen.issue_id) or state.operational.closed.get(seen.issue_id)
    run, category = seen.run, seen.diagnosis.category
    if run is None:
        return Signs(category, **_history(known))
    before = run.was_green.get(seen.job_key, 0)
    if known is None:
        return Signs(category, green=before, **_history(known), storm=_storm(seen, state))
    green, red = _attempts(known, run.commit or "", run.run_id, run.attempt)
    green = max(green, before)
    branch = publishable(run.branch, limit=200)
    base, name = (None, "") if branch in bases else _base(known, run.commit or "", bases, contains)
    return Signs(
        category, green=green, red=red, **_history(known), base=base, base_name=name, storm=_storm(seen, state)
    )  # fmt: skip


def after_green(issue: Record) -> Signs:
    """The signs of an open failure whose commit was now seen green."""
    return _as_judged(issue, green=issue["triage"]["green"] + 1)


def joined(seen: Observation, state: State) -> Iterator[tuple[str, Signs]]:
    """The open failures whose storm a new one makes larger, so that the first of a storm is judged as its last is."""
    ended, commit = (seen.job.completed_at if seen.job else ""), (seen.run.commit or "" if seen.run else "")
    for name, issue in state.issues.items():
        before, last = issue.get("triage"), issue.get("branches", ())[-1:]
        if name == seen.issue_id or before is None or not last or (before["storm"] or 0) >= MANY:
            continue
        alike = {issue["category"], seen.diagnosis.category} <= TRANSIENT
        if not alike or last[0]["commit"] == commit or not _near(last[0]["completed_at"], ended):
            continue
        storm = len(_beside(name, issue["category"], last[0]["commit"], last[0]["completed_at"], state) | {commit})
        if storm > (before["storm"] or 0):
            yield name, _as_judged(issue, storm=storm)


def _as_judged(issue: Record, **now: int) -> Signs:
    """The signs of the last verdict on an open failure, with what is known `now` beside them."""
    before = issue["triage"]
    signs = {name: before[name] for name in ("green", "red", "base", "storm")} | now
    return Signs(issue["category"], **_history(issue) | {"seen": before["seen"]}, base_name="its base", **signs)


def _history(known: Mapping[str, Any] | None) -> dict[str, Any]:
    """How often it was seen, and how its earlier episodes ended."""
    if known is None:
        return {"seen": 0, "passed": 0, "lasted": 0}
    episodes = known.get("episodes") or {"passed": 0, "lasted": 0}
    return {"seen": known["count"], **episodes}


def _attempts(known: Mapping[str, Any], commit: str, run_id: int, attempt: int) -> tuple[int, int]:
    """The other attempts of the commit that the last verdict counted, and the last sighting if it was one."""
    before = known.get("triage")
    if not isinstance(before, dict) or not commit or before["commit"] != commit:
        return 0, 0
    another = (known["run_id"], known["attempt"]) != (run_id, attempt)
    return before["green"], before["red"] + another


def _base(known: Mapping[str, Any], commit: str, bases: Collection[str], contains: Contains) -> tuple[bool | None, str]:
    """Whether a branch that others start from is red with the same failure, at a commit that this one has."""
    for place in branches.places(known):
        if place["branch"] in bases and place["branch"]:
            return (True if contains(place["commit"], commit) is not False else None), place["branch"]
    for name in known.get("cleared", ()):
        if name in bases:
            return False, name
    return None, next(iter(bases), "")


def _storm(seen: Observation, state: State) -> int | None:
    """How many other commits went red within minutes with the same failure, or with others that pass by themselves."""
    ended = seen.job.completed_at if seen.job else ""
    if not is_date_time(ended) or seen.run is None:
        return None
    return len(_beside(seen.issue_id, seen.diagnosis.category, seen.run.commit or "", ended, state))


def _beside(name: str, category: str, commit: str, ended: str, state: State) -> set[str]:
    """The other commits that were red in the window around `ended`, as far as they belong together with this failure."""
    return {
        place["commit"]
        for other, issue in state.issues.items()
        if other == name or {issue["category"], category} <= TRANSIENT
        for place in issue.get("branches", ())
        if place["commit"] != commit and _near(place["completed_at"], ended)
    }


def _near(one: str, other: str) -> bool:
    return is_date_time(one) and is_date_time(other) and abs(seconds_between(one, other)) <= WINDOW
