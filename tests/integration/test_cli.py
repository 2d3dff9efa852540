"""The commands as a person and as a program runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import git, repository, watched

from hee_monitoring.cli.main import COMMANDS, run

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
    from hee_core.keys import EphemeralSigner, create_agent_key

    path = Path(os.environ["HEE_HOME"]) / "ada"
    key = create_agent_key(path, actor="human:ada")
    assert isinstance(key, EphemeralSigner)
    assert hee(capsys, "-C", str(root), "keys", "add", key.public_key, "--actor", "human:ada")[0] == 0
    assert hee(capsys, "-C", str(root), "freeze", "--reason", "incident")[0] == 0
    status, _, err = hee(capsys, "-C", str(root), "unfreeze", "--reason", "over")
    assert (status, "person" in err) == (2, True)
    monkeypatch.setenv("HEE_SIGNING_KEY", str(path))
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    assert document(capsys, "-C", str(root), "unfreeze", "--reason", "over")[0] == 0
    assert hee(capsys, "-C", str(root), "keys", "revoke", key.key_id, "--reason", "left")[0] == 2
    monkeypatch.delenv("HEE_SIGNING_KEY")
    monkeypatch.delenv("HEE_ACTOR")
    assert hee(capsys, "-C", str(root), "keys", "revoke", key.key_id, "--reason", "left")[0] == 0
    assert len(document(capsys, "-C", str(root), "keys", "list")[1]) == 2
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
    done = subprocess.run(["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


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
