"""Comments on pull requests (and issues): one of ours for each purpose, made once and then changed in place.

    Comments(client).keep(number, purpose="failure", text=…)    # the comment's id and address; writes only what is new

A comment of ours begins with a mark that nobody sees, and is written by whoever the credential is: anybody can copy the
mark, and with a token that may write, anybody's comment could be overwritten. Needs `pull_requests: write` (or `issues: write`).

Invariant: of one purpose there is at most one comment on a pull request, and none of another author's is touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.errors import Unauthorized, Unreachable

if TYPE_CHECKING:
    from hee_monitoring.github.client import Client

ACTIONS = "github-actions[bot]"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of ours; `changed` says whether anything was written for it this time."""

    comment_id: int
    url: str
    body: str
    changed: bool = False


class Comments:
    """The comments of one repository."""

    def __init__(self, client: Client) -> None:
        """Asks nothing yet."""
        self._client = client
        self._login = ""

    def keep(self, number: int, *, purpose: str, text: str) -> Comment:
        """Has our one comment of this purpose say `text`: makes it, changes it, or leaves it alone."""
        body = f"{mark(purpose)}\n{text}"
        found = self.find(number, purpose)
        if found is None:
            return self.create(number, body)
        return found if found.body == body else self.update(found.comment_id, body)

    def find(self, number: int, purpose: str) -> Comment | None:
        """Our comment of this purpose, the oldest if there are several; None if there is none."""
        for item in self._client.pages(self._client.place.path(f"issues/{number}/comments"), "", whole=True):
            body = item.get("body") if isinstance(item, dict) else None
            if isinstance(body, str) and body.startswith(mark(purpose)) and self._is_ours(item):
                return _read(item)
        return None

    def create(self, number: int, body: str) -> Comment:
        """Writes a comment."""
        path = self._client.place.path(f"issues/{number}/comments")
        return _read(self._client.told("POST", path, {"body": body}), changed=True)

    def update(self, comment_id: int, body: str) -> Comment:
        """Changes a comment."""
        path = self._client.place.path(f"issues/comments/{comment_id}")
        return _read(self._client.told("PATCH", path, {"body": body}), changed=True)

    def _is_ours(self, item: dict[str, Any]) -> bool:
        """Whether the credential wrote it: an app knows its number, a workflow its bot, a token asks who it is."""
        credential = self._client.credential
        if credential.kind == "app":
            app = item.get("performed_via_github_app")
            return isinstance(app, dict) and str(app.get("id")) == credential.account
        if not self._login:
            self._login = ACTIONS if credential.kind == "actions" else self._asked()
        user = item.get("user")
        return isinstance(user, dict) and user.get("login") == self._login

    def _asked(self) -> str:
        """The account of a token; an installation's token of another kind may not ask, and is the bot of workflows."""
        try:
            told = self._client.json("/user")
        except Unauthorized as error:
            if error.status != 403:
                raise
            return ACTIONS
        login = told.get("login") if isinstance(told, dict) else None
        if not isinstance(login, str) or not login:
            raise Unreachable("GitHub does not say whose token this is", hint="HEE asks again")
        return login


def mark(purpose: str) -> str:
    """The first line of a comment of ours; nobody sees it."""
    return f"<!-- hee:{re.sub(r'[^a-z0-9-]', '', purpose.lower())} -->"


def _read(item: Any, *, changed: bool = False) -> Comment:
    try:
        return Comment(int(item["id"]), str(item["html_url"]), item["body"] or "", changed)
    except (KeyError, TypeError, ValueError):
        raise Unreachable("GitHub's answer is no comment", hint="HEE asks again") from None
