"""Which finished runs are dealt with, as the log says: read from the state, moved by `ci.cursor_moved`. Pure.

Invariant: a run that a cursor settles is never looked at again at the same attempt, and one that it does not settle is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hee_core.canonical import digest, encode
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.projection import State
    from hee_monitoring.github.payloads import RunItem

SOURCE = "github"


@dataclass(frozen=True)
class Cursor:
    """`settled` holds the newest attempt by run id; `new` says that nothing was looked at so far."""

    settled: Mapping[int, int] = field(default_factory=dict)
    pending: tuple[int, ...] = ()
    floor: int = 0
    skipped: frozenset[str] = frozenset()
    new: bool = True
    digest: str = ""

    @classmethod
    def of(cls, state: State) -> Cursor:
        """The cursor after the log's last event."""
        record = state.operational.sources.get(SOURCE)
        if record is None or "settled" not in record:
            return cls()
        mark = {name: record[name] for name in ("settled", "pending", "floor", "skipped")}
        return cls(
            settled=dict(record["settled"]),
            pending=tuple(record["pending"]),
            floor=record["floor"],
            skipped=frozenset(record["skipped"]),
            new=False,
            digest=digest(encode(mark)),
        )

    def settles(self, run_id: int, attempt: int) -> bool:
        """Whether a finished run at this attempt is dealt with."""
        if run_id in self.settled:
            return attempt <= self.settled[run_id]
        return run_id <= self.floor and run_id not in self.pending

    def missed(self, run_id: int, attempt: int) -> range:
        """The attempts before this one that are not dealt with; a listing shows the last one only."""
        if run_id <= self.floor and run_id not in self.pending:
            return range(0)
        return range(self.settled.get(run_id, 0) + 1, attempt)


def step(
    runs: Iterable[RunItem], *, pending: Iterable[int], floor: int = 0, skipped: Iterable[str] = (), left_aside: int = 0
) -> dict[str, Any]:
    """The payload that settles some runs."""
    return {
        "source": SOURCE,
        "runs": [
            {
                "run_id": run.run_id,
                "attempt": run.attempt,
                "conclusion": publishable(run.word, limit=100) or "unknown",
                "workflow": publishable(run.workflow, limit=200),
                "branch": publishable(run.branch, limit=200),
                "commit": run.commit,
                "completed_at": run.completed_at,
            }
            for run in runs
        ],
        "pending": sorted(set(pending)),
        "floor": floor,
        "skipped": sorted(skipped),
        "left_aside": left_aside,
    }


def is_settled(payload: Mapping[str, Any], state: State) -> bool:
    """Whether a state's cursor is past the last run that a payload settles."""
    cursor = Cursor.of(state)
    last = payload["runs"][-1:]
    return not cursor.new and any(cursor.settles(run["run_id"], run["attempt"]) for run in last)
