"""One capsule after the other: what vanished, flaps, goes back or begins again between capsules of one name over days.

Sub-rules: 001 **m** a state version that goes back · 005 **a** a constraint or dependency that vanished without a decision that
names it · **b** a context value that changed and changed back · **i** a session that begins where the one before began.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from hee_monitoring.detectors.capsules import found_in
from hee_monitoring.detectors.subject import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_monitoring.detectors.capsules import Capsule
    from hee_monitoring.detectors.subject import Found

_STATE = re.compile(r"^state-v(\d+)$")
_KEPT = re.compile(r"/(?:context/)?(?:constraints|dependencies)/([^/]+)$")
_MANY = 10


def of_series(capsules: Iterable[Capsule]) -> Iterator[Found]:
    """Compares each capsule with the one before it, and values over the whole series."""
    series: dict[str, list[Capsule]] = {}
    for capsule in capsules:
        if capsule.day:
            series.setdefault(capsule.series, []).append(capsule)
    for name, entries in sorted(series.items()):
        entries.sort(key=lambda entry: (entry.day, entry.path))
        for before, after in pairwise(entries):
            yield from _step(before, after)
        yield from _flapping(name, entries)


def _step(before: Capsule, after: Capsule) -> Iterator[Found]:
    """From one capsule of a series to the next."""
    decided = " ".join(value.text for value in after.values if value.pointer.startswith("/decisions")).casefold()
    kept = after.under(_KEPT)
    for key, value in before.under(_KEPT).items():
        named = value.text if key.isdigit() else key
        still = any(value.text == other.text for other in kept.values()) if key.isdigit() else key in kept
        if not still and named.casefold() not in decided and after.nodes:
            evidence = (line(after.path, 1, f"{named} is not carried on"), line(before.path, value.line, named))
            yield found_in("005.a", f"{after.path} {named}", "a constraint or dependency vanished", evidence)
    one, other = (
        [(value.text, value.line) for value in capsule.values if value.pointer.startswith("/next_chat_bootstrap")]
        for capsule in (before, after)
    )
    if one and [text for text, _ in one] == [text for text, _ in other]:
        evidence = (line(after.path, other[0][1], other[0][0]), line(before.path, one[0][1], one[0][0]))
        yield found_in("005.i", after.path, "a session begins where the one before began", evidence, 8000)
    old, new = _state(before), _state(after)
    if old and new and int(new[0]) < int(old[0]):
        evidence = (line(after.path, new[1], f"state-v{new[0]}"), line(before.path, old[1], f"state-v{old[0]}"))
        yield found_in("001.m", after.path, "the state version goes back", evidence)


def _state(capsule: Capsule) -> tuple[str, int] | None:
    return next(((match[1], value.line) for value in capsule.values if (match := _STATE.match(value.text))), None)


def _flapping(name: str, entries: list[Capsule]) -> Iterator[Found]:
    """A context value that was one thing, another, and the first again."""
    history: dict[str, list[tuple[str, Capsule, int]]] = {}
    for capsule in entries:
        for value in capsule.values:
            if re.match(r"/context/[A-Za-z_][^/]*$", value.pointer):
                runs = history.setdefault(value.pointer, [])
                if not runs or runs[-1][0] != value.text:
                    runs.append((value.text, capsule, value.line))
    for pointer, runs in sorted(history.items()):
        if any(first[0] == third[0] for first, third in zip(runs, runs[2:], strict=False)):
            told = [line(capsule.path, at, f"{pointer}: {text}") for text, capsule, at in reversed(runs[-_MANY:])]
            yield found_in("005.b", f"{name} {pointer}", "a value of the context changes back and forth", told)
