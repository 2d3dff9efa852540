"""One turn of a repair: a strategy at work on one failure, in a scene of its own, and its change held against the policy.

Responsible for choosing the strategy that does not decline and for what its change may contain. How many turns a repair
takes and whether they prove anything is `transaction`'s.

Invariant: a turn leaves nothing behind but the change that it returns, told from the tree that it began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.fixes import locks
from hee_monitoring.fixes.changes import FileChange
from hee_monitoring.fixes.diffpolicy import Policy, check
from hee_monitoring.fixes.history import History
from hee_monitoring.fixes.registry import candidates
from hee_monitoring.fixes.strategy import Change, Declined
from hee_monitoring.fixes.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.bench import Bench
    from hee_monitoring.fixes.diffpolicy import Violation
    from hee_monitoring.fixes.outcome import Request
    from hee_monitoring.fixes.strategy import Strategy
    from hee_monitoring.fixes.toolcache import ToolCache


@dataclass(frozen=True)
class Turn:
    """What a strategy did about a failure that a log showed, and what that changed since the turn before."""

    strategy: Strategy
    diagnosis: Diagnosis
    log: bytes
    change: Change
    changes: tuple[FileChange, ...]


@dataclass(frozen=True)
class Turns:
    """Where the turns of one repair are taken."""

    bench: Bench
    request: Request
    tools: ToolCache
    home: Path
    strategies: Sequence[Strategy]

    def choose(self, diagnosis: Diagnosis, row: str) -> tuple[Strategy, ...]:
        """The strategies that may try a failure; one that a job proves serves only what a job shows.

        What changes protected files is tried only where a person approved the repair.
        """
        found = candidates(diagnosis, row, self.bench.root, self.strategies)
        proved = (each for each in found if each.terms.gate == bool(self.request.job_key))
        return tuple(each for each in proved if self.request.approved or not each.terms.reviewed)

    def take(
        self, chosen: Sequence[Strategy], diagnosis: Diagnosis, log: bytes, commit: str, modes: Mapping[str, str]
    ) -> Turn | Declined:
        """Lets the strategies try in their order, at a commit at which the bench stands; the first one's work counts.

        Work that is nothing, or that the policy forbids, counts only where no strategy is left to try.
        """
        leaving, reasons = self.bench.leaving_links(), []
        for strategy in chosen:
            if leaving and strategy.terms.whole_tree:
                reasons.append(f"{strategy.name}: the symbolic link {leaving[0]} leads out of the tree")
                continue
            done, changes = self.use(strategy, diagnosis, log, commit, modes)
            if isinstance(done, Declined):
                reasons.append(f"{strategy.name}: {done.reason}")
                continue
            turn = Turn(strategy, diagnosis, log, done, changes)
            wrong = next((str(each) for each in self.forbidden(turn, changes)), "" if changes else "it changed nothing")
            if not wrong or strategy is chosen[-1]:
                return turn
            reasons.append(f"{strategy.name}: {wrong}")
        return Declined("; ".join(reasons))

    def use(
        self, strategy: Strategy, diagnosis: Diagnosis, log: bytes, commit: str, modes: Mapping[str, str]
    ) -> tuple[Change | Declined, tuple[FileChange, ...]]:
        """Applies a strategy in a fresh scene of a commit; its changes are told from where the bench stands."""
        scene = self.bench.scene(commit)
        before = self.bench.snapshot(scene)
        done = strategy.apply(diagnosis, scene, self.kit(strategy, scene, modes, log, commit))
        changes = self.bench.changes(scene, before, strategy.terms.creates) if isinstance(done, Change) else ()
        self.bench.drop(scene)
        return done, changes

    def kit(self, strategy: Strategy, scene: Path, modes: Mapping[str, str], log: bytes, commit: str) -> Tools:
        """The tools of a strategy in a scene of a commit."""
        past = History(self.bench.base, commit)
        return Tools(scene, modes, log, home=self.home, cache=self.tools, network=strategy.network, history=past)

    def forbidden(self, turn: Turn, whole: Sequence[FileChange]) -> tuple[Violation, ...]:
        """What the policy has against a turn's change; its size is that of the whole repair so far."""
        terms, request = turn.strategy.terms, self.request
        files = len(whole) - len(turn.changes)
        lines = _counted(whole) - _counted(turn.changes)
        policy = Policy(
            allowed=(request.allowed_paths, terms.paths),
            denied=request.denied_paths,
            max_files=request.max_files - max(files, 0),
            max_lines=request.max_lines - max(lines, 0),
            creates=terms.creates,
            executable=terms.executable,
            pending_tests=terms.pending_tests,
            keeps=terms.keeps,
            reviewed=terms.reviewed if request.approved else (),
            may_move=turn.change.may_move,
        )
        return check(turn.changes, policy)


def _counted(changes: Sequence[FileChange]) -> int:
    """The changed lines but for those of lock files, which are judged by what they pin."""
    return sum(sum(change.lines) for change in changes if not locks.compared(change.path))


def together(turns: Iterable[Turn]) -> tuple[FileChange, ...]:
    """The changes of several turns as one, told from the first; what a later turn took back is no change."""
    found: dict[str, FileChange] = {}
    for turn in turns:
        for change in turn.changes:
            first = found.get(change.path, change)
            found[change.path] = FileChange(change.path, first.old, change.new, first.old_mode, change.new_mode)
    return tuple(each for _, each in sorted(found.items()) if (each.old, each.old_mode) != (each.new, each.new_mode))


def named(turns: Iterable[Turn]) -> tuple[str, ...]:
    """The strategies of the turns, each once."""
    return tuple(dict.fromkeys(turn.strategy.name for turn in turns))


def told(turns: Sequence[Turn]) -> tuple[str, str]:
    """What the turns did, and the tools that they did it with."""
    did = dict.fromkeys(turn.change.summary for turn in turns)
    return "; ".join(did), ", ".join(dict.fromkeys(turn.change.tool for turn in turns))
