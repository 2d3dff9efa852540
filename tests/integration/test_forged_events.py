"""Events that somebody without a key put on the branch are refused before they count for anything."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from logs import make_log, open_at
from worlds import git, watched

import hee_core
from hee_core import Event, IntegrityError
from hee_core.keys import EphemeralSigner
from hee_core.sshsig import EVENT_NAMESPACE
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace


def plant(root: Path, event: Event, signature: bytes) -> None:
    """Puts an event on the branch with plumbing alone."""

    def store(data: bytes, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, input=data, capture_output=True, check=True)
        return done.stdout.decode().strip()

    files = {"events.jsonl": event.to_bytes() + b"\n", "signatures": base64.b64encode(signature) + b"\n"}
    for name in ("README.md", "capsule.json", "checkpoint"):
        files[name] = subprocess.run(
            ["git", "show", f"hee/log:{name}"], cwd=root, capture_output=True, check=True
        ).stdout
    rows = "".join(
        f"100644 blob {store(data, 'hash-object', '-w', '--stdin')}\t{name}\n" for name, data in sorted(files.items())
    )
    commit = git(root, "commit-tree", store(rows.encode(), "mktree"), "-p", "hee/log", "-m", "trust me")
    git(root, "update-ref", "refs/heads/hee/log", commit)


def forged(root: Path, actor: str, signer: EphemeralSigner) -> Event:
    with Workspace.open(root) as workspace:
        source = f"urn:hee:{workspace.log.id}"
    draft = Event.new("state.unfrozen", {"reason": "trust me"})
    return draft.bound(source=source, actor=actor, key_id=signer.key_id)


@pytest.mark.spec("SEED-215", "SEED-100")
@pytest.mark.parametrize("how", ["garbage", "unknown key", "another's key named", "missing"])
def test_a_forged_event_is_refused_by_everything_that_acts(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    with Workspace.open(root) as workspace:
        workspace.log.append([Event.new("state.frozen", {"reason": "incident"})])
        ours = workspace.log.signer
    eve = EphemeralSigner(actor="human:eve")
    event = forged(root, "human:eve", eve)
    signature = eve.sign(event.to_bytes(), EVENT_NAMESPACE)
    if how == "garbage":
        signature = b"AAAA"
    elif how == "another's key named":
        event = event.__class__.from_bytes(event.to_bytes().replace(eve.key_id.encode(), ours.key_id.encode()))
        signature = eve.sign(event.to_bytes(), EVENT_NAMESPACE)
    plant(root, event, signature)
    if how == "missing":
        git(root, "update-ref", "refs/heads/hee/log", "hee/log~1")
        plant(root, event, b"")
    before = git(root, "rev-parse", "hee/log")
    with hee_core.open_log(root) as log, pytest.raises(IntegrityError, match="event 2"):
        _ = log.state
    for command in (["state"], ["decide", "k", "s", "--rationale", "r"], ["monitor", "--once"]):
        capsys.readouterr()
        assert run(["-C", str(root), *command]) == 2
        assert "event 2" in capsys.readouterr().err
    assert git(root, "rev-parse", "hee/log") == before
    capsys.readouterr()
    assert run(["-C", str(root), "verify", "--json"]) == 1
    kinds = {finding["kind"] for finding in json.loads(capsys.readouterr().out)["findings"] if finding["index"] == 2}
    assert kinds & {"signature", "key", "event"}


def test_a_branch_that_was_forced_back_is_found_although_nobody_ever_verified_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    for key in ("one", "two"):
        assert run(["-C", str(root), "decide", key, "s", "--rationale", "r"]) == 0
    git(root, "update-ref", "refs/heads/hee/log", "hee/log~1")
    capsys.readouterr()
    assert run(["-C", str(root), "verify", "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["kind"], "3 events" in finding["detail"]) == ("rolled-back", True)


@pytest.mark.spec("SEED-215")
def test_what_a_person_said_once_is_not_said_again_by_somebody_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, ada = EphemeralSigner(), EphemeralSigner(actor="human:ada")
    key = {"public_key": ada.public_key, "actor": ada.actor, "role": "human"}
    root = tmp_path / "r"
    with make_log(root, signer=agent) as log, open_at(root, signer=ada) as person:
        log.append([Event.new("key.added", key), Event.new("state.frozen", {"reason": "one"})])
        thawed = person.append([Event.new("state.unfrozen", {"reason": "done"})])
        log.append([Event.new("state.frozen", {"reason": "two"})])
        signature = base64.b64decode(log.store.file(thawed.commit, "signatures"))
        plant(root, thawed.event, signature)
        for handle in (log, person):  # the one knows its index of ids, the other makes it
            with pytest.raises(IntegrityError, match=r"event 5: .* in the log already"):
                _ = handle.state
    with open_at(root, signer=EphemeralSigner()) as stranger, pytest.raises(IntegrityError, match="event 5"):
        _ = stranger.state
    with open_at(root, signer=agent) as again:  # from its snapshot, and with an index that knows of more than that
        assert [(one.index, one.kind) for one in hee_core.verify(again).findings][:1] == [(5, "duplicate")]
        with pytest.raises(IntegrityError, match="event 5"):
            again.append([Event.new("note.recorded", {"text": "x"})])
        git(root, "update-ref", "refs/heads/hee/log", "hee/log~1")
        assert again.state.frozen
        plant(root, thawed.event, signature)
        monkeypatch.setattr(again.store.ids, "find", lambda _: {})  # as if somebody took the entry out of the index
        with pytest.raises(IntegrityError, match="event 5"):
            _ = again.state
        git(root, "update-ref", "refs/heads/hee/log", "hee/log~1")
