"""A state while events are folded into it: open for writing, and never seen outside the fold.

A map of the state is copied before its first change and again after each `state()`, so that a state handed out
never changes. What an event does to which field is the business of its handler.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from hee_core.ledger import ENDED_KEPT, contrary
from hee_core.operational import Operational, State
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class Draft:
    """The fields of both parts of a state, flat. Read them as they are; write a map only through `own`."""

    __slots__ = ("__dict__", "_owned")

    size: int
    time: str
    status: str
    issues: Mapping[str, Record]
    closed: Mapping[str, Record]
    closed_earlier: int
    closed_digest: str
    last_run_id: int
    compliance: bool | None
    governance: Mapping[str, Any]
    coverage: Mapping[str, Record]
    gates: Mapping[str, Record]
    sources: Mapping[str, Record]
    cycle: Mapping[str, Any]
    decisions: Mapping[str, Record]
    ended: Mapping[str, Record]
    ended_count: int
    fixes: Mapping[str, Record]
    fixes_earlier: int
    fixes_digest: str
    verdicts: Mapping[str, Record]
    attempts: Mapping[str, Record]
    approvals: Mapping[str, Record]
    checkpoints: Mapping[str, Record]
    rollbacks: Mapping[str, Record]
    seals: Mapping[str, Record]
    stops: Mapping[str, Record]
    suggestions: Mapping[str, Record]
    alerts: Mapping[str, Record]
    channels: Mapping[str, Record]
    frozen: bool
    frozen_reason: str
    config: Mapping[str, Any]
    patterns: Mapping[str, Any]
    proposals: Mapping[str, Record]
    refusals: Mapping[str, Record]
    learned: Mapping[str, Record]
    counts: Mapping[str, int]
    unknown: int
    malformed: int
    refused: int

    def __init__(self, state: State) -> None:
        """Starts where the state stands."""
        self._owned: set[str] = set()
        self.__dict__ = state.fields()

    def restore(self, operational: Operational) -> None:
        """Takes over an operational part, and leaves the ledger as it is."""
        self.__dict__.update(operational._asdict())
        self._owned.difference_update(Operational._fields)

    def own(self, name: str) -> dict[str, Any]:
        """The map of that name, private to this draft and so free to change."""
        fields = self.__dict__
        if name not in self._owned:
            self._owned.add(name)
            fields[name] = fields[name].copy()
        owned: dict[str, Any] = fields[name]
        return owned

    def put(self, name: str, record: Record, key: str, *, keep: int = 0) -> None:
        """Sets a record of a map; with `keep` it becomes the newest, and the oldest beyond that number are dropped."""
        owned = self.own(name)
        if keep:
            owned.pop(key, None)
        owned[key] = record
        while 0 < keep < len(owned):
            del owned[next(iter(owned))]

    def archive(self, name: str, record: Record, key: str, *, keep: int) -> None:
        """Sets a record as the newest of a map; the oldest beyond `keep` go into a number and a chained digest."""
        owned = self.own(name)
        owned.pop(key, None)
        owned[key] = record
        while len(owned) > keep:
            oldest = owned.pop(next(iter(owned)))
            before: str = self.__dict__[f"{name}_digest"]
            self.__dict__[f"{name}_digest"] = hashlib.sha256(f"{before}{oldest.digest}".encode("ascii")).hexdigest()
            self.__dict__[f"{name}_earlier"] += 1

    def update_issue(self, name: str, **fields: Any) -> None:
        """Sets fields of an open issue; one that is not open stays as it is."""
        issue = self.issues.get(name)
        if issue is not None:
            self.own("issues")[name] = Record(issue, **fields)

    def end_decision(self, name: str, *, how: str, reason: str, successor: Record | None = None) -> None:
        """Moves an active decision to the ended ones, with the event's reason."""
        record = self.own("decisions").pop(name)
        ended = Record(
            record,
            how=how,
            end_reason=reason,
            ended_at=self.time,
            successor=successor["decision_id"] if successor else "",
            contrary=successor is not None and contrary(record, successor),
        )
        self.put("ended", ended, name, keep=ENDED_KEPT)
        self.ended_count += 1

    def state(self) -> State:
        """The state as it is now; the draft may go on."""
        self._owned.clear()
        return State.flat(self.__dict__.copy())
