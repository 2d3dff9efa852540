"""The page on which an approval is prepared: the exact command, or the exact bytes to sign with stock ssh-keygen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError, NotFound
from hee_monitoring import approving
from hee_monitoring.web.views import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.web.book import Book, Look


def values(book: Book, look: Look, issue_id: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows: a form for the words, and once they are given, what there is to sign."""
    issue = look.state.issues.get(issue_id)
    if issue is None:
        raise NotFound(f"{issue_id} is not an open issue", hint="an approval lets a repair of an open issue happen")
    reason, expires = asked.get("reason", "").strip()[:2000], asked.get("expires", "").strip()[:60]
    scope = tuple(glob for glob in asked.get("scope", "").split()[:50] if glob)
    command = ["hee", "approve", issue_id, "--reason", reason or "WHY"]
    for glob in scope:
        command += ["--scope", glob]
    command += ["--expires", expires] if expires else []
    wrong, event, keys, key = "", None, signing.people(book, look), asked.get("key", "")
    if reason:
        seen, clock = book.entries([look.index])[0].event.id, book.workspace.clock
        try:
            draft = approving.draft(
                issue_id, reason, subject=f"issue/{issue_id}", scope=scope, expires=expires, seen=seen, clock=clock
            )
            event = signing.bound(look, draft, key, keys)
        except EventError as error:
            wrong = str(error)
    return {
        "issue": issue, "reason": reason, "expires": expires, "scope": " ".join(scope), "wrong": wrong,
        **signing.shown(event, command, keys, key),
    }  # fmt: skip
