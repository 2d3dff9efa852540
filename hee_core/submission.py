"""An event that its author signed somewhere else, appended by whoever keeps the log: bytes and signature stay the author's.

Responsible for the append alone: that the signature holds, that the author's key may say this here and now, and that nobody
said it before. What else a receiver asks of an event (who may, how old, what the author had seen) is left to it.
Invariant: what is appended would have been accepted from its author's own hands; an event that is in the log is never
appended a second time.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, cast

from hee_core import chain
from hee_core.errors import Conflict, EventError
from hee_core.events import Event
from hee_core.vouching import vouch

if TYPE_CHECKING:
    from hee_core.log import Log
    from hee_core.store import Condition, Entry


def submit(log: Log, event: Event, signature: bytes, *, unless: Condition) -> Entry:
    """Appends an event with its author's signature (the blob); the log's own signer puts it in order.

    Raises IntegrityError unless the author's key made the signature and may, Conflict if the event is there already or one
    that `unless` names came, and whatever else the log has against the event or this writer.
    """
    with log.store.exclusive():
        head = log.refresh()
        vouch(head.keyring, head.size, [event], b64encode(signature) + b"\n")
        if event.source != f"urn:hee:{head.log_id}":
            raise EventError("the event is bound to another log", hint="make it anew for this one")
        chain.guard(head, event, log)
        if head.keyring and (fault := head.keyring.fault(log.signer, head.size)):
            raise fault
        for entry in log.read():
            if entry.event.nonce == event.nonce:
                raise Conflict(f"this was said before, as event {entry.index}", hint="nothing is to be done again")
            if unless.broken_by(entry):
                raise Conflict(
                    f"event {entry.index} ({entry.event.type}) came after what was signed for",
                    hint="read it, and sign again",
                )
        after = chain.grow(head, (event,), log)
        made = chain.seal(head, after, [event], [signature], log.signer, object_format=log.store.object_format)
        log.store.publish(made.objects, cast("str", made.head.commit), head.commit)
        log.take(made.head)
        return log.entry(head.size)


def read(line: bytes) -> Event:
    """The event of a line that somebody handed in; raises EventError unless its payload is what the catalogue promises."""
    event = Event.from_bytes(line)
    if not event.fits:
        raise EventError(f"{event.type}: the payload does not fit the catalogue")
    return event
