"""The private clone of a repair: where jobs and tools run, how their changes are read, how the fix becomes a commit.

Responsible for the pristine clone, for scenes (throw-away copies of it, one for every run of anything), for comparing a
scene with the commit, and for building the fix's tree. Who runs what in a scene is `transaction`'s.

Invariant: nothing ever runs inside the pristine clone, and git is never asked about a scene in which something ran:
what ran there may have rewritten its configuration. Changes are read as bytes and become objects here.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING, NamedTuple

from hee_core.git import Repository
from hee_governance.paths import any_match
from hee_monitoring.fixes import confined
from hee_monitoring.fixes.changes import EXECUTABLE, REGULAR, SYMLINK, FileChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_IDENTITY = "HEE <hee@localhost> 0 +0000"
_ALWAYS_IGNORED = "hee-always-ignored"

Snapshot = dict[str, tuple[int, int, int, int, int]]


class Numbers(NamedTuple):
    """The size of a diff as git counts it, and its bytes."""

    insertions: int
    deletions: int
    diff: bytes


class Bench:
    """A clone of one commit in a directory of its own."""

    def __init__(self, repository: Repository, commit: str, branch: str, place: Path) -> None:
        """Clones into `place`; raises GitError."""
        self.commit = commit
        self.place = place
        self.base = repository.clone_to(place / "pristine", commit, branch)
        self.modes = self._modes(commit)
        self._scenes = 0

    def _modes(self, commit: str) -> dict[str, str]:
        listing = self.base.run("ls-tree", "-r", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return {path: facts.split(" ", 1)[0] for facts, _, path in entries}

    @property
    def root(self) -> Path:
        """The pristine worktree."""
        return self.place / "pristine"

    def scene(self, commit: str) -> Path:
        """Makes a fresh checkout of a commit of the clone, with the whole history, that shares no file with anything."""
        self._scenes += 1
        target = self.place / f"scene-{self._scenes}" / "tree"
        target.mkdir(parents=True)
        shutil.copytree(self.base.git_dir, target / ".git", symlinks=True)
        Repository.discover(target).run("reset", "--hard", "--quiet", commit)
        return target

    def stand_at(self, commit: str) -> None:
        """Moves the pristine worktree to a commit, so that later changes are told from there."""
        self.base.run("reset", "--hard", "--quiet", commit)

    def drop(self, scene: Path) -> None:
        """Removes a scene early, so that many jobs do not fill the disk; what can't be removed goes with the room."""
        shutil.rmtree(scene.parent, ignore_errors=True)

    def leaving_links(self) -> tuple[str, ...]:
        """The tracked symbolic links that lead out of the tree."""
        top = os.path.realpath(self.root)
        links = (path for path, mode in self.modes.items() if mode == SYMLINK)
        return tuple(path for path in sorted(links) if not os.path.realpath(self.root / path).startswith(top + os.sep))

    def snapshot(self, scene: Path) -> Snapshot:
        """What `lstat` says of every file of a scene, to find later which ones changed."""
        return {
            path: (s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_mode, s.st_ino) for path, s in confined.walk(scene)
        }

    def changes(self, scene: Path, before: Snapshot, creates: tuple[str, ...] = ()) -> tuple[FileChange, ...]:
        """Every difference between a scene and the commit since the snapshot; new files that git ignores are none."""
        after = self.snapshot(scene)
        found = [self._change(scene, path, before, after) for path in sorted(before) if before[path] != after.get(path)]
        new = sorted(after.keys() - before.keys())
        ignored = self._ignored([path for path in new if not any_match(creates, path)])
        found += [self._change(scene, path, before, after) for path in new if path not in ignored]
        return tuple(change for change in found if (change.old, change.old_mode) != (change.new, change.new_mode))

    def _change(self, scene: Path, path: str, before: Snapshot, after: Snapshot) -> FileChange:
        old, old_mode = _entry(self.root, path) if path in before else (None, REGULAR)
        new, new_mode = _entry(scene, path) if path in after else (None, REGULAR)
        return FileChange(path, old, new, old_mode, new_mode)

    def _ignored(self, paths: Sequence[str]) -> set[str]:
        if not paths:
            return set()
        (self.base.git_dir / "info").mkdir(exist_ok=True)
        (self.base.git_dir / "info" / "exclude").write_text(f"{_ALWAYS_IGNORED}\n", encoding="utf-8")
        asked = "\0".join([*paths, _ALWAYS_IGNORED, ""]).encode("utf-8", "surrogateescape")  # never an empty answer
        answer = self.base.run("check-ignore", "--no-index", "-z", "--stdin", stdin=asked)
        return set(answer.decode("utf-8", "surrogateescape").split("\0"))

    def record(self, changes: Sequence[FileChange], message: str) -> tuple[str, str]:
        """Makes the tree of the commit with the changes, and an unsigned commit of it to judge; both stay in the clone."""
        lines = []
        for change in changes:
            blob = (
                self.base.run("hash-object", "-w", f"--path={change.path}", "--stdin", stdin=change.new)
                .decode()
                .strip()
            )
            lines.append(f"{change.new_mode} {blob}\t{change.path}\0")
        self.base.run("read-tree", self.commit)
        self.base.run("update-index", "-z", "--index-info", stdin="".join(lines).encode("utf-8", "surrogateescape"))
        tree = self.base.text("write-tree")
        body = f"tree {tree}\nparent {self.commit}\nauthor {_IDENTITY}\ncommitter {_IDENTITY}\n\n{message}"
        commit = self.base.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=body.encode()).decode().strip()
        return tree, commit

    def numbers(self, commit: str) -> Numbers:
        """The difference between the failing commit and another one, as git counts and prints it by default."""
        options = ("-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--diff-algorithm=myers")
        inserted = deleted = 0
        for line in self.base.text("diff-tree", "--numstat", *options, self.commit, commit).splitlines():
            plus, minus, _ = line.split("\t", 2)
            inserted, deleted = inserted + int(plus.replace("-", "0")), deleted + int(minus.replace("-", "0"))
        form = ("-p", "--full-index", "--binary", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/")
        return Numbers(inserted, deleted, self.base.run("diff-tree", *form, *options, self.commit, commit))

    def holds(self, repository: Repository, commit: str, tree: str) -> bool:
        """Says whether a commit of a repository has exactly this tree and the failing commit as its only parent."""
        return (
            repository.ref(f"{commit}^{{tree}}") == tree
            and repository.ref(f"{commit}^1") == self.commit
            and repository.ref(f"{commit}^2") is None
        )


def modes_with(modes: Mapping[str, str], changes: Sequence[FileChange]) -> dict[str, str]:
    """The modes of a tree after changes."""
    return {**modes, **{change.path: change.new_mode for change in changes}}


def _entry(root: Path, path: str) -> tuple[bytes | None, str]:
    """The content and git's mode of what stands at a path; a link's content is its target. None when it can't be read."""
    facts = (root / path).lstat()
    if stat.S_ISLNK(facts.st_mode):
        return os.fsencode((root / path).readlink()), SYMLINK
    if not stat.S_ISREG(facts.st_mode):
        return None, "000000"
    return confined.read(root, path), EXECUTABLE if facts.st_mode & 0o100 else REGULAR
