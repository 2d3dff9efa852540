"""The decision matrix: the specification's rows word for word, and a row for everything."""

from __future__ import annotations

import re
import typing
from importlib import resources

import pytest

from hee_core import catalogue
from hee_core.canonical import digest
from hee_core.errors import ConfigError
from hee_governance.matrix import ACTIONS, CATEGORIES, LABELS, LEVELS, Matrix, careful

FILE = resources.files("hee_governance").joinpath("matrix.toml").read_bytes()
SPECIFIED = [
    pytest.param(
        "state",
        "HEE-PAT-001",
        "State Corruption",
        "Manual Only",
        "Requires HEE state reconstruction",
        "low",
        marks=pytest.mark.spec("SEED-069"),
    ),
    pytest.param(
        "decision",
        "HEE-PAT-002",
        "Decision Conflict",
        "Agent Review",
        "Requires HEE decision analysis",
        "medium",
        marks=pytest.mark.spec("SEED-070"),
    ),
    pytest.param(
        "spec",
        "HEE-PAT-003",
        "Spec Coverage Gap",
        "Auto-Fix",
        "Aligns with HEE spec-first",
        "high",
        marks=pytest.mark.spec("SEED-071"),
    ),
    pytest.param(
        "governance",
        "HEE-PAT-004",
        "Governance Violation",
        "Manual Only",
        "Requires HEE compliance review",
        "low",
        marks=pytest.mark.spec("SEED-072"),
    ),
    pytest.param(
        "context",
        "HEE-PAT-005",
        "Context Instability",
        "Agent Review",
        "Requires HEE context validation",
        "medium",
        marks=pytest.mark.spec("SEED-073"),
    ),
]
EXPECTED = {
    "auto-fix": {"format", "import-order", "whitespace", "exec-bit", "lint-safe", "lockfile", "spec"},
    "rerun": {"network", "infra", "rate-limit"},
    "manual-only": {"permission", "security", "license", "policy", "deploy", "state", "governance"},
    "none": {"cancelled", "aggregator", "none"},
}


@pytest.mark.parametrize(("key", "pattern", "issue_type", "label", "rationale", "safety"), SPECIFIED)
def test_the_specifications_rows_stand_word_for_word(key, pattern, issue_type, label, rationale, safety):
    row = Matrix.load().row(key)
    assert (row.issue_type, row.label, row.rationale, row.safety) == (issue_type, label, rationale, safety)
    assert Matrix.load().of_pattern(pattern) is row


@pytest.mark.spec("SEED-069", "SEED-073")
def test_the_specifications_rows_stand_above_all_others():
    assert [row.key for row in Matrix.load().rows[:5]] == ["state", "decision", "spec", "governance", "context"]


@pytest.mark.spec("SEED-075")
def test_every_category_has_exactly_one_row():
    keys = [row.key for row in Matrix.load().rows]
    assert len(keys) == len(set(keys))
    assert set(keys) == {*CATEGORIES, "lint-safe", "import-order", "whitespace", "exec-bit"}


def test_rows_have_the_actions_that_the_architecture_lists():
    by_action = {action: {row.key for row in Matrix.load().rows if row.action == action} for action in ACTIONS}
    for action, keys in EXPECTED.items():
        assert by_action[action] == keys
    assert by_action["agent-review"] == {row.key for row in Matrix.load().rows} - set().union(*EXPECTED.values())


@pytest.mark.spec("SEED-075")
def test_a_key_the_matrix_does_not_know_is_reviewed_and_says_why():
    row = Matrix.load().row("no-such-key")
    assert (row.key, row.action) == ("unknown", "agent-review")
    assert "not understood" in row.rationale


def test_actions_and_levels_are_those_of_the_catalogue():
    assert set(ACTIONS) == set(typing.get_args(catalogue.Action)) == set(LABELS)
    assert set(LEVELS) == set(typing.get_args(catalogue.Level))


def test_the_digest_is_that_of_the_file():
    assert Matrix.load().digest == digest(FILE)
    assert Matrix.load() is Matrix.load()


def test_no_pattern_of_ours_is_tied_to_two_rows():
    patterns = [row.pattern for row in Matrix.load().rows if row.pattern]
    assert sorted(patterns) == [f"HEE-PAT-00{number}" for number in range(1, 6)]
    assert Matrix.load().of_pattern("HEE-PAT-612") is None


@pytest.mark.parametrize(
    ("found", "instead", "says"),
    [
        (b'key = "format"', b'key = "lint"', "same key"),
        (b'key = "docs-link"', b'key = "docs"', "docs-link"),
        (b'auto_fix = "Rerun"', b'auto_fix = "Retry"', "Retry"),
        (b'safety = "High"', b'safety = "Critical"', "Critical"),
        (b'rationale = "Nothing failed"', b'rationale = ""', "empty word"),
        (b'issue_type = "Timeout"', b"", "issue_type"),
        (b"\n[[row]]", b"\n[[row", "decision matrix"),
        (b'version = "1.1"', b"\xff", "decision matrix"),
    ],
)
def test_a_matrix_with_a_fault_is_refused(found, instead, says):
    data = FILE.replace(found, instead, 1)
    assert data != FILE
    with pytest.raises(ConfigError, match=re.escape(says)) as caught:
        Matrix.read(data)
    assert caught.value.hint


def test_the_most_careful_action_wins():
    assert careful("auto-fix", "agent-review", "rerun") == "agent-review"
    assert careful("none", "manual-only") == "none"
