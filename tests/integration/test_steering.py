"""Rollback, revert and restore: three words, three things; seals and freezes hold whatever the command."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from logs import git
from worlds import watched

import hee_core
from hee_core import projection, recipientfile, reverting
from hee_core.errors import EventError
from hee_core.keys import create_agent_key
from hee_core.log import Log
from hee_core.recipientkey import RecipientKey
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace

EVIDENCE = [{"channel": "log", "line": 3, "text": "would reformat", "where": "lint"}]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {"a.txt": "a\n"})


class Person:
    """Ada, whose key the log knows; `with` makes the commands hers."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = Path(os.environ["HEE_HOME"]) / "ada"
        self.key = create_agent_key(self.path, actor="human:ada")
        self.monkeypatch = monkeypatch
        assert run(["-C", str(root), "keys", "add", self.key.public_key, "--actor", "human:ada"]) == 0

    def __enter__(self) -> None:
        self.monkeypatch.setenv("HEE_SIGNING_KEY", str(self.path))
        self.monkeypatch.setenv("HEE_ACTOR", "human:ada")

    def __exit__(self, *_: object) -> None:
        self.monkeypatch.delenv("HEE_SIGNING_KEY")
        self.monkeypatch.delenv("HEE_ACTOR")


def say(log: Log, type_: str, **data: object) -> hee_core.Entry:
    return log.append([hee_core.Event.new(type_, data, subject="t")])


@pytest.fixture
def log() -> Iterator[Log]:
    made = hee_core.MemoryLog()
    yield made
    made.close()


def types(log: Log, start: int) -> list[str]:
    return [entry.event.type for entry in log.read(start)]


def test_a_decision_is_reverted_and_the_revert_too(log: Log) -> None:
    first = say(
        log, "decision.recorded", key="format", statement="by hand", action="agent-review", scope=["path:src/**"]
    )
    (name,) = log.state.decisions
    last = reverting.revert(log, first.index, reason="too early")
    assert (last.event.type, last.event.causes, last.event.subject) == ("decision.ended", (first.event.id,), "t")
    assert log.state.ledger.ended[name]["end_reason"] == f"reverts event {first.index}: too early"
    with pytest.raises(EventError, match="has ended already"):
        reverting.revert(log, first.index, reason="again")
    reverting.revert(log, last.index, reason="it was right")
    (again,) = log.state.decisions.values()
    kept = ("kind", "key", "statement", "action", "scope", "rationale", "deny_paths")
    assert {field: again[field] for field in kept} == {field: log.state.ledger.ended[name][field] for field in kept}
    with pytest.raises(EventError, match="holds by now"):
        reverting.revert(log, last.index, reason="twice")
    other = say(log, "decision.recorded", key="format", statement="by machine", supersedes=again["decision_id"])
    back = reverting.revert(log, other.index, reason="no")
    (held,) = log.state.decisions.values()
    assert (back.event.type, held["statement"], held["supersedes"] in log.state.ledger.ended) == (
        "decision.recorded",
        "by hand",
        True,
    )
    assert log.state.ledger.lost == 0
    with pytest.raises(EventError, match="needs a reason"):
        reverting.revert(log, other.index, reason=" ")


def test_a_closed_issue_is_open_again_and_an_open_one_closes_only_by_being_green(log: Log) -> None:
    detected = say(
        log,
        "ci.failure_detected",
        issue_id="I",
        fingerprint="f",
        source="act",
        job="lint",
        commit="c" * 40,
        evidence=EVIDENCE,
    )
    say(
        log,
        "ci.failure_classified",
        issue_id="I",
        pattern_id="HEE-PAT-612",
        category="format",
        title="t",
        confidence=9000,
        database="1",
    )
    with pytest.raises(EventError, match="seen green, and by nothing else"):
        reverting.revert(log, detected.index, reason="a false alarm")
    closed = say(log, "ci.issue_resolved", issue_id="I", by="job lint is green")
    size = len(log)
    reverting.revert(log, closed.index, reason="it was another job")
    assert (types(log, size), log.state.status) == (["ci.failure_detected", "state.changed"], "degraded")
    issue = log.state.issues["I"]
    assert (issue["job"], issue["evidence"], issue["category"], issue["resolved"]) == (
        "lint",
        EVIDENCE,
        "format",
        False,
    )
    with pytest.raises(EventError, match="open again already"):
        reverting.revert(log, closed.index, reason="again")
    say(log, "ci.issue_resolved", issue_id="J", by="green")
    with pytest.raises(EventError, match="not among the issues"):
        reverting.revert(log, len(log) - 1, reason="?")


def test_what_nothing_follows_from_is_refused_with_what_to_do_instead(log: Log) -> None:
    say(log, "note.recorded", text="x")
    say(log, "coverage.measured", metric="line", value=8000)
    say(log, "gate.evaluated", gate="g", target=10000, value=None, met=False)
    hee_core.rollback(log, to=1, reason="r")
    for index, words in (
        (0, "a log begins once"),
        (1, "a note does nothing"),
        (2, "nothing that lasts"),
        (4, "took back a whole state"),
    ):
        with pytest.raises(EventError, match=words) as caught:
            reverting.revert(log, index, reason="r")
        assert caught.value.hint
    say(log, "decision.recorded", key="k", statement="s")
    (name,) = log.state.decisions
    ended = say(log, "decision.ended", decision_id=name, how="revoked", reason="r")
    for number in range(100):
        say(log, "decision.recorded", key=f"k{number}", statement="s")
        say(log, "decision.ended", decision_id=next(iter(log.state.decisions)), how="revoked", reason="r")
    with pytest.raises(EventError, match="too long ago"):
        reverting.revert(log, ended.index, reason="r")


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == status, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


@pytest.mark.spec("SEED-312", "SEED-234")
def test_a_sealed_point_is_passed_by_a_person_or_by_an_approval_and_then_once(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("-C", str(root))
    ada = Person(root, monkeypatch)
    assert run([*place, "decide", "format", "by hand", "--rationale", "release"]) == 0
    assert run([*place, "points", "seal", "--reason", "mine"]) == 2
    assert "only a person may" in capsys.readouterr().err
    with ada:
        assert run([*place, "points", "seal", "2", "--reason", "release 2.0"]) == 0
    assert "event 2 is sealed" in capsys.readouterr().out
    rows = document(capsys, *place, "points", "list")
    assert [(row["index"], row["sealed_by"], row["reason"]) for row in rows] == [(2, "human:ada", "release 2.0")]
    assert run([*place, "points", "list"]) == 0
    assert "1 sealed" in capsys.readouterr().out
    assert run([*place, "rollback", "--to", "1", "--reason", "back"]) == 2
    err = capsys.readouterr().err
    assert "goes past event 2, which human:ada sealed: release 2.0" in err
    assert "hee approve rollback/1" in err
    assert run([*place, "approve", "rollback/1", "--reason", "mine"]) == 2
    with ada:
        approved = document(capsys, *place, "approve", "rollback/1", "--reason", "once")
        void = document(capsys, *place, "approve", "rollback/0", "--reason", "or that")
        undone = document(capsys, *place, "revert", str(void["index"]), "--reason", "no")
    assert (approved["data"]["subject"], undone["events"][0]["type"], undone["reverted"]) == (
        "rollback/1",
        "approval.revoked",
        void["id"],
    )
    assert run([*place, "rollback", "--to", "0", "--reason", "back"]) == 2
    assert document(capsys, *place, "rollback", "--to", "1", "--reason", "back")["data"]["to_index"] == 1
    assert run([*place, "rollback", "--to", "1", "--reason", "back"]) == 2
    assert run([*place, "revert", str(void["index"]), "--reason", "no"]) == 2
    with ada:
        assert run([*place, "rollback", "--to", "0", "--reason", "my own word"]) == 0
    assert [record["key"] for record in document(capsys, *place, "state")["hee_decisions"].values()] == ["format"]
    assert run([*place, "rollback", "--to", "2", "--reason", "not past it"]) == 0
    assert document(capsys, *place, "verify")["ok"]


def test_revert_of_keys_recipients_and_freezes(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("-C", str(root))
    recipient = document(capsys, *place, "recipients", "add")
    assert (
        document(capsys, *place, "revert", str(recipient["index"]), "--reason", "r")["events"][0]["type"]
        == "recipient.removed"
    )
    assert run([*place, "revert", "2", "--reason", "r"]) == 2
    assert "adding a reader names a key" in capsys.readouterr().err
    ada = Person(root, monkeypatch)
    frozen = document(capsys, *place, "freeze", "--reason", "incident")["index"]
    assert run([*place, "revert", str(frozen), "--reason", "not by me"]) == 2
    with ada:
        assert run([*place, "revert", str(frozen), "--reason", "over"]) == 0
    assert "reverted by state.unfrozen" in capsys.readouterr().out
    assert run([*place, "revert", str(frozen), "--reason", "over"]) == 2
    assert (
        document(capsys, *place, "revert", str(frozen + 1), "--reason", "not over")["events"][0]["type"]
        == "state.frozen"
    )
    assert run([*place, "revert", str(frozen + 1), "--reason", "not over"]) == 2
    with ada:
        assert document(capsys, *place, "revert", "3", "--reason", "left")["events"][0]["type"] == "key.revoked"


def test_restore_puts_a_capsule_file_back_and_appends_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = ("-C", str(root))
    before = git(root, "rev-parse", "hee/log")
    for name in ("c.md", "c.json", "c.yaml"):
        file = tmp_path / name
        assert run([*place, "capsule", "export", str(file), "--at", "0"]) == 0
        whole = file.read_bytes()
        assert document(capsys, *place, "restore", str(file)) == {"path": str(file), "index": 0, "changed": False}
        file.write_bytes(whole.replace(b"operational", b"degraded"))
        assert document(capsys, *place, "restore", str(file)) == {"path": str(file), "index": 0, "changed": True}
        assert file.read_bytes() == whole
        file.write_bytes(b"torn")
        assert run([*place, "restore", str(file)]) == 2
        assert "next: name it: --at POINT" in capsys.readouterr().err
        assert file.read_bytes() == b"torn"
        assert run([*place, "restore", str(file), "--at", "0"]) == 0
        assert (file.read_bytes(), "restored to" in capsys.readouterr().out) == (whole, True)
    other = json.loads((tmp_path / "c.json").read_text())
    other["hee_log"]["id"] = "0" * 64
    (tmp_path / "c.json").write_text(json.dumps(other))
    assert run([*place, "restore", str(tmp_path / "c.json")]) == 2
    assert "of log 000000" in capsys.readouterr().err
    assert run([*place, "restore", str(tmp_path / "none.json")]) == 2
    assert git(root, "rev-parse", "hee/log") == before


@pytest.mark.spec("SEED-234")
def test_no_command_writes_past_a_freeze(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = ("-C", str(root))
    ada = Person(root, monkeypatch)
    with ada:
        assert (
            run([*place, "recipients", "add", recipientfile.load_or_create().public_key, "--actor", "agent:hee"]) == 0
        )
    with Workspace.open(root) as workspace:
        sealed = str(hee_core.seal(workspace.log, hee_core.Event.new("note.recorded", {"text": "x"})).index)
    assert run([*place, "freeze", "--reason", "incident"]) == 0
    refs = git(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/heads/hee/fix")
    (tmp_path / "imported.md").write_text("# State\n\n- decision: tabs\n")
    waits = (
        ["monitor", "--once"], ["monitor"], ["fix"], ["fix", "--dry-run"], ["freeze", "--reason", "twice"],
    )  # fmt: skip
    steers = (
        ["decide", "k", "s", "--rationale", "r"], ["rollback", "--to", "1", "--reason", "r"], ["init"],
        ["gates"], ["capsule", "import", str(tmp_path / "imported.md")], ["recipients", "share", sealed, "--to", "agent:hee"],
        ["redact", sealed, "--reason", "not mine"], ["points", "seal", "--reason", "not mine"], ["unfreeze", "--reason", "not mine"],
        ["revert", "1", "--reason", "r"], ["capsule", "publish"], ["seal"],
    )  # fmt: skip
    with Workspace.open(root) as workspace:
        start = len(workspace.log)
    capsys.readouterr()
    for words in waits:
        assert (words, run([*place, *words])) == (words, 2)
        assert "the log is frozen (incident)" in capsys.readouterr().err
    with ada:
        assert run([*place, "recipients", "add", RecipientKey().public_key, "--actor", "human:eve"]) == 2
    assert "the log is frozen (incident)" in capsys.readouterr().err
    for words in steers:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"said in the freeze"), encoding="utf-8"))
        assert run([*place, *words]) in (0, 1, 2)
    with ada:
        assert run([*place, "redact", sealed, "--reason", "a leak does not wait"]) == 0
    with Workspace.open(root) as workspace:
        assert set(types(workspace.log, start)) <= projection.THAWED
        assert {"decision.recorded", "state.rolled_back", "payload.sealed", "payload.redacted"} <= set(
            types(workspace.log, start)
        )
        assert (workspace.log.state.frozen, workspace.log.state.ledger.refused) == (True, 0)
        assert hee_core.verify(workspace.log).ok
    assert (
        git(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/heads/hee/fix") == refs
    )
