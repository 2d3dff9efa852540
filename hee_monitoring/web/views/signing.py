"""What a page on which a person signs something needs: who may, the exact bytes for stock ssh-keygen, and what was handed in.

Nothing here grants anything: what the form takes is a signature that the person made elsewhere.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError
from hee_monitoring import signedrequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_core.events import Event
    from hee_core.keychanges import Key
    from hee_monitoring.web.book import Book, Look


def people(book: Book, look: Look) -> dict[str, Key]:
    """The keys of people that hold now, by their names."""
    ring = book.workspace.log.refresh().keyring
    keys = ring.keys.items() if ring else ()
    return {name: key for name, key in keys if key.role == "human" and key.valid(look.size)}


def bound(look: Look, draft: Event, key: str, keys: Mapping[str, Key]) -> Event:
    """A draft as one person's key signs it; raises EventError unless the key is one of theirs."""
    if key not in keys:
        raise EventError("name the key that signs")
    return draft.bound(source=f"urn:hee:{look.log_id}", actor=keys[key].actor, key_id=key)


def shown(event: Event | None, command: Sequence[str], keys: Mapping[str, Key], asked: str) -> dict[str, Any]:
    """What the templates of signing show; without an event there is only the command."""
    line = event.to_bytes().decode() if event else ""
    return {
        "command": shlex.join(command), "people": keys, "line": line, "actor": event.actor if event else "",
        "sign": f"printf %s {shlex.quote(line)} | ssh-keygen -Y sign -n hee-event -f ~/.ssh/id_ed25519" if event else "",
        "minutes": signedrequest.VALID_S // 60, "key": event.key_id if event else asked,
    }  # fmt: skip


def signed(form: Mapping[str, str]) -> tuple[bytes, str]:
    """The line and the armored signature of a form: both apart, or one document of `--sign-request`."""
    pasted = form.get("signature", "").strip()
    if not pasted.startswith("{"):
        return form.get("event", "").encode("utf-8", "surrogatepass"), pasted
    try:
        document = json.loads(pasted)
        return document["event"].encode("utf-8", "surrogatepass"), str(document["signature"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EventError("this is no signed request", hint="paste all of what `--sign-request` prints") from None
