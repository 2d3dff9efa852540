"""What a cycle says of a failure's cause, and of its end on a branch, as drafts of events.

Responsible for bringing signs, verdicts and the state together for one cycle; the weighing is `triage`'s, the memory of
branches `sightings`'. What it has to ask of the repository is which commits and branches are there.

Invariant: appends nothing; the same state, observation and repository give the same drafts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import branches
from hee_monitoring import facts, sightings, signs, triage
from hee_monitoring.cursor import SOURCE
from hee_monitoring.redact import MARK
from hee_monitoring.workspace import protected_branches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.cycle import Cycle
    from hee_monitoring.observe import Observation

_CUT = 200  # as long as a branch's name in the log may be


def triaged(cycle: Cycle, seen: Observation, state: State, said: Mapping[str, Any]) -> Event:
    """The verdict on a failure that was detected with the payload `said`."""
    found = signs.of(seen, state, bases=_bases(cycle), contains=lambda one, later: _contains(cycle, one, later))
    places = [branches.place(said)]
    before = state.issues.get(seen.issue_id)
    if before is not None and "triage" not in before:
        places = [
            *branches.places(before),
            *places,
        ]  # an earlier program's log: the detection replaces what it remembers
    return facts.triaged(seen.issue_id, found, triage.judge(found), places, clock=cycle.workspace.clock)


def storm(cycle: Cycle, fresh: Iterable[Observation], state: State) -> list[Event]:
    """The verdicts on open failures that turn out to have been the beginning of a storm, each once."""
    clock = cycle.workspace.clock
    found = dict(entry for seen in fresh for entry in signs.joined(seen, state))
    return [facts.triaged(name, said, triage.judge(said), (), clock=clock) for name, said in found.items()]


def green(cycle: Cycle, issue: Record, place: Record, words: str) -> list[Event]:
    """A positive observation of an issue on one branch; seen at the very commit that was red, it is judged once more."""
    clock = cycle.workspace.clock
    end = sightings.closed(issue, place, words, cycle.commit, clock=clock)
    if "triage" not in issue or not place["job"] or place["commit"] != cycle.commit:
        return end
    found = signs.after_green(issue)
    return [facts.triaged(issue["issue_id"], found, triage.judge(found), (), clock=clock), *end]


def passed_again(cycle: Cycle, state: State, issue: Record) -> list[Event]:
    """A job that was run again at its commit and is green, unless somebody has dealt with its issue meanwhile."""
    now = state.issues.get(issue["issue_id"])
    place = sightings.on(now, cycle.branch) if now is not None and now["fix"] is None else None
    if now is None or place is None:
        return []
    return green(cycle, now, place, "the same commit was green when the job ran again")


def lost(cycle: Cycle, issue: Record) -> list[Event]:
    """The end of an issue on branches that are gone, where that can be known."""
    platform = cycle.sight is not None
    exists = cycle.exists if platform else lambda name: _exists(cycle, name)
    if exists is None or (issue["source"] == SOURCE) != platform:
        return []
    return list(sightings.gone(issue, cycle.branch, exists, clock=cycle.workspace.clock))


def _bases(cycle: Cycle) -> list[str]:
    """The branches that others start from, as a source names them."""
    named = protected_branches(cycle.workspace.repository)
    return list(dict.fromkeys(name.removeprefix("refs/heads/") for name in named if name.startswith("refs/heads/")))


def _contains(cycle: Cycle, commit: str, later: str) -> bool | None:
    """Whether a commit is in another one's history; None if one of them is not here."""
    repository = cycle.workspace.repository
    if not all(name and repository.ref(f"{name}^{{commit}}") for name in (commit, later)):
        return None
    return repository.attempt("merge-base", "--is-ancestor", commit, later).returncode == 0


def _exists(cycle: Cycle, branch: str) -> bool | None:
    """Whether a branch is here or was fetched from a remote; None for a name that the log had to cut or redact."""
    if len(branch) >= _CUT or MARK in branch:
        return None
    places = (f"refs/heads/{branch}", f"refs/remotes/*/{branch}")
    return bool(cycle.workspace.repository.text("for-each-ref", "--count=1", "--format=%(refname)", *places))
