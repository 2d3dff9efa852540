"""Whoever kept a checkpoint elsewhere notices every rewriting, and a witness never signs two histories of one log."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from forge import REF, Forge
from worlds import git, watched

import hee_core
from hee_core import checkpoint, cosignature
from hee_core.cosignature import Witness
from hee_core.keys import EphemeralSigner, create_agent_key, default_key_path, load_signer
from hee_monitoring.cli.main import run

pytestmark = pytest.mark.spec("SEED-215")


@pytest.fixture
def hee(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def ask(root: Path, *arguments: str):  # type: ignore[no-untyped-def]
        capsys.readouterr()
        status = run(["-C", str(root), *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return ask


@pytest.fixture
def root(tmp_path: Path, hee) -> Path:  # type: ignore[no-untyped-def]
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    for word in ("one", "two", "three"):
        assert hee(root, "decide", word, "s", "--rationale", "r")[0] == 0
    return root


def rewritten(root: Path) -> None:
    """Another decision in the place of the second, in a history that holds in itself; nobody's memory of it is left."""
    forge = Forge(root, load_signer())
    del forge.appends[2:]
    forge.rewrite()
    shutil.rmtree(root / ".git/hee")
    shutil.rmtree(default_key_path().parent.parent / "seen", ignore_errors=True)
    for word in ("another", "three", "four"):
        assert run(["-C", str(root), "decide", word, "s", "--rationale", "r"]) == 0


def test_verify_from_a_checkpoint_proves_that_nothing_was_rewritten_since(root: Path, tmp_path: Path, hee) -> None:  # type: ignore[no-untyped-def]
    then = tmp_path / "then.note"
    assert hee(root, "checkpoint", "--output", str(then))[1]["size"] == 4
    assert hee(root, "checkpoint", "--at", "1")[1]["size"] == 2
    assert run(["-C", str(root), "checkpoint"]) == 0
    assert hee(root, "decide", "four", "s", "--rationale", "r")[0] == 0
    for name in (str(then), then.read_text()):
        status, report, _ = hee(root, "verify", "--from", name)
        assert (status, report["ok"], report["from"]["size"], len(report["from"]["proof"])) == (0, True, 4, 1)
    assert hee(root, "verify")[1]["from"] is None
    assert run(["-C", str(root), "verify", "--from", str(then)]) == 0
    then.with_name("bad").write_text("no note\n")
    assert hee(root, "verify", "--from", str(then.with_name("bad")))[0] == 2
    assert hee(root, "verify", "--from", str(then.with_name("none")))[0] == 2


def test_a_rewritten_and_a_rolled_back_history_are_findings_although_they_hold_in_themselves(
    root: Path,
    tmp_path: Path,
    hee,  # type: ignore[no-untyped-def]
) -> None:
    then = tmp_path / "then.note"
    assert hee(root, "checkpoint", "--output", str(then))[0] == 0
    shutil.copytree(root, tmp_path / "short")
    rewritten(root)
    assert hee(root, "verify")[1]["ok"]
    status, report, _ = hee(root, "verify", "--from", str(then))
    assert (status, report["ok"], report["from"]) == (1, False, None)
    assert [(f["index"], f["kind"]) for f in report["findings"]] == [(1, "rewritten")]
    short = tmp_path / "short"
    git(short, "update-ref", REF, f"{REF}~2")
    shutil.rmtree(short / ".git/hee")
    report = hee(short, "verify", "--from", str(then))[1]
    assert [(f["index"], f["kind"]) for f in report["findings"]] == [(2, "rolled-back")]


def test_a_witness_cosigns_what_goes_on_and_refuses_a_rollback_and_a_fork(root: Path, tmp_path: Path, hee) -> None:  # type: ignore[no-untyped-def]
    vkey = hee(root, "witness", "key")[1]["key"]
    shutil.copytree(root, tmp_path / "before")
    assert hee(root, "decide", "four", "s", "--rationale", "r")[0] == 0
    note = tmp_path / "cosigned.note"
    status, made, _ = hee(root, "witness", "cosign", "--output", str(note))
    assert (status, made["ok"], made["size"], made["before"]) == (0, True, 5, None)
    parsed = checkpoint.parse(note.read_bytes())
    assert Witness.parse(vkey).time_of(parsed) is not None
    assert hee(root, "witness", "cosign")[1]["before"] == note.read_text()
    status, refused, _ = hee(tmp_path / "before", "witness", "cosign")
    assert (status, refused["note"]) == (1, None)
    assert [(f["index"], f["kind"]) for f in refused["findings"]] == [(4, "rolled-back")]
    rewritten(root)
    for name in ((), ("--name", "another.example/w")):  # nor when it is asked again, nor under another name
        status, refused, _ = hee(root, "witness", "cosign", *name)
        assert [(f["index"], f["kind"]) for f in refused["findings"]] == [(1, "rewritten")]
        assert checkpoint.parse(refused["before"].encode()).size == 5
    assert run(["-C", str(root), "witness", "cosign"]) == 1
    assert hee(root, "witness", "record", str(note))[0] == 2


def test_cosignatures_in_the_log_are_counted_and_proofs_carry_them(
    root: Path, tmp_path: Path, hee, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    first = hee(root, "witness", "key", "--name", "witness.example/one")[1]["key"]
    note = tmp_path / "cosigned.note"
    assert hee(root, "witness", "record", hee(root, "checkpoint")[1]["note"])[0] == 2  # nobody cosigned it
    assert hee(root, "witness", "cosign", "--name", "witness.example/one", "--output", str(note))[0] == 0
    assert hee(root, "witness", "record", str(note))[1]["type"] == "checkpoint.cosigned"
    monkeypatch.setenv("HEE_SIGNING_KEY", str(create_agent_key(tmp_path / "other", actor="ci:two").path))
    second = hee(root, "witness", "key")[1]["key"]
    status, report, _ = hee(root, "verify", "--witness", f"{first},{second}", "--quorum", "1")
    assert (status, report["witnessed"]["size"], report["events"]) == (0, 4, 5)
    assert [by["name"] for by in report["witnessed"]["by"]] == ["witness.example/one"]
    report = hee(root, "verify", "--witness", first, "--witness", second)[1]
    assert [(f["index"], f["kind"]) for f in report["findings"]] == [(0, "quorum")]
    assert hee(root, "verify", "--witness", first, "--quorum", "2")[0] == 2
    assert hee(root, "verify", "--witness", "nonsense")[0] == 2
    monkeypatch.delenv("HEE_SIGNING_KEY")
    assert run(["-C", str(root), "verify", "--witness", first, "--from", str(note)]) == 0
    proved = tmp_path / "p"
    assert hee(root, "prove", "2", "--checkpoint", str(note), "--output", str(proved))[0] == 0
    assert hee(root, "verify", "--proof", str(proved), "--witness", first)[1]["size"] == 4
    assert hee(root, "verify", "--proof", str(proved), "--witness", second)[0] == 2


def test_a_witness_is_somebody_else_and_never_signs_for_a_log_that_does_not_hold(
    root: Path,
    tmp_path: Path,
    hee,
    monkeypatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setenv("HEE_SIGNING_KEY", str(default_key_path()))
    monkeypatch.setenv("HEE_ACTOR", "agent:hee")
    status, _, err = hee(root, "witness", "cosign")
    assert (status, "cannot be its own witness" in err) == (2, True)
    monkeypatch.delenv("HEE_SIGNING_KEY")
    forge = Forge(root, load_signer())
    forge.appends[2].files["capsule.json"] += b" "
    forge.rewrite()
    shutil.rmtree(root / ".git/hee")
    status, refused, _ = hee(root, "witness", "cosign")
    assert (status, {f["kind"] for f in refused["findings"]}) == (1, {"capsule"})


def test_a_witness_whose_memory_was_spoiled_signs_nothing(root: Path, hee) -> None:  # type: ignore[no-untyped-def]
    assert hee(root, "witness", "cosign")[0] == 0
    (memory,) = (default_key_path().parent.parent / "witness").glob("*.note")
    good = memory.read_bytes()
    memory.chmod(0o600)
    stranger = create_agent_key(default_key_path().with_name("stranger"))
    own = checkpoint.parse(good)
    forged = checkpoint.write(own.origin, 1, b"\1" * 32, stranger)
    for bad in (b"", good[:-9] + b"AAAAAAA=\n", forged, cosignature.cosign(forged, "x", stranger, 1)):
        memory.write_bytes(bad)
        status, _, err = hee(root, "witness", "cosign")
        assert (status, "memory of this witness is damaged" in err) == (2, True)
    memory.write_bytes(good)
    assert hee(root, "witness", "cosign")[0] == 0


def test_witnesses_that_are_asked_at_once_leave_one_memory(root: Path, hee) -> None:  # type: ignore[no-untyped-def]
    assert hee(root, "witness", "key")[0] == 0
    command = [sys.executable, "-m", "hee_monitoring.cli.main", "-C", str(root), "witness", "cosign", "--json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    notes = [json.loads(each.communicate()[0])["note"] for each in running]
    assert all(checkpoint.parse(note.encode()).size == 4 for note in notes)
    folder = default_key_path().parent.parent / "witness"
    assert len(list(folder.iterdir())) == 2  # the note and its lock


def test_a_note_that_is_nested_too_deeply_is_a_finding(root: Path) -> None:
    forge = Forge(root, load_signer())
    deep = b"[" * 200_000 + b"]" * 200_000
    forge.appends[-1].lines = [b'{"type":"checkpoint.cosigned","data":' + deep + b"}"]
    forge.rewrite()
    witness = EphemeralSigner()
    with hee_core.open_log(root) as log:
        report = hee_core.verify(log, witnesses=[Witness("w", witness.public_key)])
    assert (3, "event") in {(one.index, one.kind) for one in report.findings}
