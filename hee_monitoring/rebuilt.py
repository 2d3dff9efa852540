"""Measures the diagnosis on failures that were rebuilt: one text file a case, with what is broken and what must be said.

Responsible for reading the cases and for holding what logs, detectors and rules say against them; `accuracy` measures real
logs. A case is headed by `what:`, `expect:` (a category, `HEE-PAT-00n.x` or a rule's id), `at:` (a path, or `log`, with a
line or a range) and perhaps `day:`; files follow, each after a line `-- NAME --`: `log`, `broken/PATH`, `repaired/PATH`.
A case with both trees and an expectation of HEE-PAT-002.i is a change from `repaired` to `broken`.

Invariant: a case is right only if nothing but the expected is found, at the expected line, and nothing in the repaired tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance import rules
from hee_governance.config import dump_default, load
from hee_monitoring import detectors, weakened
from hee_monitoring.classify import explain_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hee_monitoring.database import PatternDB

_FILE = re.compile(r"-- (\S.*) --")
_AT = re.compile(r"(.+):(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Case:
    """One rebuilt failure."""

    name: str
    what: str
    expect: frozenset[str]
    where: str
    lines: range
    day: str
    files: Mapping[str, bytes]

    def tree(self, side: str) -> dict[str, bytes]:
        """The files of the broken or the repaired tree, by their paths in it."""
        return {name.removeprefix(f"{side}/"): data for name, data in self.files.items() if name.startswith(f"{side}/")}


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a case: each finding as class, place and line; `right` and `line_right` hold it against the case."""

    case: Case
    found: tuple[tuple[str, str, int], ...]
    alarms: tuple[tuple[str, str, int], ...]

    @property
    def right(self) -> bool:
        """Says whether every finding is of the expected class, and the repaired tree has none."""
        return bool(self.found) and all(kind in self.case.expect for kind, _, _ in self.found) and not self.alarms

    @property
    def line_right(self) -> bool:
        """Says whether a finding stands where it is expected."""
        return any(where == self.case.where and line in self.case.lines for _, where, line in self.found)


class _Files(dict[str, bytes]):
    """A tree in memory that says, as a commit's does, which content a path has."""

    @property
    def blobs(self) -> dict[str, bytes]:
        return self


def cases(folder: Path) -> tuple[Case, ...]:
    """Every case of a folder, by name."""
    return tuple(_case(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.case")))


def _case(name: str, data: bytes) -> Case:
    head: dict[str, str] = {}
    files: dict[str, list[bytes]] = {}
    rows: list[bytes] | None = None
    for row in data.splitlines(keepends=True):
        text = row.decode("utf-8", "replace").rstrip("\n")
        if match := _FILE.fullmatch(text):
            rows = files.setdefault(match[1], [])
        elif rows is None:
            key, _, value = text.partition(":")
            head[key.strip()] = value.strip()
        else:
            rows.append(row)
    at = _AT.fullmatch(head["at"])
    if at is None:
        raise ValueError(f"{name}: `at` reads PLACE:LINE or PLACE:FIRST-LAST, not {head['at']!r}")
    expect = frozenset(re.split(r" or ", head["expect"]))
    lines = range(int(at[2]), int(at[3] or at[2]) + 1)
    contents = {path: b"".join(content) for path, content in files.items()}
    return Case(name, head["what"], expect, at[1], lines, head.get("day", ""), contents)


def judged(all_cases: Sequence[Case], database: PatternDB) -> tuple[Said, ...]:
    """What is said of each case."""
    return tuple(Said(case, *_said(case, database)) for case in all_cases)


def _said(case: Case, database: PatternDB) -> tuple[tuple[tuple[str, str, int], ...], tuple[tuple[str, str, int], ...]]:
    if "log" in case.files:
        diagnosis = explain_log(case.files["log"], database)
        return ((diagnosis.category, "log", diagnosis.line),), ()
    broken, repaired = case.tree("broken"), case.tree("repaired")
    if "HEE-PAT-002.i" in case.expect:
        found = weakened.between(_Files(repaired), _Files(broken))
        return tuple((weakened.RULE, entry.path, entry.line) for entry in found), ()
    return tuple(_of_tree(broken, case)), tuple(_of_tree(repaired, case))


def _of_tree(tree: Mapping[str, bytes], case: Case) -> Iterator[tuple[str, str, int]]:
    """What detectors say of a tree; where a rule is expected, what the rules say at any severity."""
    config = load(dump_default())
    report = rules.check(tree, config, as_of=case.day)
    if any(kind.startswith("H") and not kind.startswith("HEE-PAT") for kind in case.expect):
        yield from ((finding.rule, finding.path, finding.line) for finding in report.findings)
        return
    for diagnosis in detectors.find(tree, detectors.Known(config, report)):
        evidence = diagnosis.evidence[0]
        rule = diagnosis.captures.get("sub_rule", diagnosis.captures["rule"])
        yield f"{diagnosis.pattern_id}.{rule}", evidence.where, evidence.line


def report(said: Sequence[Said]) -> str:
    """The section of the page: the figures, and every miss by name."""
    both = sum(each.right and each.line_right for each in said)
    out = [
        "",
        "## The failures of the HEE world, rebuilt",
        "",
        (
            f"The {len(said)} real failures that `tests/fixtures/failures` rebuilds in our own words (logs printed by the tools "
            f"themselves where these run here): class and line right in {both}, class in "
            f"{sum(each.right for each in said)}, line in {sum(each.line_right for each in said)}. Right means that nothing else "
            "is found either, and nothing in the repaired tree. These are in sample: patterns and detectors were improved on them."
        ),
    ]
    misses = [each for each in said if not (each.right and each.line_right)]
    out += ["", f"Misses ({len(misses)}):", "", *(_miss(each) for each in misses)] if misses else ["", "No misses."]
    return "\n".join(out) + "\n"


def _miss(said: Said) -> str:
    got = ", ".join(f"{kind} at {where}:{line}" for kind, where, line in (*said.found, *said.alarms)) or "nothing"
    wanted = f"{' or '.join(sorted(said.case.expect))} at {said.case.where}:{said.case.lines.start}"
    return f"- {said.case.name}, {said.case.what}: expected {wanted}, got {got}"
