"""What a candidate would have matched on everything known, and whether that speaks against it.

Responsible for the replay over recorded lines, whole logs of failures and logs of success. What the expression itself
must be like is `candidates`' rule, what people decided is looked up by `learning`.

Invariant: a candidate that passes matched no passing log, nothing that an existing pattern explains, and little that it
was not made of; each log is cleaned once, however many candidates are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.finder import compiled
from hee_monitoring.joblog import read

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from hee_monitoring.miner import Template

FOREIGN = 20  # of a hundred lines of other failures, and of a hundred explained logs, that a candidate may match
FEW = 5  # fewer explained logs than that say nothing about a share
REPEATED = 20  # lines of one log that a candidate may match


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure as far as it is known: publishable lines, the first evidence in front. `log` is the whole text, if there is one."""

    run: str
    repository: str
    lines: tuple[str, ...]
    explained: bool
    log: bytes = b""


class Rehearsal:
    """Failures and passing logs, ready to be searched by one expression after the other."""

    def __init__(self, failures: Sequence[Failure], successes: Sequence[bytes]) -> None:
        """Cleans every log once."""
        self.unexplained = [failure for failure in failures if not failure.explained]
        self._known = [text for failure in failures if failure.explained for text in failure.lines]
        self._explained = [_clean(failure.log) for failure in failures if failure.explained and failure.log]
        self._red = [_clean(failure.log) for failure in self.unexplained if failure.log]
        self._green = [_clean(data) for data in successes]
        self.lines = sum(len(each.lines) for each in failures) + sum(
            text.count(b"\n") for text in (*self._explained, *self._red, *self._green)
        )

    def matched(self, regex: str) -> list[tuple[Failure, str]]:
        """The unexplained failures that an expression matches, each with the line."""
        matcher = compiled(regex)
        return [(each, text) for each in self.unexplained for text in each.lines if matcher.search(text.encode())]

    def objection(self, template: Template, regex: str, covered: set[str], support: int) -> str:
        """Why a candidate is not worth a pattern by what it matches; `covered` are the runs that a better one explains."""
        matcher, own = compiled(regex), {line.text for line in template.lines}
        if not all(matcher.search(text.encode()) for text in own):
            return "does not match its own lines"
        if len({line.run for line in template.lines} - covered) < support:
            return "explains nothing that a better one leaves"
        strange = [text for failure in self.unexplained for text in failure.lines if text not in own]
        if sum(matcher.search(text.encode()) is not None for text in strange) * 100 > FOREIGN * len(strange):
            return "too general: it matches what it was not made of"
        if any(matcher.search(text.encode()) for text in self._known):
            return "an existing pattern explains what it matches"
        if any(_hits(matcher, text) for text in self._green):
            return "matches a passing log"
        shared = sum(_hits(matcher, text) > 0 for text in self._explained)
        if shared * 100 > FOREIGN * max(len(self._explained), FEW):
            return "too general: it matches logs that other patterns explain"
        if any(_hits(matcher, text) > REPEATED for text in self._red):
            return "too general: it matches many lines of one log"
        return ""


def _clean(data: bytes) -> bytes:
    """A log's text as patterns see it."""
    return b"".join(segment.text for segment in read(data).segments())


def _hits(matcher: re.Pattern[bytes], text: bytes) -> int:
    """How many lines of a text an expression matches, counted up to one more than is allowed."""
    count, at = 0, 0
    while count <= REPEATED and at <= len(text) and (found := matcher.search(text, at)) is not None:
        count += 1
        end = text.find(b"\n", found.end())
        at = end + 1 if end >= 0 else len(text) + 1
    return count
