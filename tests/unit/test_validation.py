"""Capsules that anybody wrote are judged by two schemas, with a pointer to each fault."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from state_world import World

from hee_core import capsule, projection, render, validation
from hee_core.errors import CapsuleError
from hee_core.validation import SEED_SCHEMA, STRICT_SCHEMA, load_capsule, validate_capsule

ISSUE = {"issue_id": "ISS-1", "timestamp": "2026-01-24T12:00:00Z", "resolved": False}
FIX = {
    "timestamp": "2026-01-24T12:00:00Z",
    "pattern_id": "HEE-PAT-612",
    "success": True,
    "hee_context": {"state_capsule_version": "state-v1", "governance_validation": True},
}
BARE: dict[str, Any] = {
    "hee_monitoring_state": {
        "last_run_id": 0,
        "current_status": "operational",
        "hee_specific": {"state_version": "state-v1", "governance_compliance": True},
        "coverage_metrics": {},
        "recent_issues": [ISSUE],
    },
    "hee_auto_fix_history": [FIX],
}
REMOVED = object()


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The bare capsule with one place changed."""
    document = copy.deepcopy(BARE)
    *path, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]
    place: Any = document
    for part in path:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return document


def pointers(document: object, *, strict: bool = True) -> list[str]:
    return [finding.pointer for finding in validate_capsule(document, strict=strict)]


@pytest.mark.spec("SEED-131", "SEED-132")
def test_both_schemas_are_schemas_of_draft_2020_12() -> None:
    for schema in (SEED_SCHEMA, STRICT_SCHEMA):
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)
    assert SEED_SCHEMA["title"] == "HEE CI/CD Monitoring State Capsule"


def test_a_capsule_with_the_keys_of_the_specification_alone_is_valid() -> None:
    assert pointers(BARE) == pointers(BARE, strict=False) == []


S, H = "/hee_monitoring_state", "/hee_auto_fix_history"


@pytest.mark.parametrize(
    "pointer",
    [
        pytest.param(S, marks=pytest.mark.spec("SEED-133")),
        pytest.param(H, marks=pytest.mark.spec("SEED-133")),
        *(
            pytest.param(f"{S}/{key}", marks=pytest.mark.spec("SEED-157"))
            for key in ("last_run_id", "current_status", "hee_specific", "coverage_metrics")
        ),
        *(
            pytest.param(f"{S}/hee_specific/{key}", marks=pytest.mark.spec("SEED-141"))
            for key in ("state_version", "governance_compliance")
        ),
        *(
            pytest.param(f"{H}/0/{key}", marks=pytest.mark.spec("SEED-168"))
            for key in ("timestamp", "pattern_id", "success", "hee_context")
        ),
        *(
            pytest.param(f"{H}/0/hee_context/{key}", marks=pytest.mark.spec("SEED-167"))
            for key in ("state_capsule_version", "governance_validation")
        ),
    ],
)
def test_what_the_specification_requires_must_be_there(pointer: str) -> None:
    document = changed(pointer, REMOVED)
    parent = pointer.rpartition("/")[0]
    for strict in (True, False):
        (finding,) = validate_capsule(document, strict=strict)
        assert finding.pointer == parent
        assert "required" in finding.message


@pytest.mark.parametrize("metric", capsule.METRICS)
@pytest.mark.parametrize("value", [-1, 100.01, True, "85", None])
@pytest.mark.spec("SEED-142", "SEED-143", "SEED-144", "SEED-145", "SEED-146", "SEED-147", "SEED-148")
def test_coverage_is_a_number_from_0_to_100(metric: str, value: Any) -> None:
    pointer = f"{S}/coverage_metrics/{metric}"
    assert pointers(changed(pointer, value)) == [pointer]
    assert pointers(changed(pointer, 99.5)) == pointers(changed(pointer, 100)) == []


@pytest.mark.parametrize(
    ("pointer", "value", "seed_accepts"),
    [
        (f"{S}/last_run_id", 1.0, True),
        (f"{S}/last_run_id", -1, True),
        (f"{S}/last_run_id", 2**53, True),
        (f"{S}/last_run_id", True, False),
        (f"{S}/current_status", "fine", False),
        (f"{S}/hee_specific/state_version", "state-v1\n", True),
        (f"{S}/hee_specific/state_version", "state-v", False),
        (f"{S}/hee_specific/state_version", "xstate-v1", False),
        (f"{S}/hee_specific/governance_compliance", 1, False),
        (f"{S}/hee_specific/decision_stability", 100.5, False),
        (f"{S}/hee_specific/spec_coverage", -0.1, False),
        (f"{S}/hee_specific/prompt_compatibility", "100", False),
        (f"{S}/recent_issues/0/timestamp", "yesterday", False),
        (f"{S}/recent_issues/0/timestamp", "2026-01-24T12:00:00", False),
        (f"{S}/recent_issues/0/pattern_id", "PAT-1", True),
        (f"{S}/recent_issues/0/pattern_id", "HEE-PAT-001\n", True),
        (f"{S}/recent_issues/0/severity", "Bad", True),
        (f"{S}/recent_issues/0/hee_impact", "huge", True),
        (f"{S}/recent_issues/0/resolved", "no", False),
        (f"{S}/recent_issues/0/issue_id", "", True),
        (f"{S}/recent_issues/0/hee_decision_conflict", 0, False),
        (f"{S}/recent_issues/0/commit", "HEAD", True),
        (f"{H}/0/timestamp", "2026-02-30T12:00:00Z", False),
        (f"{H}/0/rollback", "no", False),
        (f"{H}/0/hee_context/state_capsule_version", "", True),
        (f"{H}/0/hee_context/decision_impact", 1, False),
        (f"{H}/0/hee_context/context_preservation", None, False),
    ],
)
@pytest.mark.spec("SEED-134", "SEED-136", "SEED-137", "SEED-138", "SEED-139", "SEED-140", "SEED-154", "SEED-159")
def test_values_are_held_to_their_bounds_words_and_formats(pointer: str, value: Any, seed_accepts: bool) -> None:
    document = changed(pointer, value)
    assert set(pointers(document)) == {pointer}
    assert (pointers(document, strict=False) == []) is seed_accepts


@pytest.mark.parametrize("parent", ["", S, f"{S}/hee_specific", f"{S}/recent_issues/0", f"{H}/0", f"{H}/0/hee_context"])
def test_a_key_that_nobody_named_is_a_finding(parent: str) -> None:
    document = changed(f"{parent}/extra", 1)
    (finding,) = validate_capsule(document)
    assert (finding.pointer, "'extra' was unexpected" in finding.message) == (parent, True)
    assert pointers(document, strict=False) == []


@pytest.mark.spec("SEED-150")
def test_two_issues_never_have_one_id() -> None:
    document = changed(f"{S}/recent_issues", [ISSUE, {**ISSUE, "issue_id": "ISS-2"}, {**ISSUE, "resolved": True}])
    (finding,) = validate_capsule(document)
    assert finding.pointer == f"{S}/recent_issues/2/issue_id"
    assert "'ISS-1' is the issue_id of an earlier item" in finding.message
    assert pointers(changed(f"{S}/recent_issues", {"issue_id": 1})) == [f"{S}/recent_issues"]
    assert f"{S}/recent_issues/0" in pointers(changed(f"{S}/recent_issues", ["x", {"issue_id": 1}]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "nan is not a number"),
        (float("-inf"), "-inf is not a number"),
        ("\ud800", "half a surrogate pair"),
        ({1: 2}, "the key 1 is not text"),
        ({"\udfff": 2}, "is not text"),
        ((1,), "tuple is not JSON"),
        ([float("inf")], "inf is not a number"),
    ],
)
def test_what_json_cannot_carry_is_the_only_finding(value: Any, message: str) -> None:
    for strict in (True, False):
        (finding,) = validate_capsule(changed(f"{S}/a~b", value), strict=strict)
        assert finding.pointer.startswith(f"{S}/a~0b")
        assert message in finding.message


@pytest.mark.parametrize("document", [None, 1, "x", [], True, {}])
def test_what_is_no_capsule_at_all_has_findings_for_the_whole_document(document: object) -> None:
    assert set(pointers(document)) == {""}


def test_findings_are_bounded_sorted_and_safe_to_print() -> None:
    bad = {f"k{number:03}\u202e": "x" * 5000 for number in range(150)}
    findings = validate_capsule(
        {**BARE, "hee_monitoring_state": {**BARE["hee_monitoring_state"], "coverage_metrics": bad}}
    )
    assert all(len(finding.message) <= 300 and "\u202e" not in finding.message for finding in findings)
    many = validate_capsule({"hee_monitoring_state": {}, "hee_auto_fix_history": [1] * 300})
    assert len(many) == validation.MOST_FINDINGS
    assert list(many) == sorted(many, key=lambda finding: (finding.pointer, finding.message))
    assert len(validate_capsule({"x": [float("nan")] * 300})) == validation.MOST_FINDINGS


def test_a_document_without_a_bottom_is_a_finding() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert validate_capsule(deep) == (validation.Finding("", "nested too deeply"),)
    while deep:  # taken apart by hand: freeing it at once would use up the C stack of some interpreters
        deep = deep.pop()


# ------------------------------------------------------------------ files


@pytest.fixture
def document() -> dict[str, Any]:
    world = World()
    world.say("ci.failure_detected")
    return world.capsule


@pytest.mark.spec("SEED-032")
def test_json_yaml_and_markdown_are_read_to_the_same_capsule(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1)
    page = render.to_markdown(document, log_id="", head=None, index=0)
    for name, data in [
        ("current.json", text.encode()),
        ("current.json", b"\xef\xbb\xbf" + text.encode()),
        ("current.yaml", text.encode()),
        ("a/b.YML", text.encode()),
        ("HEE-Monitoring.md", page.encode()),
        ("HEE-Monitoring.md", page.replace("\n", "\r\n").encode()),
    ]:
        assert load_capsule(data, name) == document


def test_yaml_keeps_dates_as_text_and_words_as_words() -> None:
    text = b"at: 2026-01-24T12:00:00Z\nday: 2026-01-24\non: yes\nn: 012\nid: 00e1234\nf: 1.5\nnothing: ~\n"
    assert load_capsule(text, "a.yaml") == {
        "at": "2026-01-24T12:00:00Z",
        "day": "2026-01-24",
        "on": "yes",
        "n": 12,
        "id": 0.0,
        "f": 1.5,
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b'{"a": 1, "a": 2}', "a.json: not JSON: duplicate key"),
        ("a.json", b'{"a": Infinity}', "a.json: not JSON: Infinity"),
        ("a.json", b"\xff", r"a.json: not UTF-8 \(byte 0\)"),
        ("a.json", b"", "a.json: not JSON"),
        ("a.txt", b"{}", "a.txt: a capsule is a .json, .yaml or .md file"),
        ("a.yaml", b"a: 1\na: 2\n", "a.yaml, line 2: not YAML of a capsule: found duplicate key"),
        ("a.yaml", b"a: .nan\n", "a.yaml: /a: nan is not a number"),
        ("a.yaml", b"x: &a [1]\ny: *a\n", "a.yaml, line 1: not YAML of a capsule: a capsule has no anchors"),
        ("a.yaml", b"a: 1\n---\nb: 2\n", "a.yaml, line 2: not YAML"),
        (
            "a.yaml",
            b"a: !!python/name:os.system\n",
            "a.yaml, line 1: not YAML of a capsule: could not determine a constructor",
        ),
        ("a.yaml", b"a: [1\n", "a.yaml, line 2: not YAML"),
        ("a.yaml", b"\x01", "a.yaml: not YAML"),
        ("a.yaml", b"a: " + b"9" * 5000, "a.yaml: not YAML"),
        ("a.yaml", b"[" * 200 + b"]" * 200, "a.yaml, line 1: not YAML of a capsule: nested too deeply"),
        ("a.yaml", b" " * (validation.MOST_YAML + 1), "is no capsule"),
        ("a.md", b"# hello", "a.md: a capsule in Markdown has one fenced JSON block"),
        ("a.md", b"```json\n{\n```", "a.md: the JSON block at line 2: not JSON"),
        ("a.json", b"[" * 200_000, "a.json: not JSON"),
        ("a.json", b" " * (validation.MOST_BYTES + 1), "is no capsule"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_where(name: str, data: bytes, message: str) -> None:
    with pytest.raises(CapsuleError, match=message):
        load_capsule(data, name)


def test_the_capsule_of_an_empty_log_is_read_from_yaml_too() -> None:
    document = capsule.build(projection.INITIAL, log_id="")
    assert validate_capsule(load_capsule(capsule.to_bytes(document), "x.yaml")) == ()
