"""What a repository's tree, reports, history and log measure, gathered for the quality gates.

Responsible for the two measures that only the world has: decision coverage (commits and decisions) and prompt
compatibility (prompts and the tree they speak of). All others are made in `hee_governance`. Invariant: what was not
given or could not be read is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hee_core.audit import verify
from hee_core.canonical import digest
from hee_governance import ledgermeasures, rules
from hee_governance.analyzer import CoverageAnalyzer
from hee_governance.measures import Measure
from hee_governance.paths import any_match

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hee_core.git import Repository
    from hee_core.log import Log
    from hee_core.operational import State
    from hee_core.tree import CommitTree
    from hee_governance.config import Config
    from hee_governance.ledgermeasures import Timing
    from hee_governance.rules import Report

WINDOW = timedelta(days=30)
# Changes here are decisions: what governs the work, and what judges it.
GOVERNED = (
    *("/docs/doctrine/", "/contracts/", "/blueprints/", "/schemas/", "/ci/governance/", "/prompts/", "/hee.yaml"),
    *("/.github/workflows/", "/.pre-commit-config.yaml", "/pyproject.toml", "CODEOWNERS"),
)
_DECISION = re.compile(r"HEE-DEC-[0-9a-f]{8,}|^Decision:|GOVOPS-\d{8}-\w+", re.MULTILINE)
_NAMED = re.compile(r"`([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+/?)`")
_HEADINGS = ("authority", "scope", "invariant")


@dataclass(frozen=True)
class Measured:
    """All measures of one commit by name, with the rules' report, and the log's times where there is one."""

    measures: Mapping[str, Measure]
    report: Report
    timings: tuple[Timing, ...] = ()
    notes: tuple[str, ...] = field(default=())


def measure(
    repository: Repository,
    tree: CommitTree,
    config: Config,
    *,
    coverage: Sequence[tuple[str, bytes]] = (),
    junit: Sequence[tuple[str, bytes]] = (),
    log: Log | None = None,
    index: int = -1,
) -> Measured:
    """Measures a commit, and the log up to an index where there is one."""
    found, _ = CoverageAnalyzer(config).measure(tree, coverage, junit)
    report = rules.check(tree, config)
    found["governance_compliance"] = _compliance(report, tree.commit)
    found["prompt_compatibility"] = prompt_compatibility(tree)
    # No gate may ask for it, and what was given all the same was not read: that has to be told.
    lines = found["line_coverage"]
    notes = [f"coverage report {text}" for text in lines.evidence] if coverage and lines.value is None else []
    timings: tuple[Timing, ...] = ()
    if log is not None:
        events = [entry.event for entry in log.read() if entry.index <= index and entry.event.fits]
        verified = verify(log)
        damaged = {finding.index for finding in verified.findings if finding.index <= index}
        sound = min(verified.events, index + 1) - len(damaged)
        state = log.state_after(index)
        back = ledgermeasures.flapping(events)
        found |= ledgermeasures.of_state(state, sound=max(0, sound), events=index + 1, flapping=back)
        found["decision_coverage"] = decision_coverage(repository, tree.commit, state)
        timings = ledgermeasures.timings(events)
    else:
        notes.append("there is no log: what only it measures is unknown")
    return Measured(found, report, timings, tuple(notes))


def decision_coverage(repository: Repository, commit: str, state: State) -> Measure:
    """Commits of the last 30 days that touch what governs, and of them those that a decision stands behind.

    A commit names a decision in its message, or a decision names the commit in its evidence.
    """
    if repository.is_shallow():
        return Measure("decision_coverage", None, evidence=("the clone is shallow: fetch the whole history",))
    made = datetime.fromisoformat(repository.text("log", "-1", "--format=%cI", commit).strip())
    since = (made - WINDOW).isoformat()
    listed = repository.text(
        "log", "--no-merges", "--name-only", f"--since={since}", "--format=%x00%H%x01%B%x01", commit
    )
    cited = _cited(state)
    bearing, linked, open_ = 0, 0, []
    for record in listed.split("\0")[1:]:
        name, message, paths = record.split("\x01", 2)
        if any(any_match(GOVERNED, path) for path in paths.split("\n") if path):
            bearing += 1
            if _DECISION.search(message) or any(name.startswith(short) for short in cited):
                linked += 1
            else:
                open_.append(f"{name[:12]} {message.strip().partition(chr(10))[0][:80]}")
    return Measure.of(
        "decision_coverage",
        linked,
        bearing,
        inputs=digest(listed.encode("utf-8", "surrogateescape")),
        evidence=tuple(open_[:20]),
    )


def _cited(state: State) -> Collection[str]:
    records = (*state.decisions.values(), *state.ledger.ended.values())
    texts = (text for record in records for text in record.get("evidence", ()))
    return {short for text in texts for short in re.findall(r"\b[0-9a-f]{7,64}\b", text)}


def prompt_compatibility(tree: CommitTree) -> Measure:
    """Prompts that have the required headings and name only paths that exist, of all prompts."""
    prompts = [path for path in tree if path.startswith("prompts/") and path.endswith(".md")]
    files = set(tree)
    folders = {path[: at + 1] for path in files for at, char in enumerate(path) if char == "/"}
    faults: list[str] = []
    broken: set[str] = set()
    for path in sorted(prompts):
        text = tree[path].decode("utf-8", "replace")
        heads = [row.lstrip("#").strip().lower() for row in text.splitlines() if row.startswith("#")]
        missing = [f"no heading {word}" for word in _HEADINGS if not any(head.startswith(word) for head in heads)]
        gone = [
            f"names {name}"
            for name in _NAMED.findall(text)
            if name not in files and f"{name.rstrip('/')}/" not in folders
        ]
        for fault in (*missing, *gone):
            broken.add(path)
            faults.append(f"{path}: {fault}")
    inputs = digest("\n".join(f"{path} {tree.blobs[path]}" for path in sorted(prompts)).encode()) if prompts else ""
    return Measure.of(
        "prompt_compatibility", len(prompts) - len(broken), len(prompts), inputs=inputs, evidence=tuple(faults[:20])
    )


def _compliance(report: Report, commit: str) -> Measure:
    """Rules that hold, of the rules that looked at something; unknown where one could not be evaluated."""
    looked = [rule for rule, count in report.looked_at.items() if count]
    broken = {finding.rule for finding in report.findings if finding.severity in rules.BLOCKING}
    evidence = tuple(
        f"{f.path}:{f.line}: {f.rule}" for f in report.findings if f.severity in (*rules.BLOCKING, "UNKNOWN")
    )
    inputs = digest(f"{commit} {report.detail}".encode())
    counts = (len(looked) - len(broken), len(looked))
    if report.verdict == "unknown":
        return Measure("governance_compliance", None, *counts, inputs, evidence[:20])
    return Measure.of("governance_compliance", *counts, inputs=inputs, evidence=evidence[:20])
