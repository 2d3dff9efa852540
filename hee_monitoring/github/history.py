"""What GitHub knows of commits: where two branches part, and which runs a commit had.

    history = History(client)
    history.merge_base("main", head)           # the commit that both come from, or None
    history.compare("main", head)              # the same, with how far each is ahead
    history.runs(commit)                       # its runs, newest first: was the base broken already?
    history.detail(run)                        # a finished run read whole, with its jobs and logs

Needs `contents: read` to compare and `actions: read` for runs. Nothing here is recorded. Invariant: what could not be read
is an error or None, never "no runs".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import SourceError, Unreachable
from hee_monitoring.github.client import items, parsed
from hee_monitoring.github.detail import Detail
from hee_monitoring.github.payloads import RunItem, Unreadable, run_item
from hee_monitoring.github.pulls import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_monitoring.evidence import Run
    from hee_monitoring.github.client import Client


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a head stands to its base: `status` is `ahead`, `behind`, `diverged` or `identical`."""

    merge_base: str
    status: str
    ahead: int
    behind: int


class History:
    """The commits of one repository."""

    def __init__(self, client: Client, progress: Callable[[str], None] = lambda _: None) -> None:
        """Asks nothing yet."""
        self._client = client
        self._detail = Detail(client, progress)

    def compare(self, base: str, head: str) -> Comparison | None:
        """Two commits, branches or tags (`owner:branch` for a fork); None where GitHub does not know one of them."""
        path = self._client.place.path(f"compare/{quoted(base)}...{quoted(head)}?per_page=1")
        found = self._client.json(path)
        if found is None:
            return None
        try:
            commit = str(found["merge_base_commit"]["sha"])
            return Comparison(commit, str(found["status"]), int(found["ahead_by"]), int(found["behind_by"]))
        except (KeyError, TypeError, ValueError):
            raise Unreachable("GitHub's answer is no comparison", hint="HEE asks again") from None

    def merge_base(self, base: str, head: str) -> str | None:
        """The commit that two come from; None where GitHub does not know one of them."""
        found = self.compare(base, head)
        return found.merge_base if found else None

    def runs(self, commit: str) -> tuple[RunItem, ...]:
        """The runs of a commit, newest first, at their last attempt; those that cannot be read are left out."""
        answer = self._client.get(self._client.place.path(f"actions/runs?head_sha={quoted(commit)}&per_page=100"))
        if answer.status != 200:
            raise SourceError(
                f"GitHub knows no runs of {self._client.place.repository} (status {answer.status})",
                hint="is the name right, and may the token read it?",
            )
        found = []
        for each in items(parsed(answer), "workflow_runs"):
            try:
                run = run_item(each, self._client.place.repository)
            except Unreadable:
                continue
            if run.commit == commit:  # GitHub leaves out a filter that it does not understand
                found.append(run)
        return tuple(sorted(found, key=lambda run: run.run_id, reverse=True))

    def detail(self, run: RunItem) -> Run:
        """A finished run read whole; raises Unreachable if its jobs cannot be listed."""
        return self._detail.run(run)
