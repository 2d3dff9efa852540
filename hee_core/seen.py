"""How far a log was when it was last verified on this machine, kept outside of its repository.

A repository that is put back as a whole agrees with itself; only somebody who saw more of it can tell. One small file
for each log in each place: two clones of one log may well be at different events. Invariant: what is kept was verified,
and is only ever replaced by a longer history that begins with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hee_core.chain import Head
    from hee_core.clock import Clock
    from hee_core.disk import Disk


def directory() -> Path:
    """`HEE_HOME/seen` if that is set, else `$XDG_STATE_HOME/hee/seen`, else `~/.local/state/hee/seen`."""
    home = os.environ.get("HEE_HOME")
    if home:
        return Path(home).expanduser().absolute() / "seen"
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "hee" / "seen"


class Seen:
    """The memory of one place, which is named by its path."""

    def __init__(self, place: str, *, disk: Disk, clock: Clock, base: Path | None = None) -> None:
        """Reads and writes nothing yet."""
        self._place = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._base = base or directory()
        self._disk = disk
        self._clock = clock
        self._read: dict[str, tuple[int, str]] = {}

    def path(self, log_id: str) -> Path:
        """The file about a log."""
        return self._base / f"{log_id[:32]}-{self._place}.json"

    def size(self, log_id: str) -> int:
        """How many events were verified here before; 0 if none were."""
        return self._kept(log_id)[0]

    def stands_at(self, head: Head) -> bool:
        """Says whether exactly this head is what was verified here last, or nothing was and it is the beginning."""
        return self._kept(head.log_id) in ((head.size, head.frontier.root().hex()), (0, "") if not head.size else None)

    def _kept(self, log_id: str) -> tuple[int, str]:
        if log_id not in self._read:
            try:
                kept = json.loads(self.path(log_id).read_bytes())
                self._read[log_id] = int(kept["size"]), str(kept["root"])
            except (OSError, ValueError, KeyError, TypeError):
                self._read[log_id] = 0, ""
        return self._read[log_id]

    def contradiction(self, head: Head, root_then: bytes) -> str | None:
        """Says what was seen here and is no more; None if the log goes on from what was seen, or nothing was.

        `root_then` is the root that the log now has at the size that was seen.
        """
        size, root = self._kept(head.log_id)
        if head.size < size:
            return f"{size} events were verified here before, and only {head.size} are left ({self.path(head.log_id)})"
        if size and root_then.hex() != root:
            return f"the first {size} events are not those that were verified here before ({self.path(head.log_id)})"
        return None

    def keep(self, head: Head) -> None:
        """Remembers a verified head; a machine that cannot is no safer, and no worse off."""
        path = self.path(head.log_id)
        beside = path.with_name(f".{path.name}.{os.getpid()}-{self._clock.nonce()[:8]}")
        data = json.dumps({"log": head.log_id, "size": head.size, "root": head.frontier.root().hex()}).encode()
        if self._kept(head.log_id)[0] == head.size:
            return
        try:
            self._disk.make_directory(path.parent)
            self._disk.write(beside, data)
            self._disk.rename(beside, path)
            self._read[head.log_id] = head.size, head.frontier.root().hex()
        except OSError:
            return
