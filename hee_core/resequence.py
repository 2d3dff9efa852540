"""Events that two histories do not share, put in order again on the longer one: which may stand there, and which not.

Bytes and author's signatures stay as they are; the commits are new ones, signed by whoever puts in order. Pure: what the
new place forbids comes back as a value with its reason. Invariant: every event that goes in comes out, either in an
append or refused, and what is appended would have been accepted from its author there and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core import chain, checkpoint
from hee_core.errors import HeeError
from hee_core.ledger import contrary
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from hee_core.chain import Append, Head
    from hee_core.errors import KeyFault
    from hee_core.events import Event
    from hee_core.inspection import Inspection
    from hee_core.keys import Signer


COSIGNED = "checkpoint.cosigned"


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
    head: Head, appends: Iterable[Sequence[Pending]], signer: Signer, *, past: Inspection, theirs: Container[str],
    shared: int, object_format: str,
) -> tuple[list[Append], list[Refused]]:  # fmt: skip
    """Orders appends of one history on top of another, each as one append of what may stand.

    `past` knows the events up to `head`; `theirs` are the ids of those that the authors had not seen, the first `shared`
    events are those of both. Where the signer's key counts only from a later event on, appends are joined up to there;
    raises KeyFault when it never does.
    """
    made: list[Append] = []
    refused: list[Refused] = []
    after, kept = head, list[Pending]()
    fault: KeyFault | None = None
    for append in appends:
        for pending in append:
            lost = {one.event.id for one in refused}.intersection(pending.event.causes)
            reason = f"its cause {min(lost)[:12]} is kept aside" if lost else None
            reason = reason or _objection(after, pending.event, past) or _outdated(after, pending.event, theirs, shared)
            if reason is None:
                after = chain.grow(after, (pending.event,), past)
                kept.append(pending)
            else:
                refused.append(Refused(pending.event, pending.index, reason))
        fault = after.keyring.fault(signer, after.size - 1) if after.keyring and kept else None
        if kept and not fault:
            events, signatures = [one.event for one in kept], [one.signature for one in kept]
            made.append(chain.seal(head, after, events, signatures, signer, object_format=object_format))
            head = after = made[-1].head
            kept = []
    if fault:
        raise fault
    return made, refused


def _objection(head: Head, event: Event, past: Inspection) -> str | None:
    """Says why an event may not come next; None if it may."""
    if past.has_nonce(event):
        return "another event has its nonce: one of the two is a forgery of the other"
    try:
        chain.guard(head, event, past)
    except HeeError as error:
        return str(error)
    return None


def _outdated(head: Head, event: Event, theirs: Container[str], shared: int) -> str | None:
    """Says what came meanwhile that an event's author would have had to know; None if there is nothing."""
    try:
        data = event.fields
        cosigned = checkpoint.parse(data["note"].encode()).size if event.type == COSIGNED else 0
    except HeeError:
        return None  # a later program's, or no note at all: it says nothing that could be judged
    if event.type == "state.checkpointed" and data["index"] >= shared:
        return f"the point to return to, event {data['index']}, is another event now"
    if cosigned > shared:
        return "witnesses cosigned an order of events that is no more: let them cosign what was synced"
    if event.type != "decision.recorded":
        return None
    proposed = Record({name: value or "" for name, value in data.items() if name != "scope"})
    proposed["scope"] = data["scope"]
    for name, active in head.state.decisions.items():
        if active["event"] in theirs and name != proposed["supersedes"] and contrary(active, proposed):
            return f"the decision {name} was recorded meanwhile and says otherwise about {active['key']}"
    return None
