"""Every write, link, rename, removal and fsync that the log makes itself, one method each.

A name appears only with its whole content behind it (write beside, fsync, rename, fsync the directory), and a test can
replace this object to record the calls, fail any of them, or rebuild the disk that a power cut would leave.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Disk:
    """The real one."""

    def write(self, path: Path, data: bytes, *, sync: bool = True) -> None:
        """Creates a file that must not exist yet."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, existing: Path, new: Path) -> None:
        """Gives a file a second name that nothing may have yet."""
        os.link(existing, new)

    def rename(self, old: Path, new: Path) -> None:
        """Gives a file its name, replacing what had it."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Removes a file if it is there."""
        path.unlink(missing_ok=True)

    def make_directory(self, path: Path) -> None:
        """Makes a directory and what is missing above it; each new name is durable when this returns."""
        missing = []
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            self.sync_directory(each.parent)

    def sync(self, path: Path) -> None:
        """Makes the content of a file durable that another program wrote."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Makes the names in a directory durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def boot(self) -> str:
        """Names this run of the machine, so that a power cut in between can be told; empty where nothing says so."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Holds an advisory lock that the kernel drops when its holder dies, however it dies."""
        self.make_directory(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
