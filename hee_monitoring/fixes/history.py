"""What the history of the broken commit knows that its tree does not: where a path went, and what a file said before.

Responsible for asking git, in the pristine clone in which nothing of the repository ever ran. What is done with the
answer is the strategies'.

Invariant: a new path that is returned as the only one is in the tree of the commit, and git's own detection of renames
named it; what git does not know is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hee_core.git import Repository

_MOST_MOVES = 20


@dataclass(frozen=True)
class History:
    """The history of one commit of a clone."""

    repository: Repository
    commit: str

    def before(self, path: str, *others: str) -> tuple[bytes | None, ...]:
        """What the other files were when `path` was last changed; None for one that was not there."""
        at = self._lines("log", "-1", "--format=%H", self.commit, "--", path)
        return tuple(self._blob(at[0], other) if at else None for other in others)

    def knows(self, path: str) -> bool:
        """Whether the tree of the commit has a file or a folder of this name."""
        return self.repository.ref(f"{self.commit}:{path}") is not None

    def moved(self, path: str) -> tuple[str, ...]:
        """Where a file or folder that is gone went, through every move: none, the one place, or the candidates."""
        for _ in range(_MOST_MOVES):
            places = self._moved_once(path)
            if len(places) != 1 or self.knows(places[0]):
                return places
            path = places[0]
        return ()

    def _moved_once(self, path: str) -> tuple[str, ...]:
        gone = self._lines("log", "-1", "--format=%H", "--diff-filter=D", "--no-renames", self.commit, "--", path)
        if not gone:
            return ()
        entries = self._changes(gone[0])
        inside = f"{path}/"
        if any(old.startswith(inside) for _, old, _ in entries):
            return _folder(inside, entries)
        named = {new for kind, old, new in entries if kind == "R" and old == path}
        # git pairs each deleted file with one added file; a second one that is as good makes the pair a guess.
        blob = self.repository.ref(f"{gone[0]}^:{path}")
        same = {new for kind, _, new in entries if kind in "AR" and self.repository.ref(f"{gone[0]}:{new}") == blob}
        alike = {new for kind, _, new in entries if kind == "A" and new.rpartition("/")[2] == path.rpartition("/")[2]}
        found = named | same | alike
        return tuple(sorted(found)) if named or len(found) > 1 else ()

    def _changes(self, commit: str) -> list[tuple[str, str, str]]:
        """The kind (A, D or R) of each change of a commit, the path before and the path after."""
        said = self.repository.run(
            "diff-tree", "-r", "-z", "-M", "--no-commit-id", "--name-status", f"{commit}^", commit
        )
        words, found = iter(said.decode("utf-8", "surrogateescape").split("\0")), []
        for kind in words:
            if kind:
                old = next(words, "")
                found.append((kind[0], old, next(words, "") if kind[0] in "RC" else old))
        return found

    def _blob(self, commit: str, path: str) -> bytes | None:
        done = self.repository.attempt("cat-file", "blob", f"{commit}:{path}")
        return done.stdout if done.returncode == 0 else None

    def _lines(self, *arguments: str) -> list[str]:
        return self.repository.text("--literal-pathspecs", *arguments).splitlines()


def _folder(inside: str, entries: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """The folder to which every file of another one went under its own name; all of them when they parted."""
    places = set()
    for kind, old, new in entries:
        if not old.startswith(inside) or kind in "AM":
            continue
        rest = old.removeprefix(inside)
        if kind != "R" or not new.endswith(f"/{rest}"):
            return ()
        places.add(new.removesuffix(f"/{rest}"))
    return tuple(sorted(places))
