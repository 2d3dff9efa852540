"""What judgement promises, over whatever facts, policies, texts and trees there may be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hee_core.errors import ConfigError
from hee_governance import rules, waivers
from hee_governance.config import dump_default, json_schema, load
from hee_governance.conflicts import conflicts_of, scopes_overlap
from hee_governance.decide import Approval, Facts, Policy, decide
from hee_governance.decisions import Decision
from hee_governance.document import Node, Unreadable, read
from hee_governance.gates import NAMES, Gate, evaluate
from hee_governance.matrix import ACTIONS, CATEGORIES, LEVELS, Matrix
from hee_governance.measures import Measure, percent, ratio
from hee_governance.paths import matches, overlap
from hee_governance.predicates import Predicate
from hee_governance.predicates import Subject as PredicateSubject
from hee_governance.shell import commands
from hee_governance.speccoverage import spec_coverage
from hee_governance.traces import traces
from hee_governance.validator import GovernanceValidator
from hee_governance.values import incompatible, interval
from hee_governance.workflow import parse

LEVEL = st.sampled_from(LEVELS)
SAFETY = st.sampled_from(LEVELS[:3])
KEYS = st.sampled_from([row.key for row in Matrix.load().rows] + ["no-such-row", ""])
PATHS = st.lists(
    st.sampled_from(["src/a.py", "src/b.py", "docs/x.md", "hee.yaml", "vendor/z"]), max_size=3, unique=True
).map(tuple)
GLOBS = st.lists(st.sampled_from(["src/", "docs/", "**", "*.py", "vendor/**"]), max_size=2).map(tuple)
SCOPES = st.lists(
    st.sampled_from(["category:format", "category:*", "branch:main", "pattern:HEE-PAT-6*", "src/"]), max_size=2
).map(tuple)
DECISIONS = st.builds(
    Decision,
    decision_id=st.sampled_from(["D1", "D2", "D3", "D4"]),
    key=st.sampled_from(["a", "b"]),
    action=st.one_of(st.none(), st.sampled_from(ACTIONS)),
    value=st.sampled_from(["", "on", "off"]),
    deny_paths=GLOBS,
    scope=SCOPES,
    supersedes=st.sampled_from(["", "D1", "D2", "D9"]),
    kind=st.sampled_from(["standing", "issue"]),
)
APPROVALS = st.builds(
    Approval,
    approval_id=st.just("A"),
    subject=st.sampled_from(["I", "other"]),
    role=st.sampled_from(["human", "agent"]),
    scope=GLOBS,
    expires=st.sampled_from(["", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "never"]),
)
FACTS = st.builds(
    Facts,
    pattern_id=st.sampled_from([f"HEE-PAT-{number:03}" for number in (1, 2, 3, 4, 5, 612)]),
    category=st.sampled_from(CATEGORIES),
    hee_impact=LEVEL,
    safety_level=SAFETY,
    confidence=st.integers(0, 10_000),
    matrix_row=KEYS,
    severity=st.one_of(st.none(), LEVEL),
    decisions=st.lists(DECISIONS, max_size=3).map(tuple),
    frozen=st.booleans(),
    current_status=st.sampled_from(["operational", "degraded", "failed", "maintenance", "hee-compliance-check"]),
    attempts=st.integers(0, 5),
    approvals=st.lists(APPROVALS, max_size=2).map(tuple),
    paths=PATHS,
    issue_id=st.just("I"),
    branch=st.sampled_from(["main", ""]),
    as_of=st.sampled_from(["2026-06-01T00:00:00Z", ""]),
)
POLICIES = st.builds(
    Policy,
    max_severity=LEVEL,
    min_safety=SAFETY,
    min_confidence=st.integers(0, 10_000),
    max_attempts=st.integers(1, 5),
    fix_paths=GLOBS,
    deny_paths=GLOBS,
)


def automation(facts: Facts, policy: Policy) -> int:
    """How little automation a verdict allows: larger is more careful."""
    return ACTIONS.index(decide(facts, policy).action)


TIGHTER = st.one_of(
    st.tuples(st.just("decisions"), DECISIONS),
    st.tuples(st.just("frozen"), st.just(True)),
    st.tuples(st.just("current_status"), st.sampled_from(["failed", "hee-compliance-check"])),
    st.tuples(st.just("attempts"), st.integers(0, 3)),
    st.tuples(st.just("confidence"), st.integers(0, 10_000)),
    st.tuples(st.just("paths"), PATHS),
    st.tuples(st.just("approvals"), st.just(None)),
    st.tuples(st.just("safety_level"), SAFETY),
    st.tuples(st.just("severity"), LEVEL),
)


def tightened(facts: Facts, name: str, value: object) -> Facts:
    """The facts with one more constraint; never with one less."""
    if name == "decisions":
        return replace(facts, decisions=(*facts.decisions, value))
    if name == "attempts":
        return replace(facts, attempts=facts.attempts + int(value))  # type: ignore[call-overload]
    if name == "confidence":
        return replace(facts, confidence=min(facts.confidence, int(value)))  # type: ignore[call-overload]
    if name == "paths":
        return replace(facts, paths=(*facts.paths, *value))  # type: ignore[misc]
    if name == "approvals":
        return replace(facts, approvals=facts.approvals[:-1])
    if name == "safety_level":
        return replace(facts, safety_level=min(facts.safety_level, value, key=LEVELS.index))  # type: ignore[type-var]
    if name == "severity":
        return replace(facts, severity=max(facts.severity or facts.hee_impact, value, key=LEVELS.index))  # type: ignore[type-var]
    if name == "current_status" and facts.current_status == "failed":
        return facts
    return replace(facts, **{name: value})


@pytest.mark.spec("SEED-006", "SEED-053", "SEED-097")
@settings(max_examples=150, deadline=None)
@given(FACTS, POLICIES, TIGHTER)
def test_a_further_constraint_never_gives_more_automation(facts, policy, constraint):
    assert automation(tightened(facts, *constraint), policy) >= automation(facts, policy)


@pytest.mark.spec("SEED-301", "SEED-303")
@settings(max_examples=120, deadline=None)
@given(FACTS, POLICIES, LEVEL, SAFETY, st.integers(0, 10_000), st.integers(1, 5))
def test_a_stricter_policy_never_gives_more_automation(facts, policy, severity, safety, confidence, attempts):
    stricter = replace(
        policy,
        max_severity=min(policy.max_severity, severity, key=LEVELS.index),
        min_safety=max(policy.min_safety, safety, key=LEVELS.index),
        min_confidence=max(policy.min_confidence, confidence),
        max_attempts=min(policy.max_attempts, attempts),
        deny_paths=(*policy.deny_paths, "docs/"),
    )
    assert automation(facts, stricter) >= automation(facts, policy)


@pytest.mark.spec("SEED-053", "SEED-069", "SEED-072")
@settings(max_examples=120, deadline=None)
@given(FACTS, POLICIES)
def test_nothing_is_more_automatic_than_its_row_without_a_person(facts, policy):
    facts = replace(facts, approvals=tuple(approval for approval in facts.approvals if approval.role != "human"))
    verdict = decide(facts, policy)
    assert ACTIONS.index(verdict.action) >= ACTIONS.index(policy.matrix.row(verdict.row).action)
    if facts.pattern_id in ("HEE-PAT-001", "HEE-PAT-004"):
        assert verdict.action in ("manual-only", "none")


@settings(max_examples=120, deadline=None)
@given(FACTS, POLICIES)
def test_a_verdict_names_its_rule_and_is_always_the_same(facts, policy):
    verdict = decide(facts, policy)
    assert verdict == decide(facts, policy)
    assert verdict.rule.partition("/")[0] in {
        "matrix",
        "approval",
        "freeze",
        "decision",
        "paths",
        "max-severity",
        "attempts",
        "status",
        "safety",
        "confidence",
    }
    assert verdict.rationale == policy.matrix.row(verdict.row).rationale
    assert verdict.reasons
    if verdict.action != verdict.proposed:
        assert not verdict.rule.startswith(("matrix", "approval"))


@pytest.mark.spec("SEED-075")
@given(st.text(max_size=30))
def test_the_matrix_is_total(key):
    assert Matrix.load().row(key).action in ACTIONS


# ------------------------------------------------------------------ configuration


GATES = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10_000), max_size=5)


def written(gates: dict[str, int], *, listed: bool) -> bytes:
    rows = [f"{name}: {value // 100}.{value % 100:02d}%" for name, value in gates.items()]
    body = "".join(f"    {'- ' if listed else ''}{row}\n" for row in rows)
    return f'hee_monitoring:\n  version: "1.0"\n  quality_gates:{" []" if not rows else ""}\n{body}'.encode()


@pytest.mark.spec("SEED-034", "SEED-035")
@settings(max_examples=100, deadline=None)
@given(GATES)
def test_both_forms_of_gates_give_the_same_model_without_rounding(gates):
    one, other = load(written(gates, listed=True)), load(written(gates, listed=False))
    assert one == other
    assert dict(one.quality_gates) == gates


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 200),
        st.sampled_from(["1.0", "strict", "100%", "a/b.md", "../x", "main", "act", "high", ""]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["spec_coverage", "pre_fix_validation", "id", "branch", "max_severity", "paths", "files", "x"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
SECTIONS = st.dictionaries(
    st.sampled_from(
        [
            "version",
            "state_capsule",
            "governance_rules",
            "quality_gates",
            "safety_protocols",
            "log",
            "branch",
            "sources",
            "fix",
            "spec",
            "odd",
        ]
    ),
    VALUES,
    max_size=5,
)


def refusal(data: bytes) -> str:
    """What a refused configuration is told, with the next step; empty if it loads."""
    try:
        load(data)
    except ConfigError as error:
        return f"{error} ({error.hint})"
    return ""


EDITOR = jsonschema.Draft202012Validator(json_schema())


@pytest.mark.spec("SEED-043")
@settings(max_examples=120, deadline=None)
@given(SECTIONS)
def test_whatever_loads_is_valid_for_editors_too(section):
    section = {"version": "1.0", **section}
    said = refusal(json.dumps({"hee_monitoring": section}).encode())
    if said:
        assert "hee.yaml:1: /" in said
    else:
        EDITOR.validate({"hee_monitoring": section})


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_give_a_configuration_or_a_configuration_error(data):
    for text in (data, dump_default() + data):
        assert refusal(text) is not None


# ------------------------------------------------------------------ reading


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(alphabet="ab c:#-é'\"\\", max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet="abc ", min_size=1, max_size=4), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(PLAIN, st.sampled_from([None, 1]))
def test_json_is_read_as_it_was_written(value, indent):
    found = read(json.dumps(value, indent=indent, ensure_ascii=False).encode())
    assert isinstance(found, Node)
    assert found.plain == value


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_yaml_is_read_as_the_library_itself_reads_it(value):
    from io import StringIO

    from ruamel.yaml import YAML

    out = StringIO()
    YAML().dump({"value": value}, out)
    found = read(out.getvalue().encode())
    assert isinstance(found, Node)
    assert found.plain == YAML(typ="safe", pure=True).load(out.getvalue())


HOSTILE = st.text(alphabet="ab \n\t-:|>#'\"\\{}[]()&;*$`<=!%@,.é\u200b", max_size=120)


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_any_text_is_split_into_commands_with_lines_that_exist(text):
    for command in commands(text):
        assert command.words
        assert 0 <= command.line <= text.count("\n")
        assert command.depth >= 0
        assert isinstance(command.program, tuple)


@settings(max_examples=120, deadline=None)
@given(HOSTILE)
def test_any_script_in_a_workflow_is_judged_without_a_crash(text):
    step = json.dumps({"name": "Check it", "run": text})
    data = f"on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - {step}\n".encode()
    tree = {".github/workflows/ci.yml": data, "docs/STATE_CAPSULES/x.md": text.encode()}
    report = rules.check(tree)
    assert report.verdict in ("pass", "fail", "unknown")
    for finding in report.findings:
        assert 0 <= finding.line <= tree[finding.path].count(b"\n") + 1


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_a_workflow_or_say_why_not(data):
    found = parse("w", data)
    report = rules.check({".github/workflows/w.yml": data})
    assert (report.verdict == "unknown") == isinstance(found, Unreadable)


@settings(max_examples=150, deadline=None)
@given(HOSTILE, st.sampled_from(["t.py", "t.go"]))
def test_any_source_gives_traces_or_says_why_not(text, path):
    found = traces(path, text.encode())
    assert isinstance(found, (tuple, Unreadable))


# ------------------------------------------------------------------ rules


STEPS = [
    "- run: pytest",
    "- run: pytest || true",
    "- run: ./gone.sh",
    "- uses: a/b@v1",
    "- run: mypy . | tee x",
    "- run: ls",
]


def tree_of(steps: list[str]) -> dict[str, bytes]:
    head = "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n"
    return {".github/workflows/ci.yml": (head + "".join(f"      {step}\n" for step in steps)).encode()}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=4), st.sampled_from(STEPS))
def test_a_further_violation_never_improves_a_verdict(steps, more):
    order = ["pass", "unknown", "fail"]
    before, after = rules.check(tree_of(steps)), rules.check(tree_of([*steps, more]))
    assert order.index(after.verdict) >= order.index(before.verdict)
    assert len(after.findings) >= len(before.findings)


@pytest.mark.spec("SEED-098")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=4), st.lists(st.sampled_from(STEPS), max_size=2))
def test_what_a_change_adds_is_what_was_not_there(before, more):
    validator = GovernanceValidator()
    one, other = validator.check(tree_of(before)), validator.check(tree_of([*before, *more]))
    assert validator.introduced(one, one).findings == ()
    assert len(validator.introduced(one, other).findings) == len(other.findings) - len(one.findings)


# ------------------------------------------------------------------ paths, decisions, measures


SEGMENT = st.text(alphabet="ab*?", min_size=1, max_size=4)
GLOB = st.lists(st.one_of(SEGMENT, st.just("**")), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
PATH = st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)


@settings(max_examples=150, deadline=None)
@given(GLOB, GLOB, PATH)
def test_globs_that_select_one_path_overlap(first, second, path):
    if matches(first, path) and matches(second, path):
        assert overlap(first, second)


@settings(max_examples=150, deadline=None)
@given(PATH)
def test_a_path_selects_itself(path):
    assert matches(f"/{path}", path)


@pytest.mark.spec("SEED-018")
@settings(max_examples=120, deadline=None)
@given(st.lists(DECISIONS, max_size=4, unique_by=lambda decision: decision.decision_id))
def test_conflicts_do_not_depend_on_the_order_in_which_decisions_are_read(decisions):
    assert conflicts_of(decisions) == conflicts_of(decisions[::-1])
    for conflict in conflicts_of(decisions):
        assert set(conflict.decisions) <= {decision.decision_id for decision in decisions}


@settings(max_examples=120, deadline=None)
@given(DECISIONS, DECISIONS, FACTS)
def test_decisions_that_apply_to_one_issue_have_overlapping_scopes(first, second, facts):
    if first.applies(facts.subject) and second.applies(facts.subject):
        assert scopes_overlap(first, second)


@pytest.mark.spec("SEED-042")
@given(st.integers(-5, 10**6), st.integers(-5, 10**6), st.integers(1, 10_000))
def test_a_ratio_is_never_rounded_up_and_a_gate_needs_a_value(numerator, denominator, target):
    value = ratio(numerator, denominator)
    result = evaluate(Gate("spec_coverage", target), Measure.of("spec_coverage", numerator, denominator))
    assert result.met == (value is not None and value >= target)
    if value is not None:
        assert value * denominator <= numerator * 10_000
        assert (value == 10_000) == (numerator == denominator)
        assert percent(value).endswith("%")


@pytest.mark.spec("SEED-201", "SEED-223")
@given(
    st.dictionaries(st.sampled_from("ABCD"), st.sampled_from("12")),
    st.dictionaries(st.sampled_from("ABCD"), st.sampled_from("12")),
    st.sets(st.sampled_from("ABCD")),
)
def test_every_decision_has_exactly_one_fate(before, after, ended):
    found = GovernanceValidator().track_decisions(before, after, ended)
    fates = [*found.carried, *found.ended, *found.lost, *found.mutated]
    assert sorted(fates) == sorted(before)
    assert (found.measure.value == 10_000) == (bool(before) and not found.lost and not found.mutated)


@pytest.mark.spec("SEED-206")
@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)))
def test_coverage_counts_exactly_the_clauses_with_a_test_that_can_fail(clauses, proved, pending):
    spec = "".join(f"SEED-{number:03} holds.\n" for number in clauses)
    tests = "".join(
        f"@pytest.mark.spec('SEED-{number:03}')\ndef test_a{number}():\n    assert f()\n" for number in proved
    )
    tests += "".join(
        f"@pytest.mark.xfail\n@pytest.mark.spec('SEED-{number:03}')\ndef test_b{number}():\n    assert f()\n"
        for number in pending
    )
    found = spec_coverage({"docs/spec.md": spec.encode(), "tests/test_x.py": tests.encode()})
    assert (found.numerator, found.denominator) == (len(clauses & proved), len(clauses))
    assert {clause.id for clause in found.uncovered} == {f"SEED-{number:03}" for number in clauses - proved}


VERSIONS = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
CONSTRAINTS = st.lists(
    st.tuples(st.sampled_from([">=", ">", "<", "<=", "=="]), VERSIONS).map("".join), min_size=1, max_size=2
).map(",".join)
VALUE = st.one_of(VERSIONS, CONSTRAINTS, st.sampled_from(["on", "off", ""]))


@settings(max_examples=200, deadline=None)
@given(VALUE, VALUE, VERSIONS)
def test_values_that_one_version_satisfies_are_never_incompatible(one, other, version):
    assert incompatible(one, other) == incompatible(other, one)
    point = interval(version)
    spans = interval(one), interval(other)
    if point and all(span and not span.meet(point).empty for span in spans):
        assert not incompatible(one, other)


TRUTHS = st.sampled_from(["pass", "fail", "unknown"])
LEAF = {
    "pass": Predicate("match", pattern="a"),
    "fail": Predicate("match", pattern="z"),
    "unknown": Predicate("compare", at="/n", value=1),  # a text file is no data
}
SUBJECT = PredicateSubject({"a.txt": b"a"}, "a.txt")
RANK = {"fail": 0, "unknown": 1, "pass": 2}
PREDICATES = st.recursive(
    TRUTHS.map(LEAF.__getitem__),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda drawn: Predicate(drawn[0], tuple(drawn[1]))
        ),
        inner.map(lambda part: Predicate("not", (part,))),
    ),
    max_leaves=8,
)


def truth(predicate: Predicate) -> str:
    return predicate.evaluate(SUBJECT).truth


@settings(max_examples=150, deadline=None)
@given(PREDICATES, PREDICATES)
def test_rules_of_a_project_keep_the_laws_of_three_valued_logic(one, other):
    both, either = Predicate("all", (one, other)), Predicate("any", (one, other))
    assert RANK[truth(both)] == min(RANK[truth(one)], RANK[truth(other)])
    assert RANK[truth(either)] == max(RANK[truth(one)], RANK[truth(other)])
    negated = Predicate("any", (Predicate("not", (one,)), Predicate("not", (other,))))
    assert truth(Predicate("not", (both,))) == truth(negated)
    assert truth(Predicate("not", (Predicate("not", (one,)),))) == truth(one)
    assert truth(Predicate("all", (both, LEAF["fail"]))) == "fail"


DAYS = st.dates(date(2025, 1, 1), date(2028, 1, 1)).map(date.isoformat)
WAIVERS = st.lists(
    st.tuples(st.sampled_from(["HGV-CI-005", "HGV-CI-010", "odd"]), st.sampled_from(["**", ".github/**", "x"]), DAYS),
    max_size=3,
).map(lambda rows: "\n".join(f"{rule} | {glob} | {day} | why" for rule, glob, day in rows).encode())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=3), st.sampled_from(STEPS), WAIVERS, DAYS)
def test_on_every_day_a_report_is_the_same_again_and_a_violation_never_improves_it(steps, more, waived, day):
    config = replace(load(dump_default()), waivers=waivers.read("w", waived))
    before, after = (rules.check(tree_of(each), config, as_of=day) for each in (steps, [*steps, more]))
    assert before == rules.check(tree_of(steps), config, as_of=day)
    order = ["pass", "unknown", "fail"]
    stale = {"HGV-WAIVE-003"}  # a violation may be what a stale waiver was waiting for: a warning less
    assert order.index(after.verdict) >= order.index(before.verdict)
    counted = [
        len([f for f in report.findings if f.rule not in stale]) + len(report.waived) for report in (before, after)
    ]
    assert counted[1] >= counted[0]
    held = {rule.id for rule in rules.ALL if rule.valid_from <= day and (not rule.valid_to or day < rule.valid_to)}
    assert set(after.looked_at) == held
