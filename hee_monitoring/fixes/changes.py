"""What a repair changed: one value per file, with the bytes before and after.

Responsible for the value and for counting changed lines. Who made the change and
whether it may stand is left to `transaction` and `diffpolicy`. Pure.

Invariant: `insertions` and `deletions` never count fewer lines than the smallest diff has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REGULAR = "100644"
EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"
_SMALL = 250_000  # cells of a matrix that difflib fills in well under a second


@dataclass(frozen=True)
class FileChange:
    """One file before and after; `old` is None for a new file, `new` for a deleted one. Modes are git's, octal text."""

    path: str
    old: bytes | None
    new: bytes | None
    old_mode: str = REGULAR
    new_mode: str = REGULAR

    @property
    def binary(self) -> bool:
        """Says whether either side is no text."""
        return any(b"\0" in side for side in (self.old, self.new) if side)

    @property
    def old_text(self) -> str:
        """The file before, with bytes that are not UTF-8 kept apart; empty for a new file."""
        return (self.old or b"").decode("utf-8", "surrogateescape")

    @property
    def new_text(self) -> str:
        """The file after; empty for a deleted one."""
        return (self.new or b"").decode("utf-8", "surrogateescape")

    @cached_property
    def lines(self) -> tuple[int, int]:
        """Lines inserted and deleted."""
        return count_lines((self.old or b"").splitlines(keepends=True), (self.new or b"").splitlines(keepends=True))


def count_lines(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[int, int]:
    """Lines inserted and deleted between two texts: never fewer than the smallest diff has, and about as many."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) * len(new) <= _SMALL:
        same = sum(block.size for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
        return len(new) - same, len(old) - same
    anchors = _anchors(old, new)
    if not anchors:
        return len(new), len(old)
    inserted = deleted = 0
    at_old = at_new = 0
    for in_old, in_new in [*anchors, (len(old), len(new))]:
        more, fewer = count_lines(old[at_old:in_old], new[at_new:in_new])
        inserted, deleted = inserted + more, deleted + fewer
        at_old, at_new = in_old + 1, in_new + 1
    return inserted, deleted


def _anchors(old: Sequence[bytes], new: Sequence[bytes]) -> list[tuple[int, int]]:
    """The longest rising run of lines that each side has exactly once (patience diff)."""
    counts_old, counts_new = Counter(old), Counter(new)
    place = {line: number for number, line in enumerate(new) if counts_new[line] == 1}
    pairs = [(number, place[line]) for number, line in enumerate(old) if counts_old[line] == 1 and line in place]
    tails: list[int] = []  # the smallest last position of a rising run of each length
    at: list[int] = []  # which pair ends that run
    before: list[int] = []
    for number, (_, position) in enumerate(pairs):
        length = bisect_left(tails, position)
        before.append(at[length - 1] if length else -1)
        tails[length : length + 1] = [position]
        at[length : length + 1] = [number]
    run, number = [], at[-1] if at else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]
