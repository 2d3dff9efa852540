"""What leaves this clone of a proved repair: a patch, or a pushed branch with a pull request, and what the real checks say of it.

The branch `hee/fix/<issue>` is `repairs`'. A pull request is a view, as its comments are (docs/adr/0010): a small file
remembers what was offered and told, and losing it costs requests, not a second pull request. What the checks say of the new
commit is none: where they are red the repair counts as rolled back from then on (docs/adr/0013).

Invariant: only what the log records as verified is published, and only by a role that may publish. A push never moves
a branch that was somebody else's.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.errors import HeeError, KeyFault, NotFound, RateLimited, SourceError, Unauthorized, Unreachable
from hee_core.remote import Remote
from hee_governance.access import may
from hee_monitoring import facts
from hee_monitoring.cycle import record
from hee_monitoring.evidence import Conclusion
from hee_monitoring.github import markdown, offertext
from hee_monitoring.github.comments import Comments
from hee_monitoring.github.history import History
from hee_monitoring.github.pulls import Pulls
from hee_monitoring.github.pushing import login
from hee_monitoring.observe import FAILING
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hee_core.events import Event
    from hee_core.git import Repository
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.github.client import Client
    from hee_monitoring.workspace import Workspace

PURPOSE = "repair"
RED = FAILING - {Conclusion.CANCELLED}  # somebody ended it: that says nothing of the change
REMEMBERED = 200
MOST = 10  # pull requests opened or asked about in one cycle


@dataclass(frozen=True)
class Proved:
    """A proved repair of an open issue: its fix in the ledger, and its commit, which is here."""

    issue: Record
    fix: Record
    commit: str
    branch: str


def proved(repository: Repository, state: State, wanted: Callable[[Record], bool] = lambda _: True) -> list[Proved]:
    """The repairs of open issues that a job proved and whose commit is here, in the order of the issues."""
    found = []
    for issue in state.issues.values():
        told = issue["fix"] or {}
        fix = state.ledger.fixes.get(told.get("fix_id", ""))
        if fix is None or fix["outcome"] != "verified" or not fix["success"] or not wanted(issue):
            continue
        commit = repository.ref(f"{fix['commit']}^{{commit}}")
        if commit and commit == fix["commit"] and fix["branch"]:
            found.append(Proved(issue, fix, commit, fix["branch"]))
    return found


def patch(repository: Repository, commit: str) -> bytes:
    """A commit as `git format-patch` writes it, whatever is configured here; `git am` takes it."""
    plain = ("--no-signature", "--no-thread", "--no-attach", "--no-cover-letter", "--no-signoff", "--no-notes")
    form = ("--full-index", "--binary", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color")
    return repository.run(
        "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false",
        "format-patch", "--stdout", "-1", *plain, *form, "--end-of-options", commit,
    )  # fmt: skip


class Publisher:
    """Offers the proved repairs of one repository as pull requests, and holds them against the real checks."""

    def __init__(self, workspace: Workspace, client: Client, remote: str = "") -> None:
        """Asks nothing yet; `remote` is pushed to, by default the only one or origin."""
        self._workspace, self._client, self._remote = workspace, client, remote
        self._file: Path = workspace.work / "github" / "offered.json"

    def offer(self, wanted: Callable[[Record], bool] = lambda _: True) -> list[str]:
        """Pushes and offers what is proved and was not offered; returns each address, and why not where it could not."""
        if fault := refused(self._workspace):
            return [f"nothing is published: {fault}"]
        notes, offered, asked = [], self._offered(), 0
        for one in proved(self._workspace.repository, self._workspace.log.state, wanted):
            if one.commit in offered or asked == MOST:
                continue
            asked += 1
            name = one.issue["issue_id"]
            try:
                number, url = self._open(one)
            except HeeError as error:
                need = " (it needs contents: write and pull_requests: write)" if isinstance(error, Unauthorized) else ""
                notes.append(f"{name}: {one.branch} is not published{need}: {error}")
                if isinstance(error, RateLimited | Unreachable):
                    break
                continue
            offered[one.commit] = {"issue": name, "number": number, "told": ""}
            self._keep(offered)
            notes.append(f"{name}: {one.branch} is offered: {url}")
        return notes

    def _open(self, one: Proved) -> tuple[int, str]:
        base = one.issue["branch"]
        if not base or ":" in base or base.startswith("hee/"):
            raise NotFound(
                f"{base or 'no branch'!r} is no branch to which a repair can be offered", hint="publish a patch"
            )
        remote = Remote.find(self._workspace.repository, self._remote)
        repository, state = self._workspace.repository, self._workspace.log.state
        told = repository.attempt("remote", "get-url", "--push", remote.name)
        url = told.stdout.decode("utf-8", "replace").strip() if told.returncode == 0 else remote.name
        made = (fix for fix in state.ledger.fixes.values() if fix["issue_id"] == one.issue["issue_id"] and fix["diff"])
        ours = {str(fix["commit"]) for fix in made}
        remote.offer(one.commit, f"refs/heads/{one.branch}", ours, env=login(self._client, url))
        message = repository.text("log", "-1", "--format=%B", "--end-of-options", one.commit)
        text = offertext.body(one.issue, one.fix, state.decisions.get(one.issue["decision_id"]), message)
        title = markdown.plain(one.fix["reason"] or one.issue["title"])
        pull = Pulls(self._client).offer(one.branch, base=base, title=title, body=text)
        return pull.number, pull.url

    def hold(self, looked: Cycle, result: Result) -> None:
        """Asks for the checks of what was offered: red ones roll it back, and either end is told on the pull request."""
        offered = self._offered()
        waiting = [(commit, said) for commit, said in offered.items() if said["told"] != "red"][-MOST:]
        clock = self._workspace.clock
        for commit, said in waiting:
            began = clock.monotonic()
            try:
                verdict, jobs = checks(self._client, commit, known_red(self._workspace.log.state, said["issue"]))
                if verdict in ("", said["told"]):
                    continue
                if verdict == "red":
                    roll_back(looked, result, commit, jobs, began)
                text = offertext.verdict(verdict, commit, jobs)
                Comments(self._client).keep(said["number"], purpose=PURPOSE, text=text)
            except SourceError as error:
                result.notes.append(f"the checks of the repair of {said['issue']} are not known: {error}")
                return
            said["told"] = verdict
            self._keep(offered)
            result.notes.append(f"{said['issue']}: the checks of the repair are {verdict}")

    def _offered(self) -> dict[str, dict[str, Any]]:
        try:
            told = json.loads(self._file.read_bytes())
            return {
                str(commit): {"issue": str(said["issue"]), "number": int(said["number"]), "told": str(said["told"])}
                for commit, said in told.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _keep(self, offered: dict[str, dict[str, Any]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        beside.write_text(json.dumps(dict(list(offered.items())[-REMEMBERED:])), encoding="utf-8")
        beside.replace(self._file)


def refused(workspace: Workspace) -> str:
    """Why the role of the signing key may not publish here, or nothing may be; empty where it may."""
    if workspace.log.state.frozen:
        return "the log is frozen"
    try:
        role = workspace.log.signer.actor.partition(":")[0]
    except KeyFault as error:
        return str(error)
    access = may(role, "publish", workspace.config.access)
    return "" if access.allowed else access.reason


def known_red(state: State, issue_id: str) -> set[str]:
    """The jobs that are red for another reason than the repaired one; the repair answers for none of them."""
    own = state.issues.get(issue_id)
    others = {issue["job"] for name, issue in state.issues.items() if name != issue_id and issue["job"]}
    return others - ({own["job"]} if own else set())


def checks(client: Client, commit: str, known: set[str]) -> tuple[str, list[str]]:
    """`red` with the jobs that say so, `green` once every run of a commit ended without one, else nothing."""
    history = History(client)
    runs = history.runs(commit)
    red: list[str] = []
    for run in runs:
        if run.done and run.conclusion in RED:
            jobs = (job for job in history.detail(run).jobs if job.conclusion in RED)
            red += [job.key for job in jobs if job.key not in known]
    if red:
        return "red", sorted(set(red))
    judged = [run for run in runs if run.conclusion in (*RED, Conclusion.SUCCESS)]
    return ("green" if judged and all(run.done for run in runs) else ""), []


def roll_back(looked: Cycle, result: Result, commit: str, jobs: list[str], began: float) -> None:
    """Records once that a published repair is red where it counts, and how long it took from `began` on."""
    clock = looked.workspace.clock

    def events(state: State) -> list[Event]:
        fix = next((fix for fix in state.ledger.fixes.values() if fix["commit"] == commit and fix["success"]), None)
        if fix is None:
            return []
        names = ", ".join(jobs[:5])
        data = {
            **{name: fix[name] for name in ("fix_id", "issue_id", "pattern_id", "strategy")},
            "reason": publishable(f"the real checks of {commit[:12]} are red: {names}", limit=500),
            "duration_ms": int((clock.monotonic() - began) * 1000),
        }
        return [facts.event("fix.rolled_back", data, subject=f"issue/{fix['issue_id']}", clock=clock)]

    record(looked, result, events)
