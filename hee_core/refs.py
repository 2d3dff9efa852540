"""One ref of the files ref format, moved by git's own protocol and without a process.

`<ref>.lock` is taken, the old value compared, the ref replaced, the lock removed. A lock of ours is a hard link to one
durable file whose content nobody else writes, so that one that a killed writer or a power cut left is known and removed;
a lock that is not ours is never touched. Whoever moves a ref holds the log's own lock, so at most one writer of ours is
at work. Invariant: the ref moves durably from the value that was named, or not at all and with an error; only an error
after the rename leaves it open.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hee_core.errors import Conflict, GitError

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.clock import Clock
    from hee_core.disk import Disk

PATIENCE = 2.0  # seconds to wait for somebody else's ref lock
TOKEN = b"lock of a hee log: its writer holds the file hee/lock beside it, or is dead\n"


class RefFile:
    """A ref of a repository's common directory; `place` is where this writer keeps the other name of its lock."""

    def __init__(self, common_dir: Path, ref: str, *, hash_size: int, place: Path, disk: Disk, clock: Clock) -> None:
        """Writes nothing yet."""
        self.ref = ref
        self.path = common_dir / ref
        self._common = common_dir
        self._hash_size = hash_size
        self._place = place
        self._disk = disk
        self._clock = clock
        self._lock = self.path.with_name(f"{self.path.name}.lock")
        self._other_name = place / "token"
        self._sure = False  # of the token, which this writer has seen whole

    def read(self) -> str | None:
        """The id that the ref holds, None without one; raises GitError for anything else, as a symbolic ref."""
        try:
            value = _content(self.path).strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            value = self._packed(self.ref)
        if not value:
            return None
        text = value.decode("ascii", "replace")
        if len(value) != self._hash_size or not set(text) <= set("0123456789abcdef"):
            raise GitError(
                f"{self.ref} holds no commit: {text[:80]!a}", hint="`git for-each-ref` shows it; set it right"
            )
        return text

    def _packed(self, ref: str) -> bytes:
        try:
            packed = (self._common / "packed-refs").read_bytes()
        except FileNotFoundError:
            return b""
        end = packed.find(b" %s\n" % ref.encode())
        return packed[end - self._hash_size : end] if end >= 0 else b""

    def _in_the_way(self) -> str | None:
        """A branch that forbids this one: git keeps a ref `a` and a ref `a/b` apart by never having both."""
        parts = self.ref.split("/")
        for depth in range(3, len(parts)):
            above = "/".join(parts[:depth])
            if (self._common / above).is_file() or self._packed(above):
                return above
        return None

    def move(self, new: str, old: str | None) -> None:
        """Moves the ref durably; raises Conflict when it is not at `old`, GitError when the disk or git refuse."""
        if old is None and (other := self._in_the_way()):
            raise GitError(
                f"{self.ref} cannot be made: the branch {other.removeprefix('refs/heads/')} is in the way",
                hint=f"rename that branch: `git branch -m {other.removeprefix('refs/heads/')} <new name>`",
            )
        lock = self._lock
        mine = self._place / f"ref-{os.getpid()}-{self._clock.nonce()[:8]}"
        left = [mine]
        try:
            self._disk.make_directory(self.path.parent)
            self._disk.make_directory(self._place)
            self._disk.write(mine, f"{new}\n".encode())
            self._take(lock)
            left.append(lock)
            if self.read() != old:
                raise Conflict(f"{self.ref} moved meanwhile", hint="read again and retry")
            self._disk.rename(mine, self.path)
            left.remove(mine)
            self._disk.sync_directory(self.path.parent)
        except OSError as error:
            raise GitError(
                f"cannot move {self.ref}: {error.strerror} ({error.filename})",
                hint="free some space, or make the directory writable; then try again: nothing is appended twice",
            ) from None
        finally:
            for path in left[::-1]:
                self._drop(path)

    def _drop(self, path: Path) -> None:
        try:
            self._disk.remove(path)
        except OSError:
            return  # the next writer knows it for ours, and removes it

    def _take(self, lock: Path) -> None:
        deadline = self._clock.monotonic() + PATIENCE
        while True:
            sure = self._sure
            try:
                self._disk.link(self._token(), lock)
            except FileNotFoundError:  # git removes a directory of refs when it has packed the last one
                self._sure = False  # or somebody removed the token
                if (not sure and lock.parent.is_dir()) or self._clock.monotonic() > deadline:
                    raise
                self._disk.make_directory(lock.parent)
            except FileExistsError:
                if self._is_ours(lock):  # this writer holds the log's lock, so the one that took it is dead
                    self._disk.remove(lock)
                    continue
                if self._clock.monotonic() > deadline:
                    raise GitError(
                        f"{lock} is held by a program that is not hee",
                        hint="wait for it; if no git process runs here any more, remove that file",
                    ) from None
                self._clock.sleep(0.02)
            else:
                return

    def _token(self) -> Path:
        """The file that every lock of ours is another name of; it is durable before it is first used."""
        token = self._other_name
        if not self._sure and not self._is_ours(token):
            beside = self._place / f"ref-token-{os.getpid()}-{self._clock.nonce()[:8]}"
            self._disk.write(beside, TOKEN)
            self._disk.rename(beside, token)
            self._disk.sync_directory(self._place)
        self._sure = True
        return token

    def _is_ours(self, path: Path) -> bool:
        try:
            return path.read_bytes() == TOKEN
        except FileNotFoundError:
            return False


def _content(path: Path) -> bytes:
    """A small file's bytes, with as few calls as there are; enough of a larger one to see that it is no ref."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
