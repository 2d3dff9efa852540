"""The fix stage of a cycle: which open issues to repair, each outcome as one append, then the branch for people.

The transaction itself is `hee_monitoring.fixes`; here is what surrounds it: the governed verdict with the paths that
the change touches, the signature on the commit, the record, and the branch `hee/fix/<issue>`. The branch is made after
the events, so a crash between the two is finished by the next cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hee_core import chain, gitobjects, sshsig
from hee_core.canonical import clean, digest
from hee_core.errors import Conflict, GitError, HeeError, NotFound
from hee_core.events import Event
from hee_core.tree import CommitTree
from hee_governance import rules
from hee_governance.validator import GovernanceValidator
from hee_monitoring.classify import diagnose
from hee_monitoring.detectors import detect
from hee_monitoring.evidence import Conclusion, Job
from hee_monitoring.fixes.outcome import Check, Outcome, Request
from hee_monitoring.fixes.room import discard_leftovers
from hee_monitoring.fixes.transaction import repair
from hee_monitoring.verdicts import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.git import Repository
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.rules import Report
    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.observe import Picture

IDENTITY = "HEE Monitoring Agent <hee-monitor@example.com>"
BRANCHES = "refs/heads/hee/fix/"


def repair_all(cycle: Cycle, result: Result, picture: Picture) -> None:
    """Repairs what was decided to be repaired and has no outcome yet, and finishes what an earlier cycle left."""
    work = cycle.workspace.work / "fix"
    work.mkdir(parents=True, exist_ok=True)
    result.notes += discard_leftovers(work)
    seen = {observation.issue_id for observation in picture.observations}
    state = cycle.workspace.log.state
    for issue in list(state.issues.values()):
        if cycle.only and issue["issue_id"] != cycle.only:
            continue
        if not is_open(issue):
            result.notes += publish(cycle, issue["fix"]["branch"], recorded_commit(state, issue))
        elif issue["action"] == "auto-fix" and issue["issue_id"] in seen:
            count, notes = conclude(cycle, transact(cycle, issue, picture))
            result.events += count
            result.notes += notes
        elif issue["action"] == "rerun" and issue["issue_id"] in seen:
            run_again(cycle, result, issue)
        elif issue["action"] == "agent-review" and not issue["fix"]:
            propose(cycle, result, issue)


def is_open(issue: Record) -> bool:
    """Whether a repair of an issue is still to be made: none was tried, or one waits for an approval."""
    return issue["fix"] is None or issue["fix"]["outcome"] == "pending_review"


@dataclass(frozen=True)
class Attempt:
    """One transaction that was run: the issue, what was asked, how it ended, and the index it began after."""

    issue: Record
    request: Request
    outcome: Outcome
    index: int

    @property
    def success(self) -> bool:
        """Whether a change came out that every check let through."""
        return self.outcome.outcome in ("verified", "applied")

    def undone(self, reason: str) -> Attempt:
        """The attempt with nothing left of it; one that ended so already stays."""
        if not self.success:
            return self
        return replace(self, outcome=replace(self.outcome, outcome="rolled_back", reason=reason, commit=""))


def transact(cycle: Cycle, issue: Record, picture: Picture) -> Attempt:
    """Runs one transaction and holds its change against rules and decisions; records nothing."""
    workspace = cycle.workspace
    seen = next((seen for seen in picture.observations if seen.issue_id == issue["issue_id"]), None)
    if seen is None:
        raise NotFound(f"{issue['issue_id']} was not seen in this cycle", hint="hee monitor --once --rerun")
    pattern = workspace.patterns.get(issue["pattern_id"])
    head = workspace.log.refresh()
    request = Request(
        issue_id=issue["issue_id"],
        fix_id=f"HEE-FIX-{workspace.clock.nonce()[:12]}",
        diagnosis=seen.diagnosis,
        matrix_row=pattern.matrix_row if pattern else issue["category"],
        job_key=seen.job_key,
        commit=cycle.commit,
        branch=cycle.branch,
        allowed_paths=workspace.config.fix_paths or ("**",),
        denied_paths=workspace.config.deny_paths,
        known_green=tuple(key for key in picture.passed if key != seen.job_key),
        known_red=tuple(key for key in picture.failed if key != seen.job_key),
        trailers={
            "HEE-Issue": issue["issue_id"],
            "HEE-Pattern": issue["pattern_id"],
            "HEE-Decision": issue["decision_id"],
            "HEE-Capsule": digest(chain.capsule_bytes(head)),
        },
    )
    assert cycle.judge is not None  # noqa: S101 - the caller checked
    outcome = repair(
        workspace.repository, request, judge=cycle.judge, diagnose=diagnoser(cycle), commit_tree=committer(cycle),
        work=workspace.work / "fix", clock=workspace.clock, gaps=lambda repository, commit: gaps(cycle, repository, commit),
        progress=lambda words: cycle.progress(f"{issue['title']}: {words}"),
    )  # fmt: skip
    return Attempt(issue, request, governed(cycle, issue, outcome, workspace.log.state), head.size - 1)


def conclude(cycle: Cycle, attempt: Attempt, *, backup: Event | None = None) -> tuple[int, list[str]]:
    """Records an attempt as one append, then makes its branch; returns the number of events and what to tell."""
    events = record_of(cycle, attempt, backup=backup)
    cycle.workspace.log.append(events)
    return len(events), publish(cycle, branch_of(attempt.issue, attempt.outcome), attempt.outcome.commit)


def diagnoser(cycle: Cycle) -> Callable[[Job], Diagnosis]:
    """The diagnosis of a job with the workspace's patterns."""
    return lambda job: diagnose(job, cycle.workspace.patterns)


def gaps(cycle: Cycle, repository: Repository, commit: str) -> set[str]:
    """The fingerprints of what the detectors find in a commit of a clone."""
    config = cycle.workspace.config
    with CommitTree(repository, commit) as tree:
        return {
            found.fingerprint for found in detect(tree, cycle.workspace.log.state, config, rules.check(tree, config))
        }


def committer(cycle: Cycle) -> Callable[[Repository, str, str, str], str]:
    """Makes the repair's commit, signed with the log's key."""

    def commit(repository: Repository, tree: str, parent: str, message: str) -> str:
        signer = cycle.workspace.log.signer
        made = gitobjects.commit(
            tree_id=tree, parents=(parent,), who=IDENTITY, seconds=chain.seconds(cycle.workspace.clock.now()), message=message,
            object_format=repository.object_format,
            sign=lambda data: sshsig.commit_signature_header(signer.sign(data, sshsig.COMMIT_NAMESPACE), repository.object_format),
        )  # fmt: skip
        return repository.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=made.data).decode().strip()

    return commit


def governed(cycle: Cycle, issue: Record, outcome: Outcome, state: State) -> Outcome:
    """Holds the change against the rules and decisions once its paths are known; what breaks one is not published."""
    if outcome.outcome not in ("verified", "applied"):
        return outcome
    verdict = verdict_of(cycle, issue, state, outcome.files)
    if verdict.action != "auto-fix":
        return replace(outcome, outcome="rolled_back", reason=f"{verdict.rule}: {verdict.reasons[-1]}", commit="")
    new = GovernanceValidator(cycle.workspace.config).introduced(
        checked(cycle, cycle.commit), checked(cycle, outcome.commit)
    )
    if broken := [found for found in new.findings if found.severity in ("CRITICAL", "ERROR", "UNKNOWN")]:
        reason = f"the change would break rule {broken[0].rule} in {broken[0].path}"
        return replace(outcome, outcome="rolled_back", reason=reason, commit="")
    return outcome


def checked(cycle: Cycle, commit: str) -> Report:
    """What the rules say about a commit."""
    with CommitTree(cycle.workspace.repository, commit) as tree:
        return rules.check(tree, cycle.workspace.config)


def branch_of(issue: Record, outcome: Outcome) -> str:
    """The branch that offers a repair to people; none for one that left no commit."""
    return f"hee/fix/{issue['issue_id']}" if outcome.commit else ""


def record_of(cycle: Cycle, attempt: Attempt, *, backup: Event | None) -> list[Event]:
    """One attempt as events, in the order in which it happened; `backup` is its checkpoint if that is recorded already."""
    clock, issue, request, outcome = cycle.workspace.clock, attempt.issue, attempt.request, attempt.outcome

    def event(type_: str, data: dict[str, object]) -> Event:
        return Event.new(type_, data, subject=f"issue/{issue['issue_id']}", clock=clock)

    about = {"issue_id": issue["issue_id"], "pattern_id": issue["pattern_id"]}
    reason = clean(outcome.reason, limit=1000)
    if outcome.outcome == "refused":
        return [event("fix.refused", {**about, "reason": reason, "rule": "transaction"})]
    name = (
        str(backup.data["backup_id"])
        if backup
        else f"HEE-BACKUP-{request.trailers['HEE-Capsule'][:12]}-{attempt.index}"
    )
    point = {"backup_id": name, "index": attempt.index, "capsule": request.trailers["HEE-Capsule"],
             "decisions": len(cycle.workspace.log.state.decisions), "reason": request.fix_id}  # fmt: skip
    events = [
        event("governance.evaluated", {"scope": request.fix_id, "phase": "before", "verdict": "pass", "evaluated": 1, "rules": [issue_rule(cycle, issue)]}),
        *([] if backup else [event("state.checkpointed", point)]),
        event("fix.started", {**about, "fix_id": request.fix_id, "strategy": outcome.strategy, "tool": clean(outcome.tool, limit=300),
                              "commit": request.commit, "branch": clean(request.branch, limit=200), "backup_id": name,
                              "rollback_plan": "discard the clone; no ref of the repository has moved"}),
        event("fix.validated", validation(request.fix_id, "pre", outcome.pre or (Check("the detector finds it at this commit", ok=True),))),
    ]  # fmt: skip
    if outcome.post:
        events.append(event("fix.validated", validation(request.fix_id, "post", outcome.post)))
    if outcome.outcome == "rolled_back":
        undone = {**about, "fix_id": request.fix_id, "strategy": outcome.strategy, "reason": reason, "backup_id": name,
                  "restored": True, "duration_ms": outcome.duration_ms}  # fmt: skip
        return [*events, event("fix.rolled_back", undone)]
    where = {"branch": branch_of(issue, outcome), "commit": outcome.commit}
    applied = {
        "fix_id": request.fix_id, "issue_id": issue["issue_id"], "files": [clean(path, limit=300) for path in outcome.files[:200]],
        "insertions": outcome.insertions, "deletions": outcome.deletions, "diff": outcome.diff_sha256,
        "summary": clean(outcome.summary, limit=500), "outcome": outcome.outcome, "duration_ms": outcome.duration_ms, **where,
    }  # fmt: skip
    events += [
        event("governance.evaluated", {"scope": request.fix_id, "phase": "after", "verdict": "pass", "evaluated": 1, "rules": [issue_rule(cycle, issue)]}),
        event("fix.applied", applied),
    ]  # fmt: skip
    if outcome.outcome == "verified":
        proof = {"fix_id": request.fix_id, "issue_id": issue["issue_id"], "checks": checks(outcome.post), **where}
        events.append(event("fix.verified", proof))
    return events


def issue_rule(cycle: Cycle, issue: Record) -> str:
    """The rule that allowed a repair."""
    decision = cycle.workspace.log.state.decisions.get(issue["decision_id"])
    return str(decision["rule"]) if decision else "approval"


def validation(fix_id: str, phase: str, made: tuple[Check, ...]) -> dict[str, object]:
    """The checks of one phase as payload."""
    return {
        "fix_id": fix_id,
        "phase": phase,
        "ok": bool(made) and all(check.ok for check in made),
        "checks": checks(made),
    }


def checks(made: tuple[Check, ...]) -> list[dict[str, object]]:
    """Checks as payload."""
    return [
        {
            "name": clean(check.name, limit=200),
            "ok": check.ok,
            "detail": clean(check.detail, limit=500),
            "duration_ms": check.duration_ms,
        }
        for check in made[:50]
    ]


def publish(cycle: Cycle, branch: str, commit: str) -> list[str]:
    """Makes the branch of a recorded repair unless it is there or merged; says what stands in its way."""
    repository = cycle.workspace.repository
    if not branch or not commit or is_merged(repository, commit, cycle.commit):
        return []
    ref = f"refs/heads/{branch}"
    if repository.ref(ref) is not None:
        return []
    try:
        repository.update_ref(ref, commit, None)
    except (Conflict, GitError) as error:
        return [f"cannot make branch {branch}: {error}"]
    return []


def recorded_commit(state: State, issue: Record) -> str:
    """The commit of an issue's last successful repair; empty without one."""
    commits = [
        fix["commit"] for fix in state.ledger.fixes.values() if fix["issue_id"] == issue["issue_id"] and fix["success"]
    ]
    return str(commits[-1]) if commits else ""


def is_merged(repository: Repository, commit: str, into: str) -> bool:
    """Whether a commit is in another one's history; a commit that is not here is not."""
    return repository.attempt("merge-base", "--is-ancestor", commit, into).returncode == 0


def run_again(cycle: Cycle, result: Result, issue: Record) -> None:
    """Runs the job of a transient failure once more: green resolves it, red hands it to a person."""
    assert cycle.judge is not None  # noqa: S101 - the caller checked
    try:
        job = rerun(cycle, issue)
        red = "the job was run again and is red again" if job.conclusion is not Conclusion.SUCCESS else ""
    except HeeError as error:
        red = f"the job could not be run again: {error}"
    if red:
        data = {
            "issue_id": issue["issue_id"],
            "pattern_id": issue["pattern_id"],
            "reason": clean(red, limit=500),
            "rule": "rerun",
        }
        event = Event.new("fix.refused", data, subject=f"issue/{issue['issue_id']}", clock=cycle.workspace.clock)
    else:
        data = {
            "issue_id": issue["issue_id"],
            "by": "the same commit was green when the job ran again",
            "commit": cycle.commit,
        }
        event = Event.new("ci.issue_resolved", data, subject=f"issue/{issue['issue_id']}", clock=cycle.workspace.clock)
    cycle.workspace.log.append([event])
    result.events += 1


def rerun(cycle: Cycle, issue: Record) -> Job:
    """The job of an issue, run once more in a clone of its own."""
    from hee_monitoring.fixes.room import room

    assert cycle.judge is not None  # noqa: S101 - the caller checked
    with room(cycle.workspace.work / "fix", f"rerun-{issue['issue_id']}") as place:
        cycle.progress(f"{issue['title']}: running {issue['job'].rpartition('#')[2]} again")
        cycle.workspace.repository.clone_to(place / "tree", cycle.commit, cycle.branch)
        return cycle.judge.run_job(str(place / "tree"), issue["job"])


def propose(cycle: Cycle, result: Result, issue: Record) -> None:
    """Parks an issue for review."""
    data = {
        "issue_id": issue["issue_id"],
        "pattern_id": issue["pattern_id"],
        "reason": issue["rationale"] or "needs a review",
    }
    cycle.workspace.log.append(
        [Event.new("fix.proposed", data, subject=f"issue/{issue['issue_id']}", clock=cycle.workspace.clock)]
    )
    result.events += 1
