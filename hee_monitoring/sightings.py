"""One issue over branches: how it stands on one of them, and what closes it there. Values in, values and drafts out.

Responsible for the view of an issue on a branch, for telling a branch that was cleared from an issue that is over, and for
branches that are gone. Which job was seen green is `observe`'s, what the log keeps of branches `hee_core.branches`'.

Invariant: an issue closes only when every branch on which it was seen red was seen green, or is known to be gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core import branches
from hee_core.record import Record
from hee_monitoring import facts
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hee_core.clock import Clock
    from hee_core.events import Event

    Exists = Callable[[str], bool | None]


def on(issue: Record, branch: str) -> Record | None:
    """The issue as it was seen last on a branch; None if it is not red there. What has no branch is red on any."""
    name = publishable(branch, limit=200)
    places = {place["branch"]: place for place in branches.places(issue)}
    place = places.get(name) or places.get("")
    if place is None and not name and len(places) == 1:
        place = next(iter(places.values()))  # a detached HEAD, looked at after the only branch that was red
    return Record(issue, **place) if place is not None else None


def closed(issue: Record, place: Record, words: str, commit: str | None, *, clock: Clock) -> list[Event]:
    """What follows from a failure that was seen to be over on one branch."""
    return _ended(issue, place["branch"], "green", words, commit, clock=clock)


def gone(issue: Record, here: str, exists: Exists, *, clock: Clock) -> Iterator[Event]:
    """The events for branches other than `here` that are known not to exist any more.

    `exists` says None of a branch that it cannot speak about, which stays as it is.
    """
    for place in list(branches.places(issue)):
        name = place["branch"]
        if name in ("", publishable(here, limit=200)) or exists(name) is not False:
            continue
        words = f"{name} is gone, so nothing of it can be red"
        yield from _ended(issue, name, "gone", words, None, clock=clock)
        if "triage" not in issue:
            return
        issue = Record(issue, branches=[each for each in issue["branches"] if each["branch"] != name])


def _ended(issue: Record, branch: str, how: str, words: str, commit: str | None, *, clock: Clock) -> list[Event]:
    """The end on a branch, and of the issue if it was the last one; how it ended on a branch that is gone nobody saw."""
    name, left = issue["issue_id"], [each for each in branches.places(issue) if each["branch"] != branch]
    by = publishable(words, limit=300)
    events: list[Event] = []
    if left or (how == "gone" and "triage" in issue):
        data = {"issue_id": name, "branch": branch, "how": how, "by": by, "commit": commit}
        events.append(facts.event("ci.branch_cleared", data, subject=f"issue/{name}", clock=clock))
    if not left:
        if dropped := issue.get("branches_dropped", 0):
            by = publishable(f"{by}; {dropped} branch(es) more than are remembered were not looked at", limit=300)
        data = {"issue_id": name, "by": by, "commit": commit}
        events.append(facts.event("ci.issue_resolved", data, subject=f"issue/{name}", clock=clock))
    return events
