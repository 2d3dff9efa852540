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

from hee_core.errors import IntegrityError
from hee_core.merkle import Frontier

if TYPE_CHECKING:
    from hee_core.chain import Head
    from hee_core.clock import Clock
    from hee_core.disk import Disk


def state_directory(name: str) -> Path:
    """`HEE_HOME/<name>` if that is set, else `$XDG_STATE_HOME/hee/<name>`, else `~/.local/state/hee/<name>`."""
    home = os.environ.get("HEE_HOME")
    if home:
        return Path(home).expanduser().absolute() / name
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "hee" / name


class Seen:
    """The memory of one place, which is named by its path."""

    def __init__(self, place: str, *, disk: Disk, clock: Clock, base: Path | None = None) -> None:
        """Reads and writes nothing yet."""
        self._place = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._base = base or state_directory("seen")
        self._disk = disk
        self._clock = clock
        self._read: dict[str, Frontier] = {}

    def path(self, log_id: str) -> Path:
        """The file about a log."""
        return self._base / f"{log_id[:32]}-{self._place}.json"

    def size(self, log_id: str) -> int:
        """How many events were verified here before; 0 if none were."""
        return self._kept(log_id).size

    def stands_at(self, head: Head) -> bool:
        """Says whether exactly this head is what was verified here last, or nothing was and it is the beginning."""
        return self._kept(head.log_id) == head.frontier

    def _kept(self, log_id: str) -> Frontier:
        if log_id not in self._read:
            try:
                self._read[log_id] = Frontier.load(json.loads(self.path(log_id).read_bytes()))
            except (OSError, ValueError, IntegrityError):
                self._read[log_id] = Frontier()
        return self._read[log_id]

    def contradiction(self, head: Head, then: Frontier) -> tuple[int, str, str] | None:
        """Says what was seen here and is no more: the index from which on, the kind, and words; None if nothing is.

        `then` is the frontier that the log now has at the size that was seen. Where it differs, the first event that
        does is in the first complete subtree that does.
        """
        kept, path = self._kept(head.log_id), self.path(head.log_id)
        if head.size < kept.size:
            words = f"{kept.size} events were verified here before, and only {head.size} are left ({path})"
            return head.size, "rolled-back", words
        first = 0
        bits = [1 << at for at in range(kept.size.bit_length() - 1, -1, -1) if kept.size >> at & 1]
        for count, seen, now in zip(bits, kept.hashes, then.hashes or kept.size.bit_count() * (b"",), strict=True):
            if seen != now:
                first = max(first, 1)  # the very first is the same: its hash is the name of the log
                words = (
                    f"an event from {first} on, of {kept.size}, is not the one that was verified here before ({path})"
                )
                return first, "rewritten", words
            first += count
        return None

    def keep(self, head: Head) -> None:
        """Remembers a verified head; a machine that cannot is no safer, and no worse off."""
        path = self.path(head.log_id)
        beside = path.with_name(f".{path.name}.{os.getpid()}-{self._clock.nonce()[:8]}")
        if self._kept(head.log_id).size == head.size:
            return
        data = json.dumps(head.frontier.dump()).encode()
        try:
            self._disk.make_directory(path.parent)
            self._disk.write(beside, data)
            self._disk.rename(beside, path)
            self._read[head.log_id] = head.frontier
        except OSError:
            return
