"""The detectors of HEE-PAT-001 to 005: what they find, where, and under which lasting name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_core.projection import INITIAL, fold_all
from hee_governance import rules
from hee_governance.config import dump_default, load
from hee_governance.decisions import Decision
from hee_monitoring import detectors
from hee_monitoring.detectors import BOUND, Known, context
from hee_monitoring.detectors.subject import line
from hee_monitoring.evidence import Channel

CONFIG = load(dump_default())
ROOT = "docs/STATE_CAPSULES/2026-01-24"
WORKFLOW = ".github/workflows/ci.yml"
STEP = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: u\n    timeout-minutes: 1\n    steps:\n      - run: "
VALID = {
    "hee_monitoring_state": {
        "last_run_id": 0,
        "current_status": "operational",
        "hee_specific": {"state_version": "state-v1", "governance_compliance": True},
        "coverage_metrics": {},
    },
    "hee_auto_fix_history": [],
}
BROKEN = {**VALID, "hee_monitoring_state": {**VALID["hee_monitoring_state"], "current_status": "fine"}}


def found(tree, known=None, **facts):
    files = {path: data if isinstance(data, bytes) else data.encode() for path, data in tree.items()}
    if known is None:
        config = facts.pop("config", CONFIG)
        known = Known(config, rules.check(files, config), **facts)
    return detectors.find(files, known)


def places(diagnosis):
    return [(evidence.where, evidence.line) for evidence in diagnosis.evidence]


def letters(tree, **facts):
    return [(d.pattern_id, d.captures["rule"]) for d in found(tree, **facts)]


def test_a_repository_in_order_has_nothing_to_say():
    assert found({WORKFLOW: STEP + "pytest\n", f"{ROOT}/a.json": json.dumps(VALID)}) == ()


# ------------------------------------------------------------------ HEE-PAT-001


@pytest.mark.spec("SEED-061")
@pytest.mark.parametrize(
    ("name", "text", "rule", "at"),
    [
        ("a.json", json.dumps(BROKEN, indent=1), "d", 4),
        ("a.yaml", json.dumps(BROKEN, indent=1), "d", 4),
        ("a.md", f"# X\n\n```json\n{json.dumps(BROKEN, indent=1)}\n```\n", "d", 7),
        ("a.md", '# X\n```json\n{"hee_monitoring_state": {},\n oops}\n```\n', "e", 4),
        ("a.md", '# X\n```json\n{"hee_monitoring_state": 1}\n', "e", 2),
        ("a.json", '{"a": 1,\n "b": }', "e", 2),
        ("a.json", '{"a": 1, "a": 2}', "e", 1),
        ("a.json", '{"a": NaN}', "e", 1),
        ("a.json", "[" * 100_000, "e", 1),
        ("a.json", "", "e", 1),
        ("a.yaml", "a: 1\nb: [\n", "e", 3),
        ("a.yml", "a: 1\na: 2\n", "e", 2),
        ("a.json", b"{}\n\xff", "e", 2),
        ("a.md", "ok\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n", "e", 2),
        ("a-Done.md", "# X\n- [x] a\n- [ ] b\n", "g", 0),
        ("a.yaml", "name: x\nmutable: false\nend: TBD\nby: [<name>]\n", "i", 3),
        ("a.md", "```yaml\nlock:\n  mutable: false\n  by: '[Insert name]'\n```\n", "i", 4),
    ],
)
def test_a_corrupt_capsule_is_found_with_its_line_and_sub_rule(name, text, rule, at):
    (diagnosis,) = [d for d in found({f"{ROOT}/{name}": text}) if d.pattern_id == "HEE-PAT-001"]
    assert (diagnosis.category, diagnosis.captures["rule"]) == ("state", rule)
    assert (diagnosis.evidence[0].where, diagnosis.line) == (f"{ROOT}/{name}", at)
    assert all(evidence.channel is Channel.FILE for evidence in diagnosis.evidence)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(VALID)),
        ("a.yaml", json.dumps(VALID)),
        ("a.json", '{"monitoring_state": {}}'),
        ("a.json", "[1]"),
        ("a.yaml", "pill: {id: 1, note: TBD}\n"),
        ("a.yaml", "a: 1\n---\nmutable: false\n"),
        ("a.yaml", "mutable: false\nend: 2026-01-24\n"),
        ("a.yaml", "mutable: true\nend: TBD\n"),
        ("a.md", "```json\n{ an example, }\n```\n"),
        ("a.md", "```yaml\nmutable: [\n```\n"),
        ("a.md", "chat: x\n- not: [yaml\n"),
        ("a.md", "<<<<<<< is how a conflict begins\n"),
        ("a.txt", "<<<<<<< a\n>>>>>>> b\n"),
    ],
)
def test_what_is_whole_or_not_ours_to_judge_is_left_alone(name, text):
    assert [d for d in found({f"{ROOT}/{name}": text}) if d.pattern_id == "HEE-PAT-001"] == []


def test_the_capsule_that_the_configuration_names_is_looked_at_wherever_it_is():
    config = load(dump_default().replace(b"docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md", b"state/now.json"))
    assert letters({"state/now.json": "{"}, config=config) == [("HEE-PAT-001", "e")]
    assert letters({"state/other.json": "{"}, config=config) == []


def test_each_schema_fault_is_evidence_with_its_pointer():
    many = {**BROKEN, "hee_auto_fix_history": [{"success": True}] * 9}
    (diagnosis,) = found({f"{ROOT}/a.json": json.dumps(many, indent=1)})
    assert len(diagnosis.evidence) == 10
    assert all(evidence.text.startswith("/hee_") for evidence in diagnosis.evidence)


def test_a_capsule_with_more_entries_than_lines_are_kept_for_is_still_judged():
    huge = {**BROKEN, "extra": [0] * 21_000}
    (diagnosis,) = found({f"{ROOT}/a.json": json.dumps(huge)})
    assert diagnosis.captures["rule"] == "d"
    assert diagnosis.line == 1


def test_a_yaml_capsule_that_is_a_list_is_not_a_monitoring_capsule():
    assert found({f"{ROOT}/a.yaml": "- hee_monitoring_state\n"}) == ()


# ------------------------------------------------------------------ HEE-PAT-002


@pytest.mark.spec("SEED-062")
def test_decisions_that_contradict_each_other_are_found():
    decisions = (Decision("HEE-DEC-1", "k", value="on"), Decision("HEE-DEC-2", "k", value="off"))
    (diagnosis,) = found({}, decisions=decisions)
    assert (diagnosis.pattern_id, diagnosis.category, diagnosis.captures["rule"]) == ("HEE-PAT-002", "decision", "a")
    assert diagnosis.captures["decisions"] == "HEE-DEC-1 HEE-DEC-2"
    assert "'on'" in diagnosis.text


@pytest.mark.spec("SEED-062")
def test_a_circle_of_supersessions_is_found():
    assert letters({}, decisions=(Decision("A", "k", supersedes="A"),)) == [("HEE-PAT-002", "d")]


def test_an_unknown_predecessor_is_a_finding_only_where_the_ledger_lists_all():
    orphan = (Decision("A", "k", supersedes="Z"),)
    assert letters({}, decisions=orphan) == [("HEE-PAT-002", "d")]
    assert letters({}, decisions=orphan, ended=frozenset({"Z"})) == []
    assert letters({}, decisions=orphan, ended_complete=False) == []


# ------------------------------------------------------------------ HEE-PAT-003

SPEC = {"docs/spec.md": "SEED-001 is done.\nSEED-002 is not.\n"}
TEST = "@pytest.mark.spec('SEED-001')\ndef test_a():\n    assert f()\n"
PENDING = "\n@pytest.mark.xfail\n@pytest.mark.spec('SEED-002')\ndef test_b():\n    assert f()\n"


@pytest.mark.spec("SEED-063")
def test_a_clause_that_no_test_proves_is_found_at_its_line():
    (diagnosis,) = found({**SPEC, "tests/test_a.py": TEST})
    assert (diagnosis.pattern_id, diagnosis.category) == ("HEE-PAT-003", "spec")
    assert places(diagnosis) == [("docs/spec.md", 2)]
    assert dict(diagnosis.captures) == {
        "rule": "gap",
        "clause": "SEED-002",
        "path": "docs/spec.md",
        "line": "2",
        "sub_rule": "a",
    }
    assert diagnosis.text == "SEED-002 is not."


def test_a_pending_skeleton_changes_neither_the_gap_nor_its_name():
    (gap,) = found({**SPEC, "tests/test_a.py": TEST})
    (pending,) = found({**SPEC, "tests/test_a.py": TEST + PENDING})
    (empty,) = found(
        {**SPEC, "tests/test_a.py": TEST + PENDING.replace("@pytest.mark.xfail\n", "").replace("assert f()", "f()")}
    )
    assert gap.fingerprint == pending.fingerprint == empty.fingerprint
    assert [d.captures["sub_rule"] for d in (gap, pending, empty)] == ["a", "b", "i"]
    assert "marked xfail" in pending.captures["trace"]
    assert found({**SPEC, "tests/test_a.py": TEST + PENDING.replace("@pytest.mark.xfail\n", "")}) == ()


def test_many_gaps_are_one_diagnosis_that_names_them():
    lines = "".join(f"SEED-{number:03} must hold.\n" for number in range(300))
    (diagnosis,) = found({"docs/spec.md": lines})
    assert diagnosis.captures["count"] == "300"
    assert diagnosis.captures["clauses"].startswith("SEED-000 SEED-001")
    assert len(diagnosis.captures["clauses"]) < 2000
    assert len(diagnosis.evidence) == 10
    (few,) = found({"docs/spec.md": "".join(f"SEED-{number:03}\n" for number in range(BOUND + 1))})
    assert few.fingerprint == diagnosis.fingerprint
    assert len(few.captures["clauses"].split()) == BOUND + 1
    assert len(found({"docs/spec.md": "".join(f"SEED-{number:03}\n" for number in range(BOUND))})) == BOUND


def test_a_clause_that_an_unreadable_test_names_is_not_called_a_gap():
    (diagnosis,) = found({**SPEC, "tests/test_a.py": TEST.replace("def test_a():", "def test_a(:")})
    assert diagnosis.captures["clause"] == "SEED-002"


# ------------------------------------------------------------------ HEE-PAT-004


@pytest.mark.spec("SEED-064")
def test_a_broken_rule_is_found_with_the_line_and_what_the_rule_says():
    (diagnosis,) = found({WORKFLOW: STEP + "pytest || true\n"})
    assert (diagnosis.pattern_id, diagnosis.category, diagnosis.captures["rule"]) == ("HEE-PAT-004", "governance", "f")
    assert places(diagnosis) == [(WORKFLOW, 8), (WORKFLOW, 8)]
    assert diagnosis.text == "- run: pytest || true"
    assert diagnosis.evidence[1].text.startswith("HGV-CI-005: `pytest` cannot fail")
    assert diagnosis.captures["violated"] == "HGV-CI-005"
    assert diagnosis.captures["remedy"]


@pytest.mark.parametrize(
    ("tree", "letter"),
    [
        (
            {WORKFLOW: STEP + "./gone.sh\n      - uses: actions/checkout@0123456789012345678901234567890123456789\n"},
            "r",
        ),
        ({WORKFLOW: "jobs: ["}, "l"),
        ({f"{ROOT}/a.md": "a\u200bb"}, "h"),
        ({"docs/doctrine/x.md": "x", "prompts/a.md": "# x", WORKFLOW: STEP + "x\n"}, "r"),
    ],
)
def test_rules_have_their_letters(tree, letter):
    assert letters(tree) == [("HEE-PAT-004", letter)]


def test_a_finding_keeps_its_name_when_its_line_moves():
    (one,) = found({WORKFLOW: STEP + "pytest || true\n"})
    (other,) = found({WORKFLOW: "# new\n\n" + STEP + "pytest || true\n"})
    assert one.fingerprint == other.fingerprint
    assert one.line != other.line


def test_many_findings_of_one_rule_are_one_diagnosis():
    steps = "".join(f"      - name: Lint {number}\n        run: mypy . || true\n" for number in range(BOUND + 1))
    (diagnosis,) = found({WORKFLOW: STEP + "x\n" + steps})
    assert "21 violations of HGV-CI-005" in diagnosis.title


def test_a_finding_without_a_line_is_still_evidence():
    (diagnosis,) = found({"docs/doctrine/x.md": "x", WORKFLOW: STEP + "x\n"})
    assert places(diagnosis) == [("prompts/", 0)]
    report = rules.check({WORKFLOW: (STEP + "pytest || true\n").encode()})
    beyond = replace(report, findings=(replace(report.findings[0], line=99),))
    (shown,) = found({WORKFLOW: STEP}, Known(CONFIG, beyond))
    assert len(shown.evidence) == 1


@pytest.mark.spec("SEED-033")
@pytest.mark.parametrize("mode", [b'"warn"', b'"off"'])
def test_in_an_advisory_mode_no_issue_is_opened(mode):
    config = load(dump_default().replace(b'"strict"', mode))
    assert found({WORKFLOW: STEP + "pytest || true\n"}, config=config) == ()


def test_warnings_open_no_issue():
    assert found({WORKFLOW: STEP + "x\n      - uses: a/b@v1\n"}) == ()


def test_a_broken_capsule_is_one_issue_and_not_two():
    assert letters({f"{ROOT}/a.md": b"\xff"}) == [("HEE-PAT-001", "e")]


# ------------------------------------------------------------------ HEE-PAT-005


@pytest.mark.spec("SEED-065")
def test_repairs_that_do_not_converge_are_found():
    (diagnosis,) = found({}, attempts={"a" * 16: 3, "b" * 16: 2})
    assert (diagnosis.pattern_id, diagnosis.category, diagnosis.captures["rule"]) == ("HEE-PAT-005", "context", "c")
    assert diagnosis.captures["subject"] == "a" * 16
    assert "3 repairs" in diagnosis.text


def test_how_many_repairs_are_too_many_is_configured():
    config = load(dump_default() + b"  fix: {max_attempts: 2}\n")
    assert letters({}, attempts={"b" * 16: 2}, config=config) == [("HEE-PAT-005", "c")]


@pytest.mark.spec("SEED-065")
@pytest.mark.parametrize(
    ("values", "flaps"),
    [
        (("a", "b", "a"), True),
        (("a", "a", "b", "b", "a"), True),
        (("a", "b", "c", "b"), True),
        (("a", "b"), False),
        (("a", "b", "c"), False),
        (("a",), False),
        ((), False),
    ],
)
def test_a_value_that_changes_and_changes_back_is_found(values, flaps):
    assert letters({}, history={"job at c": values}) == ([("HEE-PAT-005", "b")] if flaps else [])


def test_history_is_read_from_the_polls():
    class Poll:
        def __init__(self, type_, **data):
            self.type, self.data = type_, data

    events = [
        Poll("ci.polled", commit="c", jobs_passed=["x"], jobs_failed=["y"]),
        Poll("ci.polled", commit="c", jobs_failed=["x"]),
        Poll("ci.polled", commit=None, jobs_failed=["x"]),
        Poll("note.recorded", text="x"),
        Poll("ci.polled", commit="d", jobs_passed=["x"]),
    ]
    assert context.history_of(events) == {"x at c": ("passed", "failed"), "y at c": ("failed",), "x at d": ("passed",)}


# ------------------------------------------------------------------ together


def happened(*events: tuple[str, dict[str, object]]):
    """The state after real events, folded as the log folds them."""
    clock = FixedClock()
    bound = [
        Event.new(kind, data, clock=clock).bound(source="urn:hee:x", actor="agent:a", key_id="k")
        for kind, data in events
    ]
    return fold_all(INITIAL, 0, bound, restore=lambda _: INITIAL)


def test_the_pipelines_call_reads_the_logs_state():
    failure = {"issue_id": "I", "fingerprint": "f" * 16, "source": "act", "evidence": []}
    undone = {"issue_id": "I", "pattern_id": "HEE-PAT-612", "reason": "still red"}
    state = happened(
        ("decision.recorded", {"key": "k", "statement": "s", "value": "on"}),
        ("decision.recorded", {"key": "k", "statement": "s", "value": "off"}),
        ("ci.failure_detected", failure),
        *(("fix.rolled_back", {"fix_id": f"F{number}", **undone}) for number in range(3)),
    )
    tree = {WORKFLOW: (STEP + "pytest || true\n").encode()}
    diagnoses = detectors.detect(tree, state, CONFIG, rules.check(tree, CONFIG), history={"x": ("a", "b", "a")})
    assert [(d.pattern_id, d.captures["rule"]) for d in diagnoses] == [
        ("HEE-PAT-002", "a"),
        ("HEE-PAT-004", "f"),
        ("HEE-PAT-005", "c"),
        ("HEE-PAT-005", "b"),
    ]
    assert diagnoses[2].captures["subject"] == "f" * 16
    assert len({d.fingerprint for d in diagnoses}) == 4
    assert all(len(d.fingerprint) == 16 for d in diagnoses)


def test_a_decision_that_ended_is_known_as_a_predecessor():
    first = ("decision.recorded", {"key": "k", "statement": "s", "value": "on"})
    name = next(iter(happened(first).decisions))
    state = happened(first, ("decision.recorded", {"key": "k", "statement": "s", "value": "off", "supersedes": name}))
    assert detectors.detect({}, state, CONFIG, rules.check({}, CONFIG)) == ()


# ------------------------------------------------------------------ silence resolves nothing


def opened(*diagnoses):
    """The open issues that a log would hold after these diagnoses, read as the pipeline reads them."""
    events = []
    for number, diagnosis in enumerate(diagnoses):
        evidence = [{"channel": "file", "line": e.line, "text": e.text, "where": e.where} for e in diagnosis.evidence]
        issue = {
            "issue_id": f"I{number}",
            "fingerprint": diagnosis.fingerprint,
            "source": "files",
            "evidence": evidence[:3],
        }
        named = {"issue_id": f"I{number}", "pattern_id": diagnosis.pattern_id, "category": diagnosis.category}
        told = {"title": diagnosis.title, "confidence": diagnosis.confidence, "database": "1"}
        events += [("ci.failure_detected", issue), ("ci.failure_classified", {**named, **told})]
    return happened(*events)


def after(before, now, config=CONFIG):
    """What is found now, where an earlier look at other files opened issues."""
    state = opened(*found(before))
    tree = {path: data.encode() for path, data in now.items()}
    return detectors.detect(tree, state, config, rules.check(tree, config))


TOOTHLESS = {WORKFLOW: STEP + "pytest || true\n"}


def test_an_issue_that_was_looked_at_and_is_gone_is_not_found():
    assert after(TOOTHLESS, {WORKFLOW: STEP + "pytest\n"}) == ()


def test_a_violation_stays_open_while_its_workflow_cannot_be_read():
    (violation,) = found(TOOTHLESS)
    kept = after(TOOTHLESS, {WORKFLOW: "jobs: ["})
    assert violation.fingerprint in {d.fingerprint for d in kept}
    assert {d.captures["rule"] for d in kept} == {"l", "open"}
    assert next(d for d in kept if d.captures["rule"] == "open").evidence == violation.evidence


@pytest.mark.parametrize(
    ("mode", "now", "kept"),
    [(b'"off"', {}, 1), (b'"warn"', TOOTHLESS, 1), (b'"warn"', {WORKFLOW: STEP + "pytest\n"}, 0)],
)
def test_turning_the_rules_down_closes_nothing_that_was_not_seen_mended(mode, now, kept):
    config = load(dump_default().replace(b'"strict"', mode))
    assert len(after(TOOTHLESS, now, config)) == kept


def test_a_schema_fault_stays_open_while_the_capsule_cannot_be_read():
    before = {f"{ROOT}/a.json": json.dumps(BROKEN)}
    assert [d.captures["rule"] for d in after(before, {f"{ROOT}/a.json": "{"})] == ["e", "open"]
    assert after(before, {f"{ROOT}/a.json": json.dumps(VALID)}) == ()


def test_a_gap_stays_open_while_the_test_that_might_prove_it_cannot_be_read():
    before = {**SPEC, "tests/test_a.py": TEST}
    torn = PENDING.replace("@pytest.mark.xfail\n", "").replace("test_b():", "test_b(:")
    (kept,) = after(before, {**SPEC, "tests/test_a.py": TEST, "tests/test_b.py": torn})
    assert kept.fingerprint == found(before)[0].fingerprint
    proof = torn.replace("(:", "():")
    assert after(before, {**SPEC, "tests/test_a.py": TEST, "tests/test_b.py": proof, "tests/test_c.py": "def ("}) == ()


def test_open_gaps_and_violations_keep_their_names_when_there_are_suddenly_many():
    before = {**SPEC, "tests/test_a.py": TEST, **TOOTHLESS}
    steps = "".join(f"      - name: Lint {number}\n        run: mypy . || true\n" for number in range(BOUND + 1))
    clauses = "".join(f"SEED-{number:03} holds.\n" for number in range(2, BOUND + 5))
    now = after(before, {"docs/spec.md": clauses, WORKFLOW: STEP + "pytest || true\n" + steps})
    assert {d.fingerprint for d in found(before)} < {d.fingerprint for d in now}
    assert len(now) == 4


def test_evidence_holds_no_secret_and_no_hidden_character():
    token = "ghp_" + "a" * 36
    shown = line("a.md", 3, f"  \u202etoken {token}\x1b[31m  ")
    assert token not in shown.text
    assert shown.text.isprintable()
    assert (shown.line, shown.where) == (3, "a.md")
