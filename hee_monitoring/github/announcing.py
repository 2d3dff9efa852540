"""What is red, told where the change is discussed: one comment on the pull request, or a check run with annotations.

Opt-in (`pull_requests: comment` or `check`, or `--tell`). The text is a view of the open issues, as the capsule is: it is made
anew after each poll, and GitHub is asked only where it differs from what was told last. So nothing is told twice, what could
not be told is told by the next poll, and losing the file costs a few requests and no second comment (docs/adr/0010).

An issue is known by its failure, and its branch is the last one that showed it: where it was told before it stays told until
it is closed, since nobody saw it green there.

Invariant: words of a log stand as redacted code, which pings nobody; a green branch gets no comment that it did not have.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from hee_core import branches
from hee_core.canonical import digest
from hee_core.errors import RateLimited, SourceError, Unauthorized, Unreachable
from hee_core.record import Record
from hee_monitoring.cursor import SOURCE
from hee_monitoring.github import markdown
from hee_monitoring.github.checks import Checks, Note
from hee_monitoring.github.comments import Comments
from hee_monitoring.github.pulls import Pulls

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hee_core.projection import State
    from hee_monitoring.github.client import Client

MOST = 20  # branches or commits told of in one poll
REMEMBERED = 500
SHOWN = 20  # issues in one text
PURPOSE = "failure"
CHECK = "HEE"
_PLACE = re.compile(r"(?:^|[\s(])((?:[\w@+-][\w.@+-]*/)*[\w+-][\w.+-]*\.[A-Za-z]{1,8}):(\d{1,6})\b")
_FIX = {
    "verified": "repaired and proved on the branch",
    "applied": "a proposal waits for review on the branch",
    "pending_review": "a repair waits for a review",
    "rolled_back": "a repair was tried and rolled back",
    "refused": "no repair was made",
}


class Announcer:
    """Tells of one repository's failures on its pull requests, in one way."""

    def __init__(self, client: Client, work: Path, how: str) -> None:
        """Asks nothing yet; `how` is `comment` or `check`."""
        self._client = client
        self._how = how
        self._file = work / "github" / f"told-{how}.json"

    def tell(self, state: State) -> list[str]:
        """Brings what is told up to date with the open issues; returns why it could not, where it could not."""
        told = self._told()
        wanted = self._wanted(state, told)
        notes: list[str] = []
        asked = 0
        for place, issues in wanted.items():
            text = page(issues, place)
            mark = digest(text.encode())[:16]
            if told.get(place, [""])[0] == mark:
                continue
            if asked == MOST:
                notes.append("more pull requests are told of at the next look")
                break
            asked += 1
            try:
                self._say(place, issues, text)
            except SourceError as error:
                need = "checks: write, of an app or a workflow" if self._how == "check" else "pull_requests: write"
                said = f" (it needs {need})" if isinstance(error, Unauthorized) else ""
                notes.append(f"what is red could not be told on GitHub{said}: {error}")
                if isinstance(error, RateLimited | Unreachable) or getattr(error, "status", 0) == 401:
                    break
                continue
            told.pop(place, None)
            if issues:
                told[place] = [mark, *(issue["issue_id"] for issue in issues)]
        if asked:
            self._keep(told)
        return notes

    def _say(self, place: str, issues: Sequence[Record], text: str) -> None:
        if self._how == "check":
            title = f"{len(issues)} failure(s) explained" if issues else "nothing is red any more"
            conclusion = "neutral" if issues else "success"  # the job that failed is the gate, its explanation is none
            notes = [note for issue in issues if issue["commit"] == place for note in places(issue)]
            Checks(self._client).keep(CHECK, place, conclusion=conclusion, title=title, summary=text, annotations=notes)
            return
        pull = Pulls(self._client).of_head(place)
        if pull is None:
            return
        comments = Comments(self._client)
        if issues or comments.find(pull.number, PURPOSE) is not None:
            comments.keep(pull.number, purpose=PURPOSE, text=text)

    def _wanted(self, state: State, told: dict[str, list[str]]) -> dict[str, list[Record]]:
        """The open issues of GitHub's runs by what is told of, a branch or a commit, and those that were told of there."""
        found: dict[str, list[Record]] = {}
        for issue in state.issues.values():
            for red in branches.places(issue) if issue["source"] == SOURCE else ():
                place = red["commit"] if self._how == "check" else red["branch"]
                there = found.setdefault(place, []) if place else []
                if not any(each["issue_id"] == issue["issue_id"] for each in there):
                    there.append(Record(issue, **red))
        for place, (_, *names) in told.items():
            there = found.setdefault(place, [])
            known = {issue["issue_id"] for issue in there}
            left = [state.issues[name] for name in names if name in state.issues and name not in known]
            there += [issue for issue in left if self._how == "check" or not _is_cleared(issue, place)]
        return found

    def _told(self) -> dict[str, list[str]]:
        try:
            told = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        whole = isinstance(told, dict) and all(isinstance(each, list) and each for each in told.values())
        return {place: [str(part) for part in each] for place, each in told.items()} if whole else {}

    def _keep(self, told: dict[str, list[str]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        beside.write_text(json.dumps(dict(list(told.items())[-REMEMBERED:])), encoding="utf-8")
        beside.replace(self._file)


def _is_cleared(issue: Record, branch: str) -> bool:
    """Whether an open issue is known to be over on a branch: only where the log remembers all that were red."""
    return "triage" in issue and not issue["branches_dropped"] and branch in issue["cleared"]


def page(issues: Sequence[Record], place: str) -> str:
    """What is said of a branch or a commit."""
    if not issues:
        return "HEE: nothing is red here any more.\n"
    parts = [f"**HEE: {len(issues)} open failure(s)**"]
    parts += [_issue(issue, place) for issue in issues[:SHOWN]]
    if len(issues) > SHOWN:
        parts.append(f"and {len(issues) - SHOWN} more: `hee monitor --once`")
    text = "\n\n".join(parts)
    return f"{text}\n" if len(text) <= markdown.LARGEST else f"{parts[0]}\n\nThe log has them: `hee state`\n"


def _issue(issue: Record, place: str) -> str:
    job = issue["job"].rpartition("#")[2] or issue["workflow"]
    head = f"### {markdown.code(job)}: {markdown.code(issue['title'] or 'not explained')}"
    if place not in (issue["branch"], issue["commit"]):
        return f"{head}\n\nnot seen green here since; {markdown.code(issue['branch'])} had the same failure after it"
    lines = [
        head,
        "",
        f"{issue['category'] or 'unknown'} · {issue['pattern_id']} · seen {issue['count']} time(s), last at {markdown.code(issue['commit'][:7])}, run {issue['run_id']}",
    ]
    evidence = "\n".join(item["text"] for item in issue["evidence"] if item["text"])
    if evidence:
        lines += ["", markdown.block(evidence)]
    fix = issue["fix"]
    if fix:
        said = _FIX.get(fix["outcome"], fix["outcome"])
        branch = f" {markdown.code(fix['branch'])}" if fix["branch"] else ""
        why = (
            f": {markdown.code(fix['reason'])}"
            if fix["outcome"] in ("rolled_back", "refused") and fix["reason"]
            else ""
        )
        lines += ["", f"{said}{branch}{why}"]
    elif issue["action"]:
        lines += ["", f"next: {issue['action']}"]
    if issue["next_step"]:
        lines += ["", markdown.code(issue["next_step"], limit=500)]
    return "\n".join(lines)


def places(issue: Record) -> list[Note]:
    """The lines of files that an issue's evidence names."""
    notes = []
    for item in issue["evidence"]:
        where, line = item["where"], item["line"]
        if item["channel"] != "annotation" or not line or where.startswith("/"):
            found = _PLACE.search(item["text"])
            where, line = (found[1], int(found[2])) if found else ("", 0)
        if where and line and ".." not in where.split("/"):
            title = markdown.plain(issue["title"] or issue["category"])
            notes.append(Note(where, line, markdown.plain(item["text"], limit=2000) or title, "warning", title))
    return notes
