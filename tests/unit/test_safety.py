"""The five safety protocols and the rollback table."""

from __future__ import annotations

import pytest

from hee_governance.config import dump_default, load
from hee_governance.safety import PROTOCOLS, RollbackRules, SafetyRules

SPECIFIED = [
    (1, "HEE State Validation", "All fixes validated against HEE state capsule"),
    (2, "HEE Decision Compatibility", "Respect HEE decision history and constraints"),
    (3, "HEE Governance Compliance", "Maintain HEE governance rules during fixes"),
    (4, "HEE Context Preservation", "Preserve HEE execution context across operations"),
    (5, "HEE Rollback Guarantee", "Automatic rollback for any HEE compliance failure"),
]
ALL = {"state": True, "decision": True, "governance": True, "context": True, "rollback": True}


@pytest.mark.spec("SEED-020", "SEED-096", "SEED-097", "SEED-098", "SEED-099", "SEED-100")
def test_the_five_protocols_stand_as_the_specification_has_them():
    assert [(p.number, p.title, p.statement) for p in SafetyRules().protocols] == SPECIFIED


@pytest.mark.spec("SEED-039", "SEED-040", "SEED-041")
def test_the_configuration_can_write_the_requirements_down_and_not_weaken_them():
    rules = SafetyRules.of(load(dump_default()))
    assert rules == SafetyRules()
    assert (rules.pre_fix_validation, rules.post_fix_validation, rules.rollback_on_failure) == (
        "required",
        "required",
        "automatic",
    )


@pytest.mark.spec("SEED-096", "SEED-097", "SEED-098", "SEED-099", "SEED-100")
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.key)
@pytest.mark.parametrize("outcome", [False, None, "absent"])
def test_a_protocol_that_failed_or_that_nobody_checked_is_broken(protocol, outcome):
    outcomes = {key: value for key, value in {**ALL, protocol.key: outcome}.items() if value != "absent"}
    assert SafetyRules().violations(outcomes) == (protocol,)


def test_when_all_five_hold_nothing_is_broken():
    assert SafetyRules().violations(ALL) == ()


@pytest.mark.spec("SEED-021", "SEED-061", "SEED-062", "SEED-063", "SEED-064", "SEED-065")
def test_the_rollback_column_is_the_specifications():
    rules = RollbackRules()
    assert [rules.required(f"HEE-PAT-00{number}") for number in range(1, 6)] == [True, True, False, True, True]
    assert rules.automatic


@pytest.mark.spec("SEED-021")
def test_a_pattern_database_adds_its_own_and_cannot_change_the_specifications():
    rules = RollbackRules.of({"HEE-PAT-612": False, "HEE-PAT-001": False})
    assert not rules.required("HEE-PAT-612")
    assert rules.required("HEE-PAT-001")


def test_an_unknown_pattern_needs_a_rollback_plan():
    assert RollbackRules().required("HEE-PAT-777")
