"""A repair as a transaction: reproduced, applied in isolation, judged, proved by the repository's own gates, or nothing.

Responsible for the order of the steps and for what each outcome means. Which repairs may be tried is decided before
(the decision matrix), which strategy can is `registry`'s, what a diff may contain is `diffpolicy`'s, the growing change
is `draft`'s and the running of jobs `gates`'. No ref is moved here: the one commit of a repair is put into the
repository's object store, and whoever called publishes it.

Invariant: whatever happens, the repository but for its object store is byte for byte as it was, and the room is gone.
Only a repair whose every check held leaves a commit, and that commit's tree is exactly the tree that was judged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring.evidence import Conclusion
from hee_monitoring.fixes.bench import Bench, Numbers
from hee_monitoring.fixes.draft import Draft
from hee_monitoring.fixes.gates import Gates
from hee_monitoring.fixes.outcome import KEPT, Check, Outcome, Request, Verdict, sentence, tidy
from hee_monitoring.fixes.registry import REGISTRY
from hee_monitoring.fixes.room import room
from hee_monitoring.fixes.strategy import Declined, Proving
from hee_monitoring.fixes.toolcache import ToolCache, tool_cache
from hee_monitoring.fixes.turn import Turns, named, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from hee_core.clock import Clock
    from hee_core.git import Repository
    from hee_monitoring.evidence import Diagnosis, Job, Judge
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
        end = _Stop("rolled_back" if attempt.tried else "refused", sentence(error))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the attempt is over and its room is gone
        end = _Stop("rolled_back", sentence(error))
    return attempt.outcome(end)


class _Attempt:
    """One run of the steps; keeps what was found on the way, for the outcome."""

    def __init__(self, repository: Repository, request: Request, world: _World) -> None:
        self.repository, self.request, self.world = repository, request, world
        self.started = world.clock.monotonic()
        self.chosen: tuple[Strategy, ...] = ()
        self.tried = False
        self.draft: Draft | None = None
        self.pre: list[Check] = []
        self.post: list[Check] = []
        self.log = b""
        self.diagnosis = request.diagnosis
        self.commit = ""
        self.numbers = Numbers(0, 0, b"")

    def run(self, place: Path) -> _Stop:
        """Runs the steps in their order; the first one that stops ends the attempt."""
        self.world.progress("cloning")
        request, home = self.request, place / "home"
        home.mkdir()
        self.bench = Bench(self.repository, request.commit, request.branch, place)
        self.gates = Gates(self.bench, self.world.judge, self.world.diagnose, self.world.clock)
        tools = ToolCache(self.world.cache, home)
        self.workplace = Turns(self.bench, request, tools, home, self.world.strategies)
        self.chosen = self.workplace.choose(request.diagnosis, request.matrix_row)
        if not self.chosen:
            words = f"no strategy repairs this kind of failure ({request.matrix_row}) in this repository"
            return _Stop("refused", words)
        draft = self.draft = Draft(self.bench, self.workplace, request)
        steps: tuple[tuple[str, Callable[[Draft], _Stop | None]], ...] = (
            ("reproducing", self._reproduce), ("repairing", self._apply), ("proving", self._prove),
            ("running the fixer again", self._again), ("running the other jobs", self._others), ("committing", self._commit),
        )  # fmt: skip
        for name, step in steps:
            self.world.progress(name)
            stop = self._late() or step(draft)
            if stop is not None:
                return stop
        return _Stop("verified" if request.job_key else "applied", self._proof())

    def _late(self) -> _Stop | None:
        if self.world.clock.monotonic() - self.started <= self.request.budget_s:
            return None
        return _Stop("rolled_back", f"the repair took longer than its budget of {self.request.budget_s:g} seconds")

    # ------------------------------------------------------------------ before the change

    def _reproduce(self, _: Draft) -> _Stop | None:
        request = self.request
        if not request.job_key:
            return None
        check, job, again = self.gates.reproduced(request.job_key, request.commit, request.diagnosis.fingerprint)
        self.pre.append(check)
        if not check.ok:
            return _Stop("refused", f"not reproducible here: {check.detail}")
        self.log, self.diagnosis = job.log, again
        return None

    # ------------------------------------------------------------------ the change

    def _apply(self, draft: Draft) -> _Stop | None:
        """Takes one turn, from where the last one ended, and builds the tree to judge."""
        turn = self.workplace.take(self.chosen, self.diagnosis, self.log, draft.commit, draft.modes)
        if isinstance(turn, Declined):
            return _Stop("rolled_back" if self.tried else "refused", turn.reason)
        self.tried = True
        self.chosen = self.chosen[self.chosen.index(turn.strategy) :]
        self.world.progress("checking the diff")
        fault = draft.add(turn, self.post)
        return _Stop("rolled_back", fault) if fault else None

    # ------------------------------------------------------------------ the proof

    def _prove(self, draft: Draft) -> _Stop | None:
        """Runs the failed job until it is green, nothing is left that may be repaired, or no strategy is left to try."""
        key = self.request.job_key
        if not key:
            return self._pending(draft)
        while True:
            job, spent = self.gates.run(key, draft.commit)
            unmasked = self._unmasked(draft, job)
            if unmasked is not None:
                words = tidy(f"goes on to: {unmasked.title}")
                self.post.append(Check(f"{key} (turn {len(draft.turns)})", ok=True, detail=words, duration_ms=spent))
                self.world.progress(f"repairing what it hid: {unmasked.title}")
                self.diagnosis, self.log = unmasked, job.log
                self.bench.stand_at(draft.commit)
                stop = self._late() or self._apply(draft)
            else:
                check, red = self.gates.judged(key, job, spent, f"{key} is still red", "the failed job")
                if not red or job.conclusion is not Conclusion.FAILURE or not self.chosen[1:]:
                    self.post.append(check)
                    return _Stop("rolled_back", red) if red else None
                stop = self._instead(draft, red, spent)
            if stop is not None:
                return stop

    def _instead(self, draft: Draft, red: str, spent: int) -> _Stop | None:
        """Takes the last turn back, which left the job red, and lets the strategies after it try."""
        name, self.chosen = self.chosen[0].name, self.chosen[1:]
        self.post.append(Check(f"{name} was taken back", ok=True, detail=red, duration_ms=spent))
        self.world.progress(f"trying another strategy than {name}")
        draft.take_back()
        stop = self._late() or self._apply(draft)
        return stop and _Stop("rolled_back", tidy(f"{red} after {name}; {stop.reason}"))

    def _unmasked(self, draft: Draft, job: Job) -> Diagnosis | None:
        """The next failure of the job, which the repaired one hid, if it may be repaired as well."""
        if job.conclusion is not Conclusion.FAILURE or len(draft.turns) >= MOST_TURNS:
            return None
        next_one = self.world.diagnose(job)
        if next_one.fingerprint in {turn.diagnosis.fingerprint for turn in draft.turns}:
            return None
        row = self.world.follow(next_one)
        chosen = self.workplace.choose(next_one, row) if row else ()
        self.chosen = chosen or self.chosen
        return next_one if chosen else None

    def _pending(self, draft: Draft) -> _Stop | None:
        """Asks the strategy itself for the proof of what no job shows."""
        turn = draft.turns[0]
        assert isinstance(turn.strategy, Proving)  # noqa: S101 - what needs no job proves itself
        start = self.world.clock.monotonic()
        scene = self.bench.scene(draft.commit)
        kit = self.workplace.kit(turn.strategy, scene, draft.modes, turn.log, draft.commit)
        fault = turn.strategy.prove(turn.diagnosis, scene, kit)
        if not fault and self.request.diagnosis.fingerprint not in self.world.gaps(self.bench.base, draft.commit):
            fault = "the change counts as coverage, which it never should"
        self.bench.drop(scene)
        spent = self._since(start)
        self.post.append(Check("counts as no coverage", not fault, fault or "every test is pending", spent))
        return _Stop("rolled_back", fault) if fault else None

    def _again(self, draft: Draft) -> _Stop | None:
        self.bench.stand_at(draft.commit)
        for turn in draft.turns:
            start, name = self.world.clock.monotonic(), turn.strategy.name
            changes = self.workplace.use(turn.strategy, turn.diagnosis, turn.log, draft.commit, draft.modes)[1]
            detail = f"changed {len(changes)} files again" if changes else "changed nothing"
            self.post.append(Check(f"second run of {name}", not changes, detail, self._since(start)))
            if changes:
                return _Stop("rolled_back", f"a second run of {name} changes the files again")
        return None

    def _others(self, draft: Draft) -> _Stop | None:
        for key in self.request.known_green:
            if key != self.request.job_key:
                job, spent = self.gates.run(key, draft.commit)
                check, red = self.gates.judged(key, job, spent, f"the repair turned {key} red", "was green")
                self.post.append(check)
                if red:
                    return _Stop("rolled_back", red)
        return None

    # ------------------------------------------------------------------ the commit

    def _commit(self, draft: Draft) -> _Stop | None:
        base = self.bench.base
        commit = self.world.commit_tree(base, draft.tree, self.request.commit, draft.message())
        if not self.bench.holds(base, commit, draft.tree):
            return _Stop("rolled_back", "the commit that was made is not the tree that was judged")
        numbers = self.bench.numbers(commit)
        self.repository.fetch_commit(base.git_dir, commit)
        if not self.bench.holds(self.repository, commit, draft.tree):
            return _Stop("rolled_back", "the commit did not arrive whole in the repository")
        self.numbers = numbers
        self.commit = commit
        return None

    def _proof(self) -> str:
        others = sum(check.name.endswith("(was green)") for check in self.post)
        also = f"; {others} other job{'s' if others != 1 else ''} still green" if others else ""
        return (
            f"{self.request.job_key} is green on the fix{also}" if self.request.job_key else f"every check held{also}"
        )

    def outcome(self, end: _Stop) -> Outcome:
        """The attempt as a value; what was not committed is not described as if it were there."""
        turns = self.draft.turns if self.draft else []
        summary, tool = told(turns)
        common = {
            "strategy": "+".join(named(turns)) or "".join(each.name for each in self.chosen[:1]),
            "tool": tool,
            "summary": summary,
        }
        kept = self.draft if end.outcome in KEPT else None
        diff = self.numbers.diff if kept else b""
        return Outcome(
            end.outcome,
            end.reason,
            **common,
            commit=self.commit if kept else "",
            tree=kept.tree if kept else "",
            files=tuple(change.path for change in kept.changes) if kept else (),
            insertions=self.numbers.insertions if kept else 0,
            deletions=self.numbers.deletions if kept else 0,
            diff_sha256=hashlib.sha256(diff).hexdigest() if kept else "",
            diff=diff.decode("utf-8", "replace"),
            pre=tuple(self.pre),
            post=tuple(self.post),
            followed=tuple(turn.diagnosis for turn in turns[1:]),
            duration_ms=self._since(self.started),
        )

    def _since(self, start: float) -> int:
        return round((self.world.clock.monotonic() - start) * 1000)
