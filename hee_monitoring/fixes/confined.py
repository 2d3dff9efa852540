"""Reading and writing inside one directory, never through a symbolic link.

A checked-out tree is written by others: a tracked link may point anywhere. Responsible for opening a path part by part
so that no link is followed, neither the last part nor one before it; which paths are meant is left to the callers.

Invariant: no call here reads or changes a byte outside the directory given.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 64_000_000


def read(root: Path, path: str, *, limit: int = LIMIT) -> bytes | None:
    """The bytes of a regular file, or None when there is none or it is larger than `limit`."""
    try:
        with _parent(root, path) as (folder, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                facts = os.fstat(descriptor)
                return file.read() if stat.S_ISREG(facts.st_mode) and facts.st_size <= limit else None
    except (OSError, ValueError):
        return None


def write(root: Path, path: str, data: bytes) -> None:
    """Replaces the content of a regular file that exists; raises OSError when a link or nothing is there."""
    with _parent(root, path) as (folder, name):
        descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{path} is not a regular file")
            file.truncate(0)
            file.write(data)


def create(root: Path, path: str, data: bytes) -> None:
    """Makes a new file, with the folders above it; raises OSError when something has that name."""
    with _parent(root, path, make=True) as (folder, name):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
            file.write(data)


def make_executable(root: Path, path: str) -> None:
    """Sets the executable bits of a regular file; raises OSError when a link or nothing is there."""
    with _parent(root, path) as (folder, name):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(f"{path} is not a regular file")
            os.fchmod(descriptor, facts.st_mode | 0o111)
        finally:
            os.close(descriptor)


def walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and link below the directory with what `lstat` says, `/` between the parts; `.git` at the top is left out."""
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if path == ".git":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                else:
                    yield path, entry.stat(follow_symlinks=False)


@contextmanager
def _parent(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open folder that holds the last part of the path, and that part."""
    *folders, name = path.split("/")
    if any(part in ("", ".", "..") for part in (*folders, name)):
        raise ValueError(f"{path!r} is not a plain relative path")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    at = os.open(root, flags)
    try:
        for part in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
            below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        yield at, name
    finally:
        os.close(at)
