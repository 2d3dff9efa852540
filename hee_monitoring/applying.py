"""What `hee fix` does besides a cycle: show a repair without keeping anything, and bring proved ones into the worktree."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hee_core.errors import NotFound
from hee_core.record import Record
from hee_core.tree import CommitTree
from hee_monitoring import pipeline, repairs
from hee_monitoring.cycle import Cycle
from hee_monitoring.fixes.outcome import Request
from hee_monitoring.fixes.transaction import repair
from hee_monitoring.impact import assess
from hee_monitoring.observe import Observation, observe
from hee_monitoring.verdicts import verdict_of
from hee_monitoring.watch import local

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.git import Repository
    from hee_monitoring.workspace import Workspace


def preview(workspace: Workspace, issue: str | None, *, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Runs the transactions on a clone and returns their diffs; the repository and its log stay byte for byte."""
    workspace.log.keep_snapshots = False
    commit, branch = workspace.commit()
    with TemporaryDirectory(prefix="hee-preview-") as place:
        act = local(workspace, progress)
        cycle = Cycle(workspace, act, commit, branch, judge=act, progress=progress)
        state = workspace.log.state
        with CommitTree(workspace.repository, commit) as tree:
            _, detected = pipeline.inspect(cycle, tree, state)
        picture = observe(act.runs(commit), detected, repairs.diagnoser(cycle))
        clone = workspace.repository.clone_to(Path(place) / "repository", commit, branch)
        found = []
        for seen in picture.observations:
            record = _record(cycle, seen)
            verdict = verdict_of(cycle, record, state)
            if verdict.action != "auto-fix" or issue not in (None, seen.issue_id):
                continue
            request = _request(cycle, seen, clone, green=picture.passed)
            outcome = repair(
                clone, request, judge=act, diagnose=repairs.diagnoser(cycle), commit_tree=repairs.committer(cycle),
                work=Path(place) / "fix", clock=workspace.clock, progress=progress,
                gaps=lambda repository, at: repairs.gaps(cycle, repository, at),
            )  # fmt: skip
            found.append(
                {"issue_id": seen.issue_id, "title": seen.diagnosis.title, "outcome": outcome.outcome, "reason": outcome.reason,
                 "strategy": outcome.strategy, "files": list(outcome.files), "diff": outcome.diff}
            )  # fmt: skip
        return found


def _record(cycle: Cycle, seen: Observation) -> Record:
    pattern = cycle.workspace.patterns.get(seen.diagnosis.pattern_id)
    impact = assess(seen.diagnosis, pattern, branch=cycle.branch, known=0, blocked=())
    return Record({
        "issue_id": seen.issue_id, "pattern_id": seen.diagnosis.pattern_id, "category": seen.diagnosis.category,
        "impact": impact.impact, "severity": impact.severity, "confidence": seen.diagnosis.confidence,
        "fingerprint": seen.diagnosis.fingerprint, "branch": cycle.branch,
    })  # fmt: skip


def _request(cycle: Cycle, seen: Observation, clone: Repository, *, green: tuple[str, ...]) -> Request:
    pattern = cycle.workspace.patterns.get(seen.diagnosis.pattern_id)
    return Request(
        issue_id=seen.issue_id,
        fix_id=f"preview-{seen.issue_id}",
        diagnosis=seen.diagnosis,
        matrix_row=pattern.matrix_row if pattern else seen.diagnosis.category,
        job_key=seen.job_key,
        commit=clone.commit("HEAD"),
        branch=cycle.branch,
        allowed_paths=cycle.workspace.config.fix_paths or ("**",),
        denied_paths=cycle.workspace.config.deny_paths,
        known_green=tuple(key for key in green if key != seen.job_key),
    )


def apply(workspace: Workspace, issue: str | None) -> list[str]:
    """Brings the proved repairs of open issues into the worktree and the index, uncommitted; says what it did."""
    repository, said = workspace.repository, []
    if repository.root is None:
        return ["nothing was applied: a bare repository has no worktree"]
    # Files that were copied or touched look changed to git until it has read them again.
    repository.attempt(f"--work-tree={repository.root}", "update-index", "-q", "--refresh")
    open_issues = workspace.log.state.issues
    if issue and issue not in open_issues:
        raise NotFound(f"{issue} is not an open issue", hint="`hee state` lists them")
    for record in open_issues.values():
        fix = record["fix"] or {}
        if issue not in (None, record["issue_id"]) or fix.get("outcome") not in ("verified", "applied"):
            continue
        commit = repository.ref(f"refs/heads/{fix['branch']}")
        if commit is None:
            said.append(f"{fix['branch']} is gone: nothing was applied for {record['issue_id']}")
            continue
        diff = repository.run("diff-tree", "-p", "--binary", "--full-index", f"{commit}^", commit)
        done = repository.attempt(f"--work-tree={repository.root}", "apply", "--index", "-", stdin=diff)
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said.append(
            f"{fix['branch']} does not apply here: {words[0]}"
            if done.returncode
            else f"applied {fix['branch']}, yours to commit"
        )
    return said
