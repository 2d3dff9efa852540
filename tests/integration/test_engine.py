"""The specification's classes and algorithm over a real repository."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import ShellSource, cycle_of, git, watched

import hee_core
from hee_core import Event, HeeError, HEEStateManager, StateCapsule
from hee_core.keys import EphemeralSigner
from hee_governance.safety import RollbackRules, SafetyRules
from hee_monitoring import (
    HEE_PATTERN_DATABASE,
    FixContext,
    HEEAutoFixEngine,
    HEEMonitoringEngine,
    PatternDB,
    Workspace,
    algorithm,
    apply_hee_compliant_fix,
    pipeline,
    repairs,
)
from hee_monitoring.evidence import Conclusion, Job

FORMAT = {"ci.yml#format": "ruff format --check ."}
BADLY = {"pyproject.toml": "[tool.ruff]\n", "a.py": "x = {  'a':1 }\n"}
PATTERN = "HEE-PAT-612"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[FixContext]:
    """A repository with one formatting failure that is detected and decided, and not repaired yet."""
    root = watched(tmp_path / "r", BADLY)
    with Workspace.open(root) as workspace:
        cycle = cycle_of(workspace, ShellSource(root, dict(FORMAT)))
        result = pipeline.Result()
        picture = pipeline.look(cycle, result)
        pipeline.decide(cycle, result)
        (workspace.work / "fix").mkdir(parents=True)
        yield FixContext(cycle, picture)


def engine_of(context: FixContext) -> HEEMonitoringEngine:
    manager = HEEStateManager(context.cycle.workspace.log)
    return HEEMonitoringEngine(context.cycle.workspace, manager, HEEAutoFixEngine(manager))


def types(context: FixContext) -> list[str]:
    return [entry.event.type for entry in context.cycle.workspace.log.read()]


@pytest.mark.spec(
    "SEED-008", "SEED-009", "SEED-010", "SEED-019", "SEED-020", "SEED-021", "SEED-024", "SEED-025", "SEED-026"
)
def test_the_classes_hold_what_the_specification_says(context: FixContext) -> None:
    engine = engine_of(context)
    assert isinstance(engine.hee_state_capsule, StateCapsule)
    assert isinstance(engine.hee_pattern_database, PatternDB)
    assert isinstance(engine.auto_fix.hee_safety_protocols, SafetyRules)
    assert isinstance(engine.auto_fix.hee_rollback_mechanisms, RollbackRules)
    assert len(engine.auto_fix.hee_safety_protocols.protocols) == 5


@pytest.mark.spec("SEED-027", "SEED-028", "SEED-029")
def test_the_engines_are_given_their_parts(context: FixContext) -> None:
    engine = engine_of(context)
    assert engine.state_manager is engine.auto_fix.state_manager
    assert list(inspect.signature(HEEMonitoringEngine.__init__).parameters)[2:] == ["state_manager", "auto_fix"]


@pytest.mark.spec("SEED-011", "SEED-059", "SEED-190", "SEED-191")
def test_monitoring_runs_cycles_60_seconds_apart_and_30_when_degraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = hee_core.FixedClock()
    slept: list[float] = []
    monkeypatch.setattr(clock, "sleep", slept.append)
    root = watched(tmp_path / "w", BADLY, clock=clock)
    git(root, "branch", "bad")
    (root / "a.py").write_text('x = {"a": 1}\n')
    git(root, "commit", "-qam", "good")
    with Workspace.open(root, clock=clock) as workspace:
        monkeypatch.setattr("hee_monitoring.watch.sources", lambda *_: (ShellSource(root, FORMAT),) * 2)
        manager = HEEStateManager(workspace.log)
        engine = HEEMonitoringEngine(workspace, manager, HEEAutoFixEngine(manager))
        for number, _ in enumerate(engine.start_hee_monitoring(limit=4, fix=False)):
            if number == 1:
                git(root, "checkout", "-q", "bad")
        assert slept == [60, 60, 30]
        assert list(engine.start_hee_monitoring(stop=lambda: True)) == []


@pytest.mark.spec("SEED-012", "SEED-251")
def test_an_analysis_cites_the_decisions_and_the_version_of_the_state(context: FixContext) -> None:
    job = Job(
        "ci.yml#f", "f", Conclusion.FAILURE, b"E       assert 1 == 2\n##[error]Process completed with exit code 1.\n"
    )
    analysis = engine_of(context).analyze_with_hee_context(job)
    assert analysis.diagnosis.category == "test"
    assert analysis.decisions == tuple(sorted(context.cycle.workspace.log.state.decisions)) != ()
    assert (analysis.state_version, analysis.current_status) == ("state-v1", "degraded")


@pytest.mark.spec("SEED-013", "SEED-022", "SEED-079", "SEED-084", "SEED-077", "SEED-089", "SEED-086", "SEED-088")
def test_a_repair_succeeds_with_the_specifications_result(context: FixContext) -> None:
    result = engine_of(context).apply_hee_safe_fix(PATTERN, context)
    assert result["success"] is True
    assert algorithm.load_hee_state_capsule(context) == result["hee_state_update"]
    assert context.attempt is not None
    assert context.attempt.outcome.strategy == "ruff-format"
    (entry,) = result["hee_state_update"].hee_auto_fix_history
    assert (entry.pattern_id, entry.success) == (PATTERN, True)
    assert result["hee_decision_impact"] == "none"
    assert types(context)[-8:] == [
        "state.checkpointed", "governance.evaluated", "fix.started", "fix.validated", "fix.validated",
        "governance.evaluated", "fix.applied", "fix.verified",
    ]  # fmt: skip
    assert hee_core.verify(context.cycle.workspace.log).ok


@pytest.mark.spec("SEED-023", "SEED-252")
def test_the_impact_names_the_rule_that_decides(context: FixContext) -> None:
    impact = engine_of(context).auto_fix.validate_hee_impact(PATTERN, context)
    assert (impact.action, impact.rule, impact.current_status) == ("auto-fix", "matrix/format", "degraded")


@pytest.mark.spec("SEED-076", "SEED-095")
def test_the_algorithms_names_are_public_with_their_signatures() -> None:
    assert list(inspect.signature(apply_hee_compliant_fix).parameters) == ["pattern_id", "context"]
    for name in (
        "load_hee_state_capsule", "validate_hee_decision_compatibility", "run_hee_validation", "create_hee_state_backup",
        "apply_hee_fix_strategy", "update_hee_state_capsule", "hee_rollback", "get_current_time", "analyze_hee_impact",
    ):  # fmt: skip
        assert callable(getattr(algorithm, name))


@pytest.mark.spec("SEED-078", "SEED-067")
def test_an_unknown_pattern_is_said_in_the_specifications_words(context: FixContext) -> None:
    assert apply_hee_compliant_fix("HEE-PAT-000", context) == {"success": False, "error": "HEE pattern not found"}
    assert "HEE-PAT-000" not in HEE_PATTERN_DATABASE
    assert len(HEE_PATTERN_DATABASE) == len(list(HEE_PATTERN_DATABASE))


@pytest.mark.spec("SEED-080")
def test_a_decision_against_it_is_said_in_the_specifications_words(context: FixContext) -> None:
    decision = {"key": "format", "statement": "by hand", "action": "manual-only", "rationale": "release week"}
    context.cycle.workspace.log.append([Event.new("decision.recorded", decision)])
    assert apply_hee_compliant_fix(PATTERN, context) == {"success": False, "error": "HEE decision conflict"}


@pytest.mark.spec("SEED-081")
def test_a_guard_against_it_is_said_in_the_specifications_words(context: FixContext) -> None:
    assert apply_hee_compliant_fix("HEE-PAT-624", context) == {"success": False, "error": "HEE pre-validation failed"}
    assert types(context).count("state.checkpointed") == 0


@pytest.mark.spec("SEED-083")
def test_a_backup_that_fails_is_the_result_and_nothing_is_tried(
    context: FixContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise HeeError("no space left on device")

    monkeypatch.setattr(context.cycle.workspace.log, "append", full)
    assert apply_hee_compliant_fix(PATTERN, context) == {"success": False, "error": "no space left on device"}
    assert context.attempt is None


@pytest.mark.spec("SEED-085", "SEED-090", "SEED-094", "SEED-233")
def test_a_failed_validation_rolls_back_and_stays_in_the_history(context: FixContext) -> None:
    source = context.cycle.source
    assert isinstance(source, ShellSource)
    source.jobs["ci.yml#format"] = "ruff format --check . || true; echo 'Would reformat: a.py'; exit 1"
    result = apply_hee_compliant_fix(PATTERN, context)
    assert result == {"success": False, "error": "HEE validation failed"}
    (entry,) = hee_core.state_at(context.cycle.workspace.log).hee_auto_fix_history
    assert (entry.success, entry.rollback) == (False, True)
    assert "hee/fix" not in git(source.root, "branch", "--all")


@pytest.mark.spec("SEED-091", "SEED-092", "SEED-218")
def test_an_exception_rolls_back_and_its_text_holds_no_secret(
    context: FixContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "ghp_" + "a1B2" * 10

    def broken(*_: object) -> None:
        raise RuntimeError(f"push with {token} failed")

    monkeypatch.setattr(repairs, "transact", broken)
    result = apply_hee_compliant_fix(PATTERN, context)
    assert (result["success"], result["hee_rollback"]) == (False, True)
    assert result["hee_state_restored"].startswith("HEE-BACKUP-")
    assert token not in str(result)
    assert types(context)[-2:] == ["state.checkpointed", "fix.rolled_back"]


@pytest.mark.spec("SEED-093", "SEED-100")
@pytest.mark.parametrize("person", [True, False])
def test_a_rollback_that_fails_stops_everything_alerts_and_is_never_called_restored(
    context: FixContext, monkeypatch: pytest.MonkeyPatch, person: bool
) -> None:
    log = context.cycle.workspace.log
    if person:
        added = {"public_key": EphemeralSigner().public_key, "actor": "human:ada", "role": "human"}
        log.append([Event.new("key.added", added)])

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(repairs, "transact", broken)
    monkeypatch.setattr(algorithm, "hee_rollback", broken)
    result = apply_hee_compliant_fix(PATTERN, context)
    assert (result["hee_rollback"], result["hee_state_restored"]) == (False, None)
    assert (log.state.frozen, log.state.status) == ((True, "degraded") if person else (False, "failed"))
    assert types(context)[-2:] == ["state.frozen" if person else "state.changed", "alert.raised"]
    assert apply_hee_compliant_fix(PATTERN, context) == {"success": False, "error": "HEE pre-validation failed"}


@pytest.mark.spec("SEED-087")
def test_the_current_time_is_utc_and_comes_from_the_clock_that_is_given() -> None:
    assert algorithm.get_current_time(hee_core.FixedClock("2026-01-24T12:00:00Z")) == "2026-01-24T12:00:01.000000Z"


def test_an_attempt_that_was_undone_is_not_undone_twice(context: FixContext) -> None:
    attempt = algorithm.apply_hee_fix_strategy(HEE_PATTERN_DATABASE[PATTERN], context)
    undone = attempt.undone("changed my mind")
    assert (attempt.success, undone.success, undone.outcome.reason) == (True, False, "changed my mind")
    assert undone.undone("again") is undone
    assert algorithm.analyze_hee_impact(undone) == "not applied"
