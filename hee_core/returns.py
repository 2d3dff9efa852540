"""How far back a rollback may go: points that people sealed, and the approvals that let one pass them. Pure.

A person seals a point; from then on a rollback to before it takes a person: as its author, or by an approval of
`rollback/INDEX` that no rollback used yet. Invariant: no event but a person's takes the state back past a sealed point.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError, HeeError, KeyFault
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

PREFIX = "rollback/"
_PERSON = "human:"


def subject(index: int) -> str:
    """What an approval is about that lets a rollback go back to an index."""
    return f"{PREFIX}{index}"


def seal(draft: Draft, event: Any, data: Mapping[str, Any]) -> None:
    """Keeps a sealed point; nothing takes it away again."""
    record = Record(seal_id=event.id, index=data["index"], event=data["event"], reason=data["reason"], actor=event.actor, time=draft.time)  # fmt: skip
    draft.put("seals", record, event.id)


def may_seal(_: Draft, index: int, event: Any) -> HeeError | None:
    """Says why this event may not seal a point at this index."""
    if event.data["index"] >= index:
        return EventError(f"event {index} cannot seal event {event.data['index']}", hint="name an earlier point")
    if not event.actor.startswith(_PERSON):
        return KeyFault(f"{event.actor} cannot seal a point: only a person can", hint="sign it with a human's key")
    return None


def may_return(draft: Draft, index: int, event: Any) -> HeeError | None:
    """Says why this rollback may not be at this index."""
    to_index = event.data["to_index"]
    if to_index >= index:
        return EventError(f"a rollback at index {index} cannot go to index {to_index}", hint="name an earlier point")
    passed = [record for record in draft.seals.values() if to_index < record["index"]]
    if not passed or event.actor.startswith(_PERSON) or _approval(draft, event):
        return None
    last = passed[-1]
    return KeyFault(
        f"a rollback to event {to_index} goes past event {last['index']}, which {last['actor']} sealed: {last['reason']}",
        hint=f"a person approves it (hee approve {subject(to_index)} --reason WHY), or rolls back with a key of their own",
    )


def use_approval(draft: Draft, event: Any) -> None:
    """Marks the approval by which this rollback passes a sealed point, so that no other one does."""
    if any(event.data["to_index"] < record["index"] for record in draft.seals.values()):
        name = "" if event.actor.startswith(_PERSON) else _approval(draft, event)
        if name:
            draft.own("approvals")[name] = Record(draft.approvals[name], used_by=event.id)


def _approval(draft: Draft, event: Any) -> str:
    """The first approval that fits; its end is held against the time that the rollback claims."""
    about = subject(event.data["to_index"])
    fitting = (
        name for name, record in draft.approvals.items() if record["subject"] == about and not record.get("used_by")
    )
    return next((name for name in fitting if _alive(draft.approvals[name]["expires"], event.time)), "")


def _alive(expires: str, time: str) -> bool:
    if not expires:
        return True
    try:
        return datetime.fromisoformat(time) < datetime.fromisoformat(expires)
    except (TypeError, ValueError):
        return False
