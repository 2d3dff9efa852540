"""A repair as a transaction: reproduced, applied in isolation, judged, proved by the repository's own gates, or nothing.

Responsible for the order of the steps and for what each outcome means. Which repairs may be tried is decided before
(the decision matrix), which strategy can is `registry`'s, and what a diff may contain is `diffpolicy`'s. No ref is
moved here: the one commit of a repair is put into the repository's object store, and whoever called publishes it.

Invariant: whatever happens, the repository but for its object store is byte for byte as it was, and the room is gone.
Only a repair whose every check held leaves a commit, and that commit's tree is exactly the tree that was judged.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring.evidence import Conclusion
from hee_monitoring.fixes.bench import Bench, Numbers, modes_with
from hee_monitoring.fixes.diffpolicy import Policy, check
from hee_monitoring.fixes.outcome import KEPT, Check, Outcome, Request, Verdict, commit_message, sentence, tidy
from hee_monitoring.fixes.registry import REGISTRY, candidates
from hee_monitoring.fixes.room import room
from hee_monitoring.fixes.strategy import Change, Declined, Proving
from hee_monitoring.fixes.toolcache import ToolCache
from hee_monitoring.fixes.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hee_core.clock import Clock
    from hee_core.git import Repository
    from hee_monitoring.evidence import Diagnosis, Job, Judge
    from hee_monitoring.fixes.changes import FileChange
    from hee_monitoring.fixes.strategy import Strategy


@dataclass(frozen=True)
class _Stop:
    """The end of an attempt before its commit."""

    outcome: Verdict
    reason: str


@dataclass(frozen=True)
class _World:
    """All that an attempt needs besides the repository and the request."""

    judge: Judge
    diagnose: Callable[[Job], Diagnosis]
    commit_tree: Callable[[Repository, str, str, str], str]
    gaps: Callable[[Repository, str], Collection[str]]
    clock: Clock
    progress: Callable[[str], None]
    cache: Path
    strategies: Sequence[Strategy]


def repair(
    repository: Repository,
    request: Request,
    *,
    judge: Judge,
    diagnose: Callable[[Job], Diagnosis],
    commit_tree: Callable[[Repository, str, str, str], str],
    work: Path,
    clock: Clock,
    progress: Callable[[str], None],
    cache: Path | None = None,
    gaps: Callable[[Repository, str], Collection[str]] | None = None,
    strategies: Sequence[Strategy] = REGISTRY,
) -> Outcome:
    """Tries one repair and returns how it ended; no exception but a person's interrupt comes out.

    `commit_tree(repository, tree, parent, message)` makes and signs the commit in the repository it is given, which is
    the private clone. `work` is where rooms are made; `cache` is where pinned tools are kept. `gaps(repository, commit)`
    gives the fingerprints of what the detectors find in a commit: a gap that a skeleton marks must still be there.
    """
    known = (request.diagnosis.fingerprint,)
    world = _World(
        judge, diagnose, commit_tree, gaps or (lambda *_: known), clock, progress, cache or tool_cache(), strategies
    )
    attempt = _Attempt(repository, request, world)
    try:
        with room(work, request.fix_id) as place:
            end = attempt.run(place)
    except ToolMissing as error:
        end = _Stop("refused" if attempt.change is None else "rolled_back", sentence(error))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the attempt is over and its room is gone
        end = _Stop("rolled_back", sentence(error))
    return attempt.outcome(end)


def tool_cache() -> Path:
    """Where pinned tools are kept for all repositories of a user."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "hee" / "tools"


class _Attempt:
    """One run of the steps; keeps what was found on the way, for the outcome."""

    def __init__(self, repository: Repository, request: Request, world: _World) -> None:
        self.repository, self.request, self.world = repository, request, world
        self.started = world.clock.monotonic()
        self.strategy: Strategy | None = None
        self.change: Change | None = None
        self.changes: tuple[FileChange, ...] = ()
        self.pre: list[Check] = []
        self.post: list[Check] = []
        self.log = b""
        self.diagnosis = request.diagnosis
        self.tree = self.fixed = self.commit = ""
        self.numbers = Numbers(0, 0, b"")

    def run(self, place: Path) -> _Stop:
        """Runs the steps in their order; the first one that stops ends the attempt."""
        self.home = place / "home"
        steps = (
            ("cloning", self._clone), ("reproducing", self._reproduce), ("repairing", self._apply),
            ("checking the diff", self._policy), ("proving", self._prove), ("running the fixer again", self._again),
            ("running the other jobs", self._others), ("committing", self._commit),
        )  # fmt: skip
        for name, step in steps:
            self.world.progress(name)
            if self.world.clock.monotonic() - self.started > self.request.budget_s:
                return _Stop(
                    "rolled_back", f"the repair took longer than its budget of {self.request.budget_s:g} seconds"
                )
            stop = step(place)
            if stop is not None:
                return stop
        return _Stop("verified" if self.request.job_key else "applied", self._proof())

    # ------------------------------------------------------------------ before the change

    def _clone(self, place: Path) -> _Stop | None:
        self.home.mkdir()
        self.tools = ToolCache(self.world.cache, self.home)
        self.bench = Bench(self.repository, self.request.commit, self.request.branch, place)
        chosen = tuple(
            strategy
            for strategy in candidates(
                self.request.diagnosis, self.request.matrix_row, self.bench.root, self.world.strategies
            )
            if strategy.terms.gate == bool(self.request.job_key)
        )
        if not chosen:
            return _Stop(
                "refused", f"no strategy repairs this kind of failure ({self.request.matrix_row}) in this repository"
            )
        self.candidates = chosen
        self.strategy = chosen[0]
        return None

    def _reproduce(self, _: Path) -> _Stop | None:
        request = self.request
        if not request.job_key:
            return None
        job, spent = self._run_job(request.job_key, request.commit)
        again = self.world.diagnose(job)
        if job.conclusion is Conclusion.SUCCESS:
            fault = "the job is green here"
        elif job.conclusion is not Conclusion.FAILURE:
            fault = f"the job can't be judged here: {job.reason or job.conclusion.value}"
        elif again.fingerprint != request.diagnosis.fingerprint:
            fault = f"the job fails differently here: {again.title}"
        else:
            fault = ""
        self.pre.append(Check(f"reproduce {request.job_key}", not fault, fault or "fails in the same way", spent))
        if fault:
            return _Stop("refused", f"not reproducible here: {fault}")
        self.log, self.diagnosis = job.log, again
        return None

    # ------------------------------------------------------------------ the change

    def _apply(self, _: Path) -> _Stop | None:
        leaving = self.bench.leaving_links()
        reasons = []
        for strategy in self.candidates:
            self.strategy = strategy
            if leaving and strategy.terms.whole_tree:
                reasons.append(f"{strategy.name}: the symbolic link {leaving[0]} leads out of the tree")
                continue
            done, changes = self._use(strategy, self.request.commit, self.bench.modes)
            if isinstance(done, Change):
                self.change, self.changes = done, changes
                return None if changes else _Stop("rolled_back", f"{strategy.name} changed nothing")
            reasons.append(f"{strategy.name}: {done.reason}")
        return _Stop("refused", "; ".join(reasons))

    def _use(
        self, strategy: Strategy, commit: str, modes: Mapping[str, str]
    ) -> tuple[Change | Declined, tuple[FileChange, ...]]:
        """Applies a strategy in a fresh scene of a commit; a second use starts where the first one ended."""
        scene = self.bench.scene(commit)
        before = self.bench.snapshot(scene)
        done = strategy.apply(self.diagnosis, scene, self._tools(strategy, scene, modes))
        changes = self.bench.changes(scene, before, strategy.terms.creates) if isinstance(done, Change) else ()
        self.bench.drop(scene)
        return done, changes

    def _tools(self, strategy: Strategy, scene: Path, modes: Mapping[str, str]) -> Tools:
        return Tools(scene, modes, self.log, home=self.home, cache=self.tools, network=strategy.network)

    def _policy(self, _: Path) -> _Stop | None:
        assert self.strategy is not None  # noqa: S101 - `_clone` chose one
        assert self.change is not None  # noqa: S101 - `_apply` made one
        terms, request = self.strategy.terms, self.request
        policy = Policy(
            allowed=(request.allowed_paths, terms.paths),
            denied=request.denied_paths,
            max_files=request.max_files,
            max_lines=request.max_lines,
            creates=terms.creates,
            executable=terms.executable,
            pending_tests=terms.pending_tests,
            keeps=terms.keeps,
        )
        violations = check(self.changes, policy)
        detail = "; ".join(str(violation) for violation in violations[:3])
        self.post.append(Check("diff policy", not violations, tidy(detail)))
        if violations:
            more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
            return _Stop("rolled_back", tidy(f"the diff policy forbids the change: {violations[0]}{more}"))
        self.tree, self.fixed = self.bench.record(self.changes, self._message())
        if self.tree == self.repository.ref(f"{request.commit}^{{tree}}"):
            return _Stop("rolled_back", f"{self.strategy.name} changed nothing that git records")
        return None

    # ------------------------------------------------------------------ the proof

    def _prove(self, _: Path) -> _Stop | None:
        key = self.request.job_key
        if key:
            return self._green(key, f"{key} is still red", "the failed job")
        strategy = self.strategy
        assert isinstance(strategy, Proving)  # noqa: S101 - what needs no job proves itself
        start = self.world.clock.monotonic()
        scene = self.bench.scene(self.fixed)
        modes = modes_with(self.bench.modes, self.changes)
        fault = strategy.prove(self.diagnosis, scene, self._tools(strategy, scene, modes))
        if not fault and self.request.diagnosis.fingerprint not in self.world.gaps(self.bench.base, self.fixed):
            fault = "the change counts as coverage, which it never should"
        self.bench.drop(scene)
        self.post.append(
            Check("counts as no coverage", not fault, fault or "every test is pending", self._since(start))
        )
        return _Stop("rolled_back", fault) if fault else None

    def _again(self, _: Path) -> _Stop | None:
        assert self.strategy is not None  # noqa: S101 - `_clone` chose one
        start = self.world.clock.monotonic()
        self.bench.stand_at(self.fixed)
        changes = self._use(self.strategy, self.fixed, modes_with(self.bench.modes, self.changes))[1]
        detail = f"changed {len(changes)} files again" if changes else "changed nothing"
        self.post.append(Check(f"second run of {self.strategy.name}", not changes, detail, self._since(start)))
        return (
            _Stop("rolled_back", f"a second run of {self.strategy.name} changes the files again") if changes else None
        )

    def _others(self, _: Path) -> _Stop | None:
        for key in self.request.known_green:
            if key != self.request.job_key:
                stop = self._green(key, f"the repair turned {key} red", "was green")
                if stop is not None:
                    return stop
        return None

    def _green(self, key: str, red: str, role: str) -> _Stop | None:
        """Runs a job on the fix; anything but success ends the attempt."""
        job, spent = self._run_job(key, self.fixed)
        ok = job.conclusion is Conclusion.SUCCESS
        if ok:
            detail = "green"
        elif job.conclusion is Conclusion.UNKNOWN:
            detail, red = f"can't be judged: {job.reason or 'unknown'}", f"{key} can't be judged after the repair"
        else:
            detail = self.world.diagnose(job).title
        self.post.append(Check(f"{key} ({role})", ok, tidy(detail), spent))
        return None if ok else _Stop("rolled_back", tidy(f"{red}: {detail}"))

    def _run_job(self, key: str, commit: str) -> tuple[Job, int]:
        start = self.world.clock.monotonic()
        scene = self.bench.scene(commit)
        job = self.world.judge.run_job(str(scene), key)
        self.bench.drop(scene)
        # Tools that print whole paths would make the same failure another one in each checkout.
        return replace(job, log=job.log.replace(f"{scene}/".encode(), b"")), self._since(start)

    # ------------------------------------------------------------------ the commit

    def _commit(self, _: Path) -> _Stop | None:
        base = self.bench.base
        commit = self.world.commit_tree(base, self.tree, self.request.commit, self._message())
        if not self.bench.holds(base, commit, self.tree):
            return _Stop("rolled_back", "the commit that was made is not the tree that was judged")
        numbers = self.bench.numbers(commit)
        self.repository.fetch_commit(base.git_dir, commit)
        if not self.bench.holds(self.repository, commit, self.tree):
            return _Stop("rolled_back", "the commit did not arrive whole in the repository")
        self.numbers = numbers
        self.commit = commit
        return None

    def _message(self) -> str:
        assert self.change is not None  # noqa: S101 - called after the change
        return commit_message(self.change.summary, self.change.tool, self.request)

    def _proof(self) -> str:
        others = sum(check.name.endswith("(was green)") for check in self.post)
        also = f"; {others} other job{'s' if others != 1 else ''} still green" if others else ""
        return (
            f"{self.request.job_key} is green on the fix{also}" if self.request.job_key else f"every check held{also}"
        )

    def outcome(self, end: _Stop) -> Outcome:
        """The attempt as a value; what was not committed is not described as if it were there."""
        common = {
            "strategy": self.strategy.name if self.strategy else "",
            "tool": self.change.tool if self.change else "",
            "summary": self.change.summary if self.change else "",
        }
        kept = end.outcome in KEPT
        diff = self.numbers.diff if kept else b""
        return Outcome(
            end.outcome,
            end.reason,
            **common,
            commit=self.commit if kept else "",
            tree=self.tree if kept else "",
            files=tuple(change.path for change in self.changes) if kept else (),
            insertions=self.numbers.insertions if kept else 0,
            deletions=self.numbers.deletions if kept else 0,
            diff_sha256=hashlib.sha256(diff).hexdigest() if kept else "",
            diff=diff.decode("utf-8", "replace"),
            pre=tuple(self.pre),
            post=tuple(self.post),
            duration_ms=self._since(self.started),
        )

    def _since(self, start: float) -> int:
        return round((self.world.clock.monotonic() - start) * 1000)
