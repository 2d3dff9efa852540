"""The change of a repair as it grows: the turns that were taken, what they changed together, and the tree that is judged.

Responsible for holding each turn against the policy, for building its tree, and for taking the last turn back. Whether the tree proves
anything is `gates`' to find and `transaction`'s to decide.

Invariant: `changes`, `tree` and `commit` always say the same, and a tree that was judged is never built again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.bench import modes_with
from hee_monitoring.fixes.outcome import Check, commit_message, tidy
from hee_monitoring.fixes.turn import named, together, told

if TYPE_CHECKING:
    from hee_monitoring.fixes.bench import Bench
    from hee_monitoring.fixes.changes import FileChange
    from hee_monitoring.fixes.outcome import Request
    from hee_monitoring.fixes.turn import Turn, Turns


class Draft:
    """What a repair would commit, and how it came about; empty at first."""

    def __init__(self, bench: Bench, workplace: Turns, request: Request) -> None:
        self._bench, self._workplace, self._request = bench, workplace, request
        self._original = bench.base.ref(f"{request.commit}^{{tree}}") or ""
        self._built: list[tuple[str, str]] = []
        self._red: set[str] = set()
        self.turns: list[Turn] = []
        self.changes: tuple[FileChange, ...] = ()

    @property
    def tree(self) -> str:
        """The tree of all turns; empty before the first."""
        return self._built[-1][0] if self._built else ""

    @property
    def commit(self) -> str:
        """An unsigned commit of that tree, to run things on; the failing commit before the first turn."""
        return self._built[-1][1] if self._built else self._request.commit

    @property
    def modes(self) -> dict[str, str]:
        """The modes of the files of the tree, as git says them."""
        return modes_with(self._bench.modes, self.changes)

    def add(self, turn: Turn, checks: list[Check]) -> str:
        """Takes a turn in; why the repair may not go on with it, in one sentence, else empty."""
        self.turns.append(turn)
        name = turn.strategy.name
        if not turn.changes:
            return f"{name} changed nothing"
        self.changes = together(self.turns)
        violations = self._workplace.forbidden(turn, self.changes)
        checks.append(Check("diff policy", not violations, tidy("; ".join(str(each) for each in violations[:3]))))
        if violations:
            more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
            return tidy(f"the diff policy forbids the change: {violations[0]}{more}")
        tree, commit = self._bench.record(self.changes, self.message())
        if tree == (self.tree or self._original):
            return f"{name} changed nothing that git records"
        if tree in self._red:
            return f"{name} makes a change that left the job red before"
        if tree == self._original or tree in (built for built, _ in self._built):
            return f"{' and '.join(named(self.turns))} undo each other's work"
        self._built.append((tree, commit))
        return ""

    def take_back(self) -> None:
        """Forgets the last turn, whose tree is red, and stands where it began."""
        self._red.add(self._built.pop()[0])
        self.turns.pop()
        self.changes = together(self.turns)
        self._bench.stand_at(self.commit)

    def message(self) -> str:
        """The message of the commit."""
        return commit_message(*told(self.turns), self._request)
