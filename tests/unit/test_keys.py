"""The agent's key: made once, durably, for nobody else to read, outside every repository; every fault says what to do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hee_core import checkpoint, events, keyring, keys, privatekey, sshkey, sshsig
from hee_core.errors import HeeError, IntegrityError, KeyFault


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    for name in ("HEE_SIGNING_KEY", "HEE_ACTOR", "HEE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_key_of_the_agent_is_made_for_this_user_alone(tmp_path):
    path = tmp_path / "new" / "keys" / "agent_ed25519"
    signer = keys.create_agent_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["agent_ed25519"]
    assert (signer.actor, signer.role, signer.path) == ("agent:hee", "agent", path)
    assert signer.key_id == sshsig.fingerprint(signer.public_key)


def test_a_key_that_is_there_is_read_and_never_overwritten(tmp_path):
    path = tmp_path / "agent_ed25519"
    first = keys.create_agent_key(path)
    before = path.read_bytes()
    assert keys.create_agent_key(path).public_key == first.public_key
    assert path.read_bytes() == before


def test_something_else_at_the_place_of_the_key_is_left_alone(tmp_path):
    path = tmp_path / "agent_ed25519"
    path.write_text("my notes\n")
    path.chmod(0o600)
    with pytest.raises(KeyFault, match="not a private key"):
        keys.create_agent_key(path)
    assert path.read_text() == "my notes\n"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(KeyFault, match="there is no signing key"):
        keys.create_agent_key(path)
    assert not (tmp_path / "nowhere").exists()


def test_of_many_that_make_the_key_at_once_all_end_with_the_same_one(tmp_path):
    path = tmp_path / "keys" / "agent_ed25519"
    start = threading.Barrier(8)
    found: list[str] = []

    def make() -> None:
        start.wait()
        found.append(keys.create_agent_key(path).public_key)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["agent_ed25519"]


def test_a_directory_that_cannot_be_made_is_a_fault_that_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFault, match="could not be written") as caught:
        keys.create_agent_key(tmp_path / "file" / "keys" / "agent_ed25519")
    assert "HEE_HOME" in caught.value.hint


def test_what_our_reader_reads_and_writes_is_what_cryptography_reads(tmp_path):
    from cryptography.hazmat.primitives.serialization import ssh

    for seed in range(20):
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        text = privatekey.write(key, comment="x" * seed)
        theirs = ssh.load_ssh_private_key(text.encode(), None)
        assert theirs.private_bytes_raw() == key.private_bytes_raw()
        assert privatekey.read(text, "it").private_bytes_raw() == key.private_bytes_raw()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610])
def test_a_key_that_others_can_read_or_change_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    keys.create_agent_key(path)
    path.chmod(mode)
    with pytest.raises(KeyFault, match=f"mode {mode:04o}") as caught:
        keys.FileSigner(path)
    assert caught.value.hint == f"chmod 600 {path}"


def test_a_missing_key_says_how_to_make_one(tmp_path):
    with pytest.raises(KeyFault, match="there is no signing key") as caught:
        keys.load_signer()
    assert "hee init" in caught.value.hint


def test_a_directory_or_a_pipe_is_no_key(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(KeyFault, match="regular file"):
            keys.FileSigner(tmp_path / name)
    with pytest.raises(KeyFault, match="cannot be opened"):
        keys.FileSigner(tmp_path / ("x" * 300))


def openssh(outer: bytes) -> str:
    from base64 import b64encode

    return f"{privatekey.BEGIN}\n{b64encode(outer).decode()}\n{privatekey.END}\n"


def key_file(
    *, cipher=b"none", count=1, type_=b"ssh-ed25519", check=b"aaaaaaaa", both=None, raw=None, magic=None
) -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    raw = public if raw is None else raw
    both = bytes(32) + raw if both is None else both
    inner = check + sshkey.pack(b"ssh-ed25519", raw, both, b"")
    inner += bytes(range(1, 1 + -len(inner) % 8))
    head = (magic or b"openssh-key-v1\0") + sshkey.pack(cipher, b"none", b"") + count.to_bytes(4, "big")
    return openssh(head + sshkey.pack(sshkey.pack(type_, public), inner))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a private key in OpenSSH format"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key in OpenSSH format"),
        (openssh(b"x"), "cut short"),
        (openssh(b"openssh-key-v2\0"), "openssh-key-v1"),
        (key_file().replace("b3Blb", "!!!!!"), "not base64"),
        (key_file(cipher=b"aes256-ctr"), "protected by a passphrase"),
        (key_file(count=2), "only one Ed25519 key"),
        (key_file(type_=b"ssh-rsa"), "this is ssh-rsa"),
        (key_file(check=b"aaaabbbb"), "check numbers differ"),
        (key_file(both=bytes(63)), "64 bytes"),
        (key_file(raw=bytes([9]) * 32), "two halves"),
        (openssh(b"openssh-key-v1\0" + sshkey.pack(b"none", b"none", b"") + b"\0\0\0\1"), "cut short"),
    ],
)
def test_a_private_key_that_cannot_sign_is_refused_with_the_reason(tmp_path, text, reason):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyFault, match=reason) as caught:
        keys.FileSigner(path)
    assert str(path) in str(caught.value)


def test_the_whole_key_file_of_these_tests_can_sign():
    assert privatekey.read(key_file(), "it").private_bytes_raw() == bytes(32)


# ------------------------------------------------------------------ the environment


@pytest.mark.spec("SEED-216")
def test_the_environment_beats_the_file_and_takes_text_or_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HEE_HOME", str(tmp_path / "hee"))
    agent = keys.create_agent_key(keys.default_key_path())
    assert keys.load_signer().public_key == agent.public_key
    other = keys.create_agent_key(tmp_path / "other")
    for value in (str(tmp_path / "other"), other.path.read_text(), other.path.read_text().replace("\n", "\r\n")):
        monkeypatch.setenv("HEE_SIGNING_KEY", value)
        signer = keys.load_signer()
        assert signer.public_key == other.public_key
        assert (signer.actor, signer.role) == ("ci:hee", "ci")


def test_the_actor_is_the_one_asked_for_or_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HEE_HOME", str(tmp_path / "hee"))
    text = keys.create_agent_key(keys.default_key_path()).path.read_text()
    assert keys.load_signer().actor == "agent:hee"
    monkeypatch.setenv("HEE_ACTOR", "agent:nightly")
    assert keys.load_signer().actor == "agent:nightly"
    assert keys.load_signer(actor="agent:other").actor == "agent:other"
    monkeypatch.setenv("HEE_SIGNING_KEY", text)
    assert keys.load_signer().actor == "agent:nightly"
    monkeypatch.setenv("HEE_ACTOR", "root")
    with pytest.raises(KeyFault, match="is not human:, agent: or ci:"):
        keys.load_signer()


def test_a_public_key_in_the_environment_needs_to_know_whose_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HEE_SIGNING_KEY", str(tmp_path / "ada.pub"))
    with pytest.raises(KeyFault, match="HEE_ACTOR is not set"):
        keys.load_signer()
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    with pytest.raises(KeyFault, match="cannot be read"):
        keys.load_signer()
    public = keys.EphemeralSigner().public_key
    (tmp_path / "ada.pub").write_text(f"{public} ada@example\n")
    assert repr(keys.load_signer()).startswith("<AgentSigner human:ada SHA256:")
    monkeypatch.setenv("HEE_SIGNING_KEY", public)
    assert keys.load_signer().public_key == public


def test_an_empty_variable_is_no_key(monkeypatch):
    monkeypatch.setenv("HEE_SIGNING_KEY", "  ")
    with pytest.raises(KeyFault, match="not set or empty"):
        keys.EnvSigner()


def test_no_key_and_no_fault_shows_a_secret(tmp_path, monkeypatch):
    text = privatekey.write(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    monkeypatch.setenv("HEE_SIGNING_KEY", text)
    assert repr(keys.EnvSigner()) == f"<EnvSigner ci:hee {keys.EnvSigner().key_id}>"
    monkeypatch.setenv("HEE_SIGNING_KEY", text.replace("b3Blb", "b3Ble"))
    with pytest.raises(KeyFault) as caught:
        keys.EnvSigner()
    secret = [line for line in text.split("\n")[1:-2] if line]
    assert not any(line in f"{caught.value} {caught.value.hint}" for line in secret)


def test_the_environment_takes_base64_of_a_key_with_and_without_its_frame(monkeypatch):
    from base64 import b64encode

    signer = keys.EphemeralSigner()
    text = privatekey.write(signer._key)
    whole = b64encode(text.encode()).decode()
    body = "".join(text.split("\n")[1:-2])
    wrapped = "\n".join(whole[at : at + 76] for at in range(0, len(whole), 76))
    for value in (whole, wrapped, body):
        monkeypatch.setenv("HEE_SIGNING_KEY", value)
        assert keys.load_signer().public_key == signer.public_key


def test_a_value_that_is_neither_a_key_nor_a_file_is_never_shown(tmp_path, monkeypatch):
    from base64 import b64encode

    text = privatekey.write(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    lines = text.split("\n")
    half = b64encode(text.encode()).decode()[:-3]
    for value in (
        "\n".join(lines[1:]),
        half,
        "x" + text,
        "~nobody-here/" + half[:20],
        "/" + "secret" * 1000,
        half[:30],
    ):
        monkeypatch.setenv("HEE_SIGNING_KEY", value)
        with pytest.raises(KeyFault, match=r"^HEE_SIGNING_KEY is neither a key nor a file$") as caught:
            keys.EnvSigner()
        assert not any(value[at : at + 12] in caught.value.hint for at in range(len(value) - 12))
    (tmp_path / "secret-name").write_text(text)
    (tmp_path / "secret-name").chmod(0o644)
    for name, reason in (("secret-name", "mode 0644"), ("", "regular file")):
        monkeypatch.setenv("HEE_SIGNING_KEY", str(tmp_path / name))
        with pytest.raises(KeyFault, match=f"^HEE_SIGNING_KEY: .*{reason}") as caught:
            keys.EnvSigner()
        assert str(tmp_path) not in f"{caught.value}{caught.value.hint}"


def test_a_path_that_cannot_be_opened_says_why_in_words(tmp_path):
    with pytest.raises(KeyFault, match=r"cannot be opened: File name too long$"):
        keys.FileSigner(tmp_path / ("x" * 300))
    with pytest.raises(KeyFault, match="no path holds NUL"):
        keys.FileSigner(tmp_path / "a\0b")


# ------------------------------------------------------------------ where the key lives


def test_the_place_of_the_key_follows_the_environment(tmp_path, monkeypatch):
    home = tmp_path / "home"
    assert keys.default_key_path() == home / ".local/share/hee/keys/agent_ed25519"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert keys.default_key_path() == home / ".local/share/hee/keys/agent_ed25519"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert keys.default_key_path() == tmp_path / "data/hee/keys/agent_ed25519"
    monkeypatch.setenv("HEE_HOME", str(tmp_path / "hee"))
    assert keys.default_key_path() == tmp_path / "hee/keys/agent_ed25519"


@pytest.mark.parametrize("how", ["worktree", "linked worktree", "git directory", "bare", "link", "dots"])
def test_a_place_inside_a_repository_is_refused(tmp_path, monkeypatch, how):
    repository = tmp_path / "repository"
    repository.mkdir()
    home = repository / "a" / "b"
    if how == "linked worktree":
        (repository / ".git").write_text("gitdir: /elsewhere\n")
    elif how == "bare":
        (repository / "HEAD").write_text("ref: refs/heads/main\n")
        (repository / "objects").mkdir()
        (repository / "refs").mkdir()
    else:
        (repository / ".git").mkdir()
    if how == "git directory":
        home = repository / ".git" / "hee"
    elif how == "link":
        home.mkdir(parents=True)
        (tmp_path / "link").symlink_to(home)
        home = tmp_path / "link"
    elif how == "dots":
        home = tmp_path / "other" / ".." / "repository" / "x"
    monkeypatch.setenv("HEE_HOME", str(home))
    with pytest.raises(KeyFault, match="may not live inside the git repository") as caught:
        keys.load_signer()
    assert "HEE_HOME" in caught.value.hint


# ------------------------------------------------------------------ signers


def test_every_signer_signs_for_the_namespace_it_is_told():
    signer = keys.EphemeralSigner(actor="human:ada")
    assert (signer.role, signer.actor) == ("human", "human:ada")
    assert sshsig.verify(signer.sign(b"m", "git"), b"m", "git") == signer.public_key


def test_a_raw_signature_is_for_the_text_of_a_note_and_never_for_what_ssh_signs():
    signer = keys.EphemeralSigner()
    assert len(signer.sign_raw(b"log\n1\n")) == 64
    for message in (
        sshsig.preimage(b"m", "git"),
        sshsig.preimage(b"m", "hee-event") + b"\n",
        b"\0\0\0\x20" + bytes(32) + b"\n",
        b"",
        b"no end of line",
        b"tab\t\n",
        b"\xff\n",
        b"SSHSIG\0\0\0\3git\n",
    ):
        with pytest.raises(KeyFault, match="notes only"):
            signer.sign_raw(message)


def test_a_note_signature_is_no_ssh_signature_and_an_ssh_signature_is_none_of_a_note():
    signer = keys.EphemeralSigner()
    note = checkpoint.write("log", 1, bytes(32), signer)
    parsed = checkpoint.parse(note)
    blob = sshkey.blob_of(signer.public_key)
    for namespace in ("git", "hee-event"):
        moved = sshsig.assemble(blob, namespace, sshkey.pack(b"ssh-ed25519", parsed.signatures[0].raw))
        with pytest.raises(IntegrityError, match="does not match"):
            sshsig.verify(moved, parsed.text, namespace)
        raw = signer.sign(parsed.text, namespace)[-64:]
        line = checkpoint.NoteSignature("log", parsed.signatures[0].key_id, raw)
        with pytest.raises(IntegrityError, match="does not match"):
            checkpoint.verify(checkpoint.join(parsed.text, [line]), signer.public_key, "log")


def test_the_roles_and_names_of_actors_are_those_of_the_envelope():
    for actor in ("human:ada", "agent:hee", "ci:x.y_z@a+b-1", "root:x", "agent:", "agent:-x", "agent:a b", "agent:a\n"):
        ours = None
        try:
            ours = keyring.role_of(actor)
        except HeeError:
            assert events._ACTOR.fullmatch(actor) is None
        else:
            assert events._ACTOR.fullmatch(actor)
            assert ours in events.ROLES


def test_importing_the_signers_needs_neither_pydantic_nor_git_nor_cryptography(tmp_path):
    import subprocess
    import sys

    root = Path(keys.__file__).parent.parent
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import importlib\n"
        "for name in ('keys', 'keyring', 'sshsig', 'sshkey', 'sshagent', 'merkle', 'checkpoint'):\n"
        "    importlib.import_module('hee_core.' + name)\n"
        "print([name for name in ('pydantic', 'git', 'cryptography') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
