"""Spec coverage: which clauses of the specification have a test that can fail, and which do not.

A clause is an explicit id in a specification file; what covers it is a trace (see `traces`). Invariant: what could
not be read makes the value unknown, and a skipped, expected-to-fail or empty test never counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hee_core.canonical import clean, digest
from hee_governance.config import CLAUSES, SPEC_FILES, SPEC_TESTS
from hee_governance.document import Unreadable
from hee_governance.measures import Measure, ratio
from hee_governance.paths import any_match
from hee_governance.traces import Trace, traces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_governance.config import Config
    from hee_governance.testfiles import TestReport

_TEXTS = (".md", ".rst", ".txt", ".adoc", ".yaml", ".yml", ".json", ".toml", ".feature", ".org", ".tex", ".html")
MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause where it first stands. `why` says what is wrong with the trace that it has, empty if it has none."""

    id: str
    path: str
    line: int
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class SpecCoverage:
    """What came out: `value` in basis points, or None where something could not be read or no clause exists."""

    value: int | None
    numerator: int
    denominator: int
    uncovered: tuple[Clause, ...]
    orphans: tuple[Trace, ...]
    unreadable: tuple[tuple[str, Unreadable], ...]
    inputs: str
    covered: tuple[Clause, ...] = ()

    @property
    def measure(self) -> Measure:
        """The result as a measure for a gate."""
        evidence = tuple(f"{clause.path}:{clause.line} {clause.id}" for clause in self.uncovered[:20])
        return Measure("spec_coverage", self.value, self.numerator, self.denominator, self.inputs, evidence)


def spec_coverage(
    tree: Mapping[str, bytes], config: Config | None = None, *, ran: TestReport | None = None
) -> SpecCoverage:
    """Measures a tree; without a configuration the default places and clause ids are looked at.

    With a report of what `ran`, a Python test covers only if it is in it and passed.
    """
    spec_files = config.spec_files if config else SPEC_FILES
    spec_tests = config.spec_tests if config else SPEC_TESTS
    tests = [path for path in sorted(tree) if any_match(spec_tests, path)]
    specs = [path for path in sorted(tree) if path.endswith(_TEXTS) and any_match(spec_files, path)]
    specs = [path for path in specs if path not in set(tests)]
    unreadable: list[tuple[str, Unreadable]] = []
    clauses: dict[str, Clause] = {}
    seen: list[str] = []
    for path in specs:
        data = tree[path]
        seen.append(f"{path} {digest(data)}")
        found = _clauses(path, data, config.clauses if config else CLAUSES)
        if isinstance(found, Unreadable):
            unreadable.append((path, found))
            continue
        for clause in found:
            clauses.setdefault(clause.id, clause)
    traced: dict[str, list[Trace]] = {}
    for path in tests if clauses else ():  # without clauses there is nothing to trace
        data = tree[path]
        seen.append(f"{path} {digest(data)}")
        outcome = traces(path, data)
        if isinstance(outcome, Unreadable):
            unreadable.append((path, outcome))
            continue
        for trace in outcome:
            traced.setdefault(trace.clause, []).append(held(trace, ran))
    uncovered = tuple(_gaps(clauses, traced))
    orphans = tuple(trace for clause, entries in sorted(traced.items()) if clause not in clauses for trace in entries)
    numerator, denominator = len(clauses) - len(uncovered), len(clauses)
    value = None if unreadable else ratio(numerator, denominator)
    inputs = digest("\n".join(seen).encode("utf-8", "surrogateescape"))
    gaps = {clause.id for clause in uncovered}
    covered = tuple(clause for clause in clauses.values() if clause.id not in gaps)
    return SpecCoverage(value, numerator, denominator, uncovered, orphans, tuple(unreadable), inputs, covered)


def held(trace: Trace, ran: TestReport | None) -> Trace:
    """A trace held against a report of what ran: a test that did not pass, or did not run, proves nothing."""
    if ran is None or trace.why or not trace.test:
        return trace
    outcome = ran.outcome(trace.path, trace.test)
    said = {None: "the test is not in the report", "failed": "the test failed", "skipped": "the test was skipped"}
    return trace if outcome == "passed" else replace(trace, why=said[outcome])


def _clauses(path: str, data: bytes, patterns: tuple[str, ...]) -> tuple[Clause, ...] | Unreadable:
    import re2

    if len(data) > MAX_BYTES:
        return Unreadable(0, f"is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return Unreadable(data.count(b"\n", 0, error.start) + 1, "is not UTF-8")
    found: list[Clause] = []
    compiled = [re2.compile(pattern) for pattern in patterns]
    for number, row in enumerate(text.splitlines(), 1):
        hits = {
            match.group()
            for pattern in compiled
            for match in pattern.finditer(row)
            if _alone(row, match.start(), match.end())
        }
        found += [Clause(hit, path, number, clean(row.strip(), limit=400)) for hit in sorted(hits, key=row.index)]
    return tuple(found)


def _alone(row: str, start: int, end: int) -> bool:
    """Says whether a match is a whole id and not a part of a longer word."""
    before, after = row[start - 1 : start] if start else "", row[end : end + 1]
    return not (before.isalnum() or before in ("-", "_")) and not (after.isalnum() or after == "_")


def _gaps(clauses: Mapping[str, Clause], traced: Mapping[str, list[Trace]]) -> Iterator[Clause]:
    for clause in clauses.values():
        entries = traced.get(clause.id, [])
        if not any(not trace.why for trace in entries):
            why = f"{entries[0].path}:{entries[0].line}: {entries[0].why}" if entries else ""
            yield Clause(clause.id, clause.path, clause.line, clause.text, why)
