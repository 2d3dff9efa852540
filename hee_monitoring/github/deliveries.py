"""Which deliveries were here before, also before this process began: a file of digests, outside of the worktree.

A delivery is a knock, so nothing is lost with the file but the memory of knocks: what is played again then costs one look.
Invariant: it holds at most twice `REMEMBERED` lines of a fixed length, whatever a sender calls his deliveries; a file that
cannot be read or written is an empty memory, and no fault of the delivery.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

REMEMBERED = 1000
_LENGTH = 32


class Deliveries:
    """The last deliveries by their names; without a path only this process remembers them."""

    def __init__(self, path: Path | None = None) -> None:
        """Reads what is known."""
        self._path = path
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lines = 0
        for line in self._read():
            self._lines += 1
            if len(line) == _LENGTH:
                self._remember(line)

    def new(self, name: str) -> bool:
        """Whether a delivery was not here before; it was from now on."""
        mark = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:_LENGTH]
        if mark in self._known:
            return False
        self._remember(mark)
        self._write(mark)
        return True

    def _remember(self, mark: str) -> None:
        self._known[mark] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _read(self) -> list[str]:
        try:
            return self._path.read_text("ascii").splitlines() if self._path else []
        except (OSError, UnicodeDecodeError):
            return []

    def _write(self, mark: str) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._lines >= 2 * REMEMBERED:
                beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
                beside.write_text("".join(f"{known}\n" for known in self._known), "ascii")
                beside.replace(self._path)
                self._lines = len(self._known)
                return
            with self._path.open("a", encoding="ascii") as file:
                file.write(f"{mark}\n")
            self._lines += 1
        except OSError:
            return  # it is remembered while this process lives
