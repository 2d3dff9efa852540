"""The directory in which one repair happens, and its end.

Responsible for making it, for holding it so that others can tell a living repair from a dead one, and for removing it
whatever jobs left inside. What happens in it is `transaction`'s.

Invariant: a room is removed only by its owner, or when the kernel says that its owner is gone: the lock on the
directory dies with the process, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "fix-"


@contextmanager
def room(work: Path, fix_id: str) -> Iterator[Path]:
    """Makes an empty directory named after this process and the fix, holds it, and removes it on the way out."""
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = work / f"{_PREFIX}{os.getpid()}-{re.sub(r'[^A-Za-z0-9._-]', '-', fix_id)[:80]}"
    descriptor = -1
    while descriptor < 0:
        place.mkdir(mode=0o700)
        descriptor = _hold(place)  # a cleaner may have been between the two calls; then make it again
    try:
        yield place
    finally:
        _discard(place)
        os.close(descriptor)


def discard_leftovers(work: Path) -> tuple[str, ...]:
    """Removes the rooms of processes that died and says in a sentence each what was removed, or could not be."""
    said = []
    for place in sorted(work.glob(f"{_PREFIX}*")) if work.is_dir() else ():
        if place.is_symlink() or not place.is_dir():
            continue
        descriptor = _hold(place)
        if descriptor < 0:
            continue
        process, _, fix = place.name.removeprefix(_PREFIX).partition("-")
        _discard(place)
        os.close(descriptor)
        if place.exists():
            said.append(f"the unfinished repair {fix} of process {process} left {place}, which can't be removed")
        else:
            said.append(f"discarded the unfinished repair {fix} of process {process}; nothing of it was published")
    return tuple(said)


def _hold(place: Path) -> int:
    """Locks a directory; -1 when somebody else holds it or it is gone."""
    descriptor = -1
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), place.lstat()):
            return descriptor
    except OSError:
        pass  # taken, or gone meanwhile
    if descriptor >= 0:
        os.close(descriptor)
    return -1


def _discard(place: Path) -> None:
    """Removes a tree, also one with folders that a job made unwritable; never follows a link out of it."""
    for folder, names, _ in os.walk(place):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
