"""A report as JUnit XML, for the tools that show test results: an issue is a case, an open one a failure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document = Mapping[str, Any]


_NO_XML = {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}  # a log may hold them, and XML has no way to write them


def write(report: Document) -> str:
    """Open issues and quality gates as failing cases, gates that are met as passing ones."""
    cases = [*_issues(report), *_gates(report)]
    failed = sum("<failure" in case for case in cases)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name="hee" tests="{len(cases)}" failures="{failed}" timestamp={quoteattr(report["as_of"])}>\n'
        + "".join(f"  {case}\n" for case in cases)
        + "</testsuite>\n"
    ).translate(_NO_XML)


def _issues(report: Document) -> Iterator[str]:
    for issue in report["issues"]:
        proof = "\n".join(item["text"] for item in issue["evidence"])
        yield (
            f"<testcase classname={quoteattr('hee.' + issue['category'])} name={quoteattr(issue['job'] or issue['issue_id'])}>"
            f"<failure type={quoteattr(issue['pattern_id'])} message={quoteattr(issue['title'])}>{escape(proof)}</failure></testcase>"
        )


def _gates(report: Document) -> Iterator[str]:
    for gate in report["gates"]:
        head = f'<testcase classname="hee.gate" name={quoteattr(gate["gate"])}'
        words = "unknown" if gate["value"] is None else f"{gate['value']} of {gate['target']} basis points"
        yield f"{head}/>" if gate["met"] else f'{head}><failure type="gate" message={quoteattr(words)}/></testcase>'
