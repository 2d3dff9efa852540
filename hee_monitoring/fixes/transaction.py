"""A repair as a transaction: reproduced, applied in isolation, judged, proved by the repository's own gates, or nothing.

Responsible for the order of the steps and for what each outcome means. Which repairs may be tried is decided before
(the decision matrix), which strategy can is `registry`'s, and what a diff may contain is `diffpolicy`'s. No ref is
moved here: the one commit of a repair is put into the repository's object store, and whoever called publishes it.

Invariant: whatever happens, the repository but for its object store is byte for byte as it was, and the room is gone.
Only a repair whose every check held leaves a commit, and that commit's tree is exactly the tree that was judged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring.evidence import Conclusion
from hee_monitoring.fixes.bench import Bench, Numbers, modes_with
from hee_monitoring.fixes.outcome import KEPT, Check, Outcome, Request, Verdict, commit_message, sentence, tidy
from hee_monitoring.fixes.registry import REGISTRY
from hee_monitoring.fixes.room import room
from hee_monitoring.fixes.strategy import Declined, Proving
from hee_monitoring.fixes.toolcache import ToolCache, tool_cache
from hee_monitoring.fixes.turn import Turn, Turns, named, together, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from hee_core.clock import Clock
    from hee_core.git import Repository
    from hee_monitoring.evidence import Diagnosis, Job, Judge
    from hee_monitoring.fixes.changes import FileChange
    from hee_monitoring.fixes.strategy import Strategy

MOST_TURNS = 5


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
    follow: Callable[[Diagnosis], str]
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
    follow: Callable[[Diagnosis], str] = lambda _: "",
    strategies: Sequence[Strategy] = REGISTRY,
) -> Outcome:
    """Tries one repair and returns how it ended; no exception but a person's interrupt comes out.

    `commit_tree(repository, tree, parent, message)` makes and signs the commit in the repository it is given, which is
    the private clone. `work` is where rooms are made; `cache` is where pinned tools are kept. `gaps(repository, commit)`
    gives the fingerprints of what the detectors find in a commit: a gap that a skeleton marks must still be there.
    `follow(diagnosis)` gives the row of the decision matrix under which a failure that the repaired one hid may be
    repaired in the same commit, and nothing if it may not.
    """
    known = (request.diagnosis.fingerprint,)
    world = _World(
        judge,
        diagnose,
        commit_tree,
        gaps or (lambda *_: known),
        follow,
        clock,
        progress,
        cache or tool_cache(),
        strategies,
    )
    attempt = _Attempt(repository, request, world)
    try:
        with room(work, request.fix_id) as place:
            end = attempt.run(place)
    except ToolMissing as error:
        end = _Stop("rolled_back" if attempt.turns else "refused", sentence(error))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the attempt is over and its room is gone
        end = _Stop("rolled_back", sentence(error))
    return attempt.outcome(end)


class _Attempt:
    """One run of the steps; keeps what was found on the way, for the outcome."""

    def __init__(self, repository: Repository, request: Request, world: _World) -> None:
        self.repository, self.request, self.world = repository, request, world
        self.started = world.clock.monotonic()
        self.chosen: tuple[Strategy, ...] = ()
        self.turns: list[Turn] = []
        self.changes: tuple[FileChange, ...] = ()
        self.pre: list[Check] = []
        self.post: list[Check] = []
        self.log = b""
        self.diagnosis = request.diagnosis
        self.trees: set[str] = set()
        self.tree = self.fixed = self.commit = ""
        self.numbers = Numbers(0, 0, b"")

    def run(self, place: Path) -> _Stop:
        """Runs the steps in their order; the first one that stops ends the attempt."""
        self.home = place / "home"
        steps = (
            ("cloning", self._clone), ("reproducing", self._reproduce), ("repairing", self._apply),
            ("proving", self._prove), ("running the fixer again", self._again),
            ("running the other jobs", self._others), ("committing", self._commit),
        )  # fmt: skip
        for name, step in steps:
            self.world.progress(name)
            stop = self._late() or step(place)
            if stop is not None:
                return stop
        return _Stop("verified" if self.request.job_key else "applied", self._proof())

    def _late(self) -> _Stop | None:
        if self.world.clock.monotonic() - self.started <= self.request.budget_s:
            return None
        return _Stop("rolled_back", f"the repair took longer than its budget of {self.request.budget_s:g} seconds")

    # ------------------------------------------------------------------ before the change

    def _clone(self, place: Path) -> _Stop | None:
        self.home.mkdir()
        self.tools = ToolCache(self.world.cache, self.home)
        self.bench = Bench(self.repository, self.request.commit, self.request.branch, place)
        self.workplace = Turns(self.bench, self.request, self.tools, self.home, self.world.strategies)
        self.chosen = self.workplace.choose(self.request.diagnosis, self.request.matrix_row)
        words = f"no strategy repairs this kind of failure ({self.request.matrix_row}) in this repository"
        return None if self.chosen else _Stop("refused", words)

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
        """Takes one turn, from where the last one ended, and builds the tree to judge."""
        commit = self.fixed or self.request.commit
        modes = modes_with(self.bench.modes, self.changes)
        turn = self.workplace.take(self.chosen, self.diagnosis, self.log, commit, modes)
        if isinstance(turn, Declined):
            return _Stop("rolled_back" if self.turns else "refused", turn.reason)
        self.turns.append(turn)
        if not turn.changes:
            return _Stop("rolled_back", f"{turn.strategy.name} changed nothing")
        self.changes = together(self.turns)
        self.world.progress("checking the diff")
        return self._policy(turn)

    def _policy(self, turn: Turn) -> _Stop | None:
        violations = self.workplace.forbidden(turn, self.changes)
        detail = "; ".join(str(violation) for violation in violations[:3])
        self.post.append(Check("diff policy", not violations, tidy(detail)))
        if violations:
            more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
            return _Stop("rolled_back", tidy(f"the diff policy forbids the change: {violations[0]}{more}"))
        before = self.tree or self.repository.ref(f"{self.request.commit}^{{tree}}")
        self.tree, self.fixed = self.bench.record(self.changes, self._message())
        if self.tree == before:
            return _Stop("rolled_back", f"{turn.strategy.name} changed nothing that git records")
        if self.tree in self.trees or self.tree == self.repository.ref(f"{self.request.commit}^{{tree}}"):
            return _Stop("rolled_back", f"{' and '.join(named(self.turns))} undo each other's work")
        self.trees.add(self.tree)
        return None

    # ------------------------------------------------------------------ the proof

    def _prove(self, place: Path) -> _Stop | None:
        key = self.request.job_key
        if not key:
            return self._pending()
        while True:
            job, spent = self._run_job(key, self.fixed)
            unmasked = self._unmasked(job)
            if unmasked is None:
                return self._judged(key, job, spent, f"{key} is still red", "the failed job")
            words = tidy(f"goes on to: {unmasked.title}")
            self.post.append(Check(f"{key} (turn {len(self.turns)})", ok=True, detail=words, duration_ms=spent))
            self.world.progress(f"repairing what it hid: {unmasked.title}")
            self.diagnosis, self.log = unmasked, job.log
            self.bench.stand_at(self.fixed)
            stop = self._late() or self._apply(place)
            if stop is not None:
                return stop

    def _unmasked(self, job: Job) -> Diagnosis | None:
        """The next failure of the job, which the repaired one hid, if it may be repaired as well."""
        if job.conclusion is not Conclusion.FAILURE or len(self.turns) >= MOST_TURNS:
            return None
        next_one = self.world.diagnose(job)
        if next_one.fingerprint in {turn.diagnosis.fingerprint for turn in self.turns}:
            return None
        row = self.world.follow(next_one)
        self.chosen = self.workplace.choose(next_one, row) if row else ()
        return next_one if self.chosen else None

    def _pending(self) -> _Stop | None:
        """Asks the strategy itself for the proof of what no job shows."""
        turn = self.turns[0]
        assert isinstance(turn.strategy, Proving)  # noqa: S101 - what needs no job proves itself
        start = self.world.clock.monotonic()
        scene = self.bench.scene(self.fixed)
        modes = modes_with(self.bench.modes, self.changes)
        fault = turn.strategy.prove(
            turn.diagnosis, scene, self.workplace.kit(turn.strategy, scene, modes, turn.log, self.fixed)
        )
        if not fault and self.request.diagnosis.fingerprint not in self.world.gaps(self.bench.base, self.fixed):
            fault = "the change counts as coverage, which it never should"
        self.bench.drop(scene)
        spent = self._since(start)
        self.post.append(Check("counts as no coverage", not fault, fault or "every test is pending", spent))
        return _Stop("rolled_back", fault) if fault else None

    def _again(self, _: Path) -> _Stop | None:
        self.bench.stand_at(self.fixed)
        modes = modes_with(self.bench.modes, self.changes)
        for turn in self.turns:
            start, name = self.world.clock.monotonic(), turn.strategy.name
            changes = self.workplace.use(turn.strategy, turn.diagnosis, turn.log, self.fixed, modes)[1]
            detail = f"changed {len(changes)} files again" if changes else "changed nothing"
            self.post.append(Check(f"second run of {name}", not changes, detail, self._since(start)))
            if changes:
                return _Stop("rolled_back", f"a second run of {name} changes the files again")
        return None

    def _others(self, _: Path) -> _Stop | None:
        for key in self.request.known_green:
            if key != self.request.job_key:
                job, spent = self._run_job(key, self.fixed)
                stop = self._judged(key, job, spent, f"the repair turned {key} red", "was green")
                if stop is not None:
                    return stop
        return None

    def _judged(self, key: str, job: Job, spent: int, red: str, role: str) -> _Stop | None:
        """Anything but the success of a job on the fix ends the attempt."""
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
        return commit_message(*told(self.turns), self.request)

    def _proof(self) -> str:
        others = sum(check.name.endswith("(was green)") for check in self.post)
        also = f"; {others} other job{'s' if others != 1 else ''} still green" if others else ""
        return (
            f"{self.request.job_key} is green on the fix{also}" if self.request.job_key else f"every check held{also}"
        )

    def outcome(self, end: _Stop) -> Outcome:
        """The attempt as a value; what was not committed is not described as if it were there."""
        summary, tool = told(self.turns)
        common = {
            "strategy": "+".join(named(self.turns)) or "".join(each.name for each in self.chosen[:1]),
            "tool": tool,
            "summary": summary,
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
            followed=tuple(turn.diagnosis for turn in self.turns[1:]),
            duration_ms=self._since(self.started),
        )

    def _since(self, start: float) -> int:
        return round((self.world.clock.monotonic() - start) * 1000)
