"""The fix stage of a cycle: which open issues to repair, each outcome as one append, then the branch for people.

The transaction itself is `hee_monitoring.fixes`; here is what surrounds it: the governed verdict with the paths that
the change touches, the signature on the commit, the record, and the branch `hee/fix/<issue>`. The branch is made after
the events, so a crash between the two is finished by the next cycle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_core import chain, gitobjects, sshsig
from hee_core.canonical import digest
from hee_core.disk import Disk
from hee_core.errors import Conflict, GitError, NotFound
from hee_core.record import Record
from hee_core.tree import CommitTree
from hee_governance import rules
from hee_governance.validator import GovernanceValidator
from hee_monitoring import loops, plugins, proposing, restarts
from hee_monitoring.attempts import Attempt, record_of
from hee_monitoring.classify import diagnose
from hee_monitoring.cycle import Result, record
from hee_monitoring.detectors import detect
from hee_monitoring.fixes.outcome import Outcome, Request
from hee_monitoring.fixes.registry import REGISTRY
from hee_monitoring.fixes.room import discard_leftovers
from hee_monitoring.fixes.transaction import repair
from hee_monitoring.impact import assess
from hee_monitoring.proposing import Proposer
from hee_monitoring.restarts import say
from hee_monitoring.verdicts import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hee_core.events import Event
    from hee_core.git import Repository
    from hee_core.projection import State
    from hee_governance.decide import Verdict
    from hee_governance.rules import Report
    from hee_monitoring.cycle import Cycle
    from hee_monitoring.evidence import Diagnosis, Job
    from hee_monitoring.fixes.strategy import Strategy
    from hee_monitoring.observe import Picture

IDENTITY = "HEE Monitoring Agent <hee-monitor@example.com>"


def repair_all(cycle: Cycle, result: Result, picture: Picture) -> None:
    """Repairs what was decided to be repaired and has no outcome yet, and finishes what an earlier cycle left."""
    work = cycle.workspace.work / "fix"
    work.mkdir(parents=True, exist_ok=True)
    with Disk().lock(work.parent / "repairing"):  # two cycles at once would make the same repair twice
        _repair_all(cycle, result, picture, work)


def _repair_all(cycle: Cycle, result: Result, picture: Picture, work: Path) -> None:
    result.notes += discard_leftovers(work)
    seen = {observation.issue_id: observation.job_key for observation in picture.observations}
    state = cycle.workspace.log.state
    transient = sum(issue["action"] == "rerun" and issue["issue_id"] in seen for issue in state.issues.values())
    for issue in list(state.issues.values()):
        if not cycle.wanted(issue):
            continue
        if not is_open(issue):
            result.notes += publish(cycle, issue["fix"]["branch"], recorded_commit(state, issue), issue["issue_id"])
        elif issue["action"] == "auto-fix" and issue["issue_id"] in seen and not is_here(cycle):
            result.notes.append(f"{issue['issue_id']}: {cycle.commit[:12]} is not in this clone; `git fetch` brings it")
        elif issue["action"] == "auto-fix" and issue["issue_id"] in seen:
            result.notes += conclude(cycle, transact(cycle, issue, picture), result=result)
        elif issue["action"] == "rerun" and issue["issue_id"] in seen and cycle.sight is not None:
            restarts.restart(cycle, result, issue)
        elif issue["action"] == "rerun" and issue["issue_id"] in seen:
            restarts.run_again(cycle, result, issue, seen[issue["issue_id"]], at_once=transient)
        elif issue["action"] == "agent-review" and not issue["fix"]:
            propose(cycle, result, issue, picture)


def is_open(issue: Record) -> bool:
    """Whether a repair of an issue is still to be made: none was tried, or one waits for an approval."""
    return issue["fix"] is None or issue["fix"]["outcome"] == "pending_review"


def is_here(cycle: Cycle) -> bool:
    """Whether the cycle's commit is in the repository: a platform's run can be of one that was never fetched."""
    return cycle.workspace.repository.ref(f"{cycle.commit}^{{commit}}") is not None


def transact(cycle: Cycle, issue: Record, picture: Picture, proposer: Proposer | None = None) -> Attempt:
    """Runs one transaction and holds its change against rules and decisions; records nothing.

    With a proposer its command makes the change, for an issue that the matrix leaves to a review.
    """
    workspace = cycle.workspace
    seen = next((seen for seen in picture.observations if seen.issue_id == issue["issue_id"]), None)
    if seen is None:
        raise NotFound(f"{issue['issue_id']} was not seen in this cycle", hint="hee monitor --once --rerun")
    pattern = workspace.patterns.get(issue["pattern_id"])
    head = workspace.log.refresh()
    before = verdict_of(cycle, issue, head.state)
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
        known_green=tuple(key for key in picture.passed if key != seen.job_key and is_judged_here(cycle, key)),
        known_red=tuple(key for key in picture.failed if key != seen.job_key),
        approved=before.rule.startswith("approval/"),
        trailers={
            "HEE-Issue": issue["issue_id"],
            "HEE-Pattern": issue["pattern_id"],
            "HEE-Decision": issue["decision_id"],
            "HEE-Capsule": digest(chain.capsule_bytes(head)),
        },
    )
    if before.action != "auto-fix" and not (proposer and may_propose(before)):
        reason = f"{before.rule}: {before.reasons[-1]}"
        return Attempt(issue, request, Outcome("refused", reason), head.size - 1, before)
    assert cycle.judge is not None  # noqa: S101 - the caller checked
    again = proposing.recorded(workspace.log, issue["issue_id"], cycle.commit, request.matrix_row)
    known = plugins.strategies(workspace.config.plugins, REGISTRY)
    made_by: Sequence[Strategy] = (proposer,) if proposer else (*known, *(again if request.approved else ()))
    outcome = repair(
        workspace.repository, request, judge=cycle.judge, diagnose=diagnoser(cycle), commit_tree=committer(cycle),
        work=workspace.work / "fix", clock=workspace.clock, gaps=lambda repository, commit: gaps(cycle, repository, commit),
        follow=lambda diagnosis: follow(cycle, diagnosis),
        progress=lambda words: cycle.progress(f"{issue['title']}: {words}"), strategies=made_by,
    )  # fmt: skip
    outcome, after = governed(cycle, issue, outcome, workspace.log.state, proposed=proposer is not None)
    cycled = went_round(cycle, issue, outcome)
    if cycled:
        outcome = replace(outcome, outcome="rolled_back", reason=cycled, commit="")
    return Attempt(issue, request, outcome, head.size - 1, before, after, cycled)


def went_round(cycle: Cycle, issue: Record, outcome: Outcome) -> str:
    """Why a repair would only go round in a circle: it was made before, taken over and taken back; empty if it was not."""
    if not outcome.kept:
        return ""
    repository, state = cycle.workspace.repository, cycle.workspace.log.state
    before = loops.undone(
        state, issue, outcome.diff_sha256, lambda fix: loops.taken_over(repository, fix, cycle.commit)
    )
    return f"{before} made the same change, which was taken over and taken back" if before else ""


def conclude(cycle: Cycle, attempt: Attempt, *, backup: Event | None = None, result: Result | None = None) -> list[str]:
    """Records an attempt as one append unless somebody was first, makes its branch, and returns what to tell."""
    result = result or Result()
    before = result.events
    branch = branch_for(cycle, attempt)

    def events(state: State) -> list[Event]:
        issue = state.issues.get(attempt.issue["issue_id"])
        if issue is None or not is_open(issue):
            return []
        made = record_of(cycle, attempt, branch=branch, backup=backup)
        if attempt.cycled:
            made.append(loops.incident(state, issue, "cycle", attempt.cycled, cycle.workspace.clock))
        return made

    record(cycle, result, events)
    if result.events == before:
        return [f"{attempt.issue['issue_id']} was repaired or resolved meanwhile: this attempt was dropped"]
    return publish(cycle, branch, attempt.outcome.commit, attempt.issue["issue_id"])


def is_judged_here(cycle: Cycle, key: str) -> bool:
    """Whether the judge can run a job; where that was not asked before, it is tried."""
    return cycle.judged_here is None or key in cycle.judged_here


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


def follow(cycle: Cycle, diagnosis: Diagnosis) -> str:
    """The matrix row of a failure that the repaired one hid, if the same verdict lets it be repaired; nothing if not."""
    pattern = cycle.workspace.patterns.get(diagnosis.pattern_id)
    if pattern is None or verdict_of(cycle, hidden(cycle, diagnosis), cycle.workspace.log.state).action != "auto-fix":
        return ""
    return pattern.matrix_row


def hidden(cycle: Cycle, diagnosis: Diagnosis) -> Record:
    """A failure that no cycle saw yet, as the issue that it would be."""
    pattern = cycle.workspace.patterns.get(diagnosis.pattern_id)
    impact = assess(diagnosis, pattern, branch=cycle.branch, known=0, blocked=[])
    return Record(
        issue_id=diagnosis.issue_id, fingerprint=diagnosis.fingerprint, pattern_id=diagnosis.pattern_id, branch=cycle.branch,
        category=diagnosis.category, confidence=diagnosis.confidence, impact=impact.impact, severity=impact.severity,
    )  # fmt: skip


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


def governed(
    cycle: Cycle, issue: Record, outcome: Outcome, state: State, *, proposed: bool = False
) -> tuple[Outcome, Report | None]:
    """Holds the change against decisions and rules once its paths are known; what breaks one is not published.

    The report says what the change adds to the findings that were there; None where there was no change to judge.
    """
    if not outcome.kept:
        return outcome, None
    issues = (issue, *(hidden(cycle, diagnosis) for diagnosis in outcome.followed))
    verdicts = [verdict_of(cycle, each, state, outcome.files) for each in issues]
    fine = [each.action == "auto-fix" or (proposed and may_propose(each)) for each in verdicts]
    verdict = verdicts[fine.index(False) if False in fine else 0]
    before = cycle.reports.get(cycle.commit) or checked(cycle, cycle.commit)
    after = GovernanceValidator(cycle.workspace.config).introduced(before, checked(cycle, outcome.commit))
    broken = [found for found in after.findings if found.severity in (*rules.BLOCKING, "UNKNOWN")]
    reason = ""
    if False in fine:
        reason = f"{verdict.rule}: {verdict.reasons[-1]}"
    elif broken:
        reason = f"the change would break rule {broken[0].rule} in {broken[0].path}"
    return (replace(outcome, outcome="rolled_back", reason=reason, commit="") if reason else outcome), after


def checked(cycle: Cycle, commit: str) -> Report:
    """What the rules say about a commit."""
    with CommitTree(cycle.workspace.repository, commit) as tree:
        return rules.check(tree, cycle.workspace.config)


def branch_for(cycle: Cycle, attempt: Attempt) -> str:
    """The branch that offers a repair to people; none for one that left no commit.

    It is `hee/fix/<issue>`, unless somebody put something of their own there: then the commit's digits follow.
    """
    commit, issue_id = attempt.outcome.commit, attempt.issue["issue_id"]
    if not commit:
        return ""
    branch = f"hee/fix/{issue_id}"
    there = cycle.workspace.repository.ref(f"refs/heads/{branch}")
    ours = there is None or there in recorded_commits(cycle.workspace.log.state, issue_id)
    return branch if ours else f"{branch}-{commit[:7]}"


def recorded_commits(state: State, issue_id: str) -> list[str]:
    """The commits of the successful repairs of an issue that the log knows, oldest first."""
    fixes = state.ledger.fixes.values()
    return [str(fix["commit"]) for fix in fixes if fix["issue_id"] == issue_id and fix["success"]]


def publish(cycle: Cycle, branch: str, commit: str, issue_id: str) -> list[str]:
    """Makes the branch of a recorded repair, or moves it on from an earlier one; says what stands in its way."""
    repository = cycle.workspace.repository
    if not branch or not commit or is_merged(repository, commit, cycle.commit):
        return []
    ref = f"refs/heads/{branch}"
    there = repository.ref(ref)
    if there == commit:
        return []
    if there is not None and there not in recorded_commits(cycle.workspace.log.state, issue_id):
        return [f"{branch} is not the recorded repair {commit[:12]}: somebody else moved it"]
    try:
        repository.update_ref(ref, commit, there)
    except (Conflict, GitError) as error:
        return [f"cannot make branch {branch}: {error}"]
    return []


def recorded_commit(state: State, issue: Record) -> str:
    """The commit of an issue's last successful repair; empty without one."""
    return next(reversed(recorded_commits(state, issue["issue_id"])), "")


def is_merged(repository: Repository, commit: str, into: str) -> bool:
    """Whether a commit is in another one's history; a commit that is not here is not."""
    return repository.attempt("merge-base", "--is-ancestor", commit, into).returncode == 0


def may_propose(verdict: Verdict) -> bool:
    """Whether a command may be asked: only where the matrix itself asks for a review, never past a guard."""
    return verdict.action == "agent-review" and verdict.rule.startswith("matrix/")


def propose(cycle: Cycle, result: Result, issue: Record, picture: Picture) -> None:
    """Parks an issue for review, with the change that the configured command proposes if it passes every check."""
    data = {
        "issue_id": issue["issue_id"],
        "pattern_id": issue["pattern_id"],
        "reason": issue["rationale"] or "needs a review",
    }
    config, seen = cycle.workspace.config, any(each.issue_id == issue["issue_id"] for each in picture.observations)
    if config.proposer and issue["job"] and seen and is_here(cycle):
        pattern = cycle.workspace.patterns.get(issue["pattern_id"])
        asked = Proposer(config, pattern.matrix_row if pattern else issue["category"], cycle.commit)
        outcome = transact(cycle, issue, picture, asked).outcome
        if asked.asked:
            word = "proposed" if outcome.kept else "rejected" if asked.answered else "declined"
            event = proposing.suggested(cycle, issue, asked, word, outcome.reason)
            record(cycle, result, lambda state: [event] if issue["issue_id"] in state.issues else [])
            data |= {
                "strategy": "proposal",
                "reason": f"{data['reason']}; {asked.argv[0]}: {word}: {outcome.reason}"[:1900],
            }
    say(cycle, result, issue, "fix.proposed", data)
