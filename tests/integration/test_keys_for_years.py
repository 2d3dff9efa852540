"""Keys come, are replaced, end and go over the years of a log, and nothing that they signed is lost or in doubt."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from forge import Forge
from logs import make_log, open_at
from test_foreign_verifier import check
from test_tamper import edited
from worlds import repository, watched

import hee_core
from hee_core import chain, rotation, sshsig
from hee_core.errors import KeyFault
from hee_core.events import Event
from hee_core.keys import EphemeralSigner, FileSigner, create_agent_key, default_key_path
from hee_core.log import Log
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace

pytestmark = pytest.mark.spec("SEED-216")


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    capsys.readouterr()
    status = run(["-C", str(root), *arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {"a.txt": "a\n"})


@pytest.fixture
def ada(tmp_path: Path) -> FileSigner:
    return create_agent_key(tmp_path / "ada", actor="human:ada")


def act_as(monkeypatch: pytest.MonkeyPatch, signer: FileSigner) -> None:
    monkeypatch.setenv("HEE_SIGNING_KEY", str(signer.path))
    monkeypatch.setenv("HEE_ACTOR", signer.actor)


def test_the_key_of_a_machine_is_replaced_and_every_event_still_holds(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = default_key_path()
    old = FileSigner(path)
    status, made, _ = hee(capsys, root, "keys", "rotate", "--reason", "yearly")
    assert (status, made["since"], made["actor"]) == (0, 2, "agent:hee")
    new = FileSigner(path)
    assert made["key_id"] == new.key_id != old.key_id
    assert [kept.read_text() for kept in path.parent.glob("*.was-*")] == [old_text(old)]
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 0
    assert hee(capsys, root, "verify")[1]["ok"]
    listed = {key["key_id"]: key for key in hee(capsys, root, "keys", "list")[1]}
    assert (listed[old.key_id]["ended"], listed[old.key_id]["valid"]) == ("rotated", False)
    assert (listed[new.key_id]["root"], listed[new.key_id]["valid"]) == (True, True)
    assert hee(capsys, root, "keys", "allowed-signers")[1]["allowed_signers"].count("ssh-ed25519") == 1
    assert old.public_key in hee(capsys, root, "keys", "allowed-signers", "--at", "0")[1]["allowed_signers"]


def old_text(signer: FileSigner) -> str:
    from hee_core import privatekey

    return privatekey.write(signer._key, comment=signer.actor)


def test_a_rotation_that_was_interrupted_anywhere_is_finished_by_the_next_one(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = default_key_path()
    old = FileSigner(path)

    class Power(Exception):
        pass

    def gone(*_: object) -> None:
        raise Power

    with monkeypatch.context() as patch:  # after the new key is written, before the log knows
        patch.setattr(rotation, "rotated", lambda *_, **__: gone())
        with pytest.raises(Power):
            run(["-C", str(root), "keys", "rotate"])
    assert FileSigner(path).key_id == old.key_id
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 0
    with monkeypatch.context() as patch:  # after the log knows, before the new key has its place
        patch.setattr(rotation, "_installed", gone)
        with pytest.raises(Power):
            run(["-C", str(root), "keys", "rotate"])
    status, _, err = hee(capsys, root, "decide", "k", "t", "--rationale", "r")
    assert (status, "is rotated from event" in err) == (2, True)
    assert hee(capsys, root, "keys", "rotate")[0] == 0
    assert FileSigner(path).key_id != old.key_id
    assert hee(capsys, root, "decide", "k", "t", "--rationale", "r")[0] == 0
    assert hee(capsys, root, "verify")[1]["ok"]
    with Workspace.open(root) as workspace:
        assert [entry.event.type for entry in workspace.log.read()].count("key.rotated") == 1


def test_a_new_key_that_cannot_take_its_place_says_how_to_go_on(tmp_path: Path) -> None:
    old, new = (create_agent_key(tmp_path / name) for name in ("key", "key.next"))
    new.path.unlink()
    with pytest.raises(KeyFault, match="could not take its place: No such file") as caught:
        rotation._installed(tmp_path / "key", old, new)
    assert "again" in caught.value.hint
    assert FileSigner(tmp_path / "key").key_id == old.key_id


def test_one_machine_key_that_signs_two_logs_is_replaced_in_both(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = watched(tmp_path / "other", {"b.txt": "b\n"})
    for place in (root, other):
        assert hee(capsys, place, "keys", "rotate")[0] == 0
    keys = {hee(capsys, place, "keys", "list")[1][-1]["key_id"] for place in (root, other)}
    assert keys == {FileSigner(default_key_path()).key_id}
    assert hee(capsys, other, "verify")[1]["ok"]


def test_a_key_that_no_log_knows_cannot_be_rotated(root: Path, tmp_path: Path) -> None:
    create_agent_key(tmp_path / "stranger")
    with Workspace.open(root) as workspace, pytest.raises(KeyFault, match="not in the key ring"):
        rotation.rotate_file(tmp_path / "stranger", workspace.log, actor="agent:hee", reason="")


def test_a_key_from_the_environment_names_its_successor(
    root: Path, ada: FileSigner, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hee(capsys, root, "keys", "add", ada.public_key, "--actor", "human:ada")[0] == 0
    act_as(monkeypatch, ada)
    status, _, err = hee(capsys, root, "keys", "rotate")
    assert (status, "--to" in err) == (2, True)
    heir = create_agent_key(tmp_path / "heir", actor="human:ada")
    (tmp_path / "heir.pub").write_text(f"{heir.public_key} ada@example\n")
    assert hee(capsys, root, "keys", "rotate", "--to", str(tmp_path / "heir.pub"))[1]["key_id"] == heir.key_id
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 2
    act_as(monkeypatch, heir)
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 0
    status, _, err = hee(capsys, root, "keys", "rotate", "--to", str(tmp_path / "none.pub"))
    assert (status, "neither a public key nor its file" in err) == (2, True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "curve"], check=True)
    status, _, err = hee(capsys, root, "keys", "rotate", "--to", str(tmp_path / "curve.pub"))
    assert (status, "only ssh-ed25519 signs checkpoints" in err) == (2, True)
    monkeypatch.delenv("HEE_SIGNING_KEY")
    monkeypatch.delenv("HEE_ACTOR")
    capsys.readouterr()
    assert run(["-C", str(root), "keys", "add", str(tmp_path / "curve.pub"), "--actor", "ci:curve"]) == 0
    assert "another writes" in capsys.readouterr().out


def test_genesis_names_several_root_keys_and_how_many_change_keys(
    tmp_path: Path, ada: FileSigner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", {"a.txt": "a\n"})
    bob = create_agent_key(tmp_path / "bob", actor="human:bob")
    named = ["--root-key", f"human:ada={ada.public_key}", "--root-key", f"human:bob={bob.public_key}"]
    assert hee(capsys, root, "init", "--root-key", ada.public_key)[0] == 2
    assert hee(capsys, root, "init", *named, "--threshold", "4")[0] == 2
    assert hee(capsys, root, "init", *named, "--threshold", "2")[0] == 0
    assert hee(capsys, root, "init", *named, "--threshold", "2")[0] == 0
    assert hee(capsys, root, "init")[0] == 0
    status, _, err = hee(capsys, root, "init", *named)
    assert (status, "by events" in err) == (2, True)
    ci = create_agent_key(tmp_path / "ci", actor="ci:forge")
    added = ("keys", "add", ci.public_key, "--actor", "ci:forge")
    assert hee(capsys, root, *added)[1]["effective"] is False
    shown = hee(capsys, root, "keys", "threshold")[1]
    assert (shown["threshold"], len(shown["roots"]), len(shown["pending"])) == (2, 3, 1)
    assert run(["-C", str(root), "keys", "threshold"]) == 0
    act_as(monkeypatch, ada)
    assert hee(capsys, root, *added)[1]["effective"] is True
    assert hee(capsys, root, "keys", "revoke", ci.key_id, "--reason", "lost")[1]["effective"] is False
    capsys.readouterr()
    assert run(["-C", str(root), "keys", "threshold", "1"]) == 0
    assert "asked for with event" in capsys.readouterr().out
    act_as(monkeypatch, bob)
    assert hee(capsys, root, "keys", "threshold", "1")[1]["effective"] is True
    assert hee(capsys, root, "keys", "revoke", ci.key_id, "--reason", "lost")[1]["effective"] is True
    assert hee(capsys, root, "verify")[1]["ok"]


def test_a_key_ends_with_an_event_and_a_time_only_warns(
    root: Path, ada: FileSigner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = FileSigner(default_key_path())
    assert hee(capsys, root, "keys", "add", ada.public_key, "--actor", "human:ada")[0] == 0
    status, asked, _ = hee(capsys, root, "keys", "promote", ada.key_id)
    assert (status, asked["effective"]) == (0, False)  # the log knows a person, who has to ask too
    act_as(monkeypatch, ada)
    assert hee(capsys, root, "keys", "promote", ada.key_id)[1]["effective"]
    monkeypatch.delenv("HEE_SIGNING_KEY")
    monkeypatch.delenv("HEE_ACTOR")
    assert hee(capsys, root, "keys", "expire", ada.key_id)[0] == 2
    assert hee(capsys, root, "keys", "expire", ada.key_id, "--event", "9", "--never")[0] == 2
    assert hee(capsys, root, "keys", "expire", agent.key_id, "--not-after", "2020-01-01T00:00:00Z")[0] == 0
    act_as(monkeypatch, ada)
    both = ("--event", "7", "--not-after", "2020-01-01T00:00:00Z")
    assert hee(capsys, root, "keys", "expire", agent.key_id, *both)[0] == 0
    monkeypatch.delenv("HEE_SIGNING_KEY")
    monkeypatch.delenv("HEE_ACTOR")
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 0
    status, _, err = hee(capsys, root, "decide", "k", "t", "--rationale", "r")
    assert (status, "is expired from event 7 on" in err) == (2, True)
    status, report, _ = hee(capsys, root, "verify")
    assert (status, report["ok"]) == (0, True)
    assert [(w["index"], w["kind"]) for w in report["warnings"]] == [(6, "key-expiry")]
    assert run(["-C", str(root), "verify"]) == 0
    assert "was meant to be used until 2020" in capsys.readouterr().out
    assert run(["-C", str(root), "keys", "list"]) == 0
    assert "expired from event 7 on, meant until 2020" in " ".join(capsys.readouterr().out.split())


# ------------------------------------------------------------------ the verifier in another language


def years(log: Log) -> dict[str, EphemeralSigner]:
    """A log in which every kind of event about keys came to pass, all in one append; returns who is who."""
    agent, heir, ci = log.signer, EphemeralSigner(actor="agent:hee"), EphemeralSigner(actor="ci:forge")
    root = EphemeralSigner(actor="agent:root")
    told = [
        *(
            (agent, "key.added", {"public_key": who.public_key, "actor": who.actor, "role": who.role})
            for who in (root, ci)
        ),
        (agent, "key.root_granted", {"key_id": root.key_id}),
        (agent, "key.expiry_set", {"key_id": ci.key_id, "until": 9}),
        (agent, "key.rotated", {"public_key": heir.public_key}),
        (heir, "key.threshold_changed", {"threshold": 2}),
        (root, "key.threshold_changed", {"threshold": 2}),
        (ci, "note.recorded", {"text": "the last of this key"}),
        (heir, "key.threshold_changed", {"threshold": 1}),
        (root, "key.threshold_changed", {"threshold": 1}),
        (root, "key.revoked", {"key_id": heir.key_id, "reason": "left"}),
    ]
    before = after = log.refresh()
    events = [chain.bind(before, Event.new(type_, data), who) for who, type_, data in told]
    for event in events:
        chain.guard(after, event, log)
        after = chain.grow(after, [event], log)
    signatures = [
        who.sign(event.to_bytes(), sshsig.EVENT_NAMESPACE) for event, (who, *_) in zip(events, told, strict=True)
    ]
    made = chain.seal(before, after, events, signatures, root, object_format=log.store.object_format)
    log.store.publish(made.objects, made.head.commit, before.commit)
    Log(log.store, signer=root).append([Event.new("note.recorded", {"text": "plain"})])
    return {"agent": agent, "heir": heir, "root": root, "ci": ci}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, EphemeralSigner]]:
    place = tmp_path_factory.mktemp("years") / "repository"
    with make_log(place, signer=EphemeralSigner()) as log:
        return place, years(log)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("name", "type_", "data", "index"),
    [
        ("", "", {}, 0),
        ("ci", "note.recorded", {"text": "after its end"}, 12),
        ("agent", "note.recorded", {"text": "after it was rotated"}, 12),
        ("heir", "note.recorded", {"text": "after it was revoked"}, 12),
        ("root", "key.threshold_changed", {"threshold": 2}, 12),
        ("root", "key.revoked", {"key_id": "root", "reason": "the last"}, 12),
        ("root", "key.rotated", {"public_key": "heir"}, 12),
        ("root", "key.root_granted", {"key_id": "root"}, 12),
        ("root", "key.expiry_set", {"key_id": "root", "until": 5, "not_after": ""}, 12),
    ],
)
def test_both_verifiers_judge_every_event_about_keys_alike(
    tmp_path: Path,
    original: tuple[Path, dict[str, EphemeralSigner]],
    name: str,
    type_: str,
    data: dict[str, object],
    index: int,
) -> None:
    place, who = tmp_path / "repository", original[1]
    shutil.copytree(original[0], place)
    if name:
        forge = Forge(place, who["root"])
        forge.appends[0].signer = who["agent"]
        texts = {key: getattr(who[word], "public_key" if key == "public_key" else "key_id")
                 for key, word in data.items() if word in who}  # fmt: skip
        append = forge.appends[-1]
        signer = who[name]
        wire = {"type": type_, "data": data | texts, "actor": signer.actor, "keyid": signer.key_id}
        append.lines = [edited(append.lines[0], **wire)]
        append.sign_events(signer)
        forge.rewrite()
    with open_at(place, signer=who["root"]) as log:
        log.keep_snapshots = False
        ours = {(finding.index, finding.kind) for finding in hee_core.verify(log).findings}
    theirs = {(finding["index"], finding["kind"]) for finding in check(place)["findings"]}
    if not name:
        assert (ours, theirs) == (set(), set())
    else:
        assert (index, "key") in ours & theirs
        assert min(place for place, _ in ours | theirs) == index


def test_stock_git_judges_by_the_keys_of_a_point_in_the_log(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hee(capsys, root, "keys", "rotate")[0] == 0
    assert hee(capsys, root, "decide", "k", "s", "--rationale", "r")[0] == 0
    for at, good in (("0", "hee/log~1"), ("1", "hee/log")):
        signers = hee(capsys, root, "keys", "allowed-signers", "--at", at)[1]["allowed_signers"]
        (root.parent / "signers").write_text(signers)
        options = ("-c", f"gpg.ssh.allowedSignersFile={root.parent / 'signers'}")
        for name in ("hee/log~1", "hee/log"):
            done = subprocess.run(["git", *options, "verify-commit", name], cwd=root, capture_output=True, check=False)
            assert (done.returncode == 0) is (name == good)
