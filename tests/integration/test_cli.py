"""The commands as a person and as a program runs them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from worlds import ShellSource, git, repository, run_cycle, watched

from hee_core.clock import FixedClock
from hee_core.errors import HeeError, SourceError
from hee_core.keys import create_agent_key, default_key_path, load_signer
from hee_monitoring import applying
from hee_monitoring.cli.main import COMMANDS, run
from hee_monitoring.watch import reloaded, watch
from hee_monitoring.workspace import Workspace

BROKEN = {"a.txt": "a\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", BROKEN)


def hee(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def document(capsys: pytest.CaptureFixture[str], *arguments: str):  # type: ignore[no-untyped-def]
    status, out, err = hee(capsys, *arguments, "--json")
    return status, json.loads(out), err


def test_init_writes_only_the_configuration_and_is_safe_to_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = repository(tmp_path / "r", BROKEN)
    status, first, _ = document(capsys, "-C", str(root), "init")
    assert (status, first["created"], first["config_written"]) == (0, True, True)
    assert git(root, "status", "--porcelain") == "?? hee.yaml"
    before = git(root, "rev-parse", "hee/log"), (root / "hee.yaml").read_bytes()
    status, second, _ = document(capsys, "-C", str(root), "init")
    assert (status, second["created"], second["log"]) == (0, False, first["log"])
    assert (git(root, "rev-parse", "hee/log"), (root / "hee.yaml").read_bytes()) == before
    assert Path(first["key"]).stat().st_mode & 0o777 == 0o600
    assert first["log"] in (root / "hee.yaml").read_text()


@pytest.mark.spec("SEED-316")
def test_the_log_lists_and_shows_events(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, listed, _ = document(capsys, "-C", str(root), "log")
    assert status == 0
    assert [
        set(entry) >= {"index", "id", "type", "time", "actor", "subject", "commit", "data"} for entry in listed
    ] == [True]
    status, shown, _ = document(capsys, "-C", str(root), "show", listed[0]["id"][:10])
    assert (status, shown) == (0, listed[0])
    status, out, _ = hee(capsys, "-C", str(root), "show", "0")
    assert (status, "log.created" in out) == (0, True)
    assert hee(capsys, "-C", str(root), "log", "-n", "1", "--type", "log.")[0] == 0


def test_the_state_is_a_capsule_now_and_then(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, capsule, _ = document(capsys, "-C", str(root), "state")
    assert (status, capsule["hee_monitoring_state"]["current_status"]) == (0, "operational")
    assert document(capsys, "-C", str(root), "state", "--at", "0")[1] == capsule
    assert hee(capsys, "-C", str(root), "state")[0] == 0
    status, out, err = hee(capsys, "-C", str(root), "state", "--at", "99")
    assert (status, out) == (2, "")
    assert "no event 99" in err
    assert "next:" in err


def test_verify_says_what_it_checked_and_finds_a_changed_capsule(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, report, _ = document(capsys, "-C", str(root), "verify")
    assert (status, report["ok"], report["events"], report["findings"]) == (0, True, 1, [])
    assert report["checked"]["event signatures"] == 1
    assert "OK" in hee(capsys, "-C", str(root), "verify")[1]
    tree = git(root, "ls-tree", "hee/log").replace(
        git(root, "rev-parse", "hee/log:capsule.json"), git(root, "rev-parse", "HEAD:a.txt")
    )
    made = subprocess.run(
        ["git", "mktree"], cwd=root, input=tree + "\n", text=True, capture_output=True, check=True
    ).stdout.strip()
    git(root, "update-ref", "refs/heads/hee/log", git(root, "commit-tree", made, "-m", "forged"))
    status, report, _ = document(capsys, "-C", str(root), "verify")
    assert (status, report["ok"]) == (1, False)
    assert {(finding["index"], finding["kind"]) for finding in report["findings"]} >= {
        (0, "capsule"),
        (0, "commit-signature"),
    }
    assert "CRITICAL" in hee(capsys, "-C", str(root), "verify")[1]


def test_decide_records_a_decision_and_refuses_a_contradiction(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "-C",
        str(root),
        "decide",
        "format",
        "by hand",
        "--rationale",
        "release week",
        "--action",
        "agent-review",
    )
    status, first, _ = document(capsys, *arguments)
    assert (status, first["recorded"]) == (0, True)
    other = ("-C", str(root), "decide", "format", "automatically", "--rationale", "no", "--action", "auto-fix")
    status, refused, _ = document(capsys, *other)
    assert (status, refused["recorded"]) == (1, False)
    assert hee(capsys, *other)[0] == 1
    status, second, _ = document(capsys, *other, "--supersedes", first["decision_id"])
    assert (status, second["recorded"]) == (0, True)
    capsule = document(capsys, "-C", str(root), "state")[1]
    assert list(capsule["hee_decisions"]) == [second["decision_id"]]


@pytest.mark.spec("SEED-312", "SEED-273")
def test_rollback_returns_the_state_and_keeps_the_decisions(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hee(capsys, "-C", str(root), "decide", "k", "s", "--rationale", "r")
    status, done, _ = document(capsys, "-C", str(root), "rollback", "--to", "0", "--reason", "try")
    assert (status, done["type"], done["status"]) == (0, "state.rolled_back", "operational")
    assert len(document(capsys, "-C", str(root), "state")[1]["hee_decisions"]) == 1
    assert hee(capsys, "-C", str(root), "rollback", "--to", "0", "--reason", " ")[0] == 2


@pytest.mark.spec("SEED-234")
def test_a_freeze_stops_writes_until_a_persons_key_ends_it(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hee_core.keys import EphemeralSigner

    path = Path(os.environ["HEE_HOME"]) / "ada"
    key = create_agent_key(path, actor="human:ada")
    assert isinstance(key, EphemeralSigner)
    status, _, err = hee(capsys, "-C", str(root), "freeze", "--reason", "incident")
    assert (status, "nobody could end the freeze" in err) == (2, True)
    assert hee(capsys, "-C", str(root), "keys", "add", key.public_key, "--actor", "human:ada")[0] == 0
    assert hee(capsys, "-C", str(root), "freeze", "--reason", "incident")[0] == 0
    for command in (("monitor", "--once"), ("monitor",), ("fix",), ("fix", "--dry-run")):
        status, out, err = hee(capsys, "-C", str(root), *command)
        assert (status, out, err.count("the log is frozen (incident)"), err.count("\n")) == (2, "", 1, 2)
    bob = create_agent_key(path.with_name("bob"), actor="human:bob")
    assert hee(capsys, "-C", str(root), "keys", "add", bob.public_key, "--actor", "human:bob")[0] == 2
    status, _, err = hee(capsys, "-C", str(root), "unfreeze", "--reason", "over")
    assert (status, "person" in err) == (2, True)
    monkeypatch.setenv("HEE_SIGNING_KEY", str(path))
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    assert document(capsys, "-C", str(root), "unfreeze", "--reason", "over")[0] == 0
    monkeypatch.delenv("HEE_SIGNING_KEY")
    monkeypatch.delenv("HEE_ACTOR")
    status, _, err = hee(capsys, "-C", str(root), "keys", "revoke", key.key_id, "--reason", "left")
    assert (status, "takes a person's key" in err) == (2, True)
    monkeypatch.setenv("HEE_SIGNING_KEY", str(path))
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    assert hee(capsys, "-C", str(root), "keys", "revoke", key.key_id, "--reason", "left")[0] == 0
    assert len(document(capsys, "-C", str(root), "keys", "list")[1]) == 2
    assert len(document(capsys, "-C", str(root), "keys", "list", "--at", "0")[1]) == 1
    assert document(capsys, "-C", str(root), "keys", "list", "--at", "1")[1][1]["until"] is None
    assert hee(capsys, "-C", str(root), "keys", "list")[0] == 0


def test_capsules_are_rendered_and_validated(root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, text, _ = hee(capsys, "-C", str(root), "capsule", "render", "--format", "json")
    path = tmp_path / "capsule.json"
    path.write_text(text)
    assert document(capsys, "-C", str(root), "capsule", "validate", str(path))[1]["ok"]
    assert document(capsys, "-C", str(root), "capsule", "validate")[1] == {"ok": True, "evaluated": 1, "findings": []}
    markdown = hee(capsys, "-C", str(root), "capsule", "render")[1]
    assert "operational" in markdown
    broken = json.loads(text)
    broken["hee_monitoring_state"]["current_status"] = "fine"
    path.write_text(json.dumps(broken))
    status, report, _ = document(capsys, "-C", str(root), "capsule", "validate", str(path))
    assert (status, report["findings"][0]["pointer"]) == (1, "/hee_monitoring_state/current_status")
    path.write_text("{")
    assert hee(capsys, "-C", str(root), "capsule", "validate", str(path))[0] == 2
    assert hee(capsys, "-C", str(root), "capsule", "validate", str(tmp_path / "none.json"))[0] == 2


def test_explain_needs_no_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "build.log"
    log.write_text(
        "collected 1 item\nE       assert 1 == 2\n=== 1 failed in 0.1s ===\n##[error]Process completed with exit code 1.\n"
    )
    status, found, _ = document(capsys, "explain", str(log))
    assert (status, found["category"], found["line"]) == (1, "test", 2)
    assert found["failures"][0]["action"] == "agent-review"
    assert set(found) >= {"category", "pattern_id", "line", "text", "fingerprint", "confidence", "failures"}
    assert "assert 1 == 2" in hee(capsys, "explain", str(log))[1]
    log.write_text("all good\n")
    status, found, _ = document(capsys, "explain", str(log))
    assert (status, found["category"], found["failures"]) == (0, "none", [])
    assert hee(capsys, "explain", str(log))[0] == 0
    status, out, err = hee(capsys, "explain", str(tmp_path / "no.log"))
    assert (status, out, "next:" in err) == (2, "", True)


def test_explain_remembers_what_the_log_of_the_repository_knows(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"E       assert 1 == 2\nFAILED tests/test_a.py::test_one - assert 1 == 2\n##[error]Process completed with exit code 1.\n"
    build = tmp_path / "build.log"
    build.write_bytes(text)
    status, found, err = document(capsys, "-C", str(root), "explain", str(build))
    assert (status, found["failures"][0]["seen"], err) == (1, None, "")
    assert "never before here" in hee(capsys, "-C", str(root), "explain", str(build))[1]
    document(capsys, "-C", str(root), "monitor", "--once", "--no-fix", "--source", "logs", "--log", str(build))
    seen = document(capsys, "-C", str(root), "explain", str(build))[1]["failures"][0]["seen"]
    assert (seen["count"], seen["resolved"], seen["fixed_by"], seen["action"]) == (1, False, "", "agent-review")
    assert "once, first 20" in hee(capsys, "-C", str(root), "explain", str(build))[1]
    git(root, "update-ref", "refs/heads/hee/log", "HEAD")
    status, found, err = document(capsys, "-C", str(root), "explain", str(build))
    assert (status, found["failures"][0]["seen"]) == (1, None)
    assert "was not asked" in err


def test_patterns_are_listed_shown_and_tested(capsys: pytest.CaptureFixture[str]) -> None:
    status, listed, _ = document(capsys, "patterns", "list")
    assert (status, len(listed["patterns"]) >= 45) == (0, True)
    assert hee(capsys, "patterns", "list", "--category", "test")[0] == 0
    assert document(capsys, "patterns", "show", "HEE-PAT-001")[1]["action"] == "manual-only"
    assert hee(capsys, "patterns", "show", "HEE-PAT-612")[0] == 0
    assert hee(capsys, "patterns", "show", "HEE-PAT-000")[0] == 2
    assert document(capsys, "patterns", "test", "HEE-PAT-612")[1]["failed"] == []


def test_governance_check_needs_no_log_and_cites_rule_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = (
        "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n"
    )
    workflow += "      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8\n      - run: ./no/such.sh\n"
    root = repository(tmp_path / "r", {".github/workflows/ci.yml": workflow})
    status, report, _ = document(capsys, "-C", str(root), "governance", "check")
    assert (status, report["verdict"]) == (1, "fail")
    assert [(f["rule"], f["line"]) for f in report["findings"]] == [("HGV-CI-010", 9)]
    assert report["evaluated"] > 0
    assert hee(capsys, "-C", str(root), "governance", "check")[0] == 1


def test_doctor_says_what_is_there_and_what_is_missing(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, report, _ = document(capsys, "-C", str(root), "doctor")
    assert (status, report["ok"]) == (0, True)
    assert hee(capsys, "-C", str(root), "doctor")[0] == 0
    status, report, _ = document(capsys, "-C", str(tmp_path), "doctor")
    assert (status, report["ok"]) == (1, False)


@pytest.mark.spec("SEED-238", "SEED-239", "SEED-245")
@pytest.mark.parametrize(
    ("program", "says", "status"),
    [
        ("gh", "gh version 1.9.2 (2021-04-20)", "WARNING"),
        ("gh", "gh version 2.0.0 (2021-08-24)", "OK"),
        ("jq", "jq-1.5", "WARNING"),
        ("jq", "jq-1.6", "OK"),
        ("jq", "no number", "UNKNOWN"),
    ],
)
def test_a_program_that_is_optional_is_looked_for_with_its_version_and_never_needed(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch, program: str, says: str, status: str
) -> None:
    there = tmp_path / "bin"
    there.mkdir()
    (there / program).write_text(f"#!/bin/sh\necho '{says}'\n")
    (there / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{there}{os.pathsep}{os.environ['PATH']}")
    ended, report, _ = document(capsys, "-C", str(root), "doctor")
    assert [row["status"] for row in report["checks"] if row["name"] == program] == [status]
    assert (ended, report["ok"]) == (0, True)


@pytest.mark.parametrize("place", ["nowhere", "plain"])
@pytest.mark.parametrize("command", ["log", "state", "verify", "monitor", "fix", "keys list"])
def test_what_is_no_repository_or_has_no_log_is_one_clear_message(
    place: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if place == "plain":
        repository(tmp_path / "plain", BROKEN)
    status, out, err = hee(capsys, "-C", str(tmp_path / place), *command.split(), "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 2
    assert "next: " in err


def test_a_lost_key_is_one_clear_message_and_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = git(root, "rev-parse", "hee/log")
    key = Path(hee(capsys, "keys", "path")[1].strip())
    key.unlink()
    status, _, err = hee(capsys, "-C", str(root), "decide", "k", "s", "--rationale", "r")
    assert (status, "hee init" in err) == (2, True)
    assert git(root, "rev-parse", "hee/log") == before
    assert hee(capsys, "-C", str(root), "log")[0] == 0


def test_help_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = hee(capsys, "--help")
    assert (status, all(name in out for name in COMMANDS)) == (0, True)
    assert hee(capsys, "--version")[1].startswith("hee: core 1.2")
    assert hee(capsys, "nonsense")[0] == 2
    for name in COMMANDS:
        assert hee(capsys, name, "--help")[0] == 0


@pytest.mark.spec("SEED-317")
def test_a_closed_pipe_and_an_interrupt_end_quietly(root: Path) -> None:
    command = f"{sys.executable} -m hee_monitoring.cli.main -C {root} patterns list"
    script = f"{command} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_to_another_program_that_breaks_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def talk() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert run([], talk) == 2
    capsys.readouterr()


def test_a_proof_is_checked_with_and_without_the_repository(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hee(capsys, "-C", str(root), "decide", "k", "s", "--rationale", "r")
    file, signers = tmp_path / "proof", tmp_path / "signers"
    status, made, _ = document(capsys, "-C", str(root), "prove", "1", "--output", str(file))
    assert (status, made["index"]) == (0, 1)
    assert hee(capsys, "-C", str(root), "prove", "1")[1] == file.read_text() == made["proof"]
    signers.write_text(hee(capsys, "-C", str(root), "keys", "allowed-signers")[1])
    alone = ("verify", "--proof", str(file), "--log", made["log"], "--signers", str(signers))
    assert document(capsys, "-C", str(tmp_path), *alone)[1]["type"] == "decision.recorded"
    assert hee(capsys, "-C", str(root), "verify", "--proof", str(file))[0] == 0
    named = ("-C", str(root), "verify", "--proof", str(file), "--signers")
    assert hee(capsys, *named, str(signers))[0] == 0
    nobody = tmp_path / "nobody"
    nobody.write_text("# nobody\n")
    status, out, err = hee(capsys, *named, str(nobody))  # the repository's own keys do not take their place
    assert (status != 0, "OK" in out, "no key" in err) == (True, False, True)
    lines = made["proof"].splitlines()
    at = next(number for number, line in enumerate(lines) if number > 2 and len(line) == 44)
    lines[at] = ("B" if lines[at][0] == "A" else "A") + lines[at][1:]
    file.write_text("\n".join(lines) + "\n")
    status, out, _ = hee(capsys, "-C", str(tmp_path), *alone)
    assert status != 0
    assert "OK" not in out
    assert hee(capsys, "-C", str(root), "prove", "99")[0] == 2


def test_only_a_person_approves_and_only_what_is_open(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = hee(capsys, "-C", str(root), "approve", "HEE-ISS-0000000000", "--reason", "r")
    assert (status, "not an open issue" in err) == (2, True)
    assert hee(capsys, "-C", str(root), "approve", "x", "--reason", "r", "--expires", "tomorrow")[0] == 2


# ------------------------------------------------------------------ init says what is not yet right


def test_init_says_that_a_configuration_of_ones_own_pins_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = 'hee_monitoring:\n  version: "1.0"\n'
    root = repository(tmp_path / "r", {**BROKEN, "hee.yaml": config})
    status, made, _ = document(capsys, "-C", str(root), "init")
    assert (status, made["pinned"], made["config_written"]) == (0, False, False)
    out = hee(capsys, "-C", str(root), "init")[1]
    lines = out[out.index("hee_monitoring:") :].splitlines()[1:3]
    assert [line.strip() for line in lines] == ["log:", f'id: "{made["log"]}"']
    assert "WARNING" in out
    (root / "hee.yaml").write_text(config + f'  log:\n    id: "{made["log"]}"\n')
    git(root, "commit", "-qam", "pin")
    assert document(capsys, "-C", str(root), "init")[1]["pinned"]
    assert "WARNING" not in hee(capsys, "-C", str(root), "init")[1]


def test_init_shows_the_key_in_use_and_takes_an_empty_variable_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", BROKEN)
    monkeypatch.setenv("HEE_SIGNING_KEY", "")
    made = document(capsys, "-C", str(root), "init")[1]
    assert (made["key"], made["trusted"]) == (str(default_key_path()), True)
    other = create_agent_key(tmp_path / "other")
    monkeypatch.setenv("HEE_SIGNING_KEY", str(other.path))
    status, made, _ = document(capsys, "-C", str(repository(tmp_path / "s", BROKEN)), "init")
    assert (status, made["key"], made["key_id"], made["actor"]) == (0, None, other.key_id, "ci:hee")
    out = hee(capsys, "-C", str(tmp_path / "s"), "init")[1]
    assert f"{other.key_id} as ci:hee, from HEE_SIGNING_KEY" in out
    assert str(default_key_path()) not in out


def test_a_key_that_the_log_does_not_know_is_said_before_any_job_runs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    default_key_path().unlink()
    status, made, _ = document(capsys, "-C", str(root), "init")
    assert (status, made["trusted"]) == (1, False)
    assert made["next"].endswith(f'hee keys add "{load_signer().public_key}" --actor agent:hee')
    out = hee(capsys, "-C", str(root), "init")[1]
    assert ("WARNING" in out, "hee monitor" in out, "hee keys add" in out) == (True, False, True)
    (root / ".github" / "workflows").mkdir(parents=True)
    (root / ".github" / "workflows" / "ci.yml").write_text(
        "on: push\njobs: {a: {runs-on: x, steps: [{run: 'exit 1'}]}}\n"
    )
    git(root, "add", ".github")
    git(root, "commit", "-qm", "ci")
    for command in (("monitor", "--once"), ("fix",), ("fix", "--dry-run"), ("monitor", "--json")):
        status, out, err = hee(capsys, "-C", str(root), *command)
        assert (status, out, err.count("not in the key ring"), err.count("\n")) == (2, "", 1, 2)
    assert not list(Path(os.environ["HEE_HOME"]).rglob("act"))  # the source was not even asked


def test_a_clone_without_the_logs_branch_is_told_to_sync(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "clone", "-q", str(root), "clone")
    (tmp_path / "clone" / "hee.yaml").unlink()
    git(tmp_path / "clone", "commit", "-qam", "without a pin")
    status, out, err = hee(capsys, "-C", str(tmp_path / "clone"), "state")
    assert (status, out) == (2, "")
    assert "next: run `hee sync`" in err
    status, made, _ = document(capsys, "-C", str(tmp_path / "clone"), "init")
    assert (status, made["created"]) == (0, False)
    assert git(tmp_path / "clone", "rev-parse", "hee/log") == git(root, "rev-parse", "hee/log")
    assert hee(capsys, "-C", str(tmp_path / "clone"), "state")[0] == 0


# ------------------------------------------------------------------ fix

FORMAT = {"ci.yml#format": "ruff format --check ."}
BADLY = {"pyproject.toml": "[tool.ruff]\n", "a.py": "x = {  'a':1 }\n"}


@pytest.fixture
def badly(tmp_path: Path) -> Path:
    return watched(tmp_path / "badly", BADLY)


@pytest.fixture
def repaired(badly: Path) -> tuple[Path, str]:
    run_cycle(badly, FORMAT)
    with Workspace.open(badly) as workspace:
        (issue,) = workspace.log.state.issues
    return badly, issue


@pytest.mark.parametrize("option", [(), ("--dry-run",), ("--apply",)])
def test_an_unknown_issue_is_said_before_anything_runs(
    option: tuple[str, ...], badly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(badly, "rev-parse", "hee/log")
    status, out, err = hee(capsys, "-C", str(badly), "fix", "HEE-ISS-0000000000", *option)
    assert (status, out, "not an open issue" in err) == (2, "", True)
    assert git(badly, "rev-parse", "hee/log") == before
    assert not list(Path(os.environ["HEE_HOME"]).rglob("act"))


def previews(root: Path) -> list[tuple[str, str]]:
    source = ShellSource(root, FORMAT)
    with Workspace.open(root) as workspace:
        shown = applying.previewed(workspace, lambda _: True, source=source, judge=source, progress=lambda _: None)
    return [(each["outcome"], each["reason"]) for each in shown]


def test_a_preview_promises_nothing_that_the_repair_would_be_refused(
    badly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(badly, "for-each-ref"), git(badly, "count-objects", "-v")
    assert [outcome for outcome, _ in previews(badly)] == ["verified"]
    assert (git(badly, "for-each-ref"), git(badly, "count-objects", "-v")) == before
    arguments = ("decide", "vendor", "keep a.py", "--rationale", "checksums", "--deny-path", "a.py")
    assert hee(capsys, "-C", str(badly), *arguments)[0] == 0
    ((outcome, reason),) = previews(badly)
    assert (outcome, "a.py" in reason) == ("rolled_back", True)
    run_cycle(badly, FORMAT)
    with Workspace.open(badly) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["fix"]["outcome"], issue["fix"]["reason"]) == (outcome, reason)


def test_what_is_applied_is_the_recorded_commit_wherever_its_branch_is(repaired: tuple[Path, str]) -> None:
    root, issue = repaired
    branch = f"hee/fix/{issue}"
    git(root, "update-ref", f"refs/heads/{branch}", "HEAD")
    with Workspace.open(root) as workspace:
        said = applying.apply(workspace, issue)
        assert [branch in line for line in said] == [True, True]
        assert ("the recorded repair" in said[0], said[1]) == (True, f"applied {branch}, yours to commit")
        assert (root / "a.py").read_text() == 'x = {"a": 1}\n'
        git(root, "branch", "-D", branch)
        assert applying.apply(workspace, None)[0].startswith(f"{branch} is gone")
        assert applying.apply(workspace, None)[1] == f"{branch} is already applied"
        git(root, "reset", "-q", "--hard")
        (root / "a.py").write_text("y = 2\n")
        assert "does not apply here" in applying.apply(workspace, None)[1]
        assert "not open any more" in applying.apply(workspace, "HEE-ISS-0000000000")[0]


def test_a_repair_that_only_makes_a_file_executable_is_applied_once(tmp_path: Path) -> None:
    root = watched(tmp_path / "x", {"go.sh": "#!/bin/sh\nexit 0\n"})
    run_cycle(root, {"ci.yml#go": "./go.sh"})
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert issue["fix"]["outcome"] == "verified"
        assert applying.apply(workspace, None) == [f"applied {issue['fix']['branch']}, yours to commit"]
        assert (root / "go.sh").stat().st_mode & 0o100
        assert applying.apply(workspace, None) == [f"{issue['fix']['branch']} is already applied"]


# ------------------------------------------------------------------ decisions that could never hold


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("", "s", "--rationale", "r"), "key is empty"),
        (("k", " ", "--rationale", "r"), "statement is empty"),
        (("k", "s", "--rationale", ""), "rationale is empty"),
        (("k", "s", "--rationale", "r", "--scope", "catgory:test"), "no word of a scope"),
        (("k", "s", "--rationale", "r", "--scope", "category:"), "empty glob"),
        (("k", "s", "--rationale", "r", "--scope", ""), "empty"),
        (("k", "s", "--rationale", "r", "--scope", "path:../x"), "leaves the repository"),
        (("k", "s", "--rationale", "r", "--deny-path", "../x"), "leaves the repository"),
        (("k", "s", "--rationale", "r", "--deny-path", "/etc/x"), "is not relative"),
        (("k", "s", "--rationale", "r", "--deny-path", ""), "is empty"),
    ],
)
def test_a_decision_that_says_or_selects_nothing_is_refused(
    arguments: tuple[str, ...], reason: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(root, "rev-parse", "hee/log")
    status, out, err = hee(capsys, "-C", str(root), "decide", *arguments)
    assert (status, out, reason in err, "next:" in err) == (2, "", True, True)
    assert git(root, "rev-parse", "hee/log") == before


def test_a_decision_with_every_kind_of_selector_is_recorded(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scopes = [
        word for scope in ("category:test", "path:/src/**", "docs/*.md", "branch:main") for word in ("--scope", scope)
    ]
    assert hee(capsys, "-C", str(root), "decide", "k", "s", "--rationale", "r", *scopes)[0] == 0


# ------------------------------------------------------------------ the loop


class Failing(ShellSource):
    """A source that cannot be asked every second time."""

    asked = 0

    def runs(self, commit: str):  # type: ignore[no-untyped-def]
        self.asked += 1
        if self.asked % 2:
            raise SourceError("the forge is down")
        return super().runs(commit)


def test_the_loop_outlives_a_cycle_that_fails_and_raises_at_the_end_of_its_limit(
    badly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, slept, told = FixedClock(), [], []
    monkeypatch.setattr(clock, "sleep", slept.append)
    source = Failing(badly, {"ci.yml#a": "true"})
    monkeypatch.setattr("hee_monitoring.watch.sources", lambda *_: (source, source))
    with Workspace.open(badly, clock=clock) as opened:
        workspace = replace(opened, clock=clock)
        with pytest.raises(SourceError):
            list(watch(workspace, limit=1, fix=False, rerun=True))
        assert slept == []
        source.asked = 0
        done = watch(workspace, limit=5, fix=False, rerun=True, trouble=told.append)
        assert [result.passed for _, result in (next(done), next(done))] == [1, 1]
        with pytest.raises(HeeError, match="the forge is down"):
            next(done)
        assert [str(error) for error in told] == ["the forge is down"] * 2
        assert len(slept) == 4


def test_each_cycle_of_the_loop_reads_the_configuration_anew(badly: Path) -> None:
    with Workspace.open(badly) as workspace:
        assert reloaded(workspace) is workspace
        text = (badly / "hee.yaml").read_text() + '  fix:\n    deny_paths: ["a.py"]\n'
        (badly / "hee.yaml").write_text(text)
        assert reloaded(workspace) is workspace  # not committed: not in force
        git(badly, "commit", "-qam", "deny")
        assert reloaded(workspace).config.deny_paths == ("a.py",)
        assert reloaded(workspace).policy.deny_paths == ("a.py",)


# ------------------------------------------------------------------ --json and --at where they were missing


def test_what_people_can_read_programs_can(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "keys", "path")[1] == {"path": str(default_key_path())}
    text = hee(capsys, "-C", str(root), "keys", "allowed-signers")[1]
    assert document(capsys, "-C", str(root), "keys", "allowed-signers")[1] == {"allowed_signers": text}
    wanted = document(capsys, "-C", str(root), "state")[1]
    assert document(capsys, "-C", str(root), "capsule", "render")[1] == wanted
    assert document(capsys, "-C", str(root), "capsule", "render", "--format", "json")[1] == wanted
    assert hee(capsys, "-C", str(root), "keys", "list", "--at", "99")[0] == 2


def test_the_rules_can_be_asked_as_of_a_date(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = document(capsys, "-C", str(root), "governance", "check")[1]
    then = document(capsys, "-C", str(root), "governance", "check", "--as-of", "2026-01-24")[1]
    assert (now["as_of"], then["as_of"]) == (None, "2026-01-24")
    assert (now["ruleset"], then["ruleset"]) == ("1.3.0", "1.0.0")
    assert hee(capsys, "-C", str(root), "governance", "check", "--as-of", "yesterday")[0] == 2
