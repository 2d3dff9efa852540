"""`hee gates` as a CI step: what is met, what is unknown, what became weaker, and what the log keeps of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from worlds import git, repository, watched

from hee_core.keys import create_agent_key
from hee_monitoring.cli.main import run

SPEC = "MUST-CORE-001 adds.\n"
TEST = 'import pytest\n\n\n@pytest.mark.spec("MUST-CORE-001")\ndef test_add():\n    assert 1 + 1 == 2\n'
CI = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: pytest\n"
FILES = {
    "docs/spec.md": SPEC,
    "tests/test_a.py": TEST,
    ".github/workflows/ci.yml": CI,
    "setup.cfg": "[coverage:report]\nfail_under = 90\n",
    ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - id: lint\n  - id: types\n",
}
JUNIT = '<testsuite><testcase classname="tests.test_a" name="test_add"/></testsuite>'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", FILES)


def gates(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    status = run(["-C", str(root), "gates", *arguments, "--json"])
    out, err = capsys.readouterr()
    assert err == ""
    return status, json.loads(out)


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, str]:
    status = run(["-C", str(root), *arguments])
    return status, capsys.readouterr().out


def commit(root: Path, message: str, **files: str | None) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.unlink() if text is None else path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


@pytest.mark.spec("SEED-036", "SEED-037", "SEED-042", "SEED-226", "SEED-271", "SEED-278")
def test_gates_are_unknown_until_something_was_measured_and_then_met(root, capsys, tmp_path):
    status, first = gates(capsys, root)
    assert (status, first["met"], first["unknown"]) == (1, False, True)
    assert {gate["gate"]: gate["value"] for gate in first["gates"]} == {
        "spec_coverage": 100,
        "state_preservation": 100,
        "decision_continuity": None,
    }
    assert run(["-C", str(root), "decide", "api", "stay", "--rationale", "stable"]) == 0
    capsys.readouterr()
    (tmp_path / "j.xml").write_text(JUNIT)
    status, second = gates(capsys, root, "--junit", str(tmp_path / "j.xml"))
    assert (status, second["met"], second["compliant"]) == (0, True, True)
    assert [row["status"] for row in second["compliance"]] == ["OK"] * 5
    spec = second["measures"]["spec_coverage"]
    assert (spec["value"], spec["numerator"], spec["denominator"], spec["unit"]) == (100, 1, 1, "percent")
    assert len(spec["inputs"]) == 64
    assert spec["as_of"] == second["as_of"]
    assert hee(capsys, root, "verify")[0] == 0
    capsule = json.loads(hee(capsys, root, "state", "--json")[1])
    assert {gate["gate"]: gate["met"] for gate in capsule["hee_gates"]}["compliance/Spec-First Alignment"] is True
    assert capsule["hee_monitoring_state"]["coverage_metrics"]["spec"] == 100


def test_only_what_changed_is_recorded_and_an_earlier_point_is_only_read(root, capsys):
    _, first = gates(capsys, root)
    size = len(json.loads(hee(capsys, root, "log", "--json")[1]))
    assert first["recorded"] == size - 1
    _, again = gates(capsys, root)
    assert (again["recorded"], again["not_recorded"]) == (None, "nothing changed since the last record")
    _, early = gates(capsys, root, "--at", "0")
    assert (early["recorded"], early["measures"]["state_preservation"]["denominator"]) == (None, 1)
    _, none = gates(capsys, root, "--no-record")
    assert none["recorded"] is None
    assert len(json.loads(hee(capsys, root, "log", "--json")[1])) == size


def test_a_frozen_log_is_read_and_says_why_it_was_not_written(root, capsys):
    ada = create_agent_key(Path(os.environ["HEE_HOME"]) / "ada", actor="human:ada")
    assert hee(capsys, root, "keys", "add", ada.public_key, "--actor", "human:ada")[0] == 0
    assert hee(capsys, root, "freeze", "--reason", "looking")[0] == 0
    status, found = gates(capsys, root)
    assert (status, found["recorded"]) == (1, None)
    assert "frozen" in found["not_recorded"]


def test_without_a_log_the_tree_is_measured_and_the_rest_is_unknown(tmp_path, capsys):
    root = repository(tmp_path / "r", FILES)
    status, found = gates(capsys, root)
    assert status == 1
    assert found["measures"]["spec_coverage"]["value"] == 100
    assert "there is no log" in found["notes"][0]
    assert "CRITICAL" not in hee(capsys, root, "gates")[1]


def test_a_report_that_is_not_there_could_not_be_read(root, capsys):
    assert run(["-C", str(root), "gates", "--coverage", str(root / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    (root / "empty.json").write_bytes(b"")  # no gate asks for coverage here, and it is told all the same
    assert (
        f"coverage report {root / 'empty.json'}:0: counts nothing"
        in hee(capsys, root, "gates", "--coverage", str(root / "empty.json"))[1]
    )


WEAKER = {
    "setup.cfg": "[coverage:report]\nfail_under = 80\n",
    ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - id: lint\n",
    ".github__workflows__ci.yml": CI + "        continue-on-error: true\n",
    "tests__test_a.py": TEST.replace("def", "@pytest.mark.skip\ndef"),
}


@pytest.mark.spec("SEED-225", "SEED-275")
def test_a_weaker_gate_is_a_finding_until_a_decision_with_an_end_answers_for_it(root, capsys):
    commit(root, "weaker", **WEAKER)
    status, found = gates(capsys, root)
    said = {(entry["path"], entry["message"]) for entry in found["weakened"]["findings"]}
    assert status == 1
    assert said == {
        (".github/workflows/ci.yml", "adds `continue-on-error: true`"),
        (".pre-commit-config.yaml", "the hook types is gone"),
        ("setup.cfg", "fail_under went from 90 to 80"),
        ("tests/test_a.py", "adds `pytest.mark.skip`"),
    }
    assert "fail_under went from 90 to 80; no decision answers for it" in hee(capsys, root, "gates")[1]
    decide = ["decide", "gate.coverage", "80 until the parser is rewritten", "--rationale", "it moves", "--scope"]
    assert hee(capsys, root, *decide, "path:setup.cfg", "--review-by", "2999-12-31")[0] == 0
    hooks = [
        "decide",
        "gate.hooks",
        "no types for now",
        "--rationale",
        "slow",
        "--scope",
        "path:.pre-commit-config.yaml",
    ]
    assert hee(capsys, root, *hooks)[0] == 0
    assert hee(capsys, root, *hooks[:1], "gate.ci", *hooks[2:-1], "path:.github/", "--review-by", "2020-01-01")[0] == 0
    answers = {entry["path"]: bool(entry["decision"]) for entry in gates(capsys, root)[1]["weakened"]["findings"]}
    assert answers == {
        "setup.cfg": True,
        ".pre-commit-config.yaml": False,  # a decision without an end answers nothing
        ".github/workflows/ci.yml": False,  # nor does one whose end is past
        "tests/test_a.py": False,
    }


def test_a_test_that_moved_is_not_gone_and_one_that_vanished_is(root, capsys):
    other = "def test_more():\n    assert len('a') == 1\n"
    commit(root, "two", **{"tests__test_b.py": other})
    commit(root, "moved", **{"tests__test_b.py": None, "tests__test_c.py": other})
    moved = [entry["message"] for entry in gates(capsys, root)[1]["weakened"]["findings"]]
    assert moved == []
    commit(root, "gone", **{"tests__test_c.py": None, ".github__workflows__ci.yml": None})
    gone = {entry["message"] for entry in gates(capsys, root)[1]["weakened"]["findings"]}
    assert "test_more is gone" in gone
    assert "the workflow is gone" in gone


def test_a_lowered_quality_gate_is_a_weaker_gate(root, capsys):
    text = (root / "hee.yaml").read_text()
    lower = text.replace("spec_coverage: 100%", "spec_coverage: 50%").replace("    - decision_continuity: 100%\n", "")
    commit(root, "lower", **{"hee.yaml": lower.replace('"strict"', '"warn"')})
    said = {entry["message"] for entry in gates(capsys, root)[1]["weakened"]["findings"]}
    assert said == {
        "the quality gate spec_coverage went from 100 % to 50 %",
        "the quality gate decision_continuity (100 %) is gone",
        "governance_rules went from strict to warn",
    }


def test_a_configuration_that_cannot_be_read_any_more_is_a_weaker_gate_and_an_exemption_too(root, capsys):
    text = (root / "hee.yaml").read_text()
    exempt = "  rules:\n    exempt: [{rule: HGV-CI-005, reason: later}]\n"
    commit(root, "exempt", **{"hee.yaml": text + exempt})
    assert [entry["message"] for entry in gates(capsys, root)[1]["weakened"]["findings"]] == [
        "HGV-CI-005 is newly exempted"
    ]
    git(root, "switch", "--quiet", "--create", "feature")
    commit(root, "broken", **{"hee.yaml": "hee_monitoring: ["})
    said = [entry["message"] for entry in gates(capsys, root)[1]["weakened"]["findings"]]
    assert said == ["the configuration cannot be read any more"]


@pytest.mark.spec("SEED-208")
def test_commits_that_change_what_governs_are_covered_by_decisions(root, capsys):
    commit(root, "quiet change", **{".github__workflows__ci.yml": CI.replace("5", "6")})
    name = git(root, "rev-parse", "HEAD")
    before = gates(capsys, root)[1]["measures"]["decision_coverage"]
    assert (before["numerator"], before["denominator"]) == (0, 3)
    assert any("quiet change" in text for text in before["evidence"])
    decide = ["decide", "ci.timeout", "six minutes", "--rationale", "slow", "--evidence", f"commit {name[:12]}"]
    assert hee(capsys, root, *decide)[0] == 0
    after = gates(capsys, root)[1]["measures"]["decision_coverage"]
    assert (after["numerator"], after["denominator"]) == (1, 3)


def test_prompts_must_name_what_exists(root, capsys):
    (root / "prompts").mkdir()
    head = "# Authority\n# Scope\n# Invariants\n"
    commit(
        root,
        "prompts",
        **{"prompts__a.md": head + "Read `docs/spec.md`.\n", "prompts__b.md": "# Scope\n`docs/no.md`\n"},
    )
    found = gates(capsys, root)[1]["measures"]["prompt_compatibility"]
    assert (found["value"], found["denominator"]) == (50, 2)
    assert found["evidence"] == [
        "prompts/b.md: no heading authority",
        "prompts/b.md: no heading invariant",
        "prompts/b.md: names docs/no.md",
    ]


def test_a_requirement_that_fails_is_red_whatever_else_is_unknown(tmp_path, capsys):
    root = repository(
        tmp_path / "r",
        {
            ".github/workflows/ci.yml": "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'pytest || true'}]}}\n"
        },
    )
    status, said = hee(capsys, root, "gates")
    assert status == 1
    assert "CRITICAL not met" in said
