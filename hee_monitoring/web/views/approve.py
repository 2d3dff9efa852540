"""The page on which an approval is prepared: the exact command, or the exact bytes to sign with stock ssh-keygen.

Nothing here grants anything: what the form takes is a signature that the person made elsewhere.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError, NotFound
from hee_monitoring import approving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.events import Event
    from hee_core.keychanges import Key
    from hee_monitoring.web.book import Book, Look


def values(book: Book, look: Look, issue_id: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows: a form for the words, and once they are given, what there is to sign."""
    issue = look.state.issues.get(issue_id)
    if issue is None:
        raise NotFound(f"{issue_id} is not an open issue", hint="an approval lets a repair of an open issue happen")
    ring = book.workspace.log.refresh().keyring
    people = {
        name: key for name, key in (ring.keys.items() if ring else ()) if key.role == "human" and key.valid(look.size)
    }
    reason, expires = asked.get("reason", "").strip()[:2000], asked.get("expires", "").strip()[:60]
    scope = tuple(glob for glob in asked.get("scope", "").split()[:50] if glob)
    command = ["hee", "approve", issue_id, "--reason", reason or "WHY"]
    for glob in scope:
        command += ["--scope", glob]
    command += ["--expires", expires] if expires else []
    wrong, event = "", None
    if reason:
        try:
            event = _event(book, look, issue_id, (asked.get("key", ""), people), (reason, scope, expires))
        except EventError as error:
            wrong = str(error)
    line = event.to_bytes().decode() if event else ""
    return {
        "issue": issue, "people": people, "reason": reason, "expires": expires, "scope": " ".join(scope), "wrong": wrong,
        "command": shlex.join(command), "line": line, "actor": event.actor if event else "", "event": event,
        "sign": f"printf %s {shlex.quote(line)} | ssh-keygen -Y sign -n hee-event -f ~/.ssh/id_ed25519" if event else "",
        "minutes": approving.VALID_S // 60, "key": event.key_id if event else asked.get("key", ""),
    }  # fmt: skip


def _event(
    book: Book,
    look: Look,
    issue_id: str,
    signer: tuple[str, Mapping[str, Key]],
    words: tuple[str, tuple[str, ...], str],
) -> Event:
    (key, people), (reason, scope, expires) = signer, words
    if key not in people:
        raise EventError("name the key that signs")
    workspace = book.workspace
    seen = book.entries([look.index])[0].event.id
    draft = approving.draft(
        issue_id, reason, subject=f"issue/{issue_id}", scope=scope, expires=expires, seen=seen, clock=workspace.clock
    )
    return draft.bound(source=f"urn:hee:{look.log_id}", actor=people[key].actor, key_id=key)


def signed(form: Mapping[str, str]) -> tuple[bytes, str]:
    """The line and the armored signature of a form: both apart, or one document of `hee approve --sign-request`."""
    pasted = form.get("signature", "").strip()
    if not pasted.startswith("{"):
        return form.get("event", "").encode("utf-8", "surrogatepass"), pasted
    try:
        document = json.loads(pasted)
        return document["event"].encode("utf-8", "surrogatepass"), str(document["signature"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EventError(
            "this is no signed request", hint="paste all of what `hee approve --sign-request` prints"
        ) from None
