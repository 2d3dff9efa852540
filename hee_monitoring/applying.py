"""What `hee fix` does besides a cycle: show a repair without keeping anything, and bring proved ones into the worktree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hee_core.record import Record
from hee_core.tree import CommitTree
from hee_monitoring import pipeline, repairs
from hee_monitoring.cycle import Cycle
from hee_monitoring.fixes.outcome import KEPT
from hee_monitoring.impact import assess
from hee_monitoring.observe import Observation, observe
from hee_monitoring.verdicts import verdict_of
from hee_monitoring.watch import local

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.git import Repository
    from hee_monitoring.evidence import Judge, Source
    from hee_monitoring.workspace import Workspace


def preview(
    workspace: Workspace, wanted: Callable[[Record], bool], *, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Runs the transactions on a clone and returns their diffs; the repository and its log stay byte for byte."""
    act = local(workspace, progress)
    return previewed(workspace, wanted, source=act, judge=act, progress=progress)


def previewed(
    workspace: Workspace,
    wanted: Callable[[Record], bool],
    *,
    source: Source,
    judge: Judge,
    progress: Callable[[str], None],
) -> list[dict[str, Any]]:
    """What a cycle would do with what a source shows: the same transaction and the same gates, but in a clone."""
    workspace.log.keep_snapshots = False
    commit, branch = workspace.commit()
    with TemporaryDirectory(prefix="hee-preview-") as place:
        clone = workspace.repository.clone_to(Path(place) / "repository", commit, branch)
        cycle = Cycle(
            replace(workspace, repository=clone), source, commit, branch, judge=judge, progress=progress
        )  # what a repair commits stays in the clone
        state = workspace.log.state
        with CommitTree(clone, commit) as tree:
            _, detected = pipeline.inspect(cycle, tree, state)
        picture = observe(source.runs(commit), detected, repairs.diagnoser(cycle))
        found = []
        for seen in picture.observations:
            record = state.issues.get(seen.issue_id) or _record(cycle, seen)
            if not wanted(record) or verdict_of(cycle, record, state).action != "auto-fix":
                continue
            outcome = repairs.transact(cycle, record, picture).outcome
            found.append(
                {"issue_id": seen.issue_id, "title": seen.diagnosis.title, "outcome": outcome.outcome, "reason": outcome.reason,
                 "strategy": outcome.strategy, "files": list(outcome.files), "diff": outcome.diff}
            )  # fmt: skip
        return found


def _record(cycle: Cycle, seen: Observation) -> Record:
    """A failure that the log does not know yet, as it would."""
    pattern = cycle.workspace.patterns.get(seen.diagnosis.pattern_id)
    impact = assess(seen.diagnosis, pattern, branch=cycle.branch, known=0, blocked=())
    return Record({
        "issue_id": seen.issue_id, "title": seen.diagnosis.title, "pattern_id": seen.diagnosis.pattern_id,
        "category": seen.diagnosis.category, "impact": impact.impact, "severity": impact.severity,
        "confidence": seen.diagnosis.confidence, "fingerprint": seen.diagnosis.fingerprint, "branch": cycle.branch,
        "decision_id": "", "fix": None,
    })  # fmt: skip


def apply(workspace: Workspace, issue: str | None) -> list[str]:
    """Brings the proved repairs of open issues into the worktree and the index, uncommitted; says what it did.

    What the log recorded is applied, wherever the repair's branch points at by now.
    """
    repository, said = workspace.repository, []
    if repository.root is None:
        return ["nothing was applied: a bare repository has no worktree"]
    # Files that were copied or touched look changed to git until it has read them again.
    repository.attempt(f"--work-tree={repository.root}", "update-index", "-q", "--refresh")
    state = workspace.log.state
    if issue and issue not in state.issues:
        return [f"nothing was applied: {issue} is not open any more"]
    for record in state.issues.values():
        fix = record["fix"] or {}
        if issue in (None, record["issue_id"]) and fix.get("outcome") in KEPT:
            said += _apply(repository, fix["branch"], repairs.recorded_commit(state, record))
    return said


def _apply(repository: Repository, branch: str, recorded: str) -> list[str]:
    commit = repository.ref(f"{recorded}^{{commit}}") if recorded else None
    if commit is None:
        return [f"the recorded repair {recorded[:12]} is not in this repository: nothing was applied for {branch}"]
    there = repository.ref(f"refs/heads/{branch}")
    said = []
    if there != commit:
        where = f"is at {there[:12]}" if there else "is gone"
        said = [f"{branch} {where}; the recorded repair {commit[:12]} counts"]
    diff = repository.run("diff-tree", "-p", "--binary", "--full-index", f"{commit}^", commit)
    place = f"--work-tree={repository.root}"
    undoable = repository.attempt(place, "apply", "--check", "-R", "-", stdin=diff).returncode == 0
    if undoable and _modes_are(repository, commit):
        return [*said, f"{branch} is already applied"]
    done = repository.attempt(place, "apply", "--index", "-", stdin=diff)
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode:
        return [*said, f"{branch} does not apply here: {words[0] if words else 'git does not say why'}"]
    return [*said, f"applied {branch}, yours to commit"]


def _modes_are(repository: Repository, commit: str) -> bool:
    """Whether the files that a commit changed are as executable here as there, which `git apply` does not look at."""
    assert repository.root is not None  # noqa: S101 - the caller checked
    changed = repository.run("diff-tree", "-r", "-z", "--name-only", f"{commit}^", commit).decode("utf-8", "replace")
    entries = repository.entries(commit)
    for name in changed.split("\0"):
        path, mode = repository.root / name, entries.get(name, ("", ""))[0]
        if mode.startswith("100") and path.is_file() and bool(path.stat().st_mode & 0o100) != (mode == "100755"):
            return False
    return True
