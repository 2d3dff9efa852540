"""Measures the diagnosis on a corpus of labelled logs and writes the report.

Responsible for reading the corpus (an `index.tsv` beside gzipped logs), for telling the part that patterns were tuned on from
the part that was kept aside, and for counting. It judges no pattern and changes none.

Invariant: a log's part depends only on the repository it comes from, so all logs of a repository are on the same side.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.classify import NONE, explain_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hee_monitoring.database import PatternDB

_HEAD = 400_000
_REPOSITORY = re.compile(rb"Syncing repository: (\S+)|repository: (\S+/\S+)")
_NUMBERED = re.compile(r"_\d+\.(?:fail|pass)\.log\.gz$")
PARTS = ("tuning", "kept aside")


@dataclass(frozen=True, slots=True)
class Label:
    """One log with what is known about it; `ranges` are first and last lines, 1-based, where the source gives them."""

    file: str
    part: str
    passed: bool
    category: str
    accepted: frozenset[str]
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the diagnosis said of a labelled log; `line_right` is None where the label gives no lines."""

    label: Label
    category: str
    pattern_id: str
    line: int
    right: bool
    line_right: bool | None


def labels(corpus: Path) -> Iterator[tuple[Label, bytes]]:
    """Each labelled log with its bytes."""
    with (corpus / "index.tsv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index, delimiter="\t"):
            data = gzip.decompress((corpus / row["file"]).read_bytes())
            side = int(hashlib.sha256(repository_of(row["file"], data).encode()).hexdigest()[:8], 16) % 5
            accepted = frozenset({row["category"], *row["also_right"].split(",")} - {""})
            ranges = tuple(_ranges(row["failure_lines"])) if row["lines_by"].startswith("source") else ()
            yield (
                Label(row["file"], PARTS[side < 2], row["conclusion"] == "pass", row["category"], accepted, ranges),
                data,
            )


def repository_of(file: str, data: bytes) -> str:
    """The repository a log comes from, as far as it can be told; else the log itself."""
    source, name = file.split("/", 1)
    if source == "cidiff":
        return "cidiff:" + _NUMBERED.sub("", name.split("__", 1)[1])
    if source == "treeherder":
        return f"treeherder:{name}"
    found = _REPOSITORY.search(data[:_HEAD])
    return "gha:" + (next(filter(None, found.groups())).decode().lower() if found else name)


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, re.split(r"[,|]", text)):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)


def measure(corpus: Path, database: PatternDB) -> list[Outcome]:
    """Explains every log of the corpus."""
    outcomes = []
    for label, data in labels(corpus):
        found = explain_log(data, database)
        right = found.category == NONE if label.passed else found.category in label.accepted
        line_right = any(a <= found.line <= b for a, b in label.ranges) if label.ranges and not label.passed else None
        outcomes.append(Outcome(label, found.category, found.pattern_id, found.line, right, line_right))
    return outcomes


def tally(outcomes: Sequence[Outcome], part: str) -> dict[str, int]:
    """Counts for one part; logs whose category a reader could not tell (`?`) count only for lines."""
    mine = [outcome for outcome in outcomes if outcome.label.part == part]
    failing = [outcome for outcome in mine if not outcome.label.passed]
    known = [outcome for outcome in failing if outcome.label.category != "?"]
    lined = [outcome for outcome in failing if outcome.line_right is not None]
    return {
        "failing": len(known),
        "category right": sum(outcome.right for outcome in known),
        "with lines": len(lined),
        "line right": sum(outcome.line_right is True for outcome in lined),
        "passing": len(mine) - len(failing),
        "false alarms": sum(not outcome.right for outcome in mine if outcome.label.passed),
    }


def report(outcomes: Sequence[Outcome], database: PatternDB) -> str:
    """The page: both parts apart, by category, and every miss by name."""
    out = [
        "# How right the diagnosis is",
        "",
        (
            f"Made by `scripts/diagnosis_report.py` with the pattern database {database.version} ({len(database)} patterns, digest "
            f"`{database.digest[:12]}`). Repositories fall by a hash of their name into the part that patterns were tuned on and the "
            "part that was kept aside while they were written. A line is right if it lies in a range that the corpus' source labels; "
            "most logs have no such label. No text of the logs is repeated here."
        ),
    ]
    for part in PARTS:
        count = tally(outcomes, part)
        out += [
            "",
            f"## The {part} part",
            "",
            _summary(count),
            "",
            "| category | logs | category right | with lines | line right |",
        ]
        out += ["| --- | ---: | ---: | ---: | ---: |", *_rows(outcomes, part)]
        misses = [outcome for outcome in outcomes if outcome.label.part == part and _missed(outcome)]
        out += (
            ["", f"Misses ({len(misses)}):", "", *(_miss(outcome) for outcome in misses)]
            if misses
            else ["", "No misses."]
        )
    return "\n".join(out) + "\n"


def _summary(count: dict[str, int]) -> str:
    return (
        f"Category right in {count['category right']} of {count['failing']} failing logs, line right in {count['line right']} of "
        f"{count['with lines']}, {count['false alarms']} false alarms on {count['passing']} passing logs."
    )


def _rows(outcomes: Sequence[Outcome], part: str) -> Iterator[str]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.label.part == part and not outcome.label.passed:
            groups[outcome.label.category].append(outcome)
    for category in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        lines = Counter(outcome.line_right for outcome in groups[category])
        right = "-" if category == "?" else str(sum(outcome.right for outcome in groups[category]))
        yield f"| {category} | {len(groups[category])} | {right} | {lines[True] + lines[False]} | {lines[True]} |"


def _missed(outcome: Outcome) -> bool:
    return outcome.line_right is False or (not outcome.right and outcome.label.category != "?")


def _miss(outcome: Outcome) -> str:
    wanted = "none" if outcome.label.passed else " or ".join(sorted(outcome.label.accepted))
    got = outcome.category + (f" ({outcome.pattern_id})" if outcome.pattern_id else "")
    return f"- `{outcome.label.file}`: expected {wanted}, got {got}" + (
        ", wrong line" if outcome.line_right is False else ""
    )
