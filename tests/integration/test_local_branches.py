"""One failure on several branches of a local repository: what a look at one of them says of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import ShellSource, cycle_of, git, watched

from hee_core import Event
from hee_core.record import Record
from hee_monitoring import pipeline
from hee_monitoring.recall import recall, told, triage_told
from hee_monitoring.workspace import Workspace

RED = {
    "ci.yml#test": "test -e fixed || { echo 'FAILED tests/test_a.py::test_b - AssertionError: assert 1 == 2'; exit 1; }"
}


class Here(ShellSource):
    """A source that leaves the branch to who asks, as act does."""

    def runs(self, commit: str):
        return tuple(replace(run, branch="") for run in super().runs(commit))


def look(root: Path, jobs: dict[str, str] = RED) -> list[Event]:
    with Workspace.open(root) as workspace:
        before = len(workspace.log)
        pipeline.run(cycle_of(workspace, Here(root, jobs), fix=False, rerun=True))
        return [entry.event for entry in workspace.log.read()][before:]


def types(events: list[Event]) -> list[str]:
    return [
        event.type
        for event in events
        if event.type in ("ci.failure_detected", "ci.branch_cleared", "ci.issue_resolved")
    ]


def issue(root: Path) -> Record | None:
    with Workspace.open(root) as workspace:
        return next(iter(workspace.log.state.issues.values()), None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = watched(tmp_path / "r", {"a.txt": "a\n"})
    assert types(look(made)) == ["ci.failure_detected"]
    git(made, "switch", "--quiet", "--create", "topic")
    git(made, "commit", "--quiet", "--allow-empty", "--message", "more")
    return made


def test_green_on_one_branch_says_nothing_of_the_other(root: Path) -> None:
    events = look(root)
    assert types(events) == ["ci.failure_detected"]
    (said,) = [event.data for event in events if event.type == "ci.failure_triaged"]
    assert (said["verdict"], said["base"]) == ("broken-base", True)
    (root / "fixed").write_text("")
    git(root, "add", "fixed")
    git(root, "commit", "--quiet", "--message", "fix")
    assert types(look(root)) == ["ci.branch_cleared"]
    left = issue(root)
    assert left is not None
    assert [place["branch"] for place in left["branches"]] == ["main"]
    assert types(look(root)) == []  # main was not looked at
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "topic")
    assert types(look(root)) == ["ci.issue_resolved"]


def test_a_branch_that_is_gone_ends_by_name_and_never_what_is_red_elsewhere(root: Path) -> None:
    look(root)
    git(root, "switch", "--quiet", "main")
    git(root, "branch", "--quiet", "--delete", "--force", "topic")
    assert types(look(root)) == ["ci.branch_cleared"]
    left = issue(root)
    assert left is not None
    assert [place["branch"] for place in left["branches"]] == ["main"]
    assert left["episodes"] == {"passed": 0, "lasted": 0}


def test_what_is_red_here_for_the_first_time_is_not_closed_with_a_branch_that_is_gone(root: Path) -> None:
    (root / "fixed").write_text("")
    git(root, "add", "fixed")
    git(root, "commit", "--quiet", "--message", "fix")
    git(root, "switch", "--quiet", "main")
    git(root, "switch", "--quiet", "--create", "other")
    git(root, "branch", "--quiet", "--delete", "--force", "main")
    assert types(look(root)) == ["ci.failure_detected"]
    assert issue(root) is not None
    assert types(look(root)) == ["ci.branch_cleared"]


def test_a_name_that_the_log_had_to_cut_is_never_called_gone(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    git(root, "switch", "--quiet", "--create", "/".join(["long" * 12] * 5))
    look(root)
    git(root, "switch", "--quiet", "main")
    (root / "fixed").write_text("")
    git(root, "add", "fixed")
    git(root, "commit", "--quiet", "--message", "fix")
    git(root, "branch", "--quiet", "--delete", "--force", "/".join(["long" * 12] * 5))
    assert types(look(root)) == []


def test_a_log_of_an_earlier_program_keeps_its_branch(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = watched(root.parent / "old", {"a.txt": "a\n"})
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.judging, "triaged", lambda cycle, seen, state, said: _note(cycle))
        look(fresh)
    old = issue(fresh)
    assert old is not None
    assert "triage" not in old
    git(fresh, "switch", "--quiet", "--create", "topic")
    git(fresh, "commit", "--quiet", "--allow-empty", "--message", "more")
    look(fresh)
    left = issue(fresh)
    assert left is not None
    assert [place["branch"] for place in left["branches"]] == ["main", "topic"]


def _note(cycle) -> Event:
    return Event.new("note.recorded", {"text": "an earlier program had no verdict"}, clock=cycle.workspace.clock)


def test_memory_and_verdict_are_one_line_each(root: Path) -> None:
    look(root)
    with Workspace.open(root) as workspace:
        (name,) = workspace.log.state.issues
        memory = recall(workspace.log.state, name)
    assert memory is not None
    assert memory["branches"] == ["main", "topic"]
    assert "red on 2 branches (main, topic)" in told(memory)
    assert triage_told(memory["triage"]) == "broken-base, 79 %: main is red with it as well"
    assert triage_told({**memory["triage"], "evidence": []}) == "broken-base, 79 %: no reason was recorded"
    unsure = {**memory["triage"], "verdict": "unknown", "missing": []}
    assert triage_told(unsure).startswith("unknown (broken base 79 % at most): ")
