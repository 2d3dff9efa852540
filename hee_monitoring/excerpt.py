"""The lines of an unexplained failure that are worth keeping: what looks like an error, and what was said last.

Responsible for choosing them, so that a failure that nobody understands yet can still be learned from when its log is gone.
Invariant: bounded in number, and publishable: nothing is kept that a redaction would have to take back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_monitoring.joblog import JobLog

LINES = 9
_GUESSES = 4
_TAIL = 12
_TEXT_LIMIT = 300


def excerpt(log: JobLog, looking: Mapping[int, str], stop: int, *, without: Iterable[int]) -> list[tuple[int, str]]:
    """Line numbers with texts, in their order: the first lines of `looking`, then those just before line `stop`."""
    left_out = set(without)
    chosen = {number: text for number, text in sorted(looking.items()) if number not in left_out}
    kept = dict(list(chosen.items())[:_GUESSES])
    for number, text in reversed(_before(log, stop)):
        if len(kept) < LINES and number not in left_out:
            kept.setdefault(number, text)
    shown = ((number, publishable(text, limit=_TEXT_LIMIT).strip()) for number, text in sorted(kept.items()))
    return [(number, text) for number, text in shown if text]


def _before(log: JobLog, stop: int) -> list[tuple[int, str]]:
    """The last lines before line `stop` that say anything."""
    last: list[tuple[int, str]] = []
    for segment in log.segments():
        if segment.first_line >= stop:
            break
        lines = segment.text.split(b"\n")[: stop - segment.first_line]
        found: list[tuple[int, str]] = []
        for number in range(len(lines) - 1, -1, -1):
            text = lines[number][: 4 * _TEXT_LIMIT].decode("utf-8", "replace")
            if any(letter.isalnum() for letter in text):
                found.append((segment.first_line + number, text))
                if len(found) == _TAIL:
                    break
        last = (last + found[::-1])[-_TAIL:]
    return last
