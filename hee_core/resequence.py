"""Events that two histories do not share, put in order again on the longer one: which may stand there, and which not.

Bytes and author's signatures stay as they are; the commits are new ones, signed by whoever puts in order. Pure: what the
new place forbids comes back as a value with its reason. Invariant: every event that goes in comes out, either in an
append or refused, and what is appended would have been accepted from its author there and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core import chain
from hee_core.errors import HeeError
from hee_core.ledger import contrary
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from hee_core.chain import Append, Head, Past
    from hee_core.events import Event
    from hee_core.keys import Signer


@dataclass(frozen=True, slots=True)
class Pending:
    """An event as its author signed it, and the index that it had."""

    event: Event
    signature: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that may not stand at its new place; it is kept aside, at `index` of the history that it came from."""

    event: Event
    index: int
    reason: str


def resequence(
    head: Head, appends: Iterable[Sequence[Pending]], signer: Signer, *, past: Past, theirs: Container[str],
    object_format: str,
) -> tuple[list[Append], list[Refused]]:  # fmt: skip
    """Orders appends of one history on top of another, each as one append of what may stand.

    `past` answers for the events up to `head`; `theirs` are the ids of those that the authors had not seen. Raises
    KeyFault when the signer may not write there.
    """
    made: list[Append] = []
    refused: list[Refused] = []
    for append in appends:
        after = head
        kept: list[Pending] = []
        for pending in append:
            lost = {one.event.id for one in refused}.intersection(pending.event.causes)
            reason = (
                f"its cause {min(lost)[:12]} is kept aside" if lost else _objection(after, pending.event, past, theirs)
            )
            if reason is None:
                after = chain.grow(after, (pending.event,), past)
                kept.append(pending)
            else:
                refused.append(Refused(pending.event, pending.index, reason))
        if not kept:
            continue
        if after.keyring and (fault := after.keyring.fault(signer, after.size - 1)):
            raise fault
        events, signatures = [one.event for one in kept], [one.signature for one in kept]
        made.append(chain.seal(head, after, events, signatures, signer, object_format=object_format))
        head = made[-1].head
    return made, refused


def _objection(head: Head, event: Event, past: Past, theirs: Container[str]) -> str | None:
    """Says why an event may not come next; None if it may."""
    try:
        chain.guard(head, event, past)
    except HeeError as error:
        return str(error)
    if event.type != "decision.recorded":
        return None
    proposed = Record({name: value or "" for name, value in event.fields.items() if name != "scope"})
    proposed["scope"] = event.fields["scope"]
    for name, active in head.state.decisions.items():
        if active["event"] in theirs and name != proposed["supersedes"] and contrary(active, proposed):
            return f"the decision {name} was recorded meanwhile and says otherwise about {active['key']}"
    return None
