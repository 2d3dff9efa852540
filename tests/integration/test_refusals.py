"""Refusals at the command line: recorded, told, and nothing else happens."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from test_time_travel import WRITES
from worlds import git, run_cycle, watched

import hee_core
from hee_core import recipientfile, recipientkey
from hee_core.events import Event
from hee_core.keys import create_agent_key
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace

CI = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: pytest || true\n"


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    status = run(["-C", str(root), *arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out or "null"), err


def denied(capsys: pytest.CaptureFixture[str], root: Path) -> list[tuple[str, str]]:
    capsys.readouterr()
    log = hee(capsys, root, "log")[1]
    return [(entry["data"]["capability"], entry["data"]["role"]) for entry in log if entry["type"] == "access.denied"]


@pytest.mark.spec("SEED-219", "SEED-221")
def test_a_role_that_may_not_is_refused_and_that_is_an_event(tmp_path, capsys, monkeypatch):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": CI})
    run_cycle(root, {"ci.yml#a": "true"})
    issue = next(iter(hee(capsys, root, "state")[1]["hee_monitoring_state"]["recent_issues"]))["issue_id"]
    status, _, err = hee(capsys, root, "approve", issue, "--reason", "mine")
    assert (status, "only a person may" in err) == (2, True)
    assert denied(capsys, root) == [("approve", "agent")]
    robot = create_agent_key(Path(os.environ["HEE_HOME"]) / "robot", actor="ci:runner")
    assert hee(capsys, root, "keys", "add", robot.public_key, "--actor", "ci:runner")[0] == 0
    with monkeypatch.context() as there:
        there.setenv("HEE_SIGNING_KEY", str(Path(os.environ["HEE_HOME"]) / "robot"))
        there.setenv("HEE_ACTOR", "ci:runner")
        assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 2
        assert hee(capsys, root, "rollback", "--to", "0", "--reason", "r")[0] == 2
    assert denied(capsys, root)[1:] == [("decide", "ci"), ("rollback", "ci")]
    assert hee(capsys, root, "state")[1]["hee_totals"]["rollbacks"] == 0
    assert hee(capsys, root, "verify")[0] == 0


def test_a_configuration_leaves_a_role_only_what_it_names(tmp_path, capsys):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    text = (root / "hee.yaml").read_text()
    (root / "hee.yaml").write_text(text + "  access: {agent: [monitor]}\n")
    git(root, "commit", "--quiet", "--all", "--message", "limit")
    status, _, err = hee(capsys, root, "decide", "k", "s", "--rationale", "r")
    assert (status, "leaves monitor to agent" in err) == (2, True)
    assert hee(capsys, root, "gates")[0] == 2  # it would record what it found
    assert hee(capsys, root, "gates", "--no-record")[0] == 1
    assert denied(capsys, root) == [("decide", "agent"), ("gates", "agent")]


# Every command that writes, with arguments that get it as far as its question; what it is refused for.
ASKS = {
    "alerts acknowledge": ("acknowledge", ["ALERT"]),
    "alerts ask": ("monitor", ["ALERT", "--question", "q"]),
    "alerts send": ("monitor", []),
    "approve": ("approve", ["rollback/0", "--reason", "r"]),
    "capsule import": ("import", ["a.txt"]),
    "capsule publish": ("publish", []),
    "decide": ("decide", ["k", "s", "--rationale", "r"]),
    "fix": ("fix", []),
    "freeze": ("freeze", ["--reason", "r"]),
    "gates": ("gates", []),
    "keys add": ("keys", ["PUBLIC", "--actor", "agent:other"]),
    "keys expire": ("keys", ["KEY", "--event", "99"]),
    "keys promote": ("keys", ["KEY"]),
    "keys revoke": ("keys", ["KEY", "--reason", "r"]),
    "keys rotate": ("rotate", []),
    "keys threshold": ("keys", ["2"]),
    "maintain": ("maintain", []),
    "monitor": ("monitor", ["--once"]),
    "patterns accept": ("accept", ["HEE-CAN-0000000000", "--rationale", "r"]),
    "patterns learn": ("propose", ["a.txt"]),
    "patterns refuse": ("accept", ["HEE-CAN-0000000000", "--rationale", "r"]),
    "patterns retire": ("accept", ["HEE-PAT-900", "--rationale", "r"]),
    "points seal": ("approve", ["1", "--reason", "r"]),
    "reanchor": ("keys", ["--reason", "r"]),
    "recipients add": ("keys", ["OTHER", "--actor", "human:ada"]),
    "recipients remove": ("keys", ["READER", "--reason", "r"]),
    "recipients share": ("keys", ["SEALED", "--to", "READER"]),
    "redact": ("keys", ["SEALED", "--reason", "r"]),
    "revert": ("rollback", ["1", "--reason", "r"]),
    "rollback": ("rollback", ["--to", "0", "--reason", "r"]),
    "seal": ("seal", ["--data", "payload.json"]),
    "sync": ("sync", ["elsewhere"]),
    "tokens approve": ("approve", ["ghp", "--reason", "r"]),
    "unfreeze": ("unfreeze", ["--reason", "r"]),
    "vault import": ("seal", ["a.txt"]),
}
# What writes nothing into a log that exists, or cannot get as far as its question without a server.
ASKS_NOTHING = {
    "init": "there is no log yet",
    "alerts test": "sends one message by a channel that a person configured",
    "witness cosign": "has a key and a memory of its own",
    "witness record": "takes a cosigned note: asked in test_a_witness_asks_before_its_note_is_recorded",
    "tokens check": "asks GitHub first: asked in tests/integration/test_tokens.py",
}


@pytest.mark.spec("SEED-219", "SEED-221")
def test_every_command_that_writes_asks_first_and_a_refusal_is_an_event(tmp_path, capsys, monkeypatch):
    root = watched(tmp_path / "r", {"a.txt": "a\n", "payload.json": '{"text": "x"}'})
    monkeypatch.chdir(root)
    other = create_agent_key(Path(os.environ["HEE_HOME"]) / "other", actor="agent:other")
    words = {"PUBLIC": other.public_key, "KEY": hee(capsys, root, "keys", "list")[1][0]["key_id"],
             "RECIPIENT": recipientfile.load_or_create().public_key, "ALERT": "none",
             "OTHER": recipientkey.text_of(bytes(range(32)))}  # fmt: skip
    with Workspace.open(root) as workspace:  # what the commands are about
        reader = {"public_key": words["RECIPIENT"], "actor": "agent:hee"}
        workspace.log.append([Event.new("recipient.added", reader, clock=workspace.clock)])
        sealed = hee_core.seal(workspace.log, Event.new("note.recorded", {"text": "x"}, clock=workspace.clock))
        words |= {"SEALED": str(sealed.index), "READER": recipientkey.key_id(words["RECIPIENT"])}
        size = len(workspace.log)
    (root / "hee.yaml").write_text((root / "hee.yaml").read_text() + "  access: {agent: []}\n")
    git(root, "commit", "--quiet", "--all", "--message", "limit")
    assert {*ASKS, *ASKS_NOTHING} - {"gates", "maintain"} == WRITES  # those two only write unless told otherwise
    for command, (capability, arguments) in ASKS.items():
        status = run(["-C", str(root), *command.split(), *(words.get(each, each) for each in arguments)])
        with Workspace.open(root) as workspace:
            told = [(each.event.type, each.event.data.get("capability")) for each in workspace.log.read(size)]
        assert (status, told) == (2, [("access.denied", capability)]), f"{command}: {capsys.readouterr().err}"
        size += 1
    assert git(root, "status", "--porcelain") == ""


def test_a_witness_asks_before_its_note_is_recorded(tmp_path, capsys):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    assert run(["-C", str(root), "witness", "cosign", "--output", str(tmp_path / "note")]) == 0
    (root / "hee.yaml").write_text((root / "hee.yaml").read_text() + "  access: {agent: [monitor]}\n")
    git(root, "commit", "--quiet", "--all", "--message", "limit")
    assert run(["-C", str(root), "witness", "record", str(tmp_path / "note")]) == 2
    assert denied(capsys, root) == [("sync", "agent")]


@pytest.mark.spec("SEED-072", "SEED-175", "SEED-176", "SEED-187", "SEED-236")
def test_the_sentence_approves_within_its_scope_and_the_workflow_says_what_is_missing(tmp_path, capsys, monkeypatch):
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": CI})
    run_cycle(root, {"ci.yml#a": "true"})
    assert hee(capsys, root, "state")[1]["hee_monitoring_state"]["current_status"] == "hee-compliance-check"
    status, found, _ = hee(capsys, root, "governance", "workflow")
    assert (status, [step["done"] for step in found["steps"]]) == (1, [False, False, True, True])
    assert run(["-C", str(root), "governance", "workflow"]) == 1
    assert "compliance is not restored yet" in capsys.readouterr().out
    ada = create_agent_key(Path(os.environ["HEE_HOME"]) / "ada", actor="human:ada")
    assert hee(capsys, root, "keys", "add", ada.public_key, "--actor", "human:ada")[0] == 0
    issue = hee(capsys, root, "state")[1]["hee_monitoring_state"]["recent_issues"][0]["issue_id"]
    with monkeypatch.context() as person:
        person.setenv("HEE_SIGNING_KEY", str(Path(os.environ["HEE_HOME"]) / "ada"))
        person.setenv("HEE_ACTOR", "human:ada")
        near = hee(capsys, root, "approve", issue, "--authz", "AUTHZ: APPROVED_TO_ACT")
        assert (near[0], "names no scope" in near[2]) == (2, True)
        assert hee(capsys, root, "approve", issue)[0] == 2
        line = "AUTHZ: APPROVED_TO_ACT — scope=.github/**"
        assert hee(capsys, root, "approve", issue, "--authz", line, "--scope", "x")[0] == 2
        status, approved, _ = hee(capsys, root, "approve", issue, "--authz", line)
    assert (status, approved["data"]["statement"], approved["data"]["scope"]) == (0, line, [".github/**"])
    (root / ".github/workflows/ci.yml").write_text(CI.replace(" || true", ""))
    git(root, "commit", "--quiet", "--all", "--message", "mend")
    run_cycle(root, {"ci.yml#a": "true"})
    status, found, _ = hee(capsys, root, "governance", "workflow")
    assert (status, found["status"], found["done"]) == (0, "operational", True)
