"""The capsule says what the state says, in the specification's words, byte for byte the same everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import rfc8785
from state_world import COMMIT, DIGEST, EVIDENCE, LOG_ID, World

from hee_core import capsule, model, projection
from hee_core.errors import CapsuleError
from hee_core.validation import validate_capsule


@pytest.fixture
def world() -> World:
    """One of everything."""
    world = World()
    for type_ in ("config.loaded", "patterns.loaded", "monitor.started"):
        world.say(type_)
    world.say("ci.polled", run_id=41, jobs_unknown=["ci.yml#deploy"])
    for number in (1, 2):
        for type_ in ("ci.failure_detected", "ci.failure_classified", "ci.impact_assessed"):
            world.say(type_, issue_id=f"ISS-{number}")
    world.decide(kind="issue", issue_id="ISS-1", action="auto-fix", safety="high", rationale="safe")
    world.move("degraded")
    world.say("fix.started")
    world.say("fix.applied")
    world.say("fix.verified")
    world.say("fix.rolled_back", fix_id="fix-2", issue_id="ISS-2")
    world.say("alert.raised", issue_id="ISS-2")
    world.say("coverage.measured", metric="spec", value=9999)
    world.say("coverage.measured", metric="line", value=10000)
    world.say("gate.evaluated")
    world.say("gate.evaluated", gate="prompt_compatibility", value=5050)
    world.say("gate.evaluated", gate="decision_continuity", value=None)
    world.say("ci.issue_resolved", issue_id="ISS-2")
    return world


@pytest.mark.spec("SEED-015", "SEED-311")
def test_the_capsule_of_everything_is_valid_under_both_schemas_and_reads_back(world: World) -> None:
    document = world.capsule
    assert validate_capsule(document) == validate_capsule(document, strict=False) == ()
    read = capsule.parse(capsule.to_bytes(document))
    assert read.document() == document
    assert read.to_bytes() == capsule.to_bytes(document)
    assert (read.status, read.hee_monitoring_state.last_run_id) == ("degraded", 41)
    assert isinstance(read, capsule.StateCapsule)


def test_the_capsule_before_the_first_event_is_valid_and_claims_nothing() -> None:
    document = capsule.build(projection.INITIAL, log_id="")
    assert validate_capsule(document) == ()
    assert document["hee_monitoring_state"]["coverage_metrics"] == {}
    assert document["hee_log"]["size"] == 0
    assert "id" not in document["hee_log"]


@pytest.mark.spec("SEED-137", "SEED-138", "SEED-139", "SEED-146")
def test_percentages_are_floored_to_two_decimals_and_never_rounded_up(world: World) -> None:
    state = world.capsule["hee_monitoring_state"]
    assert state["coverage_metrics"] == {"spec": 99.99, "line": 100}
    assert state["hee_specific"]["spec_coverage"] == 99.99
    assert state["hee_specific"]["prompt_compatibility"] == 50.5
    assert state["hee_specific"]["decision_stability"] == 100
    assert b'"line":100,' in capsule.to_bytes(world.capsule)


def test_what_could_not_be_measured_or_judged_is_left_out_and_named(world: World) -> None:
    unknown = world.capsule["hee_unknown"]
    assert "coverage_metrics.branch" in unknown
    assert "coverage_metrics.line" not in unknown
    assert "job ci.yml#deploy (act)" in unknown
    assert "hee_specific.governance_compliance" in unknown
    assert {"gate": "decision_continuity", "target": 100, "met": False} in world.capsule["hee_gates"]


@pytest.mark.spec("SEED-151", "SEED-152", "SEED-153", "SEED-156")
def test_an_issue_has_the_fields_of_the_specification_and_the_line_that_proves_it(world: World) -> None:
    resolved, opened = world.capsule["hee_monitoring_state"]["recent_issues"]
    assert (resolved["issue_id"], resolved["resolved"]) == ("ISS-2", True)
    assert {key: opened[key] for key in ("issue_id", "pattern_id", "severity", "hee_impact", "resolved")} == {
        "issue_id": "ISS-1",
        "pattern_id": "HEE-PAT-612",
        "severity": "low",
        "hee_impact": "medium",
        "resolved": False,
    }
    assert opened["hee_decision_conflict"] is False
    assert (opened["evidence"], opened["commit"], opened["action"]) == ([EVIDENCE], COMMIT, "auto-fix")
    assert opened["fix"]["outcome"] == "verified"


@pytest.mark.spec("SEED-149")
def test_open_issues_have_room_before_resolved_ones() -> None:
    world = World()
    for number in range(capsule.ISSUES_SHOWN + 5):
        world.say("ci.failure_detected", issue_id=f"ISS-{number:03}")
        if number < 10:
            world.say("ci.issue_resolved", issue_id=f"ISS-{number:03}")
    shown = [issue["issue_id"] for issue in world.capsule["hee_monitoring_state"]["recent_issues"]]
    assert shown == [f"ISS-{number:03}" for number in range(5, capsule.ISSUES_SHOWN + 5)]
    for number in range(20):
        world.say("ci.failure_detected", issue_id=f"NEW-{number:03}")
    issues = world.capsule["hee_monitoring_state"]["recent_issues"]
    assert len(issues) == capsule.ISSUES_SHOWN
    assert not any(issue["resolved"] for issue in issues)
    assert world.capsule["hee_totals"]["issues_open"] == capsule.ISSUES_SHOWN + 15


@pytest.mark.spec("SEED-160", "SEED-161", "SEED-163", "SEED-164", "SEED-165")
def test_the_history_has_successes_and_failures_in_the_shape_of_the_specification(world: World) -> None:
    good, bad = world.fixes
    assert (good["success"], good["rollback"], bad["success"], bad["rollback"]) == (True, False, False, True)
    for fix in (good, bad):
        assert fix["hee_context"]["state_capsule_version"] == "state-v1"
        assert fix["pattern_id"] == "HEE-PAT-612"
    assert good["hee_context"]["decision_impact"] == "none"


def test_every_active_decision_is_in_the_capsule_by_id(world: World) -> None:
    assert set(world.capsule["hee_decisions"]) == set(world.state.decisions)


def test_the_log_section_says_which_log_how_long_and_under_which_configuration(world: World) -> None:
    log = world.capsule["hee_log"]
    assert log == {
        "id": LOG_ID,
        "size": len(world.events),
        "status": "open",
        "state": projection.digest(world.state),
        "as_of": world.state.time,
        "config": DIGEST,
        "governance": "strict",
        "patterns": "2026.1",
        "patterns_digest": DIGEST,
    }
    world.say("state.frozen")
    assert world.capsule["hee_log"]["status"] == "frozen"
    assert world.capsule["hee_log"]["frozen_reason"] == "rollback failed"


def test_bytes_are_canonical_however_they_are_made(world: World) -> None:
    for state in (projection.INITIAL, world.state, projection.load(projection.dump(world.state))):
        document = capsule.build(state, log_id=LOG_ID)
        assert capsule.write(state, log_id=LOG_ID) == capsule.to_bytes(document) == rfc8785.dumps(document)


@pytest.mark.parametrize("value", [1e-7, 1e21, 100.0, 0.0, -0.5, 0.125, {"\U0001f642": 1, "\uffff": 2}, "🙂\u2028"])
def test_bytes_are_canonical_for_numbers_and_keys_that_are_not_ours(value: Any) -> None:
    assert capsule.to_bytes({"x": [value]}) == rfc8785.dumps({"x": [value]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, 2**60, "\ud800", {1: 2, "a": 3}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CapsuleError, match="no canonical form"):
        capsule.to_bytes({"x": value})


def test_a_built_capsule_is_the_callers_own(world: World) -> None:
    document = world.capsule
    document["hee_monitoring_state"]["recent_issues"][0]["evidence"].clear()
    assert world.capsule["hee_monitoring_state"]["recent_issues"][0]["evidence"] == [EVIDENCE]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'{"a": NaN}', "NaN"),
        (b"[]", "breaks its schema"),
        (b'{"hee_monitoring_state": 1, "hee_auto_fix_history": []}', "/hee_monitoring_state"),
    ],
)
def test_what_is_no_capsule_is_not_read(data: bytes, message: str) -> None:
    with pytest.raises(CapsuleError, match=message):
        capsule.parse(data)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_what_is_no_json_is_not_read(value: Any) -> None:
    with pytest.raises(CapsuleError, match="not JSON"):
        model.read({"hee_monitoring_state": value})


def test_a_capsule_cannot_be_changed_after_reading(world: World) -> None:
    read = capsule.parse(capsule.to_bytes(world.capsule))
    with pytest.raises(ValueError, match="frozen"):
        read.hee_monitoring_state.current_status = "failed"


def test_an_unknown_name_of_the_module_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = capsule.nonsense


def test_folding_building_and_rendering_load_neither_pydantic_nor_jsonschema() -> None:
    code = (
        "import sys, json\n"
        "from hee_core import capsule, projection, render, replay\n"
        "document = capsule.build(projection.INITIAL, log_id='')\n"
        "render.to_markdown(document, log_id='', head=None, index=-1)\n"
        "print(json.dumps([name for name in ('pydantic', 'jsonschema', 'ruamel', 'hypothesis') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == []
