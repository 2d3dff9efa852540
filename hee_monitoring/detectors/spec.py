"""HEE-PAT-003 Spec Coverage Gap: clauses of the specification that no test proves.

Sub-rules: **a** no trace · **b** a trace only to tests that are skipped or expected to fail · **i** a trace only to
tests that assert nothing · **d** a test names a clause that no specification has. The first three are one gap with one
fingerprint, so that a pending skeleton, which turns **a** into **b**, neither closes the issue nor opens another. More gaps
than `BOUND` are one diagnosis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.speccoverage import Clause, spec_coverage
from hee_monitoring.detectors.subject import BOUND, Found, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_governance.traces import Trace
    from hee_monitoring.detectors.subject import Known
    from hee_monitoring.evidence import Evidence


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:
    """Measures spec coverage; a clause that an unreadable test file names is not called a gap."""
    measured = spec_coverage(tree, known.config)
    blind = [tree[path].decode("utf-8", "replace") for path, _ in measured.unreadable]
    gaps = [clause for clause in measured.uncovered if not any(clause.id in text for text in blind)]
    found = [_gap(clause) for clause in gaps]
    if len(gaps) > BOUND:
        found = [_many(gaps, measured.denominator), *(entry for entry in found if known.is_open(entry))]
    if not measured.unreadable:  # what a file that cannot be read specifies is not known to be missing
        found += [_orphan(trace) for trace in measured.orphans[:BOUND]]
    yield from found
    if measured.unreadable:
        proved = {_gap(clause).name for clause in measured.covered}
        yield from known.kept("HEE-PAT-003", found, lambda entry: entry.name not in proved)


def _gap(clause: Clause) -> Found:
    captures = {"clause": clause.id, "path": clause.path, "line": str(clause.line), "sub_rule": _letter(clause)}
    if clause.why:
        captures["trace"] = clause.why
    title = f"Spec coverage gap: no test proves {clause.id}"
    return Found("HEE-PAT-003", "spec", "gap", clause.id, title, 10_000, _evidence(clause), captures)


def _orphan(trace: Trace) -> Found:
    text = f"the test names {trace.clause}, which no specification has"
    # No `clause`: what a repair writes tests for is specified, and this is not.
    captures = {"unspecified": trace.clause, "path": trace.path, "line": str(trace.line), "sub_rule": "d"}
    evidence = (line(trace.path, trace.line, text),)
    title = f"Spec coverage gap: {trace.clause} is tested and not specified"
    return Found("HEE-PAT-003", "spec", "d", f"{trace.path} {trace.clause}", title, 9000, evidence, captures)


def _many(gaps: list[Clause], total: int) -> Found:
    names = ""
    for clause in gaps:
        if len(names) + len(clause.id) > 1800:
            break
        names += f" {clause.id}"
    title = f"Spec coverage gap: {len(gaps)} of {total} clauses have no test that proves them"
    evidence = tuple(line(clause.path, clause.line, clause.text) for clause in gaps[:10])
    captures = {"clauses": names.strip(), "count": str(len(gaps))}
    return Found("HEE-PAT-003", "spec", "gap", "many", title, 10_000, evidence, captures)


def _letter(clause: Clause) -> str:
    if not clause.why:
        return "a"
    return "i" if clause.why.endswith("asserts nothing") else "b"


def _evidence(clause: Clause) -> tuple[Evidence, ...]:
    first = line(clause.path, clause.line, clause.text)
    return (first, line(clause.path, clause.line, clause.why)) if clause.why else (first,)
