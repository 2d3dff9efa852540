"""Which events break a rule in a state, and why: what the fold refuses and an honest writer may not add.

A rule looks at the draft, the event's index and the event, and gives the error that a writer would be told, or None.
Invariant: a rule changes nothing, and what it says follows from the state before the event alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core import learned, machine, returns
from hee_core.errors import EventError, Frozen, HeeError, IllegalTransition, KeyFault
from hee_core.ledger import of_a_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.draft import Draft
    from hee_core.projection import Folded


def _transition(draft: Draft, _: int, event: Folded) -> HeeError | None:
    from_, to = event.data["from"], event.data["to"]
    if machine.label(from_, to) is None:
        chain = [step.to for step in machine.path(from_, to)]
        hint = f"the legal way is {' -> '.join([from_, *chain])}" if len(chain) > 1 else "there is nothing to change"
        return IllegalTransition(f"the state machine has no edge from {from_} to {to}", hint=hint)
    if from_ != draft.status:
        return IllegalTransition(
            f"the transition starts at {from_}, but the state is {draft.status}", hint="read the state again"
        )
    return None


def _ending(draft: Draft, _: int, event: Folded) -> HeeError | None:
    name = event.data["decision_id"]
    if name in draft.decisions:
        return _of_a_person(draft, event, name)
    return EventError(f"{name!r} is not an active decision", hint="`hee state` lists the active decisions")


def _superseding(draft: Draft, _: int, event: Folded) -> HeeError | None:
    name = event.data.get("supersedes") or ""
    return _of_a_person(draft, event, name) if name in draft.decisions else None


def _of_a_person(draft: Draft, event: Folded, name: str) -> HeeError | None:
    """What a person decided stands until a person ends it; what the pipeline decides about an issue is nobody's will."""
    record = draft.decisions[name]
    if not of_a_person(record) or event.actor.startswith("human:"):
        return None
    return KeyFault(
        f"{event.actor} cannot end {name}, which {record['decided_by']} decided: only a person can",
        hint="sign it with a human's key",
    )


def _unfreezing(draft: Draft, _: int, event: Folded) -> HeeError | None:
    if not draft.frozen:
        return EventError("there is no freeze to end")
    if not event.actor.startswith("human:"):
        return Frozen(f"{event.actor} cannot end a freeze: only a person can", hint="sign it with a human's key")
    return None


def _starting(draft: Draft, _: int, event: Folded) -> HeeError | None:
    name = event.data["fix_id"]
    if name not in draft.fixes:
        return None
    return EventError(f"fix.started names {name!r}, which another attempt has", hint="an attempt has an id of its own")


def _approving(_: Draft, __: int, event: Folded) -> HeeError | None:
    if event.actor.startswith("human:"):
        return None
    return EventError(f"{event.actor} cannot approve: only a person can", hint="sign it with a human's key")


def _fixing(draft: Draft, _: int, event: Folded) -> HeeError | None:
    name = event.data["fix_id"]
    fix = draft.fixes.get(name)
    if fix is None:
        return EventError(f"{event.type} names {name!r}, a fix that never started")
    if fix["rollback"]:
        return EventError(f"{event.type} names {name!r}, a fix that was rolled back", hint="start another attempt")
    return None


def _acknowledging(_: Draft, __: int, event: Folded) -> HeeError | None:
    if event.actor.startswith("human:"):
        return None
    return EventError(f"{event.actor} cannot acknowledge: only a person can", hint="sign it with a human's key")


def _revoking(draft: Draft, _: int, event: Folded) -> HeeError | None:
    if not event.actor.startswith("human:"):
        return KeyFault(
            f"{event.actor} cannot take an approval back: only a person can", hint="sign it with a human's key"
        )
    if event.data["approval_id"] in draft.approvals:
        return None
    return EventError(
        f"{event.data['approval_id'][:12]} is no approval that is still known", hint="`hee log --type approval.`"
    )


RULES: dict[str, Callable[[Draft, int, Folded], HeeError | None]] = {
    "state.changed": _transition,
    "decision.recorded": _superseding,
    "decision.ended": _ending,
    "state.unfrozen": _unfreezing,
    "approval.granted": _approving,
    "token.approved": _approving,
    "fix.started": _starting,
    "fix.applied": _fixing,
    "fix.verified": _fixing,
    "approval.revoked": _revoking,
    "alert.acknowledged": _acknowledging,
    **learned.RULES,
    "state.checkpoint_sealed": returns.may_seal,
    "state.rolled_back": returns.may_return,
}
