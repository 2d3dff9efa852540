"""Disks that fail on cue, and one that remembers everything, so that any power cut can be replayed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hee_core.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FailingDisk(Disk):
    """Fails the n-th call (from 0) with an error, before it does anything, or after half of it was done."""

    def __init__(self, at: int, code: int, *, half: bool = False) -> None:
        self.at, self.code, self.half = at, code, half
        self.calls = 0

    def _turn(self, path: Path) -> bool:
        self.calls += 1
        if self.calls - 1 != self.at:
            return False
        if self.half:
            return True
        raise OSError(self.code, os.strerror(self.code), str(path))

    def _fail(self, path: Path) -> None:
        raise OSError(self.code, os.strerror(self.code), str(path))

    def write(self, path: Path, data: bytes, *, sync: bool = True) -> None:
        if self._turn(path):
            super().write(path, data[: len(data) // 2], sync=False)
            self._fail(path)
        super().write(path, data, sync=sync)

    def link(self, existing: Path, new: Path) -> None:
        half = self._turn(new)
        super().link(existing, new)
        if half:
            self._fail(new)

    def rename(self, old: Path, new: Path) -> None:
        half = self._turn(new)
        super().rename(old, new)
        if half:
            self._fail(new)

    def remove(self, path: Path) -> None:
        half = self._turn(path)
        super().remove(path)
        if half:
            self._fail(path)

    def make_directory(self, path: Path) -> None:
        if not path.is_dir() and self._turn(path):
            self._fail(path)
        super().make_directory(path)

    def sync_directory(self, path: Path) -> None:
        if self._turn(path):
            self._fail(path)
        super().sync_directory(path)

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        if self._turn(path):
            self._fail(path)
        with super().lock(path):
            yield


@dataclass
class Inode:
    """A file's content: what the disk surely has, and what it may have."""

    now: bytes
    durable: bytes = b""


@dataclass
class RecordingDisk(Disk):
    """Does everything for real, and writes down what a power cut could undo.

    A name that was given or taken is certain once its directory was synced after it, and content once its file was.
    Everything else may be there or not, in any combination: names do not reach the disk in order.
    """

    boots: int = 0
    inodes: dict[int, Inode] = field(default_factory=dict)
    pending: list[tuple[Path, int | None]] = field(default_factory=list)  # name changes whose directory is not synced
    moments: list[tuple[list[tuple[Path, int | None]], dict[int, Inode], dict[Path, int | None]]] = field(
        default_factory=list
    )
    names: dict[Path, int | None] = field(default_factory=dict)  # certain
    _next: int = 0
    _at: dict[Path, int] = field(default_factory=dict)

    def boot(self) -> str:
        return f"boot {self.boots}"

    def _moment(self) -> None:
        inodes = {number: Inode(inode.now, inode.durable) for number, inode in self.inodes.items()}
        self.moments.append((list(self.pending), inodes, dict(self.names)))

    def _inode(self, path: Path) -> int:
        if path not in self._at:
            self._next += 1
            data = path.read_bytes() if path.is_file() else b""
            self.inodes[self._next] = Inode(data, data)
            self._at[path] = self._next
            self.names[path] = self._next
        return self._at[path]

    def _name(self, path: Path, inode: int | None) -> None:
        if inode is None:
            self._at.pop(path, None)
        else:
            self._at[path] = inode
        self.pending.append((path, inode))
        self._moment()

    def write(self, path: Path, data: bytes, *, sync: bool = True) -> None:
        super().write(path, data, sync=sync)
        self._next += 1
        self.inodes[self._next] = Inode(data)
        self._name(path, self._next)
        if sync:
            self.inodes[self._next].durable = data
            self._moment()

    def link(self, existing: Path, new: Path) -> None:
        super().link(existing, new)
        self._name(new, self._inode(existing))

    def rename(self, old: Path, new: Path) -> None:
        if new.exists():
            self._inode(new)  # what is replaced must be known, to come back
        inode = self._inode(old)
        super().rename(old, new)
        self._at.pop(old)
        self.pending.append((old, None))
        self._name(new, inode)

    def remove(self, path: Path) -> None:
        if path.exists():
            self._inode(path)
            super().remove(path)
            self._name(path, None)

    def sync(self, path: Path) -> None:
        super().sync(path)
        inode = self.inodes[self._inode(path)]
        inode.durable = inode.now

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        for made in path.iterdir():
            if made.is_file():
                self._inode(made)  # stock git made it, with its content fsynced: from here on its name is certain too
        for name, inode in [change for change in self.pending if change[0].parent == path]:
            self.names[name] = inode
        self.pending = [change for change in self.pending if change[0].parent != path]
        self._moment()
