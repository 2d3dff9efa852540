"""Check runs: made once for a commit and a name, completed, and changed in place. Only apps and workflows may make them.

    Checks(client).keep("HEE", commit, conclusion="failure", title=…, summary=…, annotations=(Note(…),))

GitHub takes 50 annotations a request and appends those of later requests, so a check whose annotations changed is made
anew (the newest of a name counts) and one whose words changed is updated. Needs `checks: write`, which no personal token has.

Invariant: of one name a commit has at most one check run that says the same thing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hee_core.canonical import digest
from hee_core.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_monitoring.github.client import Client

MOST = 50  # annotations a request


@dataclass(frozen=True, slots=True)
class Note:
    """What a check says of a line of a file; `level` is `notice`, `warning` or `failure`."""

    path: str
    line: int
    message: str
    level: str = "failure"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check run; `changed` says whether anything was written for it this time."""

    check_id: int
    url: str
    external: str
    conclusion: str
    changed: bool = False


class Checks:
    """The check runs of one repository."""

    def __init__(self, client: Client) -> None:
        """Asks nothing yet."""
        self._client = client

    def keep(
        self, name: str, commit: str, *, conclusion: str, title: str, summary: str, annotations: Sequence[Note] = ()
    ) -> Check:
        """Has the check of this name at this commit say this: makes it, changes it, or leaves it alone."""
        shown = [_shown(note) for note in annotations[:MOST]]
        # What it says is in its external id, since GitHub gives the text back in a form of its own.
        said = f"{_mark([conclusion, title, summary])}.{_mark(shown)}"
        found = self.find(name, commit)
        if found is not None and found.external == said:
            return found
        output = {"title": title, "summary": summary}
        document = {"name": name, "external_id": said, "status": "completed", "conclusion": conclusion}
        if found is not None and found.external.partition(".")[2] == said.partition(".")[2]:
            return self.update(found.check_id, {**document, "output": output})
        return self.create(commit, {**document, "output": {**output, "annotations": shown}})

    def find(self, name: str, commit: str) -> Check | None:
        """The newest check of a name at a commit that has our kind of external id; None if there is none."""
        path = self._client.place.path(f"commits/{commit}/check-runs?check_name={name}&filter=latest")
        found = [
            _read(each)
            for each in self._client.pages(path, "check_runs", whole=True)
            if isinstance(each, dict) and _is_ours(each, name)
        ]
        return max(found, key=lambda check: check.check_id, default=None)

    def create(self, commit: str, document: dict[str, Any]) -> Check:
        """Makes a check run at a commit."""
        told = self._client.told("POST", self._client.place.path("check-runs"), {"head_sha": commit, **document})
        return _read(told, changed=True)

    def update(self, check_id: int, document: dict[str, Any]) -> Check:
        """Changes a check run, or completes it."""
        return _read(
            self._client.told("PATCH", self._client.place.path(f"check-runs/{check_id}"), document), changed=True
        )


def _mark(said: object) -> str:
    return digest(json.dumps(said, sort_keys=True).encode())[:24]


def _is_ours(item: dict[str, Any], name: str) -> bool:
    external = item.get("external_id")
    return item.get("name") == name and isinstance(external, str) and len(external.partition(".")[0]) == 24


def _shown(note: Note) -> dict[str, Any]:
    given = asdict(note)
    line = given.pop("line")
    given["annotation_level"] = given.pop("level")
    return {**{key: value for key, value in given.items() if value}, "start_line": line, "end_line": line}


def _read(item: Any, *, changed: bool = False) -> Check:
    try:
        return Check(
            int(item["id"]), item["html_url"] or "", item["external_id"] or "", item["conclusion"] or "", changed
        )
    except (KeyError, TypeError, ValueError):
        raise Unreachable("GitHub's answer is no check run", hint="HEE asks again") from None
