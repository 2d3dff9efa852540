"""Coverage reports of other tools as counts: coverage.py's JSON, Cobertura, LCOV, told apart by their content.

Responsible for lines, branches and functions with the files they were counted in. Counts come from the lines that a
report lists, and from its own totals only where it lists none. Invariant: what makes no sense is `Unreadable`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hee_governance.document import Unreadable
from hee_governance.xmlreader import MAX_BYTES, Unparsable, elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METRICS = ("line", "branch", "function")
_CONDITIONS = re.compile(r"\((\d{1,9})/(\d{1,9})\)")
_NUMBER = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """What one report says. A metric that it does not measure is absent from `counts` (covered, total)."""

    form: str
    counts: Mapping[str, tuple[int, int]]
    files: frozenset[str]


def read(data: bytes) -> CoverageReport | Unreadable:
    """Reads a report of any of the three forms."""
    if len(data) > MAX_BYTES:
        return Unreadable(0, f"is larger than {MAX_BYTES} bytes")
    head = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    try:
        found = _json(data) if head == b"{" else _cobertura(data) if head == b"<" else _lcov(data)
    except Unparsable as error:
        return Unreadable(error.line, str(error))
    impossible = [name for name, (covered, total) in found.counts.items() if not 0 <= covered <= total]
    if impossible:
        return Unreadable(0, f"counts more covered than there is: {', '.join(impossible)}")
    if not any(total for _, total in found.counts.values()):
        return Unreadable(0, "counts nothing: no line, branch or function is in it")
    return found


def _json(data: bytes) -> CoverageReport:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unparsable(getattr(error, "lineno", 0), "is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("totals"), dict):
        raise Unparsable(0, "is not a JSON report of coverage.py: it has no totals")
    listed = document.get("files")
    files = {name: entry for name, entry in (listed.items() if isinstance(listed, dict) else ()) if _is_map(entry)}
    summaries = [entry["summary"] for entry in files.values() if _is_map(entry.get("summary"))] or [document["totals"]]
    counts = {"line": _sum(summaries, "covered_lines", "num_statements")}
    if any("num_branches" in summary for summary in summaries):
        counts["branch"] = _sum(summaries, "covered_branches", "num_branches")
    bodies = [
        entry["summary"]
        for file in files.values()
        for name, entry in (file["functions"].items() if _is_map(file.get("functions")) else ())
        if name and _is_map(entry) and _is_map(entry.get("summary")) and _count(entry["summary"], "num_statements")
    ]
    if bodies:
        counts["function"] = sum(_count(body, "covered_lines") > 0 for body in bodies), len(bodies)
    return CoverageReport("coverage.py", counts, frozenset(files))


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _sum(summaries: Iterable[Mapping[str, Any]], covered: str, total: str) -> tuple[int, int]:
    pairs = [(_count(summary, covered), _count(summary, total)) for summary in summaries]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _count(summary: Mapping[str, Any], name: str) -> int:
    value = summary.get(name)
    if type(value) is not int or value < 0:
        raise Unparsable(0, f"has no whole number as {name!r}")
    return value


@dataclass
class _Lines:
    """Hits by file and line, branches by file, line and number, functions by file and name; the most hits count."""

    lines: dict[tuple[str, int], int] = field(default_factory=dict)
    branches: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    functions: dict[tuple[str, str], int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def hit(self, file: str, line: int, hits: int) -> None:
        key = (file, line)
        self.lines[key] = max(hits, self.lines.get(key, 0))

    def branch(self, file: str, line: int, taken: int, total: int) -> None:
        key = (file, line)
        self.branches[key] = max((taken, total), self.branches.get(key, (0, total)))

    def report(self, form: str, said: Mapping[str, tuple[int, int]]) -> CoverageReport:
        """The counts; `said` are the report's own totals, for what it does not list."""
        counts = dict(said)
        if self.lines:
            counts["line"] = sum(hits > 0 for hits in self.lines.values()), len(self.lines)
        if self.branches:
            counts["branch"] = sum(b[0] for b in self.branches.values()), sum(b[1] for b in self.branches.values())
        if self.functions:
            counts["function"] = sum(hits > 0 for hits in self.functions.values()), len(self.functions)
        return CoverageReport(form, counts, frozenset(self.files))


def _cobertura(data: bytes) -> CoverageReport:
    found, said = _Lines(), {}
    file = method = ""
    for number, entry in enumerate(elements(data)):
        if number == 0:
            if entry.name != "coverage":
                raise Unparsable(entry.line, f"is no Cobertura report: its root is {entry.name!r}")
            for metric, plural in (("line", "lines"), ("branch", "branches")):
                if f"{plural}-valid" in entry.attributes:
                    keys = (f"{plural}-covered", f"{plural}-valid")
                    said[metric] = _whole(entry.attributes, keys[0]), _whole(entry.attributes, keys[1])
        elif entry.name == "class" and entry.opens:
            file = entry.attributes.get("filename", entry.attributes.get("name", ""))
            found.files.add(file)
        elif entry.name == "method":
            method = f"{entry.attributes.get('name', '')}@{entry.line}" if entry.opens else ""
            if method:
                found.functions.setdefault((file, method), 0)
        elif entry.name == "line" and entry.opens:
            line, hits = _whole(entry.attributes, "number"), _whole(entry.attributes, "hits")
            found.hit(file, line, hits)
            if method:
                found.functions[file, method] = max(hits, found.functions[file, method])
            if conditions := _CONDITIONS.search(entry.attributes.get("condition-coverage", "")):
                found.branch(file, line, int(conditions[1]), int(conditions[2]))
    return found.report("Cobertura", said)


def _whole(attributes: Mapping[str, str], name: str) -> int:
    value = attributes.get(name, "")
    if not _NUMBER.fullmatch(value):
        raise Unparsable(0, f"has no whole number as {name!r}")
    return int(value)


_LCOV_TOTALS = {"LF": "line", "BRF": "branch", "FNF": "function"}
_LCOV_HITS = {"LH": "line", "BRH": "branch", "FNH": "function"}


def _lcov(data: bytes) -> CoverageReport:
    found = _Lines()
    said: dict[str, list[int]] = {}
    file = ""
    taken: dict[tuple[str, int, str], int] = {}
    for number, row in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        word, _, rest = row.strip().partition(":")
        parts = rest.split(",")
        if word == "SF":
            file = rest
            found.files.add(file)
        elif word == "DA" and len(parts) >= 2:
            found.hit(file, _number(parts[0], number), _number(parts[1], number))
        elif word == "BRDA" and len(parts) == 4:
            key = (file, _number(parts[0], number), f"{parts[1]},{parts[2]}")
            taken[key] = max(taken.get(key, 0), 0 if parts[3] == "-" else _number(parts[3], number))
        elif word == "FNDA" and len(parts) >= 2:
            key_of = (file, ",".join(parts[1:]))
            found.functions[key_of] = max(_number(parts[0], number), found.functions.get(key_of, 0))
        elif word in _LCOV_TOTALS or word in _LCOV_HITS:
            pair = said.setdefault(_LCOV_TOTALS.get(word) or _LCOV_HITS[word], [0, 0])
            pair[word in _LCOV_TOTALS] += _number(rest, number)
        elif row.strip() and not file and word != "TN":
            raise Unparsable(number, "is no coverage report: neither JSON of coverage.py, nor Cobertura, nor LCOV")
    for (name, line, _), hits in taken.items():
        before = found.branches.get((name, line), (0, 0))
        found.branches[name, line] = before[0] + (hits > 0), before[1] + 1
    return found.report("LCOV", {metric: (pair[0], pair[1]) for metric, pair in said.items()})


def _number(text: str, row: int) -> int:
    if not _NUMBER.fullmatch(text.strip()):
        raise Unparsable(row, f"{text[:40]!r} is not a whole number")
    return int(text)
