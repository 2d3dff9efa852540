"""The fold: which state follows from which events, and which events an honest writer may add.

`fold` is total over everything that `Event.from_bytes` accepts: what it does not know is counted and skipped, what
breaks its shape or the rules changes nothing but a counter. `guard` raises where `fold` would refuse. Pure and
light: no pydantic, no jsonschema. Invariant: same events, same state, same digest, however the fold was split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hee_core import alerts, attempts, branches, decisions, forms, issues, learned, returns, sources
from hee_core.draft import Draft
from hee_core.errors import EventError, Frozen, OtherState
from hee_core.form_table import FORMS
from hee_core.ledger import ROLLBACKS_KEPT
from hee_core.objections import RULES
from hee_core.operational import INITIAL, VERSION, Operational, State, digest, dump, load
from hee_core.record import Record
from hee_core.rfc3339 import is_date_time
from hee_core.shapes import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Restore = Callable[[int], State]
    Handler = Callable[[Draft, Any, Mapping[str, Any]], None]

__all__ = ["INITIAL", "VERSION", "Operational", "State", "digest", "dump", "fold", "fold_all", "guard", "load"]


class Folded(Protocol):
    """What the fold reads of a bound event."""

    @property
    def type(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def time(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def id(self) -> str: ...


_ABOUT_KEYS = (
    *("key.added", "key.revoked", "key.rotated", "key.expiry_set", "key.root_granted", "key.threshold_changed"),
)


class _Upcast(NamedTuple):
    """An event of an earlier version as if it were written today."""

    type: str
    version: int
    data: Mapping[str, Any]
    time: str
    actor: str
    id: str


# What may still be written while a freeze lasts.
THAWED = frozenset(
    {
        *("approval.granted", "decision.recorded", "decision.ended", "note.recorded", "alert.raised"),
        *("alert.delivered", "alert.undelivered", "alert.acknowledged"),
        *("state.rolled_back", "state.checkpointed", "state.unfrozen", "access.denied", "log.reanchored"),
        *("state.checkpoint_sealed", "approval.revoked", "checkpoint.cosigned", *_ABOUT_KEYS),
        *("payload.sealed", "payload.redacted", "recipient.removed"),
    }
)
# Types whose occurrence is counted and that change nothing else.
_COUNTED = frozenset(
    {
        *("log.created", "log.reanchored", "note.recorded", "monitor.heartbeat", "state.transition_refused"),
        *("checkpoint.cosigned", "access.denied", "capsule.imported", "maintenance.recorded"),
        *_ABOUT_KEYS,
        *("recipient.added", "recipient.removed", "payload.sealed", "payload.shared", "payload.redacted"),
        *("token.registered", "token.rotated"),
    }
)
_NO_TIME = "1970-01-01T00:00:00Z"  # of events that claim a day that does not exist, before any other


def _changed(draft: Draft, _: Any, data: Mapping[str, Any]) -> None:
    draft.status = data["to"]
    if data["from"] == "failed":
        alerts.ended(draft, "state")


def _nothing(_: Draft, __: Any, ___: Mapping[str, Any]) -> None:
    """Of what has a rule, and changes nothing else."""


_HANDLERS: dict[str, Handler] = {
    "config.loaded": decisions.configured,
    "patterns.loaded": decisions.patterns_loaded,
    "patterns.extended": decisions.patterns_extended,
    **learned.HANDLERS,
    "monitor.started": issues.cycle_started,
    "monitor.completed": issues.cycle_completed,
    "governance.evaluated": decisions.governed,
    "ci.polled": sources.polled,
    "ci.cursor_moved": sources.cursor_moved,
    "ci.rerun_requested": sources.rerun_requested,
    "monitor.blinded": sources.blinded,
    "monitor.recovered": sources.recovered,
    "token.approved": _nothing,
    "ci.failure_detected": issues.detected,
    "ci.failure_classified": issues.classified,
    "ci.impact_assessed": issues.assessed,
    "ci.failure_triaged": branches.triaged,
    "ci.branch_cleared": branches.cleared,
    "ci.issue_resolved": issues.resolved,
    "decision.recorded": decisions.recorded,
    "decision.ended": decisions.ended,
    "approval.granted": decisions.approved,
    "approval.revoked": decisions.revoked,
    "alert.raised": issues.alerted,
    "alert.delivered": alerts.delivered,
    "alert.undelivered": alerts.undelivered,
    "alert.acknowledged": alerts.acknowledged,
    "state.checkpointed": decisions.checkpointed,
    "state.checkpoint_sealed": returns.seal,
    "fix.started": attempts.started,
    "fix.validated": attempts.validated,
    "fix.applied": attempts.applied,
    "fix.verified": attempts.verified,
    "fix.rolled_back": attempts.rolled_back,
    "fix.refused": attempts.refused,
    "fix.proposed": attempts.proposed,
    "fix.stopped": attempts.stopped,
    "fix.suggested": attempts.suggested,
    "state.changed": _changed,
    "state.frozen": decisions.froze,
    "state.unfrozen": decisions.unfroze,
    "coverage.measured": issues.coverage_measured,
    "gate.evaluated": issues.gate_evaluated,
}
ROLLED_BACK = "state.rolled_back"
TYPES = frozenset({*_HANDLERS, *_COUNTED, ROLLED_BACK})


def fold(state: State, index: int, event: Folded, *, restore: Restore) -> State:
    """The state after the event at `index`; `restore(n)` answers the state after event n < index."""
    draft = Draft(state)
    apply(draft, index, event, restore)
    return draft.state()


def fold_all(state: State, start: int, events: Iterable[Folded], *, restore: Restore) -> State:
    """The state after many events, the first of them at `start`; the same as folding one by one, and quicker."""
    draft = Draft(state)
    for index, event in enumerate(events, start):
        apply(draft, index, event, restore)
    return draft.state()


def guard(
    state: State,
    event: Folded,
    *,
    restore: Restore | None = None,
    event_id: Callable[[int], str] | None = None,
) -> None:
    """Raises if an honest writer may not append this bound event after this state.

    IllegalTransition for an edge that the machine lacks or that starts elsewhere, Frozen for what a freeze stops,
    EventError for what names something that does not exist. `restore` and `event_id` answer for earlier indexes; a
    rollback cannot be judged without them, and is refused.
    """
    if state.frozen and event.type not in THAWED:
        raise Frozen(
            f"the log is frozen ({state.ledger.frozen_reason}): {event.type} has to wait",
            hint="only a person can end it: `hee unfreeze`",
        )
    if event.type not in TYPES or forms.newer(event.type, event.version) or event.type in _COUNTED:
        return
    current = _current(event)
    if current is None or not fits(event.type, current.data):
        raise EventError(f"{event.type}: the payload does not fit the catalogue")
    event = current
    if event.type in RULES and (objection := RULES[event.type](Draft(state), state.size, event)):
        raise objection
    if event.type == ROLLED_BACK:
        _check_rollback(event, restore, event_id)
    if event.type == "state.checkpoint_sealed" and event_id and event_id(event.data["index"]) != event.data["event"]:
        raise EventError(f"the seal names another event than the one at index {event.data['index']}")
    supersedes = event.data.get("supersedes") if event.type == "decision.recorded" else None
    if supersedes and supersedes not in state.decisions:
        raise EventError(f"decision.recorded supersedes {supersedes!r}, which is not an active decision")


def apply(draft: Draft, index: int, event: Folded, restore: Restore) -> None:
    """Folds one event into a draft: the one place where an event becomes state."""
    type_ = event.type
    draft.size = index + 1
    draft.time = event.time if is_date_time(event.time) else draft.time or _NO_TIME
    if type_ not in TYPES or event.version > FORMS[type_][0]:
        draft.unknown += 1
        return
    handler = _HANDLERS.get(type_)
    current = event if event.version == FORMS[type_][0] else _current(event)
    if current is None or (type_ not in _COUNTED and not fits(type_, current.data)):
        draft.malformed += 1
        return
    event = current
    if (draft.frozen and type_ not in THAWED) or (type_ in RULES and RULES[type_](draft, index, event)):
        draft.refused += 1
        return
    counts = draft.own("counts")
    counts[type_] = counts.get(type_, 0) + 1
    if handler is not None:
        handler(draft, event, event.data)
    elif type_ == ROLLED_BACK:
        _roll_back(draft, index, event, restore)


def _current(event: Folded) -> Folded | None:
    """The event in the newest version of its type; None if it does not fit the version that it says it is of."""
    newest = forms.version(event.type)
    if event.version == newest:
        return event
    data = forms.upcast(event.type, event.version, event.data)
    return None if data is None else _Upcast(event.type, newest, data, event.time, event.actor, event.id)


def _roll_back(draft: Draft, index: int, event: Folded, restore: Restore) -> None:
    to_index = event.data["to_index"]
    record = Record(
        event=event.id,
        index=index,
        to_index=to_index,
        reason=event.data["reason"],
        actor=event.actor,
        time=draft.time,
    )
    if draft.status == "failed":
        alerts.ended(draft, "state")
    draft.restore(restore(to_index).operational)
    for name, poll in draft.sources.items():
        # Nothing counts as judged after a rollback: the next cycle looks again instead of trusting what was undone.
        draft.own("sources")[name] = Record({**poll, "judged": []})
    returns.use_approval(draft, event)
    draft.put("rollbacks", record, event.id, keep=ROLLBACKS_KEPT)


def _check_rollback(event: Folded, restore: Restore | None, event_id: Callable[[int], str] | None) -> None:
    if restore is None or event_id is None:
        raise EventError("a rollback cannot be checked without the history before it")
    to_index = event.data["to_index"]
    if event_id(to_index) != event.data["to_event"]:
        raise EventError(f"the rollback names another event than the one at index {to_index}")
    if digest(restore(to_index)) != event.data["state"]:
        raise OtherState(f"the rollback's digest is not that of the state after index {to_index}")
