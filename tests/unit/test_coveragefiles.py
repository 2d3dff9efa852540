"""Coverage and test reports of other tools: what they count, and what makes no sense."""

from __future__ import annotations

import json

import pytest

from hee_governance import coveragefiles, testfiles
from hee_governance.analyzer import PRIORITIES, CoverageAnalyzer
from hee_governance.config import load
from hee_governance.coveragefiles import CoverageReport
from hee_governance.document import Unreadable
from hee_governance.testfiles import TestReport

JSON = {
    "files": {
        "a.py": {
            "summary": {"covered_lines": 3, "num_statements": 4, "covered_branches": 1, "num_branches": 2},
            "functions": {
                "": {"summary": {"covered_lines": 1, "num_statements": 1}},
                "f": {"summary": {"covered_lines": 2, "num_statements": 2}},
                "g": {"summary": {"covered_lines": 0, "num_statements": 1}},
                "stub": {"summary": {"covered_lines": 0, "num_statements": 0}},
            },
        }
    },
    "totals": {"covered_lines": 3, "num_statements": 4, "covered_branches": 1, "num_branches": 2},
}
COBERTURA = """\
<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://example.invalid/coverage-04.dtd">
<coverage lines-valid="99" lines-covered="99"><packages><package><classes>
<class name="A" filename="a.py"><methods>
<method name="f"><lines><line number="2" hits="1"/></lines></method>
<method name="g"><lines><line number="3" hits="0"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="1"/><line number="3" hits="0"/>
<line number="4" hits="1" branch="true" condition-coverage="50% (1/2)"/></lines></class>
</classes></package></packages></coverage>
"""
LCOV = "TN:\nSF:a.js\nFNDA:2,f\nFNDA:0,g\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,1\nBRDA:4,0,0,1\nBRDA:4,0,1,-\nend_of_record\n"
COUNTS = {"line": (3, 4), "branch": (1, 2), "function": (1, 2)}
JUNIT = """<testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_a" name="test_one[x.y]"/><testcase classname="tests.test_a.TestB" name="test_two"/>
<testcase classname="tests.test_a" name="test_red"><failure message="no"/></testcase>
<testcase classname="tests.test_a" name="test_off"><skipped/></testcase></testsuite></testsuites>"""
TESTS = """
import pytest
@pytest.mark.spec("SEED-001")
def test_one(): assert f()
@pytest.mark.spec("SEED-002")
def test_red(): assert f()
@pytest.mark.spec("SEED-003")
def test_off(): assert f()
@pytest.mark.spec("SEED-004")
def test_gone(): assert f()
@pytest.mark.prompt("prompts/a.md")
def test_two(): assert f()
"""
TREE = {
    "docs/spec.md": b"SEED-001 SEED-002 SEED-003 SEED-004",
    "tests/test_a.py": TESTS.encode(),
    "prompts/a.md": b"a",
    "prompts/b.md": b"b",
}


def counted(data: bytes) -> CoverageReport:
    found = coveragefiles.read(data)
    assert isinstance(found, CoverageReport)
    return found


@pytest.mark.spec("SEED-202", "SEED-203", "SEED-204")
@pytest.mark.parametrize(
    ("data", "form"), [(json.dumps(JSON), "coverage.py"), (COBERTURA, "Cobertura"), (LCOV, "LCOV")]
)
def test_three_forms_of_one_coverage_give_the_same_counts(data, form):
    found = counted(data.encode())
    assert (found.form, dict(found.counts)) == (form, COUNTS)
    assert found.files == {"a.js" if form == "LCOV" else "a.py"}


def test_a_report_that_lists_nothing_is_taken_at_its_totals():
    assert counted(
        b'<coverage lines-valid="10" lines-covered="9" branches-valid="4" branches-covered="3"/>'
    ).counts == {
        "line": (9, 10),
        "branch": (3, 4),
    }
    assert counted(b'{"totals": {"covered_lines": 1, "num_statements": 2}}').counts == {"line": (1, 2)}
    assert counted(b"SF:a\nLF:4\nLH:1\nend_of_record\n").counts == {"line": (1, 4)}


def test_the_same_file_in_two_records_of_a_trace_counts_once():
    assert counted(b"SF:a\nDA:1,0\nend_of_record\nSF:a\nDA:1,2\nend_of_record\n").counts == {"line": (1, 1)}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><coverage>&b;</coverage>'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{}", "no totals"),
        (b"{", "not JSON"),
        (b'{"totals": {"covered_lines": true, "num_statements": 1}}', "no whole number"),
        (b'{"totals": {"covered_lines": 2, "num_statements": 1}}', "more covered than there is"),
        (b'{"totals": {"covered_lines": 0, "num_statements": 0}}', "counts nothing"),
        (BOMB.encode(), "a document type of its own"),
        (b"<coverage>", "not well-formed"),
        (b"<x/>", "its root is 'x'"),
        (b'<coverage lines-valid="a" lines-covered="1"/>', "no whole number"),
        (b"<coverage>" + b"<a>" * 70, "nested too deeply"),
        (b"hello", "is no coverage report"),
        (b"SF:a\nDA:x,1\n", "not a whole number"),
        (b"", "counts nothing"),
    ],
)
def test_what_makes_no_sense_is_unreadable(data, says):
    found = coveragefiles.read(data)
    assert isinstance(found, Unreadable)
    assert says in found.message


def test_a_test_that_failed_once_did_not_pass():
    found = testfiles.read(JUNIT.encode())
    assert isinstance(found, TestReport)
    assert [
        found.outcome("tests/test_a.py", name) for name in ("test_one", "test_two", "test_red", "test_off", "x")
    ] == [
        *("passed", "passed", "failed", "skipped"),
        None,
    ]
    again = '<testsuite><testcase classname="t" name="a[1]"/><testcase classname="t" name="a[2]"><error/></testcase></testsuite>'
    both = testfiles.read(again.encode())
    assert isinstance(both, TestReport)
    assert both.outcome("t.py", "a") == "failed"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<testsuite/>", "holds no test"),
        (b'<testsuite failures="2"><testcase name="a"/></testsuite>', "counts 2 failures and lists none"),
        (b"<html/>", "its root is 'html'"),
        (BOMB.encode(), "a document type of its own"),
    ],
)
def test_a_test_report_that_proves_nothing_is_unreadable(data, says):
    found = testfiles.read(data)
    assert isinstance(found, Unreadable)
    assert says in found.message


CONFIG = b"""hee_monitoring:
  version: "1.0"
  spec:
    integration: {api: "tests.test_a.test_o*", store: "tests.test_a.test_r*", absent: "tests.no*"}
"""


@pytest.mark.spec("SEED-205", "SEED-206", "SEED-207", "SEED-209")
def test_only_tests_that_ran_and_passed_prove_clauses_prompts_and_integration_points():
    analyzer = CoverageAnalyzer(load(CONFIG))
    found, spec = analyzer.measure(TREE, [("c.json", json.dumps(JSON).encode())], [("j.xml", JUNIT.encode())])
    ratios = {name: (measure.numerator, measure.denominator) for name, measure in found.items()}
    assert ratios["spec_coverage"] == (1, 4)
    assert [clause.why.rpartition(": ")[2] for clause in spec.uncovered] == [
        "the test failed",
        "the test was skipped",
        "the test is not in the report",
    ]
    assert ratios["prompt_coverage"] == (1, 2)
    assert ratios["integration_coverage"] == (1, 3)
    assert ratios["test_success"] == (2, 3)
    assert ratios["line_coverage"] == (3, 4)
    for gap in analyzer.gaps(found, {"line_coverage": 9000}):
        assert gap.priority == PRIORITIES[gap.metric]
        if gap.current is None:
            assert gap.gap is None
        else:
            assert gap.gap == gap.target - gap.current


def test_without_a_report_of_what_ran_the_source_counts_and_integration_is_unknown():
    found, _ = CoverageAnalyzer(load(CONFIG)).measure(TREE)
    assert (found["spec_coverage"].value, found["integration_coverage"].value) == (10_000, None)
    assert found["line_coverage"].evidence == ("no coverage report was given",)


@pytest.mark.spec("SEED-042")
def test_an_unreadable_report_makes_unknown_what_it_was_for():
    found, _ = CoverageAnalyzer().measure(TREE, [("c", b"?")], [("j", b"<x/>")])
    assert {name: measure.value for name, measure in found.items()} == dict.fromkeys(found)
    assert found["spec_coverage"].evidence == ("j:1: is no JUnit report: its root is 'x'",)


def test_reports_of_different_files_add_up_and_one_file_is_not_counted_twice():
    both = [("c.json", json.dumps(JSON).encode()), ("l.info", LCOV.encode())]
    found, _ = CoverageAnalyzer().measure({}, both)
    assert (found["line_coverage"].numerator, found["line_coverage"].denominator) == (6, 8)
    twice, _ = CoverageAnalyzer().measure({}, [both[0], ("x.xml", COBERTURA.encode())])
    assert twice["line_coverage"].value is None
    assert "in another report too" in twice["line_coverage"].evidence[0]
    less, _ = CoverageAnalyzer().measure({}, [both[1], ("y.info", b"SF:b\nDA:1,1\n")])
    assert (less["line_coverage"].value, less["branch_coverage"].value) == (8000, None)
