"""The coverage analyzer: what tests and reports prove, as measures, with the gap to the specification's targets.

Speaks the specification's language (its coverage table, O50) over the readers of this package and holds no judgement
of its own. Invariant: what was not given or could not be read is unknown, and a gap is target minus current.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.canonical import digest
from hee_governance import coveragefiles, testfiles
from hee_governance.config import SPEC_TESTS
from hee_governance.document import Unreadable
from hee_governance.measures import FULL, Measure
from hee_governance.paths import any_match, matches
from hee_governance.speccoverage import held, spec_coverage
from hee_governance.traces import Trace, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hee_governance.config import Config
    from hee_governance.coveragefiles import CoverageReport
    from hee_governance.speccoverage import SpecCoverage
    from hee_governance.testfiles import TestReport

    Files = Sequence[tuple[str, bytes]]

# The specification's table: how much a gap of each metric matters.
PRIORITIES = {
    "line_coverage": "High",
    "branch_coverage": "High",
    "function_coverage": "Medium",
    "integration_coverage": "High",
    "spec_coverage": "Critical",
    "prompt_coverage": "Critical",
    "decision_coverage": "Critical",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One row of the specification's coverage table. `current` and `gap` are None where nothing was measured."""

    metric: str
    target: int
    current: int | None
    gap: int | None
    priority: str


class CoverageAnalyzer:
    """Measures coverage of one tree with the reports that its tests wrote."""

    def __init__(self, config: Config | None = None) -> None:
        """Takes the configuration that says where specifications, tests and integration points are."""
        self.config = config

    def measure(
        self, tree: Mapping[str, bytes], coverage: Files = (), junit: Files = ()
    ) -> tuple[dict[str, Measure], SpecCoverage]:
        """The coverage metrics of the specification but decision coverage, which the history has; and the clauses."""
        ran, unread = _test_report(junit)
        spec = spec_coverage(tree, self.config, ran=ran)
        found = {**_code(coverage), "prompt_coverage": self._prompts(tree, ran), "spec_coverage": spec.measure}
        found["integration_coverage"] = self._integration(ran, junit)
        if ran is not None:
            passed, failed = ran.count("passed"), ran.count("failed")
            found["test_success"] = Measure.of("test_success", passed, passed + failed, inputs=_inputs(junit))
        if unread:
            for name in ("spec_coverage", "prompt_coverage", "integration_coverage", "test_success"):
                found[name] = Measure(name, None, inputs=_inputs(junit), evidence=unread)
        return found, spec

    def gaps(self, measures: Mapping[str, Measure], targets: Mapping[str, int] | None = None) -> tuple[Gap, ...]:
        """The specification's coverage table for these measures."""
        rows = []
        for name, priority in PRIORITIES.items():
            target = (targets or {}).get(name, FULL)
            current = measures[name].value if name in measures else None
            rows.append(Gap(name, target, current, None if current is None else target - current, priority))
        return tuple(rows)

    def _prompts(self, tree: Mapping[str, bytes], ran: TestReport | None) -> Measure:
        """Prompts that a passing test names with `@pytest.mark.prompt("prompts/x.md")`, of all prompts."""
        prompts = [path for path in sorted(tree) if path.startswith("prompts/") and path.endswith(".md")]
        proved: set[str] = set()
        if prompts:
            for trace in _traced(tree, self.config, "prompt", ran):
                proved |= {path for path in prompts if not trace.why and path == trace.clause}
        inputs = digest("\n".join(f"{path} {digest(tree[path])}" for path in prompts).encode()) if prompts else ""
        open_ = tuple(path for path in prompts if path not in proved)
        return Measure.of("prompt_coverage", len(proved), len(prompts), inputs=inputs, evidence=open_[:20])

    def _integration(self, ran: TestReport | None, junit: Files) -> Measure:
        """Declared integration points with at least one passing test and none failing, of all that are declared."""
        points = self.config.integration if self.config else {}
        if ran is None:
            words = tuple(f"{name}: no test report was given" for name in points)
            return Measure("integration_coverage", None, 0, len(points), evidence=words)
        proved = []
        for name, glob in points.items():
            outcomes = {out for case, out in ran.cases.items() if matches(f"/{glob}", case.partition("[")[0])}
            if "passed" in outcomes and "failed" not in outcomes:
                proved.append(name)
        missing = tuple(f"{name}: no passing test" for name in points if name not in proved)
        return Measure.of("integration_coverage", len(proved), len(points), inputs=_inputs(junit), evidence=missing)


def _traced(tree: Mapping[str, bytes], config: Config | None, marker: str, ran: TestReport | None) -> tuple[Trace, ...]:
    globs = config.spec_tests if config else SPEC_TESTS
    found: list[Trace] = []
    for path in sorted(tree):
        if path.endswith(".py") and any_match(globs, path):
            outcome = traces(path, tree[path], marker)
            found += () if isinstance(outcome, Unreadable) else (held(trace, ran) for trace in outcome)
    return tuple(found)


def _code(files: Files) -> dict[str, Measure]:
    """Line, branch and function coverage over all reports, which may not count one file twice."""
    names = {metric: f"{metric}_coverage" for metric in coveragefiles.METRICS}
    read, unread = _read(files, coveragefiles.read)
    reports: list[tuple[str, CoverageReport]] = read
    seen: set[str] = set()
    for name, report in reports:
        if twice := seen & report.files:
            unread = (*unread, f"{name}: {min(twice)} is in another report too: combine them first")
        seen |= report.files
    inputs = _inputs(files)
    if unread or not reports:
        words = unread or ("no coverage report was given",)
        return {name: Measure(name, None, inputs=inputs, evidence=words) for name in names.values()}
    found = {}
    for metric, name in names.items():
        having = [(label, report.counts[metric]) for label, report in reports if metric in report.counts]
        words = tuple(f"{label}: {covered} of {total}" for label, (covered, total) in having)
        lacking = tuple(f"{label} does not measure it" for label, report in reports if metric not in report.counts)
        covered, total = (sum(counts[place] for _, counts in having) for place in (0, 1))
        found[name] = Measure.of(name, covered, total, inputs=inputs, evidence=(*words, *lacking))
        if lacking:
            found[name] = Measure(name, None, covered, total, inputs, (*words, *lacking))
    return found


def _test_report(files: Files) -> tuple[TestReport | None, tuple[str, ...]]:
    """All cases of all reports; of one case in two reports the worse outcome counts."""
    read, unread = _read(files, testfiles.read)
    cases: dict[str, testfiles.Outcome] = {}
    for _, report in read:
        for case, outcome in report.cases.items():
            cases[case] = testfiles.worse(outcome, cases.get(case, outcome))
    return (testfiles.TestReport(cases) if read and not unread else None), unread


def _read(files: Files, read: Callable[[bytes], Any]) -> tuple[list[tuple[str, Any]], tuple[str, ...]]:
    """The reports that can be read, by name, and what is wrong with the others."""
    found = [(name, read(data)) for name, data in files]
    unread = tuple(f"{name}:{each.line}: {each.message}" for name, each in found if isinstance(each, Unreadable))
    return [(name, each) for name, each in found if not isinstance(each, Unreadable)], unread


def _inputs(files: Files) -> str:
    return digest("\n".join(f"{name} {digest(data)}" for name, data in files).encode()) if files else ""
