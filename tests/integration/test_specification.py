"""Specification first: what is proved is computed, what is open becomes a pending test, and nothing detects without one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import ShellSource, cycle_of, git, repository, run_cycle, watched

from hee_core.clock import FixedClock
from hee_core.errors import ConfigError
from hee_core.events import Event
from hee_governance import ledgermeasures
from hee_governance.gates import Gate, evaluate
from hee_governance.skeletons import written
from hee_governance.speccoverage import Clause
from hee_monitoring import pipeline
from hee_monitoring.cli.main import run
from hee_monitoring.database import PatternDB
from hee_monitoring.workspace import Workspace

TOOTHLESS = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: pytest || true\n"
TEST = 'import pytest\n\n\n@pytest.mark.spec("SEED-001")\ndef test_a():\n    assert len("a") == 1\n'


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    status = run(["-C", str(root), *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out or "null")


@pytest.mark.spec("SEED-287", "SEED-271")
def test_open_clauses_become_pending_tests_that_count_as_nothing(tmp_path, capsys):
    project = '[tool.pytest.ini_options]\nmarkers = ["spec(*ids): rows"]\n'
    root = repository(tmp_path / "r", {"tests/test_a.py": TEST, "pyproject.toml": project})
    outside = tmp_path / "rows.md"
    outside.write_text("SEED-001 A starts.\nSEED-002 Every value is kept.\nSEED-003 It prints a line.\n")
    arguments = ("governance", "spec", "--spec", str(outside), "--skeletons", str(root / "tests/spec"))
    status, found = hee(capsys, root, *arguments)
    assert (status, found["value"], found["numerator"], found["denominator"]) == (1, 33.33, 1, 3)
    assert [Path(path).name for path in found["skeletons"]] == ["test_seed_002.py", "test_seed_003.py"]
    texts = {path: Path(path).read_text() for path in found["skeletons"]}
    assert ["@given" in text for text in texts.values()] == [True, False]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/spec"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "2 xfailed" in done.stdout) == (0, True), done.stdout
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "pending")
    status, again = hee(capsys, root, *arguments)
    assert (status, again["value"], again["skeletons"]) == (1, 33.33, [])
    assert [entry["why"].rpartition(": ")[2] for entry in again["open"]] == ["the test is marked xfail"] * 2
    assert run(["-C", str(root), "governance", "spec"]) == 1
    assert "UNKNOWN spec coverage unknown" in capsys.readouterr().out  # without the specification nothing is known
    assert run(["-C", str(root), "governance", "spec", "--spec", "/none"]) == 2
    first = tmp_path / "one.md"
    first.write_text("SEED-001\n")
    assert hee(capsys, root, "governance", "spec", "--spec", str(first))[0] == 0


def test_a_skeleton_of_any_clause_is_python():
    text = 'Every "quoted" \\ text | with {braces} and """ holds'
    for registered in (True, False):
        name, code = written(Clause("MUST-X-001", "s.md", 1, text), registered=registered)
        assert name == "test_must_x_001.py"
        compile(code, name, "exec")


@pytest.mark.spec("SEED-004")
def test_a_detector_without_a_specified_pattern_is_refused(tmp_path):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": TOOTHLESS})
    source = ShellSource(root, {"ci.yml#a": "true"})
    with Workspace.open(root) as workspace:
        whole = workspace.patterns
        kept = tuple(pattern for pattern in whole if pattern.pattern_id != "HEE-PAT-004")
        workspace.__dict__["patterns"] = PatternDB(kept, version=whole.version, digest=whole.digest)
        with pytest.raises(ConfigError, match="HEE-PAT-004, which the pattern database does not specify"):
            pipeline.run(cycle_of(workspace, source))
        assert len(workspace.log) == 1
    assert PatternDB.load().get("HEE-PAT-004") is not None


@pytest.mark.spec("SEED-280", "SEED-290", "SEED-046")
def test_every_cycle_evaluates_the_rules_before_it_asks_and_leaves_violations_to_people(tmp_path, capsys):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": TOOTHLESS})
    run_cycle(root, {"ci.yml#a": "true"})
    types = [entry["type"] for entry in hee(capsys, root, "log")[1]]
    assert types.index("governance.evaluated") < types.index("ci.polled")
    issue = hee(capsys, root, "state")[1]["hee_monitoring_state"]["recent_issues"][0]
    assert (issue["pattern_id"], issue["action"]) == ("HEE-PAT-004", "manual-only")


@pytest.mark.spec("SEED-274", "SEED-258")
def test_a_context_that_goes_back_and_forth_is_not_stable(tmp_path):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    clock = FixedClock("2026-01-24T12:00:00.000000Z")
    with Workspace.open(root) as workspace:
        for digest in ("a", "b", "a"):
            data = {"path": "hee.yaml", "digest": digest * 64, "governance": "strict"}
            workspace.log.append([Event.new("config.loaded", data, subject="config", clock=clock)])
        events = [entry.event for entry in workspace.log.read()]
        assert ledgermeasures.flapping(events[:3]) == ()
        back = ledgermeasures.flapping(events)
        measure = ledgermeasures.of_state(workspace.log.state, sound=4, events=4, flapping=back)["context_stability"]
    assert (back, measure.value) == (("configuration",), 5000)
    assert not evaluate(Gate("context_stability", 10_000), measure).met


ENVIRONMENTS = {
    "local": {},
    "ci": {"CI": "true", "GITHUB_ACTIONS": "true"},
    "pre-commit": {"PRE_COMMIT": "1", "LANG": "C", "TZ": "Asia/Tokyo"},
    "agent": {"NO_COLOR": "1", "TERM": "dumb", "HOME": "/nonexistent"},
}


def said_in(
    place: Path, template: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, str]]:
    """What one cycle records in an environment, without times."""
    shutil.copytree(template, place)
    with monkeypatch.context() as there:
        there.setenv("HEE_HOME", str(place / "home"))
        there.setenv("HEE_SIGNING_KEY", str(place / "home/keys/agent_ed25519"))
        there.setenv("HEE_ACTOR", "agent:hee")
        for name, value in environment.items():
            there.setenv(name, value)
        run_cycle(place / "r", {"ci.yml#a": "echo 'app.py:1:1: F401 unused import'; exit 1"}, fix=False)
        with Workspace.open(place / "r") as workspace:
            events = [entry.event for entry in workspace.log.read(1)]
    return [(event.type, json.dumps(_timeless(event.data), sort_keys=True)) for event in events]


def _timeless(data: object) -> object:
    if isinstance(data, dict):
        kept = {name: value for name, value in data.items() if not name.endswith(("_ms", "_at"))}
        return {name: _timeless(value) for name, value in kept.items()}
    return [_timeless(value) for value in data] if isinstance(data, list) else data


@pytest.mark.spec("SEED-308")
def test_the_same_scenario_says_the_same_in_every_environment(tmp_path, monkeypatch):
    template = tmp_path / "template"
    home = Path(os.environ["HEE_HOME"])
    watched(template / "r", {".github/workflows/ci.yml": TOOTHLESS})
    shutil.copytree(home, template / "home")
    said = [said_in(tmp_path / name, template, environment, monkeypatch) for name, environment in ENVIRONMENTS.items()]
    assert len(said[0]) > 5
    assert said == [said[0]] * len(ENVIRONMENTS)
