"""HEE-PAT-004 Governance Violation: what the rules found at ERROR or above, in the mode that the configuration sets.

Sub-rules: **b** a frozen document that changed (HGV-FROZEN-002) · **e** a waiver that is malformed or past its day
(HGV-WAIVE-001, HGV-WAIVE-002) · **f** a gate that cannot fail (HGV-CI-005, HGV-CI-006) · **l** a workflow that could not
be evaluated in strict mode · **j** hooks that are passed by (WC-003) · **h** hidden or unreadable text (HGV-SEC-001) · **r** any other rule. In `warn` mode findings are shown
by `hee governance check` and open no issue; an open one closes only when its rule was evaluated and holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.rules import BLOCKING
from hee_monitoring.detectors.subject import BOUND, Found, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_governance.rules import Finding
    from hee_monitoring.detectors.subject import Known
    from hee_monitoring.evidence import Evidence

_LETTERS = {
    "HGV-CI-005": "f",
    "HGV-CI-006": "f",
    "HGV-SEC-001": "h",
    "HGV-FROZEN-002": "b",
    "HGV-WAIVE-001": "e",
    "HGV-WAIVE-002": "e",
}


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:
    """Turns the report's blocking findings into diagnoses; equal subjects are one, and many of one rule are one."""
    groups: dict[str, dict[str, list[Finding]]] = {}
    for finding in known.report.findings:
        if finding.severity in (*BLOCKING, "UNKNOWN"):
            groups.setdefault(finding.rule, {}).setdefault(f"{finding.path} {finding.subject}", []).append(finding)
    found: list[Found] = []
    for rule, subjects in groups.items():
        single = [_found(tree, rule, subject, same, f"{rule} is broken") for subject, same in subjects.items()]
        if len(subjects) > BOUND:
            findings = [finding for same in subjects.values() for finding in same]
            many = _found(tree, rule, "many", findings, f"{len(subjects)} violations of {rule}")
            single = [many, *(entry for entry in single if known.is_open(entry))]
        found += single
    if known.report.mode != "strict":
        found = [entry for entry in found if known.is_open(entry)]
    yield from found
    unread = {finding.path for finding in known.report.findings if finding.severity == "UNKNOWN"}
    off = known.report.mode == "off"
    yield from known.kept(
        "HEE-PAT-004", found, lambda entry: off or any(item.where in unread for item in entry.evidence)
    )


def _found(tree: Mapping[str, bytes], rule: str, subject: str, findings: list[Finding], says: str) -> Found:
    unknown = all(finding.severity == "UNKNOWN" for finding in findings)
    letter = "l" if unknown else _LETTERS.get(rule, "r")
    title = f"Governance violation: {rule} could not be evaluated" if unknown else f"Governance violation: {says}"
    captures = {"violated": rule, "path": findings[0].path, "line": str(findings[0].line), "remedy": findings[0].remedy}
    evidence = tuple(entry for finding in findings[:5] for entry in _evidence(tree, finding))
    return Found("HEE-PAT-004", "governance", letter, f"{rule} {subject}", title, 10_000, evidence, captures)


def _evidence(tree: Mapping[str, bytes], finding: Finding) -> tuple[Evidence, ...]:
    """The line itself, then what the rule says about it."""
    said = line(finding.path, finding.line, f"{finding.rule}: {finding.message}")
    if not finding.line or finding.path not in tree:
        return (said,)
    rows = tree[finding.path].split(b"\n")
    if finding.line > len(rows):
        return (said,)
    return (line(finding.path, finding.line, rows[finding.line - 1].decode("utf-8", "replace")), said)
