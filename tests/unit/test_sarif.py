"""SARIF: the shape that OASIS's 2.1.0 asks for, from every command that has findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import git, run_cycle, watched

from hee_monitoring.cli.main import run
from hee_monitoring.reports.sarif import Result, document

TEXT = st.text(max_size=30)


def check(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the schema that a reader relies on; returns the results."""
    assert (found["version"], len(found["runs"])) == ("2.1.0", 1)
    (run_,) = found["runs"]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "hee"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run_["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert isinstance(result["message"]["text"], str)
        for place in result.get("locations", ()):
            physical = place["physicalLocation"]
            assert physical["region"]["startLine"] >= 1
            uri = physical["artifactLocation"]["uri"]
            assert uri.isascii()
            assert not uri.startswith("/")
            assert ".." not in uri.split("/")
    return run_["results"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Result, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(0, 9), TEXT, TEXT, TEXT), max_size=5))
def test_any_findings_make_a_sound_document(results: list[Result]) -> None:
    found = document(results, version="1.0.0", commit="c")
    assert len(check(json.loads(json.dumps(found)))) == len(results)


LENIENT = """\
on: [push]
permissions: {}
jobs:
  t:
    runs-on: ubuntu-latest
    timeout-minutes: 1
    steps:
      - run: pytest || true
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = watched(tmp_path / "r", {"a.py": "x  =  1\n", ".github/workflows/t.yml": LENIENT})
    monkeypatch.chdir(made)
    return made


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    status = run([*arguments, "--sarif"])
    return status, check(json.loads(capsys.readouterr().out))


def test_every_command_with_findings_prints_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, results = said(capsys, "governance", "check")
    assert status == 1
    assert [(r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for r in results] == [
        ("HGV-CI-005", ".github/workflows/t.yml")
    ]
    (root / "build.log").write_text("E       assert 400 == 401\n=== 1 failed in 0.01s ===\n")
    status, results = said(capsys, "explain", "build.log")
    assert (status, results[0]["ruleId"][:8]) == (1, "HEE-PAT-")
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "build.log"
    (root / "build.log").write_text("all is well\n")
    assert said(capsys, "explain", "build.log") == (0, [])


def test_an_open_issue_stands_at_its_file_or_at_its_workflow(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_cycle(root, {".github/workflows/t.yml#format": "ruff format --check ."}, fix=False)
    (root / "green.log").write_text("fine\n")
    git(root, "add", "green.log")
    status, results = said(capsys, "monitor", "--once", "--source", "logs", "--log", "green.log", "--no-fix")
    places = {r["ruleId"]: r["locations"][0]["physicalLocation"] for r in results}
    assert status == 1
    assert places["HEE-PAT-612"]["artifactLocation"]["uri"] == ".github/workflows/t.yml"
    assert places["HEE-PAT-004"]["region"]["startLine"] == 8
