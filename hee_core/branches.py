"""Where an issue is red, and how its episodes ended: the part of an issue that only `ci.failure_triaged` begins.

Handlers that fold one event into a draft, and readers for what they keep. An issue of a log without such events has none of
these fields, so its digest stays what it was. Invariant: a branch leaves the list by `ci.branch_cleared`, or with the issue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

KEPT = 32
CLEARED_KEPT = 8
_PLACE: Data = {"branch": "", "workflow": "", "job": "", "commit": "", "run_id": 0, "attempt": 1, "completed_at": ""}
_VERDICT = ("verdict", "probability", "flaky", "infrastructure", "broken_base", "change", "model")
_SIGNS = ("green", "red", "passed", "lasted", "seen")
_EPISODES: Data = {"passed": 0, "lasted": 0}


def triaged(draft: Draft, _: Any, data: Data) -> None:
    """Takes over the verdict on an open issue, and the branches on which it is red."""
    issue = draft.issues.get(data["issue_id"])
    if issue is None:
        return
    red = {place["branch"]: place for place in issue.get("branches", ())}
    for said in data.get("red_on", []):
        red.pop(said["branch"], None)
        red[said["branch"]] = _PLACE | said | {"commit": said.get("commit") or ""}
    kept = list(red.values())[-KEPT:]
    verdict = {name: data[name] for name in _VERDICT} | {name: data.get(name, 0) for name in _SIGNS}
    verdict |= {"base": data.get("base"), "storm": data.get("storm"), "commit": issue["commit"]}
    verdict |= {name: list(data.get(name, []))[:10] for name in ("evidence", "missing")}
    draft.update_issue(
        data["issue_id"],
        triage=verdict,
        branches=kept,
        branches_dropped=issue.get("branches_dropped", 0) + len(red) - len(kept),
        cleared=[name for name in issue.get("cleared", ()) if name not in {each["branch"] for each in kept}],
        episodes=issue.get("episodes", _EPISODES),
    )


def cleared(draft: Draft, _: Any, data: Data) -> None:
    """Takes a branch from the list of an open issue."""
    issue = draft.issues.get(data["issue_id"])
    if issue is None:
        return
    here = next((each for each in issue.get("branches", ()) if each["branch"] == data["branch"]), None)
    if here is None:
        return
    seen = data["how"] == "green"
    draft.update_issue(
        data["issue_id"],
        branches=[each for each in issue["branches"] if each is not here],
        cleared=[*issue["cleared"], data["branch"]][-CLEARED_KEPT:] if seen else issue["cleared"],
        episodes=_counted(issue, here, data.get("commit")) if seen else issue["episodes"],
    )


def ended(issue: Record, commit: str | None) -> Record:
    """An issue that closes: no branch is red any more, and its last episode counts unless its branch was gone."""
    if "triage" not in issue:
        return issue
    last = issue["branches"][-1:]
    episodes = _counted(issue, last[0], commit) if last else issue["episodes"]
    names = [*issue["cleared"], *(place["branch"] for place in last)]
    return Record(issue, branches=[], branches_dropped=0, cleared=names[-CLEARED_KEPT:], episodes=episodes)


def places(issue: Data) -> Sequence[Data]:
    """The branches on which an open issue is red; of one from before triage, the last one that it remembers."""
    if "triage" in issue:
        found: Sequence[Data] = issue["branches"]
        return found
    return () if issue["resolved"] else (place(issue),)


def place(issue: Data) -> Data:
    """Where an issue was seen last."""
    return {name: issue.get(name, default) for name, default in _PLACE.items()}


def _counted(issue: Data, at: Data, commit: str | None) -> dict[str, int]:
    """One episode more: what is green at the commit that was red passed without a change."""
    how = "passed" if commit and commit == at["commit"] else "lasted"
    return {**issue["episodes"], how: issue["episodes"][how] + 1}
