"""The maintenance schedule, release readiness and the roadmap, over real logs with a clock that is wound forward."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import git, run_cycle, watched

from hee_core import canonical
from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_governance.roadmap import ROADMAP
from hee_governance.schedule import TASKS, standing
from hee_monitoring import maintenance
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace

SEED = {"state-health": 1, "performance-review": 7, "pattern-review": 14, "capsule-archive": 30, "dependency-review": 30,
        "security-audit": 90, "governance-review": 90, "migration-check": 90, "architecture-review": 365}  # fmt: skip
BORN = "2026-01-01T00:00:00.000000Z"
CI = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: pytest\n"


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    status = run(["-C", str(root), *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out or "null")


@pytest.mark.spec(*(f"SEED-{number}" for number in range(259, 267)))
def test_the_schedule_is_the_specifications():
    assert {task.name: task.period_days for task in TASKS} == SEED == dict.fromkeys(maintenance._TASKS, 0) | SEED


@given(st.sampled_from(TASKS), st.integers(0, 800), st.integers(0, 800))
def test_a_task_is_done_then_due_then_overdue_and_never_goes_back_by_itself(task, one, other):
    born = datetime(2026, 1, 1, tzinfo=UTC)
    early, late = sorted((one, other))
    order = ["done", "due", "overdue"]
    for last in ("", born.isoformat()):
        seen = [
            standing(task, last, born=born.isoformat(), now=(born + timedelta(days=d)).isoformat()).status
            for d in (early, late)
        ]
        assert order.index(seen[0]) <= order.index(seen[1])
    assert standing(task, "", born=BORN, now=BORN).status == "due"
    assert standing(task, BORN, born=BORN, now=BORN).status == "done"


@pytest.mark.spec("SEED-259", "SEED-261", "SEED-262")
def test_every_task_that_is_due_does_something_real_and_is_recorded(tmp_path, capsys):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": CI, "pyproject.toml": "[project]\nname='a'\n"})
    status, listed = hee(capsys, root, "maintain", "--list")
    assert (status, {row["status"] for row in listed["tasks"]}) == (0, {"due"})
    before = git(root, "rev-list", "--objects", "hee/log").count("\n")
    status, found = hee(capsys, root, "maintain")
    assert [row["ran"] for row in found["tasks"]] == [True] * len(TASKS)
    nothing = [(row["task"], row["ok"]) for row in found["tasks"] if not row["evaluated"]]
    assert nothing == [("performance-review", False)]  # no repair and no detection took any time yet: unknown, not fine
    said = {row["task"]: row["findings"] for row in found["tasks"] if row["findings"]}
    assert (status, sorted(said)) == (1, ["dependency-review"])
    assert (
        said["dependency-review"] == ["pyproject.toml has no lock file beside it"]
        or len(said["dependency-review"]) == 1
    )
    assert git(root, "rev-list", "--objects", "hee/log").count("\n") > before  # packed together, and nothing is gone
    status, again = hee(capsys, root, "maintain")
    assert (status, {row["status"] for row in again["tasks"]}, any(row["ran"] for row in again["tasks"])) == (
        0,
        {"done"},
        False,
    )
    assert hee(capsys, root, "maintain", "--task", "state-health")[1]["tasks"][0]["ran"]
    assert run(["-C", str(root), "maintain", "--list"]) == 0
    assert "state-health: done" in capsys.readouterr().out
    assert run(["-C", str(root), "maintain", "--task", "migration-check"]) == 0
    assert run(["-C", str(root), "maintain", "--task", "sleep"]) == 2
    capsys.readouterr()
    early = hee(capsys, root, "maintain", "--at", "0")[1]
    assert {row["status"] for row in early["tasks"]} == {"due"}
    assert hee(capsys, root, "verify")[0] == 0


def test_what_waited_too_long_is_overdue_and_that_is_an_event(tmp_path):
    clock = FixedClock(BORN, step=0)
    root = watched(tmp_path / "r", {"a.txt": "a\n"}, clock=clock)
    clock.sleep(200 * 86_400)
    with Workspace.open(root, clock=clock) as workspace:
        now = clock.now()
        places = {place.task.name: place for place in maintenance.standings(workspace, now)}
        assert {name for name, place in places.items() if place.status == "overdue"} == {*SEED}
        done = maintenance.perform(workspace, places["security-audit"], now)
        assert any("200 days old" in text for text in done.findings)
        events = [entry.event.data for entry in workspace.log.read() if entry.event.type == "maintenance.recorded"]
        assert [(data["status"], data["ok"]) for data in events] == [("overdue", None), ("done", False)]
        assert (
            next(p for p in maintenance.standings(workspace, now) if p.task.name == "security-audit").status == "done"
        )


@pytest.mark.spec("SEED-279")
def test_a_release_needs_rules_gates_pipelines_state_and_changelog(tmp_path, capsys):
    log = "# Changelog\n\n## 1.0\n\n### Added\n\n- a\n\n### State transitions\n\n- none\n"
    spec = 'import pytest\n\n\n@pytest.mark.spec("SEED-001")\ndef test_a():\n    assert len("a") == 1\n'
    files = {
        ".github/workflows/ci.yml": CI,
        "CHANGELOG.md": log,
        "docs/spec.md": "SEED-001 holds\n",
        "tests/test_a.py": spec,
    }
    root = watched(tmp_path / "r", files)
    status, first = hee(capsys, root, "governance", "release")
    assert (status, first["ready"]) == (1, False)
    assert {row["criterion"] for row in first["criteria"] if not row["met"]} == {"quality gates", "pipelines"}
    run_cycle(root, {"ci.yml#a": "true"})
    hee(capsys, root, "decide", "release.scope", "everything", "--rationale", "it is ready")
    hee(capsys, root, "gates")
    status, second = hee(capsys, root, "governance", "release")
    assert (status, second["ready"]) == (0, True), second
    assert run(["-C", str(root), "governance", "release"]) == 0
    assert "ready for release" in capsys.readouterr().out
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## 1.1\n\n- more\n")
    git(root, "commit", "--quiet", "--all", "--message", "more")
    status, third = hee(capsys, root, "governance", "release")
    assert {row["criterion"] for row in third["criteria"] if not row["met"]} == {"pipelines", "changelog"}


@pytest.mark.spec("SEED-285")
def test_the_roadmap_is_data_and_dates_are_past_or_planned(tmp_path, capsys):
    found = hee(capsys, tmp_path, "governance", "roadmap", "--as-of", "2026-03-15")[1]
    assert [(row["target"], row["date"]) for row in found["milestones"]] == [
        ("2026-02-15", "past"), ("2026-03-01", "past"), ("2026-04-01", "planned"), ("2026-06-01", "planned"),
    ]  # fmt: skip
    assert found["milestones"][0]["present"] is True
    assert run(["governance", "roadmap"]) == 0
    assert capsys.readouterr().out.count("\n") == len(ROADMAP)


def test_events_that_keep_no_promise_of_their_type_are_passed_over(tmp_path, capsys):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": CI})
    hostile = {"status": "done", "task": [], "name": [], "path": []}
    with Workspace.open(root) as workspace:
        for type_ in ("maintenance.recorded", "token.registered", "token.rotated", "capsule.imported"):
            for data in ({}, hostile):
                draft = Event.new("note.recorded", {"text": "x"})
                workspace.log.append([replace(draft, type=type_, data=data, _data=canonical.encode(data).decode())])
    assert hee(capsys, root, "maintain", "--list")[0] == 0
    assert hee(capsys, root, "tokens")[1] == []
    assert hee(capsys, root, "verify")[0] == 0


def test_a_task_that_had_nothing_to_look_at_is_not_in_order(tmp_path, capsys):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": CI})
    status, found = hee(capsys, root, "maintain", "--task", "performance-review")
    assert (status, [row["findings"] for row in found["tasks"] if row["ran"]]) == (1, [[]])
    status, found = hee(capsys, root, "maintain", "--task", "pattern-review")
    assert (status, [row["ok"] for row in found["tasks"] if row["ran"]]) == (0, [True])
