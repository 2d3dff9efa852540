"""Finds an expression's lines in one clean segment of a log.

Responsible for turning offsets into line numbers, for confirming that the line alone matches, for vetoes and for the line
below a hit that proves more. Which expressions to look for is left to `scan`.

Invariant: every hit's line is a line of the file given; hits are bounded in number for each step, whatever the log holds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from hee_monitoring.database import Pattern
    from hee_monitoring.joblog import Segment

LINE_LIMIT = 2000
HITS_PER_STEP = 20
BELOW = 60
ABOVE = 12
_MEMORY = 256 << 20
# What stands between a program's last words and the line that says it failed: blanks, rulers, other programs' "I stopped too".
_NOISE = (
    r"^(?:\W*$|(?:g?make|mingw32-make|ninja)(?:\[\d+\])?: |npm (?:ERR!|error)|error Command failed|info Visit |travis_|The command "
    r"|\+ |##\[|::|\S+: recipe for target |Makefile:\d+: |rake aborted|Tasks: TOP|\(See full trace|exit(?:ed)? (?:code|status)|[Ee]rror: [Pp]rocess completed)"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern on a line; `step` counts the steps of the log from 0; `head` is the line that led to this one, if another."""

    pattern: Pattern
    line: int
    text: str
    captures: dict[str, str]
    step: int
    head: tuple[int, str] | None = None


@dataclass(slots=True)
class Step:
    """A stretch of the log between two step boundaries; `failures` are the lines that state its failure."""

    line: int
    job: str
    name: str
    failures: list[int] = field(default_factory=list)


@cache
def compiled(regex: str) -> re.Pattern[bytes]:
    """An expression over bytes, as all engines read it; raises ValueError if RE2 refuses it."""
    import re2

    try:
        pattern: re.Pattern[bytes] = re2.compile(b"(?m)" + regex.encode(), options())
    except re2.error as error:
        raise ValueError(f"{regex}: {error}") from None
    return pattern


def options() -> Any:
    """RE2's options: bytes are characters, errors are raised and never printed."""
    import re2

    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.max_mem = _MEMORY
    chosen.log_errors = False
    return chosen


def matches(pattern: Pattern, line: str) -> bool:
    """Says whether a line alone is a hit of the pattern."""
    data = line.encode()
    vetoed = any(compiled(veto).search(data) for veto in pattern.vetoes)
    return not vetoed and any(compiled(regex).search(data) for regex in pattern.regexes)


class Finder:
    """The lines of one segment; `step_lines` are the first lines of all steps so far, in order."""

    def __init__(self, segment: Segment, step_lines: list[int]) -> None:
        """Splits nothing until something is looked for."""
        self._text = segment.text
        self._first = segment.first_line
        self._step_lines = step_lines
        self._line_starts: list[int] = []

    def _starts(self) -> list[int]:
        """Offsets at which lines begin, and the end of the text."""
        if not self._line_starts:
            self._line_starts = [0, *accumulate(map(len, self._text.splitlines(keepends=True)))]
        return self._line_starts

    def step(self, line: int) -> int:
        """The number of the step that a line belongs to."""
        return bisect_right(self._step_lines, line) - 1

    def text(self, line: int) -> str:
        """A line of the segment."""
        return _decode(self._line(line - self._first))

    def _line(self, number: int) -> bytes:
        starts = self._starts()
        if number + 1 >= len(starts):
            return b""
        return self._text[starts[number] : min(starts[number + 1], starts[number] + LINE_LIMIT)].rstrip(b"\n")

    def lines(self, regex: re.Pattern[bytes]) -> Iterator[int]:
        """Line numbers, at most a bounded number for each step."""
        for line, _ in self._matches(regex):
            yield line

    def hits(self, pattern: Pattern, regex: re.Pattern[bytes]) -> Iterator[Hit]:
        """Confirmed hits."""
        vetoes = [compiled(veto) for veto in pattern.vetoes]
        follow = compiled(pattern.then or pattern.peek) if pattern.then or pattern.peek else None
        for line, match in self._matches(regex):
            if any(veto.search(match.string) for veto in vetoes):
                continue
            hit = Hit(pattern, line, _decode(match.string), _captures(match), self.step(line))
            better = self._below(line, follow, regex) if follow is not None else None
            if pattern.above and (last := self.before(line)) is not None:
                hit = Hit(pattern, last[0], last[1], hit.captures, hit.step, (line, hit.text))
            if better is not None and pattern.peek:
                hit = Hit(pattern, line, hit.text, _captures(better[1]) | hit.captures, hit.step)
            elif better is not None:
                at, found = better
                captures = hit.captures | _captures(found)
                hit = Hit(pattern, at, _decode(found.string), captures, hit.step, (line, hit.text))
            yield hit

    def before(self, line: int) -> tuple[int, str] | None:
        """The last words above a line of the same step that are no mere noise, within a few lines: number and text."""
        noise, number = compiled(_NOISE), line - self._first
        first = max(number - ABOVE, self._step_lines[self.step(line)] - self._first, 0)
        for above in range(number - 1, first - 1, -1):
            if noise.search(text := self._line(above)) is None:
                return self._first + above, _decode(text)
        return None

    def _below(
        self, line: int, follow: re.Pattern[bytes], stop: re.Pattern[bytes]
    ) -> tuple[int, re.Match[bytes]] | None:
        """The first line below that proves more, before the next hit of the same kind."""
        number = line - self._first
        for below in range(number + 1, min(number + 1 + BELOW, len(self._starts()) - 1)):
            text = self._line(below)
            if (found := follow.search(text)) is not None:
                return self._first + below, found
            if stop.search(text) is not None:
                return None
        return None

    def _matches(self, regex: re.Pattern[bytes]) -> Iterator[tuple[int, re.Match[bytes]]]:
        """Matches within one line; after enough of them in a step it goes on in the next step."""
        starts, position, step, count = self._starts(), 0, -1, 0
        while position < len(self._text) and (rough := regex.search(self._text, position)) is not None:
            number = min(bisect_right(starts, rough.start()), len(starts) - 1) - 1
            exact = regex.search(self._line(number))
            position = starts[number + 1]
            if exact is None:
                continue
            here = self.step(self._first + number)
            count = count + 1 if here == step else 1
            step = here
            yield self._first + number, exact
            if count >= HITS_PER_STEP:
                if here + 1 >= len(self._step_lines):
                    return
                position = max(position, starts[self._step_lines[here + 1] - self._first])


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace").rstrip()


def _captures(match: re.Match[bytes]) -> dict[str, str]:
    """The named groups; RE2 names the groups of an expression over bytes in bytes."""
    groups: dict[Any, bytes | None] = match.groupdict()
    return {_decode(name): _decode(value).strip() for name, value in groups.items() if value}
