"""Why a test report is red: each failure explained by its own text, with the report's lines.

A failure that no pattern explains is still a failed test, since the report says so. The classifier judges the text;
here is only what the report knows beyond it: which test it was, and where in the file it stands.

Invariant: evidence quotes the report, and a report that no test took part in is unknown, never green.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.fingerprint import fingerprint
from hee_monitoring.redact import publishable
from hee_monitoring.sources.junit import PYTEST

if TYPE_CHECKING:
    from hee_monitoring.database import PatternDB
    from hee_monitoring.sources.junit import Failed, Report

_EXPLAINED = 50
_SECONDARY = 10
_STATED = 8000  # the report's own verdict is worth as much as a test runner's


def explain(report: Report, patterns: PatternDB) -> Diagnosis:
    """The failure that is explained best, and the others beside it."""
    if not report.failures:
        if report.blind:
            return Diagnosis("", "unknown", report.blind, fingerprint("unknown", {}, report.blind), 0, ())
        return Diagnosis("", "none", "The report lists no failure", fingerprint("none", {}, ""), 0, ())
    found: dict[str, Diagnosis] = {}
    for failure in report.failures[:_EXPLAINED]:
        diagnosis = _explained(failure, patterns)
        found.setdefault(diagnosis.fingerprint, diagnosis)
    best = max(found.values(), key=lambda each: each.confidence)
    others = [each for each in found.values() if each is not best]
    return replace(best, secondary=tuple(others[:_SECONDARY]))


def _explained(failure: Failed, patterns: PatternDB) -> Diagnosis:
    from hee_monitoring.classify import explain_log

    found = explain_log(failure.text, patterns)
    test = publishable(failure.test, limit=300)
    if found.category == "unknown":
        text = publishable(failure.title, limit=500)
        mark = fingerprint("test", {"test": test, "error": text})
        stated = Evidence(Channel.LOG, text, failure.lines[-1], test)
        return Diagnosis("", "test", "A test failed", mark, _STATED, (stated,), {"test": test})
    evidence = tuple(_placed(each, failure, test) for each in found.evidence)
    if found.category != "test" or "test" in found.captures or not test:
        return replace(found, evidence=evidence, secondary=())
    # Equal assertions of two tests are two failures.
    captures = {**found.captures, "test": test}
    mark = fingerprint(found.pattern_id, captures)
    return replace(found, evidence=evidence, captures=captures, fingerprint=mark, secondary=())


def _placed(evidence: Evidence, failure: Failed, test: str) -> Evidence:
    """Evidence with the line of the report, as the report has it."""
    stated = evidence.line == len(failure.lines)
    line = failure.lines[evidence.line - 1] if 0 < evidence.line <= len(failure.lines) else 0
    text = evidence.text.removeprefix(PYTEST) if stated else evidence.text
    return replace(evidence, text=text, line=line, where=test)
