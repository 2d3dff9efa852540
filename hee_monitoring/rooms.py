"""Directories that are held while their owner lives, and swept away once it died.

Responsible for making them, for telling a living owner from a dead one, and for removing them whatever programs left
inside. What happens in them, and what they are called, is their owners'.

Invariant: a room is removed only by its owner, or when the kernel says that its owner is gone: the lock in it dies with
the process, however it dies and in whatever container it ran.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = ".lock"


@contextmanager
def room(parent: Path, name: str) -> Iterator[Path]:
    """Makes a directory below `parent` that holds nothing but its lock, and removes it on the way out; raises OSError."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = Path(tempfile.mkdtemp(prefix=".", dir=parent))
    try:
        with _held(place):
            place = place.rename(parent / name).resolve()  # a sweeper sees it only now that it is held
            yield place
    finally:
        remove(place)


def sweep(parent: Path, prefix: str) -> tuple[Path, ...]:
    """Removes the rooms of this user whose names begin so and whose owners are gone; returns where they were, or still are."""
    swept = []
    for place in sorted(parent.glob(f"{prefix}*")):
        if place.is_symlink() or not place.is_dir():
            continue
        with suppress(OSError):  # held by its owner, or gone meanwhile
            if place.lstat().st_uid == os.geteuid():
                with _held(place):
                    remove(place)
                swept.append(place)
    return tuple(swept)


def remove(place: Path) -> None:
    """Removes a directory that a program worked in, also what it locked and what a layer keeps to itself; follows no link."""
    for folder, folders, _ in os.walk(place):
        for name in folders:
            below = Path(folder, name)
            if not below.is_symlink():
                with suppress(OSError):
                    below.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Holds the lock of a directory; raises OSError when somebody else does, or when the directory is gone."""
    lock = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(lock), (place / _LOCK).lstat()):
            raise FileNotFoundError(f"{place} was made anew")
        yield
    finally:
        os.close(lock)
