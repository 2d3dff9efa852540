"""The page on which a person sees to an alert: the exact command, or the exact bytes to sign with stock ssh-keygen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError, NotFound
from hee_monitoring.alerting.standing import acknowledgement, standing
from hee_monitoring.web.views import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.web.book import Book, Look


def values(book: Book, look: Look, name: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows: a form for the words, and once a key is named, what there is to sign."""
    alert = standing(look.state).get(name)
    if alert is None:
        raise NotFound(f"{name} is no alert that stands", hint="the page of alerts lists them")
    reason, key = asked.get("reason", "").strip()[:2000], asked.get("key", "")
    wrong, event, keys = "", None, signing.people(book, look)
    if reason:
        seen = book.entries([look.index])[0].event.id
        try:
            draft = acknowledgement(name, reason, seen=seen, clock=book.workspace.clock)
            event = signing.bound(look, draft, key, keys)
        except EventError as error:
            wrong = str(error)
    command = ["hee", "alerts", "acknowledge", name, "--reason", reason or "WHAT"]
    return {"alert": alert, "reason": reason, "wrong": wrong, **signing.shown(event, command, keys, key)}
