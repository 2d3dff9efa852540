"""Measures the line of a diagnosis on failed builds in which people copied out what explains the failure.

Responsible for reading such examples in place (the layout of the LogChunks tool: `example-sets/BuildFailureReason` names a log below
`samples/` and holds the text that a person copied from it), for finding that text in the log, and for counting. No text leaves here.

Invariant: an example's half depends on its repository alone; misses are named for the tuning half only, so that nobody
who writes patterns sees what the other half holds.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.classify import explain_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hee_monitoring.database import PatternDB

HALVES = ("tuning", "aside")
_EXAMPLE = re.compile(r"<ExampleDataOfString>.*?<InputPath>([^<]+)</InputPath>.*?<Output>([^<]*)</Output>", re.DOTALL)
# What a copied text has lost or kept of what terminals draw with, with and without the control character itself.
_DRAWN = re.compile(r"\x1b?\[[0-9;]*[mGKJH]|[\x00-\x1f\x7f\ufffd]|\s+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one example; `right` is None where the copied text was not found in the log."""

    log: str
    half: str
    category: str
    line: int
    right: bool | None


def present(root: Path) -> bool:
    """Says whether a directory holds such examples."""
    return (root / "example-sets" / "BuildFailureReason").is_dir() and (root / "samples").is_dir()


def examples(root: Path) -> Iterator[tuple[str, str, bytes]]:
    """Each example: the log's name, the text that a person copied from it, and the log."""
    samples = (root / "samples").resolve()
    for path in sorted((root / "example-sets" / "BuildFailureReason").rglob("*.xml")):
        for name, text in _EXAMPLE.findall(path.read_text("utf-8", "replace")):
            log = (samples / html.unescape(name)).resolve()
            if log.is_relative_to(samples) and log.is_file():
                yield html.unescape(name), html.unescape(text), log.read_bytes()


def lines_of(text: str, log: bytes) -> range | None:
    """The lines of a log, from 1, that a copied text takes up where it first stands; None if it is not there, or blank."""
    wanted = [plain for row in text.splitlines() if (plain := _DRAWN.sub("", row))]
    rows = log.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    there = [(plain, number) for number, row in enumerate(rows, 1) if (plain := _DRAWN.sub("", row))]
    for first in range(len(there) - len(wanted) + 1) if wanted else ():
        part = [plain for plain, _ in there[first : first + len(wanted)]]
        if _same(part, wanted):
            return range(there[first][1], there[first + len(wanted) - 1][1] + 1)
    return None


def _same(part: Sequence[str], wanted: Sequence[str]) -> bool:
    """Says whether rows are the wanted ones; a person may have begun or ended within a row."""
    if len(wanted) == 1:
        return wanted[0] in part[0]
    return part[0].endswith(wanted[0]) and part[-1].startswith(wanted[-1]) and part[1:-1] == wanted[1:-1]


def measure(root: Path, database: PatternDB) -> list[Outcome]:
    """Explains every example's log."""
    outcomes = []
    for name, text, log in examples(root):
        found = explain_log(log, database)
        place = lines_of(text, log)
        half = HALVES[hashlib.sha256(name.rpartition("/")[0].encode()).digest()[0] % 2]
        outcomes.append(Outcome(name, half, found.category, found.line, None if place is None else found.line in place))
    return outcomes


def tally(outcomes: Sequence[Outcome], half: str) -> dict[str, int]:
    """Counts for one half."""
    mine = [outcome for outcome in outcomes if outcome.half == half]
    said = Counter(outcome.category for outcome in mine)
    return {
        "logs": len(mine),
        "located": sum(outcome.right is not None for outcome in mine),
        "line right": sum(outcome.right is True for outcome in mine),
        "unknown": said["unknown"],
        "called green": said["none"],
    }


def report(outcomes: Sequence[Outcome]) -> str:
    """The page's part about these examples; without any it says that they were not measured."""
    out = ["", "## The lines that people copied out", ""]
    if not outcomes:
        return "\n".join([*out, "Not measured: no directory with such examples was given (`--examples`).", ""])
    out += [
        (
            "LogChunks (Brandt, Panichella, Zaidman, Beller 2020): failed builds of Travis in which a person copied out the text that explains the "
            "failure. A line is right if it lies where that text first stands. Examples are read in place and are no part of this repository; halves are by "
            "repository. Texts that are not found in their log again count for nothing."
        ),
        "", "| half | logs | text located | line in it | unknown | called green |", "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for half in HALVES:
        count = tally(outcomes, half)
        right, located = count["line right"], count["located"]
        share = f"{right} ({right * 100 // located} %)" if located else "-"
        out.append(f"| {half} | {count['logs']} | {located} | {share} | {count['unknown']} | {count['called green']} |")
    return "\n".join(out) + "\n"
