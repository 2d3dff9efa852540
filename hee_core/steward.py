"""The specification's HEEStateManager: its words over the log. There is no other write path, and no second state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core import catalogue, history
from hee_core.audit import verify
from hee_core.errors import IntegrityError
from hee_core.ledger import contrary
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from hee_core.audit import Report
    from hee_core.capsule import StateCapsule
    from hee_core.events import Event
    from hee_core.log import Log


@dataclass(frozen=True, slots=True)
class DecisionVerdict:
    """Whether a decision may be recorded, and the active ones that it would contradict."""

    valid: bool
    conflicts: tuple[str, ...] = ()


class HEEStateManager:
    """Reads and moves the state of one log. The log is given, never opened here."""

    def __init__(self, log: Log) -> None:
        """Takes the log whose state it manages."""
        self.log = log

    @property
    def current_state(self) -> StateCapsule:
        """The state capsule now: a projection of the log, computed from it."""
        return history.state_at(self.log)

    def save_hee_state(self, events: Sequence[Event] = ()) -> str:
        """Appends events, if there are any, and returns the commit that holds the state after them."""
        if events:
            return self.log.append(list(events)).commit
        return self.log.refresh().commit or ""

    def restore_hee_state(self, to: history.At, *, reason: str) -> StateCapsule:
        """Makes an earlier state the present one by replay; decisions and attempts stay. `to` is any point of the log."""
        history.rollback(self.log, to=to, reason=reason)
        return self.current_state

    def validate_hee_decision(self, decision: Mapping[str, Any]) -> DecisionVerdict:
        """Holds a decision's payload against the active ones: same subject, other content, is a conflict."""
        proposed = Record(catalogue.payload("decision.recorded", decision))
        against = tuple(
            name
            for name, active in self.log.state.decisions.items()
            if active["key"] == proposed["key"] and name != proposed["supersedes"] and contrary(active, proposed)
        )
        return DecisionVerdict(not against, against)

    def validate_integrity(self) -> Report:
        """Verifies the whole log; raises IntegrityError unless everything holds."""
        report = verify(self.log)
        if not report.ok:
            first = (*report.findings, *report.unknown)[0]
            raise IntegrityError(
                f"event {first.index}: {first.kind}: {first.detail}", hint="`hee verify` lists all findings"
            )
        return report
