"""What is known of each source of evidence: its last poll, its cursor over finished runs, and whether it is blind.

Handlers that fold one event into a draft. A cursor is exact for the last `SETTLED_KEPT` runs; every earlier one is below
its floor and counts as dealt with. Invariant: folding the same run twice changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import alerts
from hee_core.operational import JUDGED_KEPT, SOURCES_KEPT
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

NAMES_KEPT = 100
SETTLED_KEPT = 256
SKIPPED_KEPT = 64
_UNASKED: Data = {"commit": "", "branch": "", "run_id": 0, "judged": [], "unknown": [], "time": ""}


def polled(draft: Draft, _: Any, data: Data) -> None:
    """Moves on what a source showed: the last commit and run, the commits it judged, the jobs nobody could judge."""
    name, commit = data["source"], data.get("commit") or ""
    before: Data = draft.sources.get(name) or {}
    judged = [known for known in before.get("judged", ()) if known != commit]
    if commit:
        judged = [*judged, commit][-JUDGED_KEPT:]
    run_id = data.get("run_id", 0)
    poll = Record(
        {
            **before,
            "source": name,
            "commit": commit,
            "branch": data.get("branch", ""),
            "run_id": run_id,
            "judged": judged,
            "unknown": data.get("jobs_unknown", [])[:NAMES_KEPT],
            "time": draft.time,
        }
    )
    draft.put("sources", poll, name, keep=SOURCES_KEPT)
    if run_id:
        draft.last_run_id = run_id


def cursor_moved(draft: Draft, _: Any, data: Data) -> None:
    """Settles finished runs: the newest attempt of each of the last ones by id, the rest below the floor."""
    before = _known(draft, data["source"])
    settled: dict[int, int] = dict(before.get("settled", ()))
    for run in data.get("runs", []):
        settled[run["run_id"]] = max(run.get("attempt", 1), settled.get(run["run_id"], 0))
    ids = sorted(settled)
    dropped, kept = ids[:-SETTLED_KEPT], ids[-SETTLED_KEPT:]
    floor = max(before.get("floor", 0), data.get("floor", 0), *dropped[-1:])
    skipped = [known for known in before.get("skipped", ()) if known not in data.get("skipped", [])]
    _put(
        draft,
        before,
        settled=[[run_id, settled[run_id]] for run_id in kept if run_id > floor],
        pending=sorted(set(data.get("pending", [])))[-SETTLED_KEPT:],
        floor=floor,
        skipped=[*skipped, *data.get("skipped", [])][-SKIPPED_KEPT:],
    )


def rerun_requested(draft: Draft, _: Any, data: Data) -> None:
    """Remembers at the issue which attempt was asked for."""
    asked = {"run_id": data["run_id"], "attempt": data["attempt"], "time": draft.time}
    draft.update_issue(data["issue_id"], rerun=asked)


def blinded(draft: Draft, _: Any, data: Data) -> None:
    """Remembers since when and why a source cannot be asked."""
    _put(draft, _known(draft, data["source"]), blind={"reason": data["reason"], "since": draft.time})


def recovered(draft: Draft, _: Any, data: Data) -> None:
    """Forgets that a source could not be asked."""
    before = _known(draft, data["source"])
    _put(draft, {key: value for key, value in before.items() if key != "blind"})
    alerts.ended(draft, f"source/{data['source']}")


def _known(draft: Draft, name: str) -> Data:
    return draft.sources.get(name) or {"source": name, **_UNASKED}


def _put(draft: Draft, before: Data, **fields: Any) -> None:
    draft.put("sources", Record({**before, **fields}), before["source"], keep=SOURCES_KEPT)
