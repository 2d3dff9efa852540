"""The pattern database as data: complete, compiled from its sources, and every example proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hee_core.errors import ConfigError
from hee_monitoring.database import COMPILED, PatternDB
from hee_monitoring.finder import matches
from hee_monitoring.pattern_sources import (
    CATEGORIES,
    SOURCES,
    check,
    compile_sources,
    document,
    read_sources,
    source_digest,
)
from hee_monitoring.scan import relaxed

DB = PatternDB.load()
ROOT = Path(__file__).resolve().parents[2]
SEED = {
    "HEE-PAT-001": ("State Corruption", "Critical", "Low", True),
    "HEE-PAT-002": ("Decision Conflict", "High", "Medium", True),
    "HEE-PAT-003": ("Spec Coverage Gap", "Medium", "High", False),
    "HEE-PAT-004": ("Governance Violation", "Critical", "Low", True),
    "HEE-PAT-005": ("Context Instability", "High", "Medium", True),
}


@pytest.mark.spec("SEED-061", "SEED-062", "SEED-063", "SEED-064", "SEED-065")
@pytest.mark.parametrize("pattern_id", SEED)
def test_hee_s_own_five_patterns_are_as_the_seed_has_them(pattern_id: str) -> None:
    pattern = DB.get(pattern_id)
    assert pattern is not None
    row = (pattern.title, pattern.hee_impact, pattern.safety_level, pattern.rollback_required)
    assert row == SEED[pattern_id]
    assert pattern.channel == "file"


@pytest.mark.spec("SEED-068")
def test_the_compiled_database_is_what_the_sources_give() -> None:
    assert compile_sources() == COMPILED.read_bytes(), "run scripts/build_patterns.py"
    assert DB.digest == source_digest()


def test_the_documentation_is_what_the_database_gives() -> None:
    assert (ROOT / "docs" / "patterns.md").read_text("utf-8") == document(DB), "run scripts/build_patterns.py"


def test_there_are_more_than_two_hundred_patterns_and_every_category_has_some() -> None:
    assert len(DB) >= 200
    assert {pattern.category for pattern in DB} == set(CATEGORIES)


@pytest.mark.spec("SEED-066")
@pytest.mark.parametrize("pattern", list(DB), ids=lambda pattern: pattern.pattern_id)
def test_a_pattern_keeps_its_rules_and_its_examples_hold(pattern) -> None:
    assert check(pattern) == []
    assert pattern.description
    assert pattern.remedy
    assert all(matches(pattern, example) for example in pattern.examples if pattern.regexes)
    assert not any(matches(pattern, example) for example in pattern.counterexamples)


@pytest.mark.parametrize("pattern", list(DB), ids=lambda pattern: pattern.pattern_id)
def test_the_relaxed_form_of_an_expression_finds_its_examples_too(pattern) -> None:
    from hee_monitoring.finder import compiled

    for regex in pattern.regexes:
        for example in pattern.examples:
            if compiled(regex).search(example.encode()):
                assert compiled(relaxed(regex)).search(example.encode())


@pytest.mark.spec("SEED-067")
def test_an_unknown_id_is_none() -> None:
    assert DB.get("HEE-PAT-998") is None
    assert DB.get("") is None


def test_facts_of_a_job_find_their_patterns() -> None:
    for signal in ("timed_out", "startup_failure", "cancelled", "never_started", "died_without_failed_step"):
        assert DB.by_signal(signal) is not None
    assert DB.by_signal("") is None or DB.by_signal("no such") is None


def test_a_database_that_is_missing_or_of_another_format_is_refused_with_a_next_step(tmp_path: Path) -> None:
    wrong = tmp_path / "database.json"
    for content in (None, b"", b"{}", b'{"format": 99, "patterns": []}', b'{"format":1,"patterns":[{"x":1}]}'):
        if content is not None:
            wrong.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            PatternDB.load(wrong)
        assert "build_patterns" in caught.value.hint


def _source(tmp_path: Path, text: str) -> Path:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("- id: HEE-PAT-190\n  title: t\n", "lacks"),
        ("- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, colour: red}\n", "unknown key colour"),
        ("- {id: HEE-PAT-998, title: t, category: test, what: w, remedy: r, signal: s}\n", "ids of test"),
        ("- {id: PAT-190, title: t, category: nope, what: w, remedy: r, signal: s}\n", "reads HEE-PAT-nnn"),
        ("- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r}\n", "nothing finds it"),
        ("- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, match: ['(']}\n", "missing"),
        (
            "- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, match: ['a'], examples: [a, b], not: [ca]}\n",
            "counterexample",
        ),
        (
            "- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, match: ['a'], examples: [x, a], not: [b]}\n",
            "example 'x'",
        ),
        (
            "- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, match: ['[é]'], examples: [é, é], not: [b]}\n",
            "non-ASCII",
        ),
        ("- {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, refines: HEE-PAT-191}\n", "does not exist"),
        ("- &a {id: HEE-PAT-190, title: t, category: test, what: w, remedy: r, signal: s}\n- *a\n", "taken"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path: Path, text: str, finding: str) -> None:
    with pytest.raises(ConfigError, match=finding):
        read_sources(_source(tmp_path, text))


def test_the_digest_does_not_depend_on_line_endings(tmp_path: Path) -> None:
    source = (SOURCES / "hee.yaml").read_bytes()
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (one / "hee.yaml").write_bytes(source)
    (two / "hee.yaml").write_bytes(source.replace(b"\n", b"\r\n"))
    assert source_digest(one) == source_digest(two)


def test_the_compiled_form_has_one_pattern_a_line() -> None:
    assert len(COMPILED.read_text("utf-8").splitlines()) == len(DB) + 2
    assert json.loads(COMPILED.read_bytes())["version"] == DB.version
