"""`decide`: each guard speaks, the first of the most careful decides, and the specification's rationale is carried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hee_governance.config import dump_default, load
from hee_governance.decide import Approval, Facts, Policy, decide
from hee_governance.decisions import Decision
from hee_governance.matrix import Matrix

FORMAT = Facts(
    pattern_id="HEE-PAT-612",
    category="format",
    hee_impact="low",
    safety_level="high",
    confidence=9500,
    issue_id="HEE-ISS-1",
    fingerprint="f" * 16,
    branch="main",
    as_of="2026-03-01T00:00:00Z",
)
STATE = replace(
    FORMAT, pattern_id="HEE-PAT-001", category="state", hee_impact="critical", safety_level="low", confidence=10000
)
POLICY = Policy()
YES = Approval("a1", "HEE-ISS-1", "human")


def test_a_formatting_failure_is_repaired_by_the_matrix():
    verdict = decide(FORMAT, POLICY)
    assert (verdict.action, verdict.rule, verdict.safety) == ("auto-fix", "matrix/format", "high")
    assert verdict.rationale in verdict.reasons[0]
    assert verdict.proposed == verdict.action


@pytest.mark.spec("SEED-053", "SEED-074")
@pytest.mark.parametrize("row", Matrix.load().rows, ids=lambda row: row.key)
def test_every_row_decides_its_category_and_carries_its_rationale(row):
    safety = "high" if row.safety != "low" else "low"
    verdict = decide(
        replace(FORMAT, pattern_id=row.pattern or "HEE-PAT-612", category=row.key, safety_level=safety), POLICY
    )
    assert (verdict.action, verdict.rule, verdict.rationale) == (row.action, f"matrix/{row.key}", row.rationale)
    assert verdict.row == row.key


GUARDS = [
    ({"frozen": True}, {}, "manual-only", "freeze"),
    ({"current_status": "failed"}, {}, "manual-only", "status/failed"),
    ({"severity": "high"}, {"max_severity": "medium"}, "agent-review", "max-severity"),
    ({"hee_impact": "critical"}, {"max_severity": "high"}, "agent-review", "max-severity"),
    ({"safety_level": "medium"}, {"min_safety": "high"}, "agent-review", "safety"),
    ({"category": "lockfile"}, {"min_safety": "high"}, "agent-review", "safety"),
    ({"safety_level": "low"}, {}, "agent-review", "safety"),
    ({"confidence": 5999}, {}, "agent-review", "confidence"),
    ({"attempts": 3}, {}, "agent-review", "attempts"),
    ({"paths": ("hee.yaml",)}, {}, "agent-review", "paths"),
    ({"paths": ("docs/STATE_CAPSULES/2026-01-24/x.md",)}, {}, "agent-review", "paths"),
    ({"paths": ("src/a.py", "docs/b.md")}, {"fix_paths": ("src/",)}, "agent-review", "paths"),
    ({"matrix_row": "no-such-row"}, {}, "agent-review", "matrix/unknown"),
]


@pytest.mark.spec("SEED-053")
@pytest.mark.parametrize(("facts", "policy", "action", "rule"), GUARDS)
def test_each_guard_stops_what_the_matrix_would_repair(facts, policy, action, rule):
    verdict = decide(replace(FORMAT, **facts), replace(POLICY, **policy))
    assert (verdict.action, verdict.rule) == (action, rule)


@pytest.mark.parametrize(
    ("facts", "policy"),
    [
        ({"severity": "medium"}, {"max_severity": "medium"}),
        ({"confidence": 6000}, {}),
        ({"attempts": 2}, {}),
        ({"paths": ("src/a.py",)}, {"fix_paths": ("src/",)}),
        ({"safety_level": "medium"}, {}),
        ({"current_status": "degraded"}, {}),
        ({"current_status": "maintenance"}, {}),
        ({"hee_impact": "critical", "severity": "low"}, {"max_severity": "low"}),
    ],
)
def test_at_its_limit_a_guard_is_silent(facts, policy):
    assert decide(replace(FORMAT, **facts), replace(POLICY, **policy)).action == "auto-fix"


@pytest.mark.spec("SEED-303")
def test_severities_are_ordered_by_weight_and_not_by_alphabet():
    allowed = [
        level
        for level in ("low", "medium", "high", "critical")
        if decide(replace(FORMAT, severity=level), replace(POLICY, max_severity="high")).action == "auto-fix"
    ]
    assert allowed == ["low", "medium", "high"]


@pytest.mark.spec("SEED-301")
def test_the_safety_filter_means_at_least():
    rows = [row for row in Matrix.load().rows if row.action == "auto-fix"]
    for row in rows:
        verdict = decide(replace(FORMAT, category=row.key), replace(POLICY, min_safety="high"))
        assert (verdict.action == "auto-fix") == (row.safety == "high")


@pytest.mark.spec("SEED-188")
def test_in_the_state_failed_even_a_rerun_waits_for_a_person():
    verdict = decide(replace(FORMAT, category="network", current_status="failed"), POLICY)
    assert (verdict.action, verdict.rule) == ("manual-only", "status/failed")


def test_all_guards_that_speak_are_reasons_and_the_weightiest_decides():
    facts = replace(FORMAT, confidence=0, attempts=9, frozen=True)
    verdict = decide(facts, POLICY)
    assert verdict.rule == "freeze"
    assert len(verdict.reasons) == 4


def test_what_needs_no_action_is_not_made_work_by_a_guard():
    verdict = decide(replace(FORMAT, category="aggregator", frozen=True), POLICY)
    assert (verdict.action, verdict.rule) == ("none", "matrix/aggregator")


def test_a_pattern_database_cannot_loosen_a_row_of_the_specification():
    verdict = decide(replace(STATE, matrix_row="format", safety_level="high"), POLICY)
    assert (verdict.action, verdict.rule) == ("manual-only", "matrix/state")


def test_a_pattern_database_can_tighten_a_row_of_the_specification():
    facts = replace(FORMAT, pattern_id="HEE-PAT-003", category="spec", matrix_row="security")
    assert decide(facts, POLICY).rule == "matrix/security"


# ------------------------------------------------------------------ decisions in force


@pytest.mark.spec("SEED-006", "SEED-097")
def test_a_repair_of_a_path_that_a_decision_denies_is_refused_with_its_id():
    denies = Decision("HEE-DEC-1a2b3c4d", "vendor", deny_paths=("vendor/",))
    verdict = decide(replace(FORMAT, decisions=(denies,), paths=("src/a.py", "vendor/b.py")), POLICY)
    assert (verdict.action, verdict.rule) == ("agent-review", "decision/HEE-DEC-1a2b3c4d")
    assert "vendor/b.py" in verdict.reasons[-1]
    assert verdict.decisions == ("HEE-DEC-1a2b3c4d",)


@pytest.mark.spec("SEED-006")
def test_a_decision_may_limit_what_automation_does_in_its_scope():
    limit = Decision(
        "HEE-DEC-2", "format.main", "people format", action="manual-only", scope=("category:format", "branch:main")
    )
    assert decide(replace(FORMAT, decisions=(limit,)), POLICY).rule == "decision/HEE-DEC-2"
    elsewhere = decide(replace(FORMAT, decisions=(limit,), branch="next"), POLICY)
    assert (elsewhere.action, elsewhere.decisions) == ("auto-fix", ())


def test_a_decision_about_one_issue_does_not_bind_another_cycle():
    earlier = Decision("HEE-DEC-3", "issue/HEE-ISS-1", action="manual-only", kind="issue")
    assert decide(replace(FORMAT, decisions=(earlier,)), POLICY).action == "auto-fix"


def test_no_decision_silences_a_failure():
    mute = Decision("HEE-DEC-4", "ignore", action="none")
    assert decide(replace(FORMAT, decisions=(mute,)), POLICY).action == "manual-only"


def test_a_decision_that_allows_automation_makes_nothing_more_automatic():
    allow = Decision("HEE-DEC-5", "go", action="auto-fix")
    verdict = decide(replace(FORMAT, category="test", decisions=(allow,)), POLICY)
    assert (verdict.action, verdict.rule) == ("agent-review", "matrix/test")


# ------------------------------------------------------------------ approvals


@pytest.mark.spec("SEED-069", "SEED-072")
@pytest.mark.parametrize("subject", ["HEE-ISS-1", "f" * 16])
def test_a_persons_approval_of_the_issue_lets_a_manual_repair_run(subject):
    verdict = decide(replace(STATE, approvals=(replace(YES, subject=subject),)), POLICY)
    assert (verdict.action, verdict.rule, verdict.rationale) == (
        "auto-fix",
        "approval/a1",
        "Requires HEE state reconstruction",
    )


@pytest.mark.spec("SEED-070", "SEED-073")
def test_a_parked_repair_is_applied_only_after_its_review():
    parked = replace(FORMAT, pattern_id="HEE-PAT-002", category="decision", safety_level="medium")
    assert decide(parked, POLICY).action == "agent-review"
    assert decide(replace(parked, approvals=(YES,)), POLICY).action == "auto-fix"


@pytest.mark.parametrize(
    "approval",
    [
        replace(YES, role="agent"),
        replace(YES, role="ci"),
        replace(YES, subject="HEE-ISS-2"),
        replace(YES, subject=""),
        replace(YES, expires="2026-02-28T00:00:00Z"),
        replace(YES, expires="2026-03-01T00:00:00Z"),
        replace(YES, expires="soon"),
        replace(YES, expires="2026-04-01"),
    ],
)
def test_an_approval_by_anything_but_a_person_for_this_issue_in_time_does_nothing(approval):
    verdict = decide(replace(STATE, issue_id="HEE-ISS-1", approvals=(approval,)), POLICY)
    assert (verdict.action, verdict.rule) == ("manual-only", "matrix/state")


def test_an_expiry_that_cannot_be_held_against_a_time_counts_as_past():
    approval = replace(YES, expires="2027-01-01T00:00:00Z")
    assert decide(replace(STATE, approvals=(approval,)), POLICY).action == "auto-fix"
    assert decide(replace(STATE, approvals=(approval,), as_of=""), POLICY).action == "manual-only"


def test_an_approval_covers_only_the_paths_of_its_scope():
    approval = replace(YES, scope=("src/",))
    facts = replace(STATE, approvals=(approval,))
    assert decide(facts, POLICY).action == "auto-fix"
    assert decide(replace(facts, paths=("src/a.py",)), POLICY).action == "auto-fix"
    assert decide(replace(facts, paths=("src/a.py", "lib/b.py")), POLICY).action == "manual-only"


def test_an_issue_without_a_name_cannot_be_approved():
    assert (
        decide(replace(STATE, issue_id="", fingerprint="", approvals=(replace(YES, subject=""),)), POLICY).action
        == "manual-only"
    )


@pytest.mark.parametrize("status", ["failed", "hee-compliance-check"])
def test_an_approval_is_the_manual_intervention_that_a_stopped_state_waits_for(status):
    assert decide(replace(STATE, current_status=status, approvals=(YES,)), POLICY).action == "auto-fix"


@pytest.mark.parametrize(
    ("facts", "policy", "rule"),
    [
        ({"frozen": True}, {}, "freeze"),
        ({"decisions": (Decision("D", "k", deny_paths=("a",)),), "paths": ("a",)}, {}, "decision/D"),
        ({"paths": ("CODEOWNERS",)}, {}, "paths"),
        ({}, {"max_severity": "high"}, "max-severity"),
        ({"attempts": 3}, {}, "attempts"),
    ],
)
def test_an_approval_lifts_no_freeze_decision_path_limit_or_count(facts, policy, rule):
    verdict = decide(replace(STATE, approvals=(YES,), **facts), replace(POLICY, **policy))
    assert verdict.rule == rule
    assert verdict.action != "auto-fix"


def test_an_approval_is_said_among_the_reasons():
    assert any("approved HEE-ISS-1" in reason for reason in decide(replace(STATE, approvals=(YES,)), POLICY).reasons)


def test_a_rerun_needs_no_approval_and_gets_none():
    assert decide(replace(FORMAT, category="network", approvals=(YES,)), POLICY).rule == "matrix/network"


def test_the_policy_is_what_the_configuration_says():
    text = (
        dump_default()
        + b"  fix:\n    max_severity: medium\n    safety: high\n    min_confidence: 80%\n    max_attempts: 5\n    paths: ['src/**']\n"
    )
    policy = Policy.of(load(text))
    assert (policy.max_severity, policy.min_safety, policy.min_confidence, policy.max_attempts) == (
        "medium",
        "high",
        8000,
        5,
    )
    assert policy.fix_paths == ("src/**",)
    assert policy.digest == load(text).digest
    assert Policy.of(load(dump_default())) == replace(Policy(), digest=load(dump_default()).digest)
