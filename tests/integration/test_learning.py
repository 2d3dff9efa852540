"""Learning from the command line: propose, accept, explain, refuse, retire, and what an agent may not do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from worlds import git, run_cycle, watched

import hee_core
from hee_core.errors import EventError
from hee_core.keys import create_agent_key
from hee_monitoring.cli.main import run
from hee_monitoring.watch import reloaded
from hee_monitoring.workspace import Workspace

CI = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: make\n"
SAID = "the frobnicator of shelf '{name}' lost its pinion at {number}"


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    status = run(["-C", str(root), *arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out or "null"), err


def red(name: str, number: int, *, before: str = "") -> str:
    return (
        f"{before}winding up\n{SAID.format(name=name, number=number)}\n##[error]Process completed with exit code 3.\n"
    )


def write(folder: Path, logs: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in logs.items():
        (folder / f"{name}.log").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {".github/workflows/ci.yml": CI})


@pytest.fixture
def ada(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> pytest.MonkeyPatch:
    """A person whose key the log knows; `as_ada` signs with it from then on."""
    key = create_agent_key(Path(os.environ["HEE_HOME"]) / "ada", actor="human:ada")
    assert hee(capsys, root, "keys", "add", key.public_key, "--actor", "human:ada")[0] == 0
    return monkeypatch


def as_ada(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HEE_SIGNING_KEY", str(Path(os.environ["HEE_HOME"]) / "ada"))
    patch.setenv("HEE_ACTOR", "human:ada")


def fail(root: Path, name: str, number: int) -> None:
    """A commit whose job fails with the line, as a cycle sees and records it."""
    (root / "n.txt").write_text(f"{number}\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", str(number))
    said = SAID.format(name=name, number=number).replace("'", "'\\''")
    run_cycle(root, {".github/workflows/ci.yml#a": f"echo winding up; echo '{said}'; exit 3"})


@pytest.mark.spec("SEED-282", "SEED-288", "SEED-068")
def test_what_nothing_explains_is_learned_by_a_persons_decision_and_forgotten_by_another(tmp_path, root, ada, capsys):
    for number, name in enumerate(("north", "south", "east"), 41):
        fail(root, name, number)
    green = write(tmp_path / "green", {"a": "winding up\nall well\n"})
    status, found, _ = hee(capsys, root, "patterns", "learn", "--success", str(green))
    (candidate,) = found["candidates"]
    assert (status, found["unexplained"], found["successes"], candidate["support"]) == (0, 3, 1, 3)
    assert "frobnicator" in candidate["regex"]
    assert "north" not in candidate["regex"] + candidate["template"]
    # Proposed is not in force: the same failure is still unknown, and asked again nothing more is proposed.
    log = tmp_path / "again.log"
    log.write_text(red("west", 99))
    assert hee(capsys, root, "explain", str(log))[1]["category"] == "unknown"
    assert hee(capsys, root, "patterns", "learn")[1]["candidates"] == []
    assert (
        hee(capsys, root, "patterns", "accept", candidate["candidate"], "--category", "infra", "--rationale", "r")[0]
        == 2
    )
    before = hee(capsys, root, "log")[1][-1]
    assert (before["type"], before["data"]["capability"]) == ("access.denied", "accept")

    as_ada(ada)
    said = ("--rationale", "it is the pinion", "--remedy", "Oil the pinion.")
    status, _, err = hee(capsys, root, "patterns", "accept", candidate["candidate"], *said)
    assert status == 2
    assert "nothing proves the category" in err
    assert hee(capsys, root, "patterns", "accept", candidate["candidate"], "--category", "state", *said)[0] == 2
    status, accepted, _ = hee(capsys, root, "patterns", "accept", candidate["candidate"], "--category", "infra", *said)
    assert (status, accepted["pattern_id"], accepted["pattern_version"]) == (0, "HEE-PAT-940", 1)
    decision = next(d for d in hee(capsys, root, "decisions", "list")[1] if d["key"] == "pattern/HEE-PAT-940")
    assert (decision["value"], decision["rationale"], decision["decided_by"]) == (
        "accepted",
        "it is the pinion",
        "human:ada",
    )
    status, explained, _ = hee(capsys, root, "explain", str(log))
    failure = explained["failures"][0]
    assert (explained["category"], explained["pattern_id"], explained["line"]) == ("infra", "HEE-PAT-940", 2)
    assert failure["captures"] == {"name": "west"}
    assert explained["database"]["version"].endswith("-own.1")
    shown = hee(capsys, root, "patterns", "show", "HEE-PAT-940")[1]
    assert (shown["remedy"], shown["action"]) == ("Oil the pinion.", "agent-review")
    assert [each["pattern_id"] for each in hee(capsys, root, "patterns", "list", "--own")[1]["patterns"]] == [
        "HEE-PAT-940"
    ]
    assert hee(capsys, root, "patterns", "test", "HEE-PAT-940")[1]["failed"] == []
    fail(root, "up", 51)
    events = hee(capsys, root, "log")[1]
    at = next(
        e["index"]
        for e in reversed(events)
        if e["type"] == "ci.failure_classified" and e["data"]["pattern_id"] == "HEE-PAT-940"
    )
    loaded = next(e["data"] for e in reversed(events) if e["type"] == "patterns.loaded")
    assert events[at]["data"]["database"] == f"{loaded['version']}+{loaded['digest'][:12]}"

    assert hee(capsys, root, "patterns", "retire", "HEE-PAT-940", "--rationale", "the shelf is gone")[0] == 0
    assert hee(capsys, root, "explain", str(log))[1]["category"] == "unknown"
    assert hee(capsys, root, "patterns", "retire", "HEE-PAT-998", "--rationale", "r")[0] == 2
    then = hee(capsys, root, "patterns", "list", "--own", "--at", str(at))[1]
    assert (len(then["patterns"]), then["digest"]) == (1, loaded["digest"])
    assert hee(capsys, root, "patterns", "list", "--own")[1]["patterns"] == []
    assert hee(capsys, root, "patterns", "retire", "HEE-PAT-940", "--rationale", "twice")[0] == 2
    assert hee(capsys, root, "patterns", "learn")[1]["candidates"] == []  # retired, and no more runs show it
    assert hee(capsys, root, "verify")[0] == 0


def test_a_refused_candidate_comes_back_only_when_far_more_runs_show_it_and_keeps_its_name(tmp_path, root, ada, capsys):
    few = write(tmp_path / "few", {str(n): red(f"n{n}", n) for n in range(3)})
    many = write(tmp_path / "many", {str(n): red(f"n{n}", n) for n in range(9)})
    name = hee(capsys, root, "patterns", "learn", str(few))[1]["candidates"][0]["candidate"]
    as_ada(ada)
    assert hee(capsys, root, "patterns", "refuse", name, "--rationale", " ")[0] == 2
    assert hee(capsys, root, "patterns", "refuse", name[:12], "--rationale", "noise")[0] == 0
    assert hee(capsys, root, "patterns", "candidates")[1]["refused"][0]["reason"] == "noise"
    again = hee(capsys, root, "patterns", "learn", str(few))[1]
    assert (again["candidates"], again["left_out"]["people refused or retired it"]) == ([], 1)
    back = hee(capsys, root, "patterns", "learn", str(many))[1]["candidates"]
    assert [(each["candidate"], each["support"]) for each in back] == [(name, 9)]
    assert (
        hee(capsys, root, "patterns", "accept", name, "--category", "infra", "--rationale", "r")[1]["pattern_version"]
        == 1
    )
    assert hee(capsys, root, "patterns", "retire", "HEE-PAT-940", "--rationale", "r")[0] == 0
    lots = write(tmp_path / "lots", {str(n): red(f"n{n}", n) for n in range(27)})
    assert hee(capsys, root, "patterns", "learn", str(lots))[1]["candidates"][0]["candidate"] == name
    assert hee(capsys, root, "patterns", "accept", "HEE-CAN-ffff", "--rationale", "r")[0] == 2
    back = hee(capsys, root, "patterns", "accept", name, "--category", "infra", "--rationale", "r")[1]
    assert (back["pattern_id"], back["pattern_version"]) == ("HEE-PAT-940", 2)


def test_an_agents_key_cannot_settle_a_candidate_even_past_the_commands(tmp_path, root, capsys):
    red_logs = write(tmp_path / "red", {str(n): red(f"n{n}", n) for n in range(3)})
    name = hee(capsys, root, "patterns", "learn", str(red_logs))[1]["candidates"][0]["candidate"]
    accepted = {
        "candidate": name,
        "pattern_id": "HEE-PAT-940",
        "version": 1,
        "category": "infra",
        "title": "t",
        "what": "w",
        "remedy": "r",
    }
    with Workspace.open(root) as workspace:
        for type_, data in (
            ("pattern.accepted", accepted),
            ("pattern.refused", {"candidate": name, "reason": "r"}),
            ("pattern.retired", {"pattern_id": "HEE-PAT-940", "reason": "r"}),
        ):
            with pytest.raises(EventError, match="only a person can"):
                workspace.log.append([hee_core.Event.new(type_, data, subject="t")])
        assert workspace.patterns.get("HEE-PAT-940") is None


def test_a_dry_run_records_nothing_and_logs_of_success_stop_a_candidate(tmp_path, root, capsys):
    logs = write(tmp_path / "red", {str(n): red(f"n{n}", n) for n in range(3)})
    green = write(tmp_path / "green", {"a": f"winding up\n{SAID.format(name='x', number=7)}\n"})
    size = len(hee(capsys, root, "log")[1])
    status, found, _ = hee(capsys, root, "patterns", "learn", str(logs), "--dry-run")
    assert (status, found["recorded"], len(found["candidates"])) == (0, False, 1)
    assert len(hee(capsys, root, "log")[1]) == size
    found = hee(capsys, root, "patterns", "learn", str(logs), "--success", str(green))[1]
    assert (found["candidates"], found["left_out"]["matches a passing log"]) == ([], 2)
    assert run(["-C", str(root), "patterns", "learn", str(logs)]) == 0
    out, err = capsys.readouterr()
    assert "hee patterns accept HEE-CAN-" in out
    assert "no passing logs were given" in err
    assert run(["-C", str(root), "patterns", "candidates"]) == 0
    assert "frobnicator" in capsys.readouterr().out


OWN = """\
patterns:
  - id: HEE-PAT-915
    title: The pinion is lost
    category: infra
    what: The frobnicator runs without its pinion.
    remedy: Oil it.
    role: cause
    match: ["^the frobnicator of shelf '(?P<shelf>[^']+)' lost"]
    examples:
      - the frobnicator of shelf 'a' lost its pinion
      - the frobnicator of shelf 'b' lost heart
    not:
      - the frobnicator of shelf 'a' is well
"""


def test_a_project_s_own_file_counts_from_the_protected_branch_and_its_history_is_in_the_log(tmp_path, root, capsys):
    log = tmp_path / "build.log"
    log.write_text(red("west", 99))
    file = root / ".hee" / "patterns.yaml"
    file.parent.mkdir()
    file.write_text(OWN)
    assert hee(capsys, root, "patterns", "test", "--file", str(file))[1] == {"ran": 3, "failed": []}
    assert hee(capsys, root, "explain", str(log))[1]["category"] == "unknown"  # it is not committed
    git(root, "switch", "--quiet", "--create", "side")
    git(root, "add", ".hee")
    git(root, "commit", "--quiet", "--message", "patterns")
    assert hee(capsys, root, "explain", str(log))[1]["category"] == "unknown"  # nor on the protected branch
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "side")
    found = hee(capsys, root, "explain", str(log))[1]
    assert (found["pattern_id"], found["failures"][0]["captures"]) == ("HEE-PAT-915", {"shelf": "west"})
    fail(root, "west", 7)
    events = hee(capsys, root, "log")[1]
    assert [(e["data"]["path"], e["data"]["count"]) for e in events if e["type"] == "patterns.extended"] == [
        (".hee/patterns.yaml", 1)
    ]
    then = len(events) - 1
    file.unlink()
    git(root, "commit", "--quiet", "--all", "--message", "gone")
    fail(root, "west", 8)
    assert [e["data"]["blob"] for e in hee(capsys, root, "log")[1] if e["type"] == "patterns.extended"][1:] == [None]
    assert hee(capsys, root, "patterns", "show", "HEE-PAT-915")[0] == 2
    assert hee(capsys, root, "patterns", "show", "HEE-PAT-915", "--at", str(then))[1]["remedy"] == "Oil it."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("HEE-PAT-915", "HEE-PAT-200", "2: /patterns/0/id"),
        ("category: infra", "category: magic", "4: /patterns/0/category"),
        ('lost"]', 'lost(?=x)"]', "8: /patterns/0/match/0"),
        ("^the frobnicator of shelf '(?P<shelf>[^']+)' lost", ".*", "matches lines that are in every log"),
        ("'b' lost heart", "'b' is well", "2: /patterns/0 does not match its example"),
        ("'a' is well", "'a' lost it", "matches its counterexample"),
        ("    remedy: Oil it.\n", "", "/patterns/0/remedy is missing"),
        ("patterns:", "patterns: [", "own.yaml:2: /"),
    ],
)
def test_what_is_wrong_with_a_pattern_file_is_told_with_line_and_pointer(tmp_path, root, capsys, old, new, said):
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace(old, new))
    status, _, err = hee(capsys, root, "patterns", "test", "--file", str(file))
    assert status == 2
    assert said in err


def test_a_monitor_that_runs_takes_over_patterns_that_came_into_force_meanwhile(root):
    with Workspace.open(root) as workspace:
        assert reloaded(workspace) is workspace
        assert workspace.patterns.get("HEE-PAT-915") is None
        (root / ".hee").mkdir()
        (root / ".hee" / "patterns.yaml").write_text(OWN)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "patterns")
        fresh = reloaded(workspace)
        assert fresh.patterns.get("HEE-PAT-915") is not None
        assert reloaded(fresh) is fresh
