"""One event whole: its canonical bytes, who signed them and whether that holds, its causes, and the proof to take away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hee_core import proof
from hee_core.errors import HeeError, NotFound
from hee_core.vouching import signed_by

if TYPE_CHECKING:
    from hee_core.store import Entry
    from hee_monitoring.web.book import Book, Look


def values(book: Book, look: Look, number: str) -> dict[str, Any]:
    """What the page shows; raises NotFound."""
    index = index_of(look, number)
    entry = book.entries([index])[0]
    event = entry.event
    signature = book.index.signature(index)
    return {
        "entry": entry,
        "event": event,
        "line": event.to_bytes().decode(),
        "data": json.dumps(event.data, indent=2, ensure_ascii=False, sort_keys=True),
        "signature": signature.decode("ascii", "replace"),
        "fault": fault(book, entry, signature),
        "causes": [(cause, book.index.find(cause)) for cause in event.causes],
        "issue": _text(event.data.get("issue_id")),
        "fix": _text(event.data.get("fix_id")),
        "before": index - 1 if index else None,
        "after": index + 1 if index < look.index else None,
    }


def index_of(look: Look, number: str) -> int:
    """The index that a path names; raises NotFound for one that the look does not have."""
    if not (number.isascii() and number.isdigit() and len(number) < 16 and int(number) <= look.index):
        raise NotFound(f"there is no event {number[:40]} here (the last one is {look.index})")
    return int(number)


def fault(book: Book, entry: Entry, signature: bytes) -> str:
    """Why the signature of an event does not hold; empty if it does."""
    ring = book.workspace.log.refresh().keyring
    try:
        key = signed_by(entry.event, signature)
    except HeeError as error:
        return str(error)
    if key != entry.event.key_id:
        return f"it names key {entry.event.key_id}, and {key} signed it"
    return (ring.check(key, entry.index, entry.event.actor) or "") if ring else "the log has no keys"


def proof_of(book: Book, look: Look, number: str) -> bytes:
    """The offline proof of an event, under the checkpoint of the look's last append."""
    return proof.prove(book.workspace.log, index_of(look, number), within=look.index)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
