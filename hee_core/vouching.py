"""Signatures of what somebody else appended, checked before it counts for anything. Pure.

Reading the chain finds accidents; only a signature tells a forgery, and a forged `state.unfrozen`, approval or key would
be obeyed, and then confirmed by the snapshot and the commits that this writer signs on top of it. So nothing enters a
head that was not signed by a key that might sign it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core import sshsig
from hee_core.errors import HeeError, IntegrityError
from hee_core.keyring import KeyRing
from hee_core.sshkey import unbase64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.events import Event

_HINT = "run `hee verify`; do not append until a person has looked"


def signed_by(event: Event, line: bytes) -> str:
    """The id of the key that made an event's line of the signatures; raises HeeError for a signature that does not hold."""
    blob = unbase64(line.decode("ascii", "replace"), "signature")
    return sshsig.fingerprint(sshsig.verify(blob, event.to_bytes(), sshsig.EVENT_NAMESPACE))


def vouch(ring: KeyRing | None, first: int, events: Sequence[Event], signatures: bytes) -> None:
    """Raises IntegrityError, naming the index, unless each event is signed by its author's key, valid at its place.

    `ring` is the key ring before the first of them; None before the log's first event. `signatures` is the append's
    file: line n over event n.
    """
    lines = signatures.split(b"\n")
    if len(lines) != len(events) + 1 or lines[-1]:
        raise IntegrityError(f"event {first}: {len(lines) - 1} signature(s) for {len(events)} event(s)", hint=_HINT)
    for index, (event, line) in enumerate(zip(events, lines[:-1], strict=True), first):
        ring = ring or KeyRing.of(event)
        try:
            key_id = signed_by(event, line)
        except HeeError as error:
            raise IntegrityError(
                f"event {index}: {event.type} is not signed by its author: {error}", hint=_HINT
            ) from None
        fault = ring.refusal(index, event)
        if key_id != event.key_id:
            fault = f"it names key {event.key_id}, and another key signed it"
        if fault:
            raise IntegrityError(f"event {index}: {event.type}: {fault}", hint=_HINT)
        ring = ring.fold(index, event) if index else ring
