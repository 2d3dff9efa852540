"""Every reading command takes --at, and what it says of a point does not change when the log goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from logs import git
from worlds import watched

import hee_core
from hee_core import recipientfile
from hee_core.keys import create_agent_key
from hee_monitoring.cli.main import hee, run
from hee_monitoring.database import PatternDB
from hee_monitoring.workspace import Workspace

# What reads the log, with what it is asked for here.
READS: dict[str, tuple[str, ...]] = {
    "log": (),
    "show": ("1",),
    "state": (),
    "verify": (),
    "prove": ("1",),
    "unseal": ("{sealed}",),
    "decisions list": (),
    "decisions show": ("{decision}",),
    "decisions graph": (),
    "decisions conflicts": (),
    "capsule render": (),
    "capsule validate": (),
    "capsule export": ("{file}.json",),
    "restore": ("{file}.md",),
    "points list": (),
    "governance check": (),
    "gates": (),
    "patterns list": (),
    "patterns show": ("HEE-PAT-001",),
    "patterns candidates": (),
    "recipients list": (),
    "vault list": (),
    "keys list": (),
    "keys allowed-signers": (),
    "checkpoint": (),
    "maintain": (),
    "tokens": (),
    "report": (),
    "alerts": (),
    "export cloudevents": (),
    "export in-toto": ("0",),
    "export metrics": (),
}
# What reads no log, and what it reads instead; `diff` takes two points as they are.
OTHERS = {
    "explain": "a file",
    "diff": "two points",
    "patterns test": "the examples of this program",
    "governance rules": "the rules, as of a day",
    "governance preview": "the rules, as of a day",
    "governance workflow": "a commit, and the log as it is now",
    "governance release": "a commit, and the log as it is now",
    "governance roadmap": "the specification",
    "governance set": "the configuration in the worktree",
    "governance spec": "a commit",
    "completion": "this program",
    "serve": "the log, each page at the point that its address names; what GitHub sends",
    "capsule index": "files",
    "witness key": "this user's directory",
    "keys path": "this user's directory",
    "recipients key": "this user's directory",
    "vault export": "the shares that are here now",
    "doctor": "this machine",
    "demo": "nothing",
    "schema": "this program",
    "mcp": "what an agent asks",
}
WRITES = frozenset({
    "alerts acknowledge", "alerts ask", "alerts send", "alerts test", "approve", "capsule import", "capsule publish", "decide", "fix", "freeze", "init", "keys add", "keys expire", "keys promote",
    "keys revoke", "keys rotate", "keys threshold", "monitor", "patterns accept", "patterns learn", "patterns refuse", "patterns retire", "points seal", "reanchor", "recipients add", "recipients remove",
    "tokens approve", "tokens check", "recipients share", "redact", "revert", "rollback", "seal", "sync", "unfreeze", "vault import", "witness cosign", "witness record",
})  # fmt: skip


def commands() -> dict[str, click.Command]:
    """Every command by its words."""
    context = click.Context(hee)
    found: dict[str, click.Command] = {}
    for name in hee.list_commands(context):
        command = hee.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": each for inner, each in command.commands.items()}
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[name] = command
    return found


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    status = run([*arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


class Told:
    """A repository with a log in which something of every kind happened up to event `then`."""

    def __init__(self, root: Path) -> None:
        self.root = watched(root, {"a.txt": "a\n"})
        with Workspace.open(self.root) as workspace:
            log, database = workspace.log, PatternDB.load()
            say = lambda type_, **data: log.append([hee_core.Event.new(type_, data, subject="t")])  # noqa: E731
            self.head = workspace.repository.commit("HEAD")
            say("patterns.loaded", version=database.version, digest=database.digest, count=len(list(database)))
            say("ci.polled", source="act", issues_detected=False, commit=self.head)
            say("recipient.added", public_key=recipientfile.load_or_create().public_key, actor="agent:hee")
            self.sealed = str(hee_core.seal(log, hee_core.Event.new("note.recorded", {"text": "secret"})).index)
            say("decision.recorded", key="format", statement="by hand", rationale="release")
            self.decision = next(iter(log.state.decisions))
            self.then = log.entry(len(log) - 1)

    def goes_on(self) -> None:
        """Everything that the commands look at is other afterwards."""
        ada = create_agent_key(Path(os.environ["HEE_HOME"]) / "ada", actor="human:ada")
        with Workspace.open(self.root) as workspace:
            log = workspace.log
            say = lambda type_, **data: log.append([hee_core.Event.new(type_, data, subject="t")])  # noqa: E731
            say("decision.ended", decision_id=self.decision, how="revoked", reason="over")
            say("patterns.loaded", version="9", digest="0" * 64, count=1)
            say("recipient.removed", key_id=recipientfile.load().key_id, reason="left")
            say("state.changed", **{"from": "operational", "to": "degraded", "trigger": "t"})
            say("monitor.blinded", source="github", kind="network", reason="no answer")
            say(
                "pattern.proposed", candidate=f"HEE-CAN-{0:012}", regex="the shelf fell", template="the shelf fell", category="unknown",
                support=3, repositories=1, examples=["the shelf fell"], database="1",
            )  # fmt: skip
            say("key.added", public_key=ada.public_key, actor="human:ada", role="human")
        (self.root / "b.txt").write_text("b \n")
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message=later")
        with Workspace.open(self.root) as workspace:
            workspace.log.append(
                [
                    hee_core.Event.new(
                        "ci.polled",
                        {"source": "act", "issues_detected": True, "commit": workspace.repository.commit("HEAD")},
                    )
                ]
            )

    def words(self, name: str) -> list[str]:
        return [
            "-C",
            str(self.root),
            *name.split(),
            *(
                word.format(sealed=self.sealed, decision=self.decision, file=self.root.parent / "capsule")
                for word in READS[name]
            ),
        ]


def test_every_command_that_reads_the_log_takes_a_point_and_no_other_pretends_to() -> None:
    known = commands()
    takes = {name for name, command in known.items() if any("--at" in parameter.opts for parameter in command.params)}
    assert set(known) - takes == set(OTHERS) | WRITES, (
        "a command that reads the log takes --at; name any other one here"
    )
    assert takes == set(READS), "say here how to ask it, so that what it says of a point is held"
    assert all(any("--json" in parameter.opts for parameter in command.params) for command in known.values())


@pytest.mark.spec("SEED-312")
def test_what_a_command_says_of_a_point_stays_what_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(tmp_path / "r")
    index, event = told.then.index, told.then.event
    before = {
        name: document(capsys, *told.words(name), "--at", str(index))
        for name in READS
        if name not in ("gates", "restore")
    }
    assert {name for name, (status, found, _) in before.items() if status == 2 or found is None} == set()
    told.goes_on()
    for name, (status, found, _) in before.items():
        for point in (str(index), told.then.commit, event.id, event.id[:10], event.time):
            if name in ("log", "state") or point == event.id[:10]:
                assert (name, point, *document(capsys, *told.words(name), "--at", point)[:2]) == (
                    name,
                    point,
                    status,
                    found,
                )
        now = document(capsys, *told.words(name))
        if name not in (
            "show",
            "unseal",
            "prove",
            "patterns show",
            "patterns list",
            "decisions show",
            "decisions conflicts",
            "capsule validate",
            "vault list",
            "capsule export",
            "points list",
            "tokens",
            "export in-toto",
        ):
            assert now[1] != found, name
        early, out, err = document(capsys, *told.words(name), "--at", "0")
        assert early in (0, 1) or (out is None and "next:" in err), name
        none, out, err = document(capsys, *told.words(name), "--at", "99")
        assert (name, none, out) == (name, 2, None)
        assert "the log has no event 99" in err
    assert document(capsys, *told.words("show")[:-1], "12", "--at", "3")[2].startswith(
        "hee: the log has no event 12 as of 3"
    )
    status, out, err = document(capsys, *told.words("patterns list"), "--at", "12")
    assert (status, "version 9 of the patterns was in force" in err) == (2, True)
    _, proof, _ = document(capsys, *told.words("prove"), "--at", "1")
    assert "\n2\n" in proof["proof"]  # the size of the checkpoint of that append


def test_diff_says_what_changed_and_by_which_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(tmp_path / "r")
    told.goes_on()
    place, then = ("-C", str(told.root)), told.then.index
    status, found, _ = document(capsys, *place, "diff", str(then))
    assert (status, found["empty"], found["from"]["index"], found["to"]["index"]) == (0, False, then, then + 8)
    assert found["values"]["status"] == {"from": "operational", "to": "degraded"}
    assert found["decisions"]["removed"] == [
        {
            "id": told.decision,
            "kind": "standing",
            "key": "format",
            "statement": "by hand",
            "decided_by": "agent:hee",
            "how": "revoked",
            "reason": "over",
        }
    ]
    assert [entry["actor"] for entry in found["keys"]["added"]] == ["human:ada"]
    assert [entry["actor"] for entry in found["recipients"]["removed"]] == ["agent:hee"]
    assert [entry["index"] for entry in found["events"]] == list(range(then + 1, then + 9))
    _, back, _ = document(capsys, *place, "diff", str(then + 8), str(then))
    assert (back["values"]["status"], back["keys"]["removed"]) == (
        {"from": "degraded", "to": "operational"},
        found["keys"]["added"],
    )
    assert back["events"] == found["events"]
    assert document(capsys, *place, "diff", "3", "3")[1]["empty"]
    assert run([*place, "diff", str(then)]) == 0
    out = capsys.readouterr().out
    assert all(
        words in out
        for words in ("status: operational -> degraded", "decisions", "- ", "human:ada", "8 event(s) between")
    )
    with Workspace.open(told.root) as workspace:
        workspace.log.append([hee_core.Event.new("state.frozen", {"reason": "one\n  status: degraded -> operational"})])
    assert run([*place, "diff", str(then)]) == 0
    assert "\n  status: degraded -> operational" not in capsys.readouterr().out
    assert run([*place, "diff", "0", "0"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert run([*place, "diff", "0", "99"]) == 2
