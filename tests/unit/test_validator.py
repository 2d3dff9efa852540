"""The governance validator: rule validation, compliance checking, decision tracking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hee_governance.config import dump_default, load
from hee_governance.gates import Gate, GateResult, evaluate
from hee_governance.measures import Measure
from hee_governance.rules import RULES, Finding, Report
from hee_governance.validator import GovernanceValidator

pytestmark = pytest.mark.spec("SEED-254")
WORKFLOW = ".github/workflows/ci.yml"
STEP = b"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: u\n    timeout-minutes: 1\n    steps:\n      - run: "
PASS = Report("pass", 5, (), detail="pass: 5 evaluations, no findings")
FULL = Measure.of("spec_coverage", 3, 3)
KEPT = Measure.of("decision_continuity", 2, 2)
MET = evaluate(Gate("line_coverage", 9000), Measure.of("line_coverage", 95, 100))
NAMES = [
    "State Preservation",
    "Decision Continuity",
    "Governance Compliance",
    "Quality Discipline",
    "Spec-First Alignment",
]


# ------------------------------------------------------------------ rule validation


def test_the_rules_that_ship_are_valid():
    assert GovernanceValidator().validate_rules() == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "rule5"}, "not a rule id"),
        ({"severity": "FATAL"}, "severity 'FATAL'"),
        ({"clause": " ", "remedy": ""}, "says no clause and no remedy"),
        ({"source": ""}, "says no source"),
        ({"looks_at": ""}, "says no looks_at"),
    ],
)
def test_a_rule_with_a_fault_is_named(change, says):
    (fault,) = GovernanceValidator(rules=(replace(RULES[0], **change),)).validate_rules()
    assert says in fault
    assert fault.startswith(change.get("id", RULES[0].id))


def test_two_rules_of_one_name_are_a_fault():
    assert GovernanceValidator(rules=(RULES[0], RULES[0])).validate_rules() == (f"{RULES[0].id}: stands here twice",)


def test_checking_a_tree_uses_the_validators_rules_and_mode():
    config = load(dump_default().replace(b'"strict"', b'"warn"'))
    report = GovernanceValidator(config).check({WORKFLOW: STEP + b"pytest || true\n"})
    assert (report.verdict, report.mode) == ("fail", "warn")
    chosen = tuple(rule for rule in RULES if rule.id == "HGV-CI-009")
    assert GovernanceValidator(rules=chosen).check({WORKFLOW: STEP + b"pytest || true\n"}).verdict == "pass"


# ------------------------------------------------------------------ what a change adds


@pytest.mark.spec("SEED-098")
def test_a_change_that_moves_a_finding_adds_none():
    validator = GovernanceValidator()
    before = validator.check({WORKFLOW: STEP + b"pytest || true\n"})
    after = validator.check({WORKFLOW: b"# moved\n" + STEP + b"pytest || true\n"})
    added = validator.introduced(before, after)
    assert (added.verdict, added.findings) == ("pass", ())


@pytest.mark.spec("SEED-098")
def test_a_change_that_weakens_a_gate_adds_a_finding():
    validator = GovernanceValidator()
    before = validator.check({WORKFLOW: STEP + b"pytest || true\n"})
    after = validator.check({WORKFLOW: STEP + b"pytest || true\n      - run: mypy . || true\n"})
    added = validator.introduced(before, after)
    assert added.verdict == "fail"
    assert [finding.line for finding in added.findings] == [9]


def test_a_second_equal_finding_is_an_addition():
    finding = Finding("R-001", "ERROR", "a", 1, "m", "r", "s")
    one, two = Report("fail", 1, (finding,)), Report("fail", 1, (finding, replace(finding, line=2)))
    assert GovernanceValidator().introduced(one, two).findings == (replace(finding, line=2),)
    assert GovernanceValidator().introduced(two, one).findings == ()


# ------------------------------------------------------------------ the compliance matrix


def comply(**given: object):
    found = GovernanceValidator().check_compliance(**given)  # type: ignore[arg-type]
    return found, {requirement.name: requirement.status for requirement in found.requirements}


@pytest.mark.spec("SEED-222", "SEED-223", "SEED-224", "SEED-225", "SEED-226")
def test_the_matrix_has_the_specifications_rows_and_methods():
    found, _ = comply()
    assert [requirement.name for requirement in found.requirements] == NAMES
    assert [requirement.method for requirement in found.requirements] == [
        "HEE capsule validation",
        "HEE decision tracking",
        "HEE rule validation",
        "HEE quality gate checks",
        "HEE spec coverage validation",
    ]


@pytest.mark.spec("SEED-042", "SEED-222", "SEED-223", "SEED-224", "SEED-225", "SEED-226")
def test_what_was_not_evaluated_is_unknown_and_not_compliance():
    found, status = comply()
    assert set(status.values()) == {"UNKNOWN"}
    assert not found.compliant


def test_compliance_is_established_when_everything_was_evaluated_and_holds():
    found, status = comply(capsule_findings=(), continuity=KEPT, report=PASS, gates=(MET,), spec=FULL)
    assert set(status.values()) == {"OK"}
    assert found.compliant


BELOW = evaluate(Gate("line_coverage", 9900), Measure.of("line_coverage", 95, 100))
CLOSED = evaluate(Gate("branch_coverage", 9000), None)


@pytest.mark.parametrize(
    ("given", "name", "status", "says"),
    [
        pytest.param(
            {"capsule_findings": ["/a: bad", "/b"]},
            NAMES[0],
            "FAIL",
            "2 faults in the capsule: /a: bad",
            marks=pytest.mark.spec("SEED-222"),
        ),
        pytest.param(
            {"continuity": Measure.of("c", 1, 2)},
            NAMES[1],
            "FAIL",
            "50 % (1 of 2), required 100 %",
            marks=pytest.mark.spec("SEED-223"),
        ),
        pytest.param(
            {"continuity": Measure.of("c", 0, 0)},
            NAMES[1],
            "UNKNOWN",
            "could not be measured",
            marks=pytest.mark.spec("SEED-223"),
        ),
        pytest.param(
            {"report": Report("fail", 1, (), detail="fail: x")},
            NAMES[2],
            "FAIL",
            "fail: x",
            marks=pytest.mark.spec("SEED-224"),
        ),
        pytest.param(
            {"report": Report("unknown", 0, (), detail="nothing")},
            NAMES[2],
            "UNKNOWN",
            "nothing",
            marks=pytest.mark.spec("SEED-224"),
        ),
        pytest.param(
            {"gates": (MET, BELOW, CLOSED)}, NAMES[3], "FAIL", "line_coverage 95 %", marks=pytest.mark.spec("SEED-225")
        ),
        pytest.param(
            {"gates": (MET, CLOSED)},
            NAMES[3],
            "UNKNOWN",
            "branch_coverage is unknown",
            marks=pytest.mark.spec("SEED-225"),
        ),
        pytest.param({"gates": ()}, NAMES[3], "UNKNOWN", "no quality gate", marks=pytest.mark.spec("SEED-225")),
        pytest.param(
            {"spec": Measure.of("s", 2, 3)}, NAMES[4], "FAIL", "66.66 % (2 of 3)", marks=pytest.mark.spec("SEED-226")
        ),
    ],
)
def test_each_requirement_fails_or_is_unknown_on_its_own_and_says_why(given, name, status, says):
    whole = {"capsule_findings": (), "continuity": KEPT, "report": PASS, "gates": (MET,), "spec": FULL}
    found, statuses = comply(**{**whole, **given})
    assert statuses == {**dict.fromkeys(NAMES, "OK"), name: status}
    assert not found.compliant
    assert says in next(requirement.detail for requirement in found.requirements if requirement.name == name)


def test_spec_coverage_is_held_against_the_configurations_gate():
    config = load(dump_default().replace(b"spec_coverage: 100%", b"spec_coverage: 60%"))
    found = GovernanceValidator(config).check_compliance(spec=Measure.of("s", 2, 3))
    assert found.requirements[-1].status == "OK"
    no_gate = load(b'hee_monitoring:\n  version: "1.0"\n')
    assert GovernanceValidator(no_gate).check_compliance(spec=Measure.of("s", 2, 3)).requirements[-1].status == "FAIL"


def test_gate_results_are_values():
    assert isinstance(MET, GateResult)


# ------------------------------------------------------------------ decision tracking


@pytest.mark.spec("SEED-037", "SEED-201", "SEED-223")
def test_each_decision_is_carried_ended_lost_or_changed():
    before = {"A": "1", "B": "2", "C": "3", "D": "4"}
    found = GovernanceValidator().track_decisions(before, {"A": "1", "D": "5", "E": "6"}, ended=("B",))
    assert (found.carried, found.ended, found.lost, found.mutated) == (("A",), ("B",), ("C",), ("D",))
    measure = found.measure
    assert (measure.name, measure.value, measure.numerator, measure.denominator) == ("decision_continuity", 5000, 2, 4)
    assert measure.evidence == ("C", "D")


@pytest.mark.spec("SEED-201")
def test_continuity_is_whole_when_nothing_was_lost_and_unknown_when_there_was_nothing():
    track = GovernanceValidator().track_decisions
    assert track({"A": "1"}, {"A": "1", "B": "2"}).measure.value == 10_000
    assert track({}, {"A": "1"}).measure.value is None
