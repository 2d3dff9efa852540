"""What each event does to the state, and what an honest writer may not write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from state_world import COMMIT, DEFAULTS, DIGEST, EVIDENCE, World

from hee_core import attempts, catalogue, forms, machine, projection, shapes
from hee_core.errors import EventError, Frozen, IllegalTransition, IntegrityError, KeyFault
from hee_core.ledger import ATTEMPTS_KEPT, ENDED_KEPT, FIXES_KEPT, ROLLBACKS_KEPT
from hee_core.operational import CLOSED_KEPT, JUDGED_KEPT, SOURCES_KEPT


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------ the catalogue and the projection


def test_the_projection_knows_every_type_of_the_catalogue_in_its_newest_version() -> None:
    assert set(catalogue.TYPES) == projection.TYPES
    assert {type_: forms.version(type_) for type_ in catalogue.TYPES} == catalogue.VERSIONS


def test_every_field_that_the_projection_reads_is_a_field_of_the_catalogue() -> None:
    for type_, model in catalogue.TYPES.items():
        if type_ in shapes.TYPES:
            assert shapes.fields(type_) <= {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.spec("SEED-172", "SEED-134")
def test_before_the_first_event_all_is_operational_and_nothing_is_known() -> None:
    assert projection.INITIAL.status == "operational" == machine.INITIAL
    assert (projection.INITIAL.size, projection.INITIAL.time) == (0, "")
    assert projection.INITIAL.operational.last_run_id == 0
    assert projection.INITIAL.operational.compliance is None
    assert repr(projection.INITIAL) == "<State after 0 events: operational, 0 open issues>"


def test_a_state_is_a_value(world: World) -> None:
    world.say("ci.failure_detected")
    before = json.dumps(projection.dump(world.replay.state_after(0)))
    world.say("ci.failure_classified")
    assert json.dumps(projection.dump(world.replay.state_after(0))) == before
    assert world.replay.state_after(0) != world.state
    assert world.state != "state"
    with pytest.raises(AttributeError):
        world.state.size = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        hash(world.state)


# ------------------------------------------------------------------ the life of an issue


@pytest.mark.spec("SEED-150")
def test_an_issue_is_detected_classified_assessed_decided_repaired_and_resolved(world: World) -> None:
    world.say("ci.failure_detected")
    first = world.issue
    assert (first["count"], first["job"], first["evidence"], first["resolved"]) == (1, "lint", [EVIDENCE], False)
    world.say("ci.failure_classified")
    world.say("ci.impact_assessed", reasons=["main is red"], decision_conflict=True)
    name = world.decide(kind="issue", issue_id="ISS-1", action="auto-fix", rationale="safe")
    issue = world.issue
    assert (issue["pattern_id"], issue["category"], issue["impact"]) == ("HEE-PAT-612", "format", "medium")
    assert (issue["decision_conflict"], issue["reasons"]) == (True, ["main is red"])
    assert (issue["action"], issue["decision_id"], issue["rationale"]) == ("auto-fix", name, "safe")
    world.say("alert.raised")
    assert world.issue["next_step"] == "Fix the test"
    world.say("ci.issue_resolved", commit="e" * 40)
    closed = world.state.operational.closed["ISS-1"]
    assert not world.state.issues
    assert (closed["resolved"], closed["resolved_by"], closed["commit"]) == (True, "job lint is green", "e" * 40)
    assert closed["resolved_at"] > closed["first_seen"]


def test_an_issue_seen_again_is_counted_and_keeps_what_is_known(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("ci.failure_classified")
    first_seen = world.issue["first_seen"]
    world.say("ci.failure_detected", run_id=7, commit="e" * 40)
    issue = world.issue
    assert (issue["count"], issue["run_id"], issue["commit"]) == (2, 7, "e" * 40)
    assert issue["pattern_id"] == "HEE-PAT-612"
    assert issue["first_seen"] == first_seen < issue["last_seen"]


@pytest.mark.spec("SEED-155")
def test_a_resolved_issue_that_comes_back_is_the_same_issue_and_has_to_be_decided_again(world: World) -> None:
    world.say("ci.failure_detected")
    world.decide(kind="issue", issue_id="ISS-1", action="auto-fix")
    world.say("ci.issue_resolved")
    assert world.state.operational.closed["ISS-1"]["commit"] == COMMIT
    world.say("ci.failure_detected")
    issue = world.issue
    assert (issue["count"], issue["resolved"], issue["action"], issue["resolved_at"]) == (2, False, "", "")
    assert "ISS-1" not in world.state.operational.closed


def test_only_a_resolution_closes_an_issue(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("ci.polled", issues_detected=False)
    world.say("monitor.completed", failures=0, open_issues=0)
    assert "ISS-1" in world.state.issues


@pytest.mark.parametrize("type_", ["ci.failure_classified", "ci.impact_assessed", "alert.raised", "fix.refused"])
def test_what_is_said_about_an_issue_that_is_not_open_opens_none(world: World, type_: str) -> None:
    world.say(type_)
    assert not world.state.issues


def test_an_alert_without_a_next_step_leaves_the_one_that_was_told(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("alert.raised")
    world.say("alert.raised", next_step="")
    assert world.issue["next_step"] == "Fix the test"


@pytest.mark.spec("SEED-149")
def test_the_last_fifty_resolved_issues_are_kept_and_the_rest_is_a_number_and_a_digest(world: World) -> None:
    for number in range(CLOSED_KEPT + 3):
        world.say("ci.failure_detected", issue_id=f"ISS-{number}")
        world.say("ci.issue_resolved", issue_id=f"ISS-{number}")
    operational = world.state.operational
    assert next(iter(operational.closed)) == "ISS-3"
    assert (len(operational.closed), operational.closed_earlier) == (CLOSED_KEPT, 3)
    assert len(operational.closed_digest) == 64


# ------------------------------------------------------------------ the life of a repair


@pytest.mark.spec("SEED-086", "SEED-094")
def test_a_repair_is_one_record_from_its_start_to_its_proof(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("fix.started")
    assert world.state.ledger.fixes["fix-1"]["outcome"] == ""
    assert world.fixes == []
    world.say("governance.evaluated", scope="fix-1", phase="before")
    world.say("fix.validated", phase="pre")
    world.say("fix.validated")
    world.say("fix.applied", commit="e" * 40, summary="formatted", decision_impact="low")
    world.say("governance.evaluated", scope="fix-1", phase="after")
    world.say("fix.verified", checks=[])
    (fix,) = world.fixes
    assert (fix["outcome"], fix["success"], fix["rollback"], fix["branch"]) == (
        "verified",
        True,
        False,
        "hee/fix/ISS-1",
    )
    assert fix["checks"] == [{"name": "job lint", "ok": True}]
    assert fix["hee_context"] == {
        "state_capsule_version": "state-v1",
        "decision_impact": "low",
        "context_preservation": True,
        "governance_validation": True,
    }
    told = world.issue["fix"]
    assert (told["outcome"], told["branch"], told["strategy"]) == ("verified", "hee/fix/ISS-1", "ruff-format")
    assert world.state.ledger.attempts["fp-1"]["streak"] == 0


@pytest.mark.spec("SEED-094", "SEED-162")
def test_a_failed_repair_stays_in_the_history_as_failed_and_counts_against_its_fingerprint(world: World) -> None:
    world.say("ci.failure_detected")
    for number in range(2):
        world.say("fix.started", fix_id=f"fix-{number}")
        world.say("fix.rolled_back", fix_id=f"fix-{number}", restored=False)
    world.say("fix.rolled_back", fix_id="fix-1")  # said twice, it failed once
    assert [(fix["success"], fix["rollback"], fix["outcome"]) for fix in world.fixes] == [
        (False, True, "rolled_back")
    ] * 2
    assert world.fixes[0]["hee_context"]["context_preservation"] is False
    tries = world.state.ledger.attempts["fp-1"]
    assert (tries["attempts"], tries["failed"], tries["streak"]) == (2, 2, 2)
    assert world.issue["fix"]["reason"] == "still red"


@pytest.mark.spec("SEED-094")
def test_what_was_rolled_back_can_neither_start_again_nor_succeed(world: World) -> None:
    world.say("fix.started")
    with pytest.raises(EventError, match="which another attempt has"):
        world.say("fix.started")
    world.say("fix.rolled_back")
    for type_ in ("fix.started", "fix.applied", "fix.verified"):
        with pytest.raises(EventError, match=r"which another attempt has|was rolled back"):
            world.say(type_)
        world.events.append(world.event(type_))
    assert [(fix["success"], fix["rollback"]) for fix in world.fixes] == [(False, True)]
    assert world.state.ledger.refused == 3


def test_a_repair_that_was_applied_can_still_be_rolled_back(world: World) -> None:
    world.say("fix.started")
    world.say("fix.applied")
    world.say("fix.rolled_back", reason="main is red")
    assert [(fix["success"], fix["rollback"], fix["reason"]) for fix in world.fixes] == [(False, True, "main is red")]


def test_a_rollback_of_an_attempt_that_nobody_announced_is_recorded_all_the_same(world: World) -> None:
    world.say("fix.rolled_back")
    assert world.fixes[0]["pattern_id"] == "HEE-PAT-612"
    assert world.state.ledger.attempts["ISS-1"]["failed"] == 1


def test_an_attempt_on_a_resolved_issue_counts_under_its_fingerprint(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("ci.issue_resolved")
    world.say("fix.started")
    assert list(world.state.ledger.attempts) == ["fp-1"]


@pytest.mark.spec("SEED-166")
@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ("pass", "pass", True),
        ("fail", "pass", False),
        ("pass", "unknown", False),
        ("", "pass", False),
        ("pass", "", False),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_governance_holds_for_a_repair_only_if_the_rules_passed_before_and_after_it(
    world: World, before: str, after: str, holds: bool, early: bool
) -> None:
    def evaluate(phase: str, verdict: str) -> None:
        if verdict:
            world.say("governance.evaluated", scope="fix-1", phase=phase, verdict=verdict)

    if early:
        evaluate("during", "pass")
        evaluate("before", before)
    world.say("fix.started")
    if not early:
        evaluate("before", before)
    world.say("fix.applied", outcome="applied")
    evaluate("after", after)
    assert world.fixes[0]["hee_context"]["governance_validation"] is holds
    assert world.fixes[0]["outcome"] == "applied"
    assert not world.state.ledger.verdicts


@pytest.mark.spec("SEED-166")
@pytest.mark.parametrize(("verdict", "holds"), [("pass", True), ("fail", False), ("", False)])
def test_a_failed_repair_was_governed_if_the_rules_that_were_asked_passed(
    world: World, verdict: str, holds: bool
) -> None:
    world.say("fix.started")
    if verdict:
        world.say("governance.evaluated", scope="fix-1", phase="before", verdict=verdict)
    world.say("fix.rolled_back")
    assert world.fixes[0]["hee_context"]["governance_validation"] is holds


def test_a_verdict_or_a_check_of_an_unknown_fix_changes_nothing(world: World) -> None:
    world.say("governance.evaluated", scope="fix-9", phase="before")
    world.say("fix.validated", fix_id="fix-9")
    assert not world.state.ledger.fixes
    assert list(world.state.ledger.verdicts) == ["fix-9"]


@pytest.mark.parametrize(("type_", "outcome"), [("fix.refused", "refused"), ("fix.proposed", "pending_review")])
def test_a_refusal_and_a_proposal_are_told_to_the_issue_and_are_no_attempts(
    world: World, type_: str, outcome: str
) -> None:
    world.say("ci.failure_detected")
    world.say(type_)
    assert world.issue["fix"]["outcome"] == outcome
    assert world.fixes == []
    assert not world.state.ledger.attempts


@pytest.mark.spec("SEED-158")
def test_the_last_hundred_attempts_are_kept_and_the_rest_is_a_number_and_a_digest(world: World) -> None:
    for number in range(FIXES_KEPT + 2):
        world.say("fix.rolled_back", fix_id=f"fix-{number}", issue_id=f"ISS-{number}")
    assert len(world.fixes) == FIXES_KEPT
    assert world.state.ledger.fixes_earlier == 2
    assert world.capsule["hee_totals"]["fixes_rolled_back"] == FIXES_KEPT + 2
    assert len(world.state.ledger.attempts) == FIXES_KEPT + 2 < ATTEMPTS_KEPT


@pytest.mark.parametrize("type_", ["fix.applied", "fix.verified"])
def test_the_end_of_a_repair_that_never_started_is_refused(world: World, type_: str) -> None:
    with pytest.raises(EventError, match="a fix that never started"):
        world.say(type_)
    world.claim(type_, {**DEFAULTS[type_], "summary": ""})
    assert world.state.ledger.refused == 1


def test_long_lists_of_a_repair_are_cut_and_counted(world: World) -> None:
    world.say("fix.started")
    checks = [{"name": f"job {number}", "ok": True} for number in range(attempts.CHECKS_KEPT + 5)]
    world.say("fix.validated", checks=checks)
    world.say("fix.applied", files=[f"f{number}" for number in range(attempts.FILES_KEPT + 5)])
    (fix,) = world.fixes
    assert (len(fix["files"]), fix["files_changed"]) == (attempts.FILES_KEPT, attempts.FILES_KEPT + 5)
    assert len(fix["checks"]) == attempts.CHECKS_KEPT


# ------------------------------------------------------------------ a cycle


def test_the_cursor_of_a_source_has_its_last_poll_and_the_commits_it_judged(world: World) -> None:
    world.say("ci.polled", run_id=41, jobs_unknown=["deploy"])
    world.say("ci.polled", commit="e" * 40)
    world.say("ci.polled")
    world.say("ci.polled", commit=None, source="logs")
    act, logs = world.state.operational.sources["act"], world.state.operational.sources["logs"]
    assert (act["commit"], act["judged"], act["unknown"]) == (COMMIT, ["e" * 40, COMMIT], [])
    assert (logs["commit"], logs["judged"]) == ("", [])
    assert world.state.operational.last_run_id == 41


def test_sources_and_judged_commits_are_bounded(world: World) -> None:
    for number in range(JUDGED_KEPT + 1):
        world.say("ci.polled", commit=f"{number:040x}")
    for number in range(SOURCES_KEPT + 1):
        world.say("ci.polled", source=f"s{number}")
    assert len(world.state.operational.sources) == SOURCES_KEPT
    judged = world.replay.state_after(JUDGED_KEPT).operational.sources["act"]["judged"]
    assert (len(judged), judged[0]) == (JUDGED_KEPT, f"{1:040x}")


@pytest.mark.spec("SEED-140")
@pytest.mark.parametrize(("verdict", "compliance"), [("pass", True), ("fail", False), ("unknown", None)])
def test_compliance_is_known_unknown_or_broken(world: World, verdict: str, compliance: bool | None) -> None:
    world.say("governance.evaluated")
    world.say("governance.evaluated", verdict=verdict)
    assert world.state.operational.compliance is compliance
    capsule = world.capsule
    assert capsule["hee_monitoring_state"]["hee_specific"]["governance_compliance"] is (compliance is True)
    assert ("hee_specific.governance_compliance" in capsule["hee_unknown"]) is (compliance is None)


def test_a_cycle_leaves_when_it_began_and_how_it_ended(world: World) -> None:
    world.say("monitor.started")
    world.say("monitor.completed", unknown=2)
    cycle = world.state.operational.cycle
    assert (cycle["source"], cycle["failures"], cycle["unknown"]) == ("act", 1, 2)
    assert cycle["started"] < cycle["completed"]


def test_configuration_patterns_approvals_and_checkpoints_are_kept_in_the_ledger(world: World) -> None:
    for type_ in ("config.loaded", "patterns.loaded", "approval.granted", "state.checkpointed"):
        world.say(type_)
    ledger = world.state.ledger
    assert ledger.config == {"path": "hee.yaml", "digest": DIGEST, "governance": "strict"}
    assert ledger.patterns == {"version": "2026.1", "digest": DIGEST, "count": 60}
    (approval,) = ledger.approvals.values()
    assert (approval["subject"], approval["actor"], approval["approval_id"]) == (
        "ISS-1",
        "human:ada",
        world.events[2].id,
    )
    with pytest.raises(EventError, match="only a person"):
        world.say("approval.granted", actor="agent:hee")
    assert ledger.checkpoints["b-1"]["index"] == 3


def test_a_metric_that_becomes_unknown_is_unknown(world: World) -> None:
    world.say("coverage.measured")
    assert world.capsule["hee_monitoring_state"]["coverage_metrics"] == {"line": 85.55}
    world.say("coverage.measured", value=None)
    assert world.capsule["hee_monitoring_state"]["coverage_metrics"] == {}


# ------------------------------------------------------------------ the state machine


@pytest.mark.spec("SEED-184")
@pytest.mark.parametrize("to", list(machine.STATES))
@pytest.mark.parametrize("from_", list(machine.STATES))
def test_of_all_pairs_only_the_edges_of_the_diagram_can_be_written(world: World, from_: str, to: str) -> None:
    world.move(*(step.to for step in machine.path("operational", from_)))
    legal = machine.label(from_, to) is not None
    event = world.event("state.changed", **{"from": from_, "to": to, "trigger": "test"})
    if legal:
        world.guard(event)
    else:
        with pytest.raises(IllegalTransition, match=f"no edge from {from_} to {to}"):
            world.guard(event)
    refused = world.state.ledger.refused
    world.events.append(event)
    assert world.state.status == (to if legal else from_)
    assert world.state.ledger.refused == refused + (not legal)


def test_an_illegal_transition_names_the_legal_way(world: World) -> None:
    with pytest.raises(IllegalTransition) as caught:
        world.move("failed")
    assert caught.value.hint == "the legal way is operational -> degraded -> failed"
    with pytest.raises(IllegalTransition) as caught:
        world.move("operational")
    assert caught.value.hint == "there is nothing to change"


def test_an_edge_that_starts_elsewhere_is_refused(world: World) -> None:
    data = {"from": "degraded", "to": "failed", "trigger": "test"}
    with pytest.raises(IllegalTransition, match="starts at degraded, but the state is operational"):
        world.say("state.changed", **data)
    assert world.claim("state.changed", data).status == "operational"


# ------------------------------------------------------------------ freeze


def test_a_freeze_stops_everything_but_what_ends_it_and_what_must_not_be_lost(world: World) -> None:
    world.say("state.frozen")
    for type_ in ("note.recorded", "approval.granted", "decision.recorded", "alert.raised", "state.checkpointed"):
        world.say(type_)
    for type_ in ("ci.failure_detected", "fix.started", "state.frozen", "monitor.started", "gate.evaluated"):
        with pytest.raises(Frozen, match="rollback failed"):
            world.say(type_)
    state = world.claim("ci.failure_detected", DEFAULTS["ci.failure_detected"])
    assert (dict(state.issues), state.ledger.refused, state.frozen) == ({}, 1, True)
    world.say("state.unfrozen", actor="human:ada")
    world.say("ci.failure_detected")
    assert (world.state.frozen, world.state.ledger.frozen_reason) == (False, "")


def test_only_a_person_ends_a_freeze_whoever_writes_it(world: World) -> None:
    world.say("state.frozen")
    with pytest.raises(Frozen, match="agent:hee cannot end a freeze"):
        world.say("state.unfrozen")
    assert world.claim("state.unfrozen", {"reason": "because"}, actor="ci:github").frozen


def test_there_has_to_be_a_freeze_to_end_one(world: World) -> None:
    with pytest.raises(EventError, match="no freeze"):
        world.say("state.unfrozen", actor="human:ada")


def test_a_rollback_does_not_end_a_freeze(world: World) -> None:
    world.say("note.recorded")
    world.say("state.frozen")
    world.return_to(0)
    assert world.state.frozen


# ------------------------------------------------------------------ rollback


@pytest.mark.spec("SEED-312", "SEED-094")
def test_a_rollback_restores_how_things_stood_and_keeps_decisions_attempts_and_totals(world: World) -> None:
    world.say("note.recorded")
    world.say("ci.failure_detected")
    world.move("degraded")
    name = world.decide(kind="issue", issue_id="ISS-1", action="auto-fix")
    world.say("fix.started")
    world.say("fix.rolled_back")
    fixes = world.fixes
    world.return_to(0)
    state = world.state
    assert (state.status, dict(state.issues)) == ("operational", {})
    assert name in state.decisions
    assert world.fixes == fixes
    assert state.ledger.attempts["fp-1"]["failed"] == 1
    assert state.ledger.counts["ci.failure_detected"] == 1
    (rollback,) = state.ledger.rollbacks.values()
    assert (rollback["to_index"], rollback["index"], rollback["reason"]) == (0, 6, "a test")


def test_a_rollback_can_be_rolled_back(world: World) -> None:
    world.say("note.recorded")
    world.say("ci.failure_detected")
    world.return_to(0)
    world.return_to(1)
    assert "ISS-1" in world.state.issues
    world.return_to(2)
    assert not world.state.issues


def test_rollbacks_kept_are_bounded(world: World) -> None:
    world.say("note.recorded")
    for _ in range(ROLLBACKS_KEPT + 1):
        world.return_to(0)
    assert len(world.state.ledger.rollbacks) == ROLLBACKS_KEPT
    assert world.capsule["hee_totals"]["rollbacks"] == ROLLBACKS_KEPT + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to_index": 1}, "cannot go to index 1"),
        ({"to_event": DIGEST}, "names another event"),
        ({"state": DIGEST}, "digest is not that"),
    ],
)
def test_a_rollback_that_names_the_wrong_point_is_refused(world: World, change: dict[str, Any], message: str) -> None:
    first = world.say("note.recorded")
    right = {"to_index": 0, "to_event": first.id, "state": projection.digest(world.state), "reason": "a test"}
    world.guard(world.event("state.rolled_back", **right))
    with pytest.raises(EventError, match=message):
        world.say("state.rolled_back", **{**right, **change})


def test_a_rollback_cannot_be_judged_without_the_history(world: World) -> None:
    first = world.say("note.recorded")
    data = {"to_index": 0, "to_event": first.id, "state": projection.digest(world.state), "reason": "a test"}
    with pytest.raises(EventError, match="without the history"):
        projection.guard(world.state, world.event("state.rolled_back", **data))


def test_a_rollback_to_the_future_changes_nothing(world: World) -> None:
    world.say("ci.failure_detected")
    state = world.claim("state.rolled_back", {"to_index": 5, "to_event": DIGEST, "state": DIGEST, "reason": "x"})
    assert ("ISS-1" in state.issues, state.ledger.refused) == (True, 1)


# ------------------------------------------------------------------ what nobody checked


def test_what_is_unknown_is_counted_and_skipped(world: World) -> None:
    world.claim("weather.changed", {"rain": True})
    state = world.claim("ci.failure_detected", DEFAULTS["ci.failure_detected"], version=2)
    assert (state.ledger.unknown, dict(state.issues), state.size) == (2, {}, 2)
    world.guard(world.events[0])


def test_a_damaged_payload_is_counted_and_changes_nothing(world: World) -> None:
    data = DEFAULTS["ci.failure_detected"]
    state = world.claim("ci.failure_detected", {**data, "issue_id": 5})
    assert (state.ledger.malformed, dict(state.issues), dict(state.ledger.counts)) == (1, {}, {})
    with pytest.raises(EventError, match="does not fit the catalogue"):
        world.guard(world.events[0])


def test_a_day_that_does_not_exist_does_not_become_the_time_of_the_state(world: World) -> None:
    assert world.claim("note.recorded", {"text": "x"}, time="2026-02-30T12:00:00Z").time == "1970-01-01T00:00:00Z"
    world.say("note.recorded")
    time = world.state.time
    assert world.claim("note.recorded", {"text": "x"}, time="2026-99-99T12:00:00Z").time == time


def test_every_event_is_folded_or_counted_as_unknown_malformed_or_refused(world: World) -> None:
    world.say("note.recorded")
    world.claim("weather.changed", {})
    world.claim("fix.refused", {})
    ledger = world.claim("decision.ended", {"decision_id": "x", "how": "revoked", "reason": ""}).ledger
    assert (sum(ledger.counts.values()), ledger.unknown, ledger.malformed, ledger.refused) == (1, 1, 1, 1)


# ------------------------------------------------------------------ writing and reading a state


def test_a_stored_state_of_another_version_or_with_a_part_missing_is_not_read(world: World) -> None:
    world.say("note.recorded")
    stored = projection.dump(world.state)
    assert projection.load(stored) == world.state
    with pytest.raises(IntegrityError, match="version 0"):
        projection.load({**stored, "version": 0})
    for part in ("size", "ledger", "operational", "version"):
        with pytest.raises(IntegrityError, match="not whole"):
            projection.load({key: value for key, value in stored.items() if key != part})
    with pytest.raises(IntegrityError, match="not whole"):
        projection.load({**stored, "ledger": {**stored["ledger"], "decisions": [{}]}})


def _other(value: Any) -> Any:
    """Anything else of the same kind."""
    if isinstance(value, list):
        return [*value, dict.fromkeys(("issue_id", "metric", "gate", "source", *_IDS), "other")]
    if isinstance(value, dict):
        return {**value, "other": 1}
    if isinstance(value, str):
        return f"{value}x"
    return not value if isinstance(value, bool | None) else value + 1


_IDS = ("decision_id", "fix_id", "scope", "key", "approval_id", "backup_id", "event")


def test_the_digest_depends_on_every_field_of_the_state(world: World) -> None:
    world.say("ci.failure_detected")
    stored = projection.dump(world.state)
    digests = [projection.digest(world.state)]
    for part in ("operational", "ledger"):
        for name, value in stored[part].items():
            changed = {**stored, part: {**stored[part], name: _other(value)}}
            digests.append(projection.digest(projection.load(changed)))
    digests += [projection.digest(projection.load({**stored, name: _other(stored[name])})) for name in ("size", "time")]
    issue = {**stored["operational"]["issues"][0], "count": 2}
    changed = {**stored, "operational": {**stored["operational"], "issues": [issue]}}
    digests.append(projection.digest(projection.load(changed)))
    assert len(set(digests)) == len(digests) == 4 + len(stored["operational"]) + len(stored["ledger"])


def test_what_is_evicted_next_survives_a_dump_and_ended_decisions_are_bounded(world: World) -> None:
    for _ in range(ENDED_KEPT + 2):
        world.say("decision.ended", decision_id=world.decide())
    again = projection.load(json.loads(json.dumps(projection.dump(world.state), sort_keys=True)))
    assert list(again.ledger.ended) == list(world.state.ledger.ended)
    assert (len(again.ledger.ended), again.ledger.ended_count) == (ENDED_KEPT, ENDED_KEPT + 2)


def test_a_failure_whose_repairs_were_stopped_stays_so_until_a_person_approves(world: World) -> None:
    world.say("ci.failure_detected")
    world.say("fix.stopped")
    world.say("ci.issue_resolved")
    assert world.state.ledger.stops["fp-1"]["rule"] == "repeats"
    world.say("approval.granted", subject="ISS-2", actor="human:ada")
    assert "fp-1" in world.state.ledger.stops
    world.say("approval.granted", subject="ISS-1", actor="human:ada")
    assert not world.state.ledger.stops


def test_what_a_person_decided_or_allowed_ends_by_a_person_only(world: World) -> None:
    name = world.decide(actor="human:ada")
    ending = {"decision_id": name, "how": "revoked", "reason": ""}
    taking = {"key": "k", "statement": "s", "supersedes": name}
    allowed = world.say("approval.granted").id
    back = {"approval_id": allowed, "reason": ""}
    for number, (type_, data) in enumerate(
        [("decision.ended", ending), ("decision.recorded", taking), ("approval.revoked", back)], 1
    ):
        for actor in ("agent:hee", "ci:forge"):
            with pytest.raises(KeyFault, match="only a person can"):
                world.guard(world.event(type_, actor=actor, **data))
        # A raw event, which nobody guarded, changes nothing.
        state = world.claim(type_, {**world.event(type_, **data).data})
        assert (list(state.decisions), list(state.ledger.approvals)) == ([name], [allowed])
        assert state.ledger.refused == number
    world.say("approval.revoked", **back)
    world.say("decision.recorded", actor="human:bob", key="k", supersedes=name)
    assert name in world.state.ledger.ended
    assert not world.state.ledger.approvals


def test_what_the_pipeline_decided_about_an_issue_is_decided_anew_by_whoever_looks_next(world: World) -> None:
    name = world.decide(actor="human:ada", kind="issue")
    world.say("decision.recorded", kind="issue", supersedes=name)
    assert name in world.state.ledger.ended
