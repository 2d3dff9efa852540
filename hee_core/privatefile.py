"""Files that only their owner reads: made whole and durably, read with care, and destroyed.

Responsible for the bytes on the disk; what they mean is the caller's. Invariant: such a file is never overwritten but
to destroy it, never readable by others, and its content is in no error.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hee_core.errors import KeyFault

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 65536


def create(path: Path, data: bytes, *, unique: str) -> bool:
    """Makes a file durably; False if its name is taken. `unique` sets its draft apart from those of other writers."""
    if os.path.lexists(path):
        return False
    draft = path.with_name(f".{path.name}.{unique}")
    try:
        made = _directories(path.parent)
        try:
            _write(draft, data, os.O_CREAT | os.O_EXCL)
            os.link(draft, path)
        except FileExistsError:
            return False  # somebody was first
        finally:
            draft.unlink(missing_ok=True)
        for folder in (path.parent, *made):
            _sync(folder)
    except OSError as error:
        raise KeyFault(
            f"{path}: it could not be written: {error.strerror}", hint="set HEE_HOME to a directory you can write"
        ) from None
    return True


def read(path: Path) -> bytes | None:
    """The content of a file that nobody else can read; None if there is none, KeyFault for any other."""
    try:
        # O_NONBLOCK: opening a pipe by mistake must not wait for a writer
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFault(f"{path}: it cannot be opened: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
            raise KeyFault(f"{path}: expected a small regular file")
        if status.st_mode & 0o077:
            raise KeyFault(
                f"{path}: others can read it (mode {stat.S_IMODE(status.st_mode):o})", hint=f"chmod 600 {path}"
            )
        return os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)


def destroy(path: Path) -> bool:
    """Overwrites a file, removes it and makes that durable; False if there is none.

    Overwriting reaches the same blocks on a file system that writes in place; elsewhere removal is what there is.
    """
    try:
        _write(path, bytes(path.lstat().st_size), os.O_NOFOLLOW)
        path.unlink()
        _sync(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise KeyFault(f"{path}: it could not be destroyed: {error.strerror}", hint="remove it by hand") from None
    return True


def _directories(folder: Path) -> list[Path]:
    """Makes the missing directories, for this user only; returns the parents whose entries are new."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return [each.parent for each in missing]


def _write(path: Path, data: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
