"""Pull requests: found by their branch, opened, updated in place.

    pulls = Pulls(client)
    pulls.offer("hee/fix/HEE-ISS-1", base="main", title=…, body=…)   # opens one, or brings the open one up to date
    pulls.of_head("hee/fix/HEE-ISS-1")                               # the open one, or None
    pulls.open(…), pulls.update(number, title=…, body=…, state="closed"), pulls.get(number)

Needs `pull_requests: write` to write. Title and body are sent as they are: what was not written here goes through
`markdown` first. Each raises SourceError: Unauthorized without the permission, Declined where GitHub does not take it (422:
no such branch, no difference, one is there already), Unreachable, RateLimited. Pushing the branch is left to the caller.

Invariant: a branch has at most one open pull request of ours, however often it is offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.errors import Declined, Unreachable

if TYPE_CHECKING:
    from hee_monitoring.github.client import Client


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request; `head` is `owner:branch` for a fork, `commit` the newest one of its branch."""

    number: int
    url: str
    title: str
    body: str
    head: str
    base: str
    commit: str
    state: str
    merged: bool = False
    draft: bool = False


class Pulls:
    """The pull requests of one repository."""

    def __init__(self, client: Client) -> None:
        """Asks nothing yet."""
        self._client = client
        self._owner = client.place.repository.partition("/")[0]

    def get(self, number: int) -> PullRequest | None:
        """One by its number; None if there is none."""
        found = self._client.json(self._client.place.path(f"pulls/{number}"))
        return None if found is None else self._read(found)

    def of_head(self, branch: str) -> PullRequest | None:
        """The open one of a branch (`owner:branch` for a fork), the newest if there are several; None if there is none."""
        head = branch if ":" in branch else f"{self._owner}:{branch}"
        path = self._client.place.path(f"pulls?state=open&head={quoted(head)}")
        # GitHub leaves out a filter that it does not understand, and lists everything.
        found = [
            pull
            for each in self._client.pages(path, "", whole=True)
            if (pull := self._read(each)).head in (branch, head)
        ]
        return max(found, key=lambda pull: pull.number, default=None)

    def open(self, head: str, *, base: str, title: str, body: str, draft: bool = False) -> PullRequest:
        """Opens one for a branch that was pushed."""
        document = {"head": head, "base": base, "title": title, "body": body, "draft": draft}
        return self._read(self._client.told("POST", self._client.place.path("pulls"), document))

    def update(
        self, number: int, *, title: str | None = None, body: str | None = None, base: str | None = None,
        state: str | None = None,
    ) -> PullRequest:  # fmt: skip
        """Changes what is given; `state` is `open` or `closed`."""
        given = {"title": title, "body": body, "base": base, "state": state}
        document = {name: value for name, value in given.items() if value is not None}
        return self._read(self._client.told("PATCH", self._client.place.path(f"pulls/{number}"), document))

    def offer(self, head: str, *, base: str, title: str, body: str, draft: bool = False) -> PullRequest:
        """The open pull request of a branch with this title and body: opened, changed, or left alone."""
        found = self.of_head(head)
        if found is None:
            try:
                return self.open(head, base=base, title=title, body=body, draft=draft)
            except Declined as error:
                if error.status != 422 or (found := self.of_head(head)) is None:  # somebody was first
                    raise
        if (found.title, found.body, found.base) == (title, body, base):
            return found
        return self.update(found.number, title=title, body=body, base=base)

    def _read(self, item: Any) -> PullRequest:
        try:
            home, head = item["base"]["repo"]["full_name"], item["head"]
            source = (head["repo"] or {}).get("full_name", "")  # a fork can be gone
            branch = head["ref"] if source == home else f"{source.partition('/')[0] or 'unknown'}:{head['ref']}"
            return PullRequest(
                number=int(item["number"]), url=str(item["html_url"]), title=str(item["title"]), body=item["body"] or "",
                head=branch, base=str(item["base"]["ref"]), commit=str(head["sha"]), state=str(item["state"]),
                merged=item.get("merged_at") is not None, draft=bool(item.get("draft")),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unreachable("GitHub's answer is no pull request", hint="HEE asks again") from None


def quoted(text: str) -> str:
    """Text as the value of a query."""
    kept = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/"
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())
