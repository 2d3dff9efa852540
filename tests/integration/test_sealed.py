"""Sealed payloads in real logs: for whom, from when on, on which machine, and how they end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from logs import git, make_log, open_at
from worlds import watched

import hee_core
from hee_core import privatefile, recipientfile, recipientkey, recipients, sealed
from hee_core.errors import Conflict, EventError, IntegrityError, KeyFault, NotFound
from hee_core.keys import EphemeralSigner, create_agent_key
from hee_core.log import Log
from hee_core.proof import check, prove
from hee_core.recipientkey import RecipientKey
from hee_core.vault import Vault
from hee_monitoring.cli.main import run

CANARY = "CanarySingsInTheCoalMine"


def say(log: Log, type_: str, **data: object) -> hee_core.Entry:
    return log.append([hee_core.Event.new(type_, data)])


def note(text: str = CANARY) -> hee_core.Event:
    return hee_core.Event.new("note.recorded", {"text": text}, subject="incident")


class House:
    """A log with a person and a recipient each for the agent and for ada."""

    def __init__(self, place: Path) -> None:
        self.agent, self.person = EphemeralSigner(), EphemeralSigner(actor="human:ada")
        self.place = place
        self.open: list[Log] = []
        self.log = self.kept(make_log(place, signer=self.agent))
        self.vault = Vault(self.log.id, place.parent / "vault")
        self.keys = {name: RecipientKey() for name in ("agent:hee", "human:ada", "human:eve")}
        self.add("agent:hee")
        say(self.log, "key.added", public_key=self.person.public_key, actor="human:ada", role="human")
        self.ada = self.kept(open_at(place, signer=self.person))
        say(self.ada, "recipient.added", public_key=self.keys["human:ada"].public_key, actor="human:ada")

    def kept(self, log: Log) -> Log:
        self.open.append(log)
        return log

    def add(self, name: str, log: Log | None = None) -> hee_core.Entry:
        return say(log or self.log, "recipient.added", public_key=self.keys[name].public_key, actor=name)

    def read(self, at: int, name: str, vault: Vault | None = None) -> dict[str, object]:
        return sealed.unseal(self.log, at, key=self.keys[name], vault=vault or self.vault).fields


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "r")
    yield made
    for log in made.open:
        log.close()


@pytest.mark.spec("SEED-217")
def test_a_sealed_note_is_found_by_everybody_and_read_by_its_recipients(house: House) -> None:
    entry = hee_core.seal(house.log, note(), vault=house.vault)
    event = entry.event
    assert (event.type, event.subject, event.actor) == ("note.recorded", "incident", "agent:hee")
    payload = sealed.find(house.log, entry.index)
    assert sealed.find(house.log, entry.index + 1).entry == payload.entry == entry  # by its envelope too
    assert (set(payload.envelope["boxes"]), set(payload.wraps)) == (
        {"text"},
        {house.keys[name].key_id for name in ("agent:hee", "human:ada")},
    )
    for name in ("agent:hee", "human:ada"):
        assert house.read(entry.index, name) == {"text": CANARY}
    with pytest.raises(KeyFault) as caught:
        house.read(entry.index, "human:eve")
    assert all(house.keys[name].key_id in str(caught.value) for name in house.keys)
    assert "(human:ada)" in str(caught.value)
    assert f"hee recipients share {entry.index}" in caught.value.hint
    with pytest.raises(NotFound, match="no sealed field"):
        house.read(0, "agent:hee")
    with pytest.raises(KeyFault, match="share is not on this machine"):
        house.read(entry.index, "agent:hee", Vault(house.log.id, house.place.parent / "elsewhere"))
    assert hee_core.verify(house.log).ok
    assert sealed.seal(house.log, note(), to=["human:ada"], vault=house.vault)
    with pytest.raises(KeyFault, match="needs one of"):
        house.read(len(house.log) - 2, "agent:hee")
    with pytest.raises(NotFound, match="human:bob is no recipient"):
        sealed.seal(house.log, note(), to=["human:bob"], vault=house.vault)


def test_who_is_added_later_is_given_access_by_an_event_and_who_is_removed_reads_nothing_new(house: House) -> None:
    early = sealed.seal(house.log, note("early"), vault=house.vault).index
    house.add("human:eve", house.ada)
    assert house.read(sealed.seal(house.log, note("new"), vault=house.vault).index, "human:eve") == {"text": "new"}
    with pytest.raises(KeyFault, match="not sealed for"):
        house.read(early, "human:eve")
    shared = sealed.share(house.log, early, ["human:eve"], key=house.keys["agent:hee"])
    assert (shared.event.type, house.read(early, "human:eve")) == ("payload.shared", {"text": "early"})
    with pytest.raises(EventError, match="already"):
        sealed.share(house.log, early, ["human:eve"], key=house.keys["agent:hee"])
    removed = house.keys["human:eve"].key_id
    say(house.ada, "recipient.removed", key_id=removed, reason="left")
    late = sealed.seal(house.log, note("late"), vault=house.vault).index
    with pytest.raises(KeyFault, match="not sealed for"):
        house.read(late, "human:eve")
    assert house.read(early, "human:eve") == {"text": "early"}  # what was sealed for it stays so, and we say so
    with pytest.raises(NotFound, match="no recipient"):
        sealed.share(house.log, late, [removed], key=house.keys["agent:hee"])
    at = sealed.recipients_at(house.log, late)
    assert (len(at), at[removed].until) == (3, sealed.recipients_at(house.log)[removed].until)
    assert len(sealed.recipients_at(house.log, early)) == 2
    assert hee_core.verify(house.log).ok


@pytest.mark.spec("SEED-217", "SEED-220")
def test_redaction_leaves_every_proof_and_nothing_to_read_on_any_machine_that_looks(
    house: House, tmp_path: Path
) -> None:
    kept, gone = (sealed.seal(house.log, note(text), vault=house.vault).index for text in ("kept", CANARY))
    other = Vault(house.log.id, tmp_path / "other")
    exported = sealed.export_shares(house.log, house.vault)
    assert sealed.import_shares(house.log, other, exported) == {"imported": 2, "known": 0, "redacted": 0, "foreign": 0}
    assert house.read(gone, "human:ada", other) == {"text": CANARY}
    before = prove(house.log, gone)
    with pytest.raises(EventError, match="reason"):
        sealed.redact(house.ada, gone, reason=" ", vault=house.vault)
    end = hee_core.redact(house.ada, gone, reason="it named a customer", vault=house.vault)
    assert sealed.redact(house.ada, gone, reason="again", vault=house.vault).index == end.index
    for vault in (house.vault, other):
        for name in ("agent:hee", "human:ada"):
            with pytest.raises(NotFound, match=f"redacted with event {end.index} by human:ada: it named a customer"):
                house.read(gone, name, vault)
            assert house.read(kept, name, vault) == {"text": "kept"}
    assert [len(list(vault.path.iterdir())) for vault in (house.vault, other)] == [1, 1]
    assert sealed.import_shares(house.log, other, exported) == {"imported": 0, "known": 1, "redacted": 1, "foreign": 0}
    with pytest.raises(NotFound, match="redacted"):
        sealed.share(house.log, gone, ["human:ada"], key=house.keys["agent:hee"])
    report = hee_core.verify(house.log)
    assert (report.ok, report.findings) == (True, ())
    for proof in (before, prove(house.log, gone)):
        assert check(proof, log_id=house.log.id, keys=[house.agent.public_key, house.person.public_key]).event.nonce
    # Without the share even the secret, unwrapped by an honest recipient, opens nothing.
    payload = sealed.find(house.log, gone)
    secret = sealed._secret(house.log, payload, house.keys["human:ada"])
    with pytest.raises(IntegrityError):
        sealed.sealing.opened(payload.entry.event, payload.envelope, (secret, bytes(32)), log_id=house.log.id)


def test_only_people_change_who_reads_once_the_log_knows_one(house: House) -> None:
    entry = sealed.seal(house.log, note(), vault=house.vault)
    mine = RecipientKey()
    for type_, data in (
        ("recipient.added", {"public_key": mine.public_key, "actor": "agent:hee"}),
        ("recipient.removed", {"key_id": house.keys["human:ada"].key_id, "reason": "quiet"}),
        ("payload.redacted", {"nonce": entry.event.nonce, "reason": "hide it"}),
    ):
        with pytest.raises(IntegrityError, match="takes a person's key"):
            say(house.log, type_, **data)
    with pytest.raises(IntegrityError, match="takes a person's key"):
        sealed.redact(house.log, entry.index, reason="hide it", vault=house.vault)
    assert house.read(entry.index, "human:ada") == {
        "text": CANARY
    }  # the share is destroyed after the event, not before
    # What an agent says about it all the same, in another program's log, changes nothing here.
    forged = [
        hee_core.Event.new(*said).bound(source=entry.event.source, actor="agent:hee", key_id=house.agent.key_id)
        for said in (
            ("recipient.added", {"public_key": mine.public_key, "actor": "agent:hee"}),
            ("payload.redacted", {"nonce": entry.event.nonce, "reason": "hide it"}),
        )
    ]
    entries = [*house.log.read(), *(hee_core.Entry(len(house.log) + n, event, "") for n, event in enumerate(forged))]
    assert mine.key_id not in recipients.current(entries)
    assert recipients.payloads(entries)[entry.event.nonce].redacted is None
    agent = EphemeralSigner(actor="agent:other")
    say(house.log, "key.added", public_key=agent.public_key, actor="agent:other", role="agent")
    plain = house.kept(make_log(house.place.parent / "plain", signer=house.agent))
    say(plain, "key.added", public_key=agent.public_key, actor="agent:other", role="agent")
    with pytest.raises(IntegrityError, match="takes a root key"):
        house.add("agent:hee", house.kept(open_at(house.place.parent / "plain", signer=agent)))
    with pytest.raises(IntegrityError, match="recipient key"):
        say(plain, "recipient.added", public_key="x25519 AAAA", actor="agent:hee")


def test_an_envelope_counts_only_from_the_author_of_its_event(house: House) -> None:
    entry = sealed.seal(house.log, note(), vault=house.vault)
    envelope = dict(house.log.entry(entry.index + 1).event.data)
    say(house.ada, "payload.sealed", **envelope)  # not right after it, and by another
    copied = hee_core.Event.new("note.recorded", dict(entry.event.data))
    house.log.append([copied, hee_core.Event.new("payload.sealed", {**envelope, "nonce": copied.nonce})])
    with pytest.raises(IntegrityError, match="does not open"):  # a box that was carried elsewhere, markers and all
        house.read(len(house.log) - 2, "agent:hee")
    assert sealed.find(house.log, entry.index).envelope == envelope
    assert house.read(entry.index, "agent:hee") == {"text": CANARY}


def test_sealing_that_does_not_reach_the_log_leaves_no_share(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    eve = house.keys["human:eve"].key_id
    house.add("human:eve", house.ada)
    real = recipientkey.wrap

    def removed_meanwhile(*arguments: object) -> str:
        if eve not in [e.event.data.get("key_id") for e in house.ada.read()]:
            say(house.ada, "recipient.removed", key_id=eve, reason="left just now")
        return real(*arguments)

    monkeypatch.setattr(recipientkey, "wrap", removed_meanwhile)
    with pytest.raises(Conflict, match=r"recipient\.removed"):
        sealed.seal(house.log, note(), vault=house.vault)
    assert list(house.vault.path.iterdir()) == []
    assert sealed.seal(house.log, note(), vault=house.vault)
    with pytest.raises(KeyFault, match="no recipients"):
        sealed.seal(hee_core.MemoryLog(), note())


def test_shares_of_another_log_or_of_nothing_are_refused(house: House, tmp_path: Path) -> None:
    index = sealed.seal(house.log, note(), vault=house.vault).index
    nonce = house.log.entry(index).event.nonce
    for data in (b"", b"[]", b'{"log": "x"}', b'{"log": "x", "shares": {"a": "zz"}}'):
        with pytest.raises(KeyFault, match="no export of shares"):
            sealed.import_shares(house.log, house.vault, data)
    with pytest.raises(KeyFault, match="shares of log 00000"):
        sealed.import_shares(house.log, house.vault, json.dumps({"log": "0" * 64, "shares": {}}).encode())
    false = json.dumps({"log": house.log.id, "shares": {nonce: "00" * 32, "other": "11" * 32}}).encode()
    empty = Vault(house.log.id, tmp_path / "empty")
    assert sealed.import_shares(house.log, empty, false)["foreign"] == 2
    empty.keep(nonce, bytes(32))
    with pytest.raises(KeyFault, match="not the share that the log speaks of"):
        house.read(index, "agent:hee", empty)


def test_private_files_are_whole_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert privatefile.create(path, b"one", unique="a")
    assert not privatefile.create(path, b"two", unique="b")
    assert (privatefile.read(path), path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        b"one",
        0o600,
        0o700,
    )
    assert privatefile.read(tmp_path / "none") is None
    path.chmod(0o640)
    with pytest.raises(KeyFault, match="others can read it"):
        privatefile.read(path)
    path.chmod(0o600)
    os.link(path, tmp_path / "second")  # who still has the inode has nothing
    assert (privatefile.destroy(path), (tmp_path / "second").read_bytes(), path.exists()) == (True, b"\0\0\0", False)
    assert not privatefile.destroy(path)
    path.symlink_to(tmp_path / "blocked")
    (tmp_path / "blocked").write_text("somebody else's")
    with pytest.raises(KeyFault, match="could not be destroyed"):
        privatefile.destroy(path)
    assert (tmp_path / "blocked").read_text() == "somebody else's"
    for place in (tmp_path, tmp_path / "pipe"):
        if place.name == "pipe":
            os.mkfifo(place)
        with pytest.raises(KeyFault, match="regular file"):
            privatefile.read(place)
    (tmp_path / "blocked").write_text("")
    for write in (
        lambda: privatefile.create(tmp_path / "blocked" / "x", b"", unique="a"),
        lambda: privatefile.destroy(tmp_path),
    ):
        with pytest.raises(KeyFault, match="could not be"):
            write()
    with pytest.raises(KeyFault, match="cannot be opened"):
        privatefile.read(tmp_path / "blocked" / "x")


def test_the_key_of_this_user_is_made_once_and_read_from_where_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyFault, match="no key to read sealed payloads"):
        recipientfile.load()
    made = recipientfile.load_or_create()
    path = recipientfile.default_path()
    assert (recipientfile.load_or_create().key_id, path.stat().st_mode & 0o777) == (made.key_id, 0o600)
    assert made.key_id in repr(made)
    monkeypatch.setenv("HEE_RECIPIENT_KEY", path.read_text())
    assert recipientfile.load().key_id == made.key_id
    monkeypatch.setenv("HEE_RECIPIENT_KEY", str(path))
    assert recipientfile.load_or_create().key_id == made.key_id
    agent = create_agent_key(tmp_path / "agent")
    assert agent.path
    with pytest.raises(KeyFault, match="not an X25519 private key"):
        recipientfile.load(tmp_path / "agent")


# ------------------------------------------------------------------ the commands


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0):  # type: ignore[no-untyped-def]
    capsys.readouterr()
    assert run([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {"a.txt": "a\n"})


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stream)


def everything(*places: Path) -> bytes:
    """Every byte of every file, with git's objects inflated."""
    found = bytearray()
    for place in places:
        for path in place.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                found += data
                if "objects" in path.parts and "pack" not in path.parts and "info" not in path.parts:
                    found += zlib.decompress(data)
        for git_dir in place.rglob(".git"):
            names = git(git_dir.parent, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
            done = subprocess.run(
                ["git", "cat-file", "--batch"],
                cwd=git_dir.parent,
                input=names.encode(),
                capture_output=True,
                check=True,
            )
            found += done.stdout
    return bytes(found)


@pytest.mark.spec("SEED-213", "SEED-217", "SEED-218")
def test_after_sealing_the_text_is_nowhere_on_the_disk_and_comes_back(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, home = ("-C", str(root)), Path(os.environ["HEE_HOME"])
    assert run([*place, "recipients", "list"]) == 0
    added = document(capsys, *place, "recipients", "add")
    assert added["type"] == "recipient.added"
    assert run([*place, "recipients", "add"]) == 2
    assert "already" in capsys.readouterr().err
    type_in(monkeypatch, f"{CANARY} \x1b[31m\n")
    assert run([*place, "seal"]) == 2  # no control character enters a log, sealed or not
    assert CANARY not in capsys.readouterr().err
    type_in(monkeypatch, f"{CANARY} é and a line of more than a hundred columns: {'x' * 120}\n")
    made = document(capsys, *place, "seal", "--subject", "incident")
    assert (made["sealed"], made["subject"], len(made["recipients"])) == (["text"], "incident", 1)
    payload = tmp_path / "decision.json"
    payload.write_text(
        json.dumps({"key": "format", "statement": "by hand", "rationale": CANARY, "scope": ["path:src/**"]})
    )
    decision = document(
        capsys, *place, "seal", "--type", "decision.recorded", "--data", str(payload), "--field", "rationale"
    )
    payload.unlink()
    assert decision["data"]["statement"] == "by hand"
    for command in (
        ["log"],
        ["log", "--json"],
        ["state"],
        ["state", "--json"],
        ["show", "2"],
        ["verify"],
        ["vault", "list"],
    ):
        assert run([*place, *command]) == 0
    assert CANARY not in "".join(capsys.readouterr())
    assert CANARY.encode() not in everything(root, home)
    assert run([*place, "unseal", str(made["index"])]) == 0
    assert f"{CANARY} é and a line of more than a hundred columns: {'x' * 120}\n" in capsys.readouterr().out
    opened = document(capsys, *place, "unseal", str(decision["index"] + 1), "--key", str(recipientfile.default_path()))
    assert (opened["data"]["rationale"], opened["sealed"]) == (CANARY, {"rationale": CANARY})
    assert run([*place, "unseal", str(made["index"]), "--at", "0"]) == 2
    assert "as of 0" in capsys.readouterr().err
    assert CANARY.encode() not in everything(root, home)


def test_the_commands_for_recipients_shares_and_redaction(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = ("-C", str(root))
    type_in(monkeypatch, "x")
    assert run([*place, "seal"]) == 2
    assert "next: hee recipients add" in capsys.readouterr().err
    own = document(capsys, "recipients", "key")
    assert run(["recipients", "key"]) == 0
    assert capsys.readouterr().out == own["public_key"] + "\n"
    assert run([*place, "recipients", "add"]) == 0
    type_in(monkeypatch, "  \n")
    assert run([*place, "seal"]) == 2
    type_in(monkeypatch, "{")
    assert run([*place, "seal", "--type", "note.recorded", "--data", "-"]) == 2
    type_in(monkeypatch, CANARY)
    assert run([*place, "seal"]) == 0
    capsys.readouterr()
    other = RecipientKey()
    assert run([*place, "recipients", "add", other.public_key, "--actor", "human:eve"]) == 0
    assert run([*place, "recipients", "add", other.public_key, "--actor", "eve"]) == 2
    assert run([*place, "recipients", "share", "2", "--to", "human:eve"]) == 0
    assert run([*place, "recipients", "list"]) == 0
    assert "human:eve" in capsys.readouterr().out
    rows = document(capsys, *place, "vault", "list")
    assert [(row["index"], row["share"], len(row["recipients"])) for row in rows] == [(2, "here", 2)]
    assert document(capsys, *place, "vault", "list", "--at", "1") == []
    inside = root / "shares.json"
    assert run([*place, "vault", "export", str(inside)]) == 2
    out = tmp_path / "shares.json"
    assert run([*place, "vault", "export", str(out)]) == 0
    assert run([*place, "vault", "export", str(out)]) == 2
    with open_at(root, signer=EphemeralSigner()) as log:
        vault, nonce = Vault(log.id), log.entry(2).event.nonce
    vault.destroy(nonce)
    assert document(capsys, *place, "vault", "list")[0]["share"] == "not here"
    assert run([*place, "unseal", "2"]) == 2
    assert "hee vault import" in capsys.readouterr().err
    assert document(capsys, *place, "vault", "import", str(out)) == {
        "imported": 1,
        "known": 0,
        "redacted": 0,
        "foreign": 0,
    }
    assert run([*place, "vault", "import", str(out)]) == 0
    assert run([*place, "recipients", "remove", other.key_id, "--reason", "left"]) == 0
    assert run([*place, "recipients", "remove", other.key_id, "--reason", "left"]) == 2
    listed = document(capsys, *place, "recipients", "list")
    assert [row["until"] for row in listed] == [None, 7]
    assert document(capsys, *place, "redact", "2", "--reason", "it named a customer")["share"] == "destroyed"
    assert list(vault.path.iterdir()) == []
    again = document(capsys, *place, "redact", "2", "--reason", "twice")
    assert (again["index"], again["share"]) == (7, "was not here")
    assert run([*place, "redact", "2", "--reason", "twice"]) == 0
    assert document(capsys, *place, "vault", "list")[0]["share"] == "redacted"
    assert document(capsys, *place, "verify")["ok"]


def test_a_draft_is_sealed_once_and_a_file_that_is_too_deep_is_no_export(house: House) -> None:
    draft = note()
    entry = hee_core.seal(house.log, draft, vault=house.vault)
    with pytest.raises(hee_core.EventError, match="sealed here before"):
        hee_core.seal(house.log, draft, vault=house.vault)
    assert len(house.log) == entry.index + 2
    assert hee_core.verify(house.log).ok
    with pytest.raises(hee_core.KeyFault, match="no export of shares"):
        sealed.import_shares(house.log, house.vault, b"[" * 200_000)
