"""The simulator's desk: pull requests, comments, check runs and artifacts, as they were put there and asked for.

Responsible for what GitHub refuses as well: a second pull request of a branch (422), a place that is not there (404), too
many annotations (422). Runs and jobs are the simulator's own, forms are `deskshapes`'. Invariant: what was written is what is
shown, to whoever asks.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hee_monitoring.github import deskshapes as shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Said = tuple[int, dict[str, str], bytes]

MOST_ANNOTATIONS = 50
_PLACES = (
    (re.compile(r"/user"), "user"),
    (re.compile(r"pulls"), "pulls"),
    (re.compile(r"pulls/(\d+)"), "pull"),
    (re.compile(r"issues/(\d+)/comments"), "comments"),
    (re.compile(r"issues/comments/(\d+)"), "comment"),
    (re.compile(r"check-runs"), "checks"),
    (re.compile(r"check-runs/(\d+)"), "check"),
    (re.compile(r"commits/([^/]+)/check-runs"), "checks_of"),
    (re.compile(r"compare/(.+)\.\.\.(.+)"), "compared"),
    (re.compile(r"git/matching-refs/heads/(.+)"), "refs"),
    (re.compile(r"actions/runs/(\d+)/artifacts"), "artifacts"),
    (re.compile(r"actions/artifacts/(\d+)/zip"), "artifact"),
)


class Desk:
    """What lies on the desk of one repository."""

    def __init__(self, repository: str, now: Callable[[], str], page: Callable[..., Said]) -> None:
        """Empty; `login` is whom the token belongs to, `app` the number of the app that writes, if one does."""
        self.repository, self.login, self.app, self.base = repository, "hee-bot", 0, ""
        self.pulls: dict[int, dict[str, Any]] = {}
        self.comments_made: dict[int, dict[str, Any]] = {}
        self.checks_made: dict[int, dict[str, Any]] = {}
        self.files: dict[int, tuple[int, str, bytes, bool]] = {}  # run, name, content, expired
        self.branches: dict[str, str] = {}  # those that are there, each with its last commit
        self.merge_bases: dict[tuple[str, str], str] = {}
        self.written: list[tuple[str, str]] = []  # method and path of each change
        self._now, self._page, self._next = now, page, 1

    # ------------------------------------------------------------------ telling it what is there

    def put_pull(self, head: str, *, base: str = "main", commit: str = "c" * 40, source: str = "", **more: Any) -> int:
        """Opens a pull request; `source` is the fork that its branch is in."""
        number, now = self._number(), self._now()
        pull = {"number": number, "head": head, "base": base, "commit": commit, "source": source or self.repository}
        pull |= {"title": "a change", "body": None, "state": "open", "draft": False, "author": self.login}
        pull |= {"created_at": now, "updated_at": now, "closed_at": None, "merged_at": None, **more}
        self.pulls[number] = pull
        return number

    def put_comment(self, number: int, body: str, *, author: str = "somebody") -> int:
        """Writes a comment as somebody."""
        made, now = self._number(), self._now()
        comment = {"id": made, "number": number, "body": body, "author": author, "app": 0}
        self.comments_made[made] = {**comment, "created_at": now, "updated_at": now}
        return made

    def put_artifact(self, run_id: int, name: str, content: bytes, *, expired: bool = False) -> int:
        """Gives a run an artifact."""
        made = self._number()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name}.txt", content)
        self.files[made] = (run_id, name, packed.getvalue(), expired)
        return made

    # ------------------------------------------------------------------ answering

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes, blobs: str) -> Said | None:
        """The answer for a path of the desk; None for any other."""
        inside = path.removeprefix(f"/repos/{self.repository}/")
        for expression, name in _PLACES:
            if found := expression.fullmatch(inside):
                if method != "GET":
                    self.written.append((method, path))
                given = json.loads(body) if body else {}
                parts = [unquote(part) for part in found.groups()]
                said: Said | None = getattr(self, f"_{name}")(method, path, query, given, blobs, *parts)
                return said
        return None

    def _user(self, *_: Any) -> Said:
        return _ok(shapes.user(self.login, self.base, self._now()))

    def _refs(self, _: str, path: str, query: Mapping[str, str], __: object, ___: str, begins: str) -> Said:
        there = [name for name in sorted(self.branches) if name.startswith(begins)]
        refs = [shapes.ref(name, self.branches[name], self.repository, self.base) for name in there]
        return self._page(path, query, refs, "", reordered=False)

    def _pulls(self, method: str, path: str, query: Mapping[str, str], given: dict[str, Any], *_: Any) -> Said:
        if method == "POST":
            same = [p for p in self.pulls.values() if (p["head"], p["base"]) == (given["head"], given["base"])]
            if any(pull["state"] == "open" for pull in same):
                return _refused(
                    f"A pull request already exists for {self.repository.partition('/')[0]}:{given['head']}."
                )
            return _ok(self._shown(self.put_pull(**given), whole=True), 201)
        head = unquote(query.get("head", ""))
        found = [
            self._shown(number, whole=False)
            for number, pull in sorted(self.pulls.items(), reverse=True)
            if query.get("state", "open") in (pull["state"], "all")
            and head in ("", f"{pull['source'].partition('/')[0]}:{pull['head']}")
        ]
        return self._page(path, query, found, "", reordered=False)

    def _pull(self, method: str, _: str, __: object, given: dict[str, Any], ___: str, number: str) -> Said:
        pull = self.pulls.get(int(number))
        if pull is None:
            return _missing()
        if method == "PATCH":
            now = self._now()
            pull.update(given, updated_at=now, closed_at=now if given.get("state") == "closed" else None)
        return _ok(self._shown(int(number), whole=True))

    def _comments(
        self, method: str, path: str, query: Mapping[str, str], given: dict[str, Any], _: str, number: str
    ) -> Said:
        if int(number) not in self.pulls:
            return _missing()
        if method == "POST":
            made = self.put_comment(int(number), given["body"], author=self.login)
            self.comments_made[made]["app"] = self.app
            return _ok(shapes.comment(self.comments_made[made], where=self.repository, base=self.base), 201)
        found = [
            shapes.comment(comment, where=self.repository, base=self.base)
            for comment in self.comments_made.values()
            if comment["number"] == int(number)
        ]
        return self._page(path, query, found, "", reordered=False)

    def _comment(self, _: str, __: str, ___: object, given: dict[str, Any], ____: str, number: str) -> Said:
        comment = self.comments_made.get(int(number))
        if comment is None:
            return _missing()
        comment.update(body=given["body"], updated_at=self._now())
        return _ok(shapes.comment(comment, where=self.repository, base=self.base))

    def _checks(self, _: str, __: str, ___: object, given: dict[str, Any], *____: Any) -> Said:
        if len(given.get("output", {}).get("annotations", ())) > MOST_ANNOTATIONS:
            return _refused("Invalid request. No more than 50 items are allowed.")
        made = self._number()
        self.checks_made[made] = {"id": made, "time": self._now(), **given}
        return _ok(shapes.check(self.checks_made[made], where=self.repository, base=self.base), 201)

    def _check(self, _: str, __: str, ___: object, given: dict[str, Any], ____: str, number: str) -> Said:
        check = self.checks_made.get(int(number))
        if check is None:
            return _missing()
        output = {**check.get("output", {}), **given.pop("output", {})}
        check.update(given, output=output)
        return _ok(shapes.check(check, where=self.repository, base=self.base))

    def _checks_of(self, _: str, path: str, query: Mapping[str, str], __: object, ___: str, commit: str) -> Said:
        found = [
            shapes.check(check, where=self.repository, base=self.base)
            for check in self.checks_made.values()
            if check["head_sha"] == commit and query.get("check_name", check["name"]) == check["name"]
        ]
        return self._page(path, query, found, "check_runs", reordered=False)

    def _compared(self, _: str, __: str, ___: object, ____: object, _____: str, base: str, head: str) -> Said:
        merge_base = self.merge_bases.get((base, head))
        if merge_base is None:
            return _missing()
        behind = int(merge_base != base)
        return _ok(
            shapes.comparison(
                merge_base,
                head,
                int(merge_base != head),
                behind,
                where=self.repository,
                base=self.base,
                now=self._now(),
            )
        )

    def _artifacts(self, _: str, path: str, query: Mapping[str, str], __: object, ___: str, run_id: str) -> Said:
        found = [
            shapes.artifact(
                number, name, len(data), expired=expired, where=self.repository, base=self.base, now=self._now()
            )
            for number, (run, name, data, expired) in self.files.items()
            if run == int(run_id)
        ]
        return self._page(path, query, found, "artifacts", reordered=False)

    def _artifact(self, _: str, __: str, ___: object, ____: object, blobs: str, number: str) -> Said:
        if int(number) not in self.files:
            return _missing()
        if self.files[int(number)][3]:
            return 410, {}, json.dumps({"message": "Artifact has expired", "status": "410"}).encode()
        return 302, {"location": f"{blobs}/artifacts/{number}?sig=signed"}, b""

    def _shown(self, number: int, *, whole: bool) -> dict[str, Any]:
        return shapes.pull(self.pulls[number], where=self.repository, base=self.base, whole=whole)

    def _number(self) -> int:
        self._next += 1
        return self._next


def _ok(document: dict[str, Any], status: int = 200) -> Said:
    return status, {}, json.dumps(document).encode()


def _missing() -> Said:
    return 404, {}, json.dumps({"message": "Not Found", "documentation_url": "", "status": "404"}).encode()


def _refused(message: str) -> Said:
    fault = {"resource": "PullRequest", "code": "custom", "message": message}
    document = {"message": "Validation Failed", "errors": [fault], "documentation_url": "https://docs.github.com/rest"}
    return 422, {}, json.dumps(document).encode()
