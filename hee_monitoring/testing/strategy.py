"""What HEE relies on of a fix strategy, held in a repository of its own with a real history.

Whether a repair holds, the transaction proves for every strategy alike; here is what it cannot prove of one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import pytest

from hee_core.git import Repository, run_in
from hee_governance.matrix import Matrix
from hee_governance.paths import any_match
from hee_monitoring.fixes import Change, Declined
from hee_monitoring.fixes.history import History
from hee_monitoring.fixes.toolcache import ToolCache
from hee_monitoring.fixes.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes import Strategy


class StrategyContract(ABC):
    """Give it a strategy, a broken repository, the log of the gate, its diagnosis, and the files as they should become."""

    files: ClassVar[Mapping[str, bytes]]
    log: ClassVar[bytes]
    repaired: ClassVar[Mapping[str, bytes]]

    @property
    @abstractmethod
    def strategy(self) -> Strategy:
        """The strategy."""

    @property
    @abstractmethod
    def diagnosis(self) -> Diagnosis:
        """What the log was explained as."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        """The broken repository, committed."""
        return _committed(tmp_path / "tree", self.files)

    def test_it_says_what_it_is(self) -> None:
        strategy = self.strategy
        assert strategy.name == strategy.name.strip().lower()
        rows = {row.key for row in Matrix.load().rows}
        assert set(strategy.rows) <= rows, f"rows that the matrix lacks: {set(strategy.rows) - rows}"
        assert strategy.terms.paths, "a strategy says which paths it may change"

    def test_it_repairs_what_it_is_for_and_touches_nothing_else(self, tree: Path) -> None:
        assert self.strategy.applies(self.diagnosis, tree) is None
        done = self._apply(tree)
        assert isinstance(done, Change), done
        assert done.summary
        assert done.tool
        assert _files(tree) == {**self.files, **self.repaired}
        changed = [path for path in self.repaired if self.repaired[path] != self.files.get(path)]
        assert all(any_match(self.strategy.terms.paths, path) for path in changed), "outside of its own terms"

    def test_a_second_run_changes_nothing(self, tree: Path) -> None:
        self._apply(tree)
        before = _files(tree)
        self._apply(tree)
        assert _files(tree) == before

    def test_what_it_cannot_repair_is_a_value(self, tmp_path: Path) -> None:
        empty = _committed(tmp_path / "empty", {"README": b"nothing to repair\n"})
        if self.strategy.applies(self.diagnosis, empty) is None:
            assert isinstance(self._apply(empty), (Change, Declined))
        assert _files(empty) == {"README": b"nothing to repair\n"}

    def _apply(self, tree: Path) -> Change | Declined:
        home = tree.parent / "home"
        home.mkdir(exist_ok=True)
        repository = Repository.discover(tree)
        modes = {path: mode for path, (mode, _) in repository.entries(repository.commit("HEAD")).items()}
        tools = Tools(
            tree,
            modes,
            self.log,
            home=home,
            cache=ToolCache(tree.parent / "cache", home),
            network=self.strategy.network,
            history=History(repository, "HEAD"),
        )
        return self.strategy.apply(self.diagnosis, tree, tools)


def _committed(place: Path, files: Mapping[str, bytes]) -> Path:
    place.mkdir()
    run_in(place, "init", "--quiet", "--initial-branch=main")
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    run_in(place, "add", "--all")
    run_in(place, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "--message=broken")
    return place


def _files(place: Path) -> dict[str, bytes]:
    found = (path for path in place.rglob("*") if path.is_file() and ".git" not in path.relative_to(place).parts)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}
