"""The real ssh-keygen, git and ssh-agent are the judges: what we sign they accept, what they sign we accept."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hee_core import keys, sshagent, sshkey, sshsig
from hee_core.clock import FixedClock
from hee_core.errors import IntegrityError, KeyFault
from hee_core.events import GENESIS_SOURCE, Event
from hee_core.keyring import KeyRing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.spec("SEED-215", "SEED-216"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH's client programs are not installed"),
]

KINDS = {
    "ed25519": ["-t", "ed25519"],
    "ecdsa-256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa-384": ["-t", "ecdsa", "-b", "384"],
    "rsa": ["-t", "rsa", "-b", "2048"],
}
MESSAGE = b'{"type":"note.recorded"}'


def run(*argv: str | Path, data: bytes = b"", ok: bool = True, **env: str) -> subprocess.CompletedProcess[bytes]:
    clean = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **env,
    }
    done = subprocess.run(
        [str(word) for word in argv], input=data, capture_output=True, env=clean, timeout=60, check=False
    )
    assert not ok or done.returncode == 0, done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A key of each kind, made by ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")
    for name, options in KINDS.items():
        run("ssh-keygen", "-q", *options, "-N", "", "-C", f"{name} of a test", "-f", folder / name)
    return folder


def text_of(folder: Path, name: str) -> str:
    return sshkey.canonical((folder / f"{name}.pub").read_text())


def sign_by_keygen(folder: Path, name: str, message: bytes, namespace: str, *options: str) -> bytes:
    done = run("ssh-keygen", "-q", "-Y", "sign", "-f", folder / name, "-n", namespace, *options, data=message)
    return sshsig.dearmor(done.stdout.decode())


def keygen_accepts(tmp_path: Path, allowed: str, principal: str, blob: bytes, message: bytes, namespace: str) -> bool:
    (tmp_path / "allowed").write_text(allowed)
    (tmp_path / "signature").write_text(sshsig.armor(blob))
    done = run(
        *("ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", principal, "-n", namespace),
        *("-s", tmp_path / "signature"),
        data=message,
        ok=False,
    )
    return done.returncode == 0


@pytest.mark.parametrize("namespace", ["hee-event", "git"])
@pytest.mark.parametrize("message", [b"", MESSAGE, bytes(range(256)) * 40], ids=["empty", "event", "binary"])
def test_our_signature_is_byte_for_byte_that_of_ssh_keygen(folder, namespace, message):
    signer = keys.FileSigner(folder / "ed25519")
    assert signer.sign(message, namespace) == sign_by_keygen(folder, "ed25519", message, namespace)


def test_our_armor_is_byte_for_byte_that_of_ssh_keygen(folder):
    done = run("ssh-keygen", "-q", "-Y", "sign", "-f", folder / "ed25519", "-n", "git", data=MESSAGE)
    assert sshsig.armor(sshsig.dearmor(done.stdout.decode())) == done.stdout.decode()


@pytest.mark.parametrize("hashed", ["sha256", "sha512"])
@pytest.mark.parametrize("kind", KINDS)
def test_we_accept_what_ssh_keygen_signs_and_refuse_it_for_another_purpose_or_message(folder, kind, hashed):
    blob = sign_by_keygen(folder, kind, MESSAGE, "hee-event", "-O", f"hashalg={hashed}")
    assert sshsig.parse(blob).hash_algorithm == hashed
    assert sshsig.verify(blob, MESSAGE, "hee-event") == text_of(folder, kind)
    with pytest.raises(IntegrityError, match="expected 'git'"):
        sshsig.verify(blob, MESSAGE, "git")
    with pytest.raises(IntegrityError, match="does not match"):
        sshsig.verify(blob, MESSAGE + b"\n", "hee-event")


def test_ssh_keygen_accepts_what_we_sign_and_refuses_it_for_another_purpose_or_message(tmp_path):
    signer = keys.EphemeralSigner()
    blob = signer.sign(MESSAGE, "hee-event")
    allowed = f'agent:hee namespaces="git,hee-event" {signer.public_key}\n'
    assert keygen_accepts(tmp_path, allowed, "agent:hee", blob, MESSAGE, "hee-event")
    assert not keygen_accepts(tmp_path, allowed, "agent:hee", blob, MESSAGE, "git")
    assert not keygen_accepts(tmp_path, allowed, "agent:hee", blob, MESSAGE + b" ", "hee-event")
    assert not keygen_accepts(tmp_path, allowed, "agent:other", blob, MESSAGE, "hee-event")


def test_a_signature_of_a_security_key_is_accepted_by_us_and_by_ssh_keygen_alike(tmp_path):
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    name = sshkey.SK_ED25519.encode()
    public = sshkey.pack(name, key.public_key().public_bytes_raw(), b"ssh:")
    tail = b"\1" + (9).to_bytes(4, "big")
    told = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(sshsig.preimage(MESSAGE, "hee-event")).digest()
    blob = sshsig.assemble(public, "hee-event", sshkey.pack(name, key.sign(told)) + tail)
    text = sshkey.read(public).text
    assert sshsig.verify(blob, MESSAGE, "hee-event") == text
    assert keygen_accepts(tmp_path, f"human:ada {text}\n", "human:ada", blob, MESSAGE, "hee-event")


def test_a_signature_of_an_ecdsa_security_key_is_accepted_by_us_and_by_ssh_keygen_alike(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = sshkey.SK_ECDSA.encode()
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    public = sshkey.pack(name, b"nistp256", point, b"ssh:")
    tail = b"\5" + (9).to_bytes(4, "big")  # present and verified
    told = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(sshsig.preimage(MESSAGE, "hee-event")).digest()
    numbers = utils.decode_dss_signature(key.sign(told, ec.ECDSA(hashes.SHA256())))
    inner = sshkey.pack(*(number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers))
    blob = sshsig.assemble(public, "hee-event", sshkey.pack(name, inner) + tail)
    text = sshkey.read(public).text
    assert sshsig.verify(blob, MESSAGE, "hee-event") == text
    assert keygen_accepts(tmp_path, f"human:ada {text}\n", "human:ada", blob, MESSAGE, "hee-event")


def test_fingerprints_are_those_that_ssh_keygen_prints(folder):
    for kind in KINDS:
        printed = run("ssh-keygen", "-l", "-f", folder / f"{kind}.pub").stdout.decode().split()[1]
        assert sshkey.fingerprint((folder / f"{kind}.pub").read_text()) == printed


def test_ssh_keygen_reads_the_key_that_we_make(tmp_path):
    signer = keys.create_agent_key(tmp_path / "agent_ed25519")
    printed = run("ssh-keygen", "-y", "-P", "", "-f", signer.path).stdout.decode()
    assert printed == f"{signer.public_key} agent:hee\n"


def test_a_key_with_a_passphrase_or_of_another_type_is_refused_with_the_way_out(folder, tmp_path):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked")
    with pytest.raises(KeyFault, match="passphrase") as caught:
        keys.FileSigner(tmp_path / "locked")
    assert "ssh-agent" in caught.value.hint
    with pytest.raises(KeyFault, match="only one Ed25519 key can sign, this is ssh-rsa"):
        keys.FileSigner(folder / "rsa")


def test_a_key_with_a_passphrase_signs_once_the_environment_has_it(tmp_path, monkeypatch):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", tmp_path / "locked")
    monkeypatch.setenv("HEE_SIGNING_KEY", str(tmp_path / "locked"))
    with pytest.raises(KeyFault, match="HEE_SIGNING_KEY_PASSPHRASE is not set"):
        keys.load_signer()
    monkeypatch.setenv("HEE_SIGNING_KEY_PASSPHRASE", "open barley")
    with pytest.raises(KeyFault, match="does not open the private key") as caught:
        keys.load_signer()
    assert "barley" not in f"{caught.value}{caught.value.hint}"
    monkeypatch.setenv("HEE_SIGNING_KEY_PASSPHRASE", "open sesame")
    signer = keys.load_signer()
    assert signer.public_key == sshkey.canonical((tmp_path / "locked.pub").read_text())
    assert keys.FileSigner(tmp_path / "locked").key_id == signer.key_id
    run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "open sesame", "-f", tmp_path / "other")
    with pytest.raises(KeyFault, match="only one Ed25519 key"):
        keys.FileSigner(tmp_path / "other")
    without = "import sys; sys.modules['bcrypt'] = None; from hee_core import keys; keys.load_signer()"
    env = {name: os.environ[name] for name in ("HEE_SIGNING_KEY", "HEE_SIGNING_KEY_PASSPHRASE")}
    assert (
        b"nothing here can open a key with a passphrase" in run(sys.executable, "-c", without, ok=False, **env).stderr
    )


# ------------------------------------------------------------------ git


def ring_of(signer: keys.EphemeralSigner) -> KeyRing:
    data = {"root_keys": [{"public_key": signer.public_key, "actor": signer.actor, "role": signer.role}]}
    draft = Event.new("log.created", data, clock=FixedClock())
    return KeyRing.of(draft.bound(source=GENESIS_SOURCE, actor=signer.actor, key_id=signer.key_id))


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_stock_git_verifies_a_commit_that_we_signed_and_refuses_a_changed_one(tmp_path, hash_name):
    repository = tmp_path / "repository"
    run("git", "init", "-q", f"--object-format={hash_name}", repository)
    git = ("git", "-C", repository)
    tree = run(*git, "mktree").stdout.strip()
    signer = keys.create_agent_key(tmp_path / "keys" / "agent_ed25519")
    (tmp_path / "allowed").write_text(ring_of(signer).allowed_signers(0))
    head = b"tree " + tree + b"\nauthor hee <hee@localhost> 1 +0000\ncommitter hee <hee@localhost> 1 +0000\n"
    body = b"\nlint red on main\n\nwith a body\n"
    header = sshsig.commit_signature_header(signer.sign(head + body, sshsig.COMMIT_NAMESPACE), hash_name)

    def verified(data: bytes) -> subprocess.CompletedProcess[bytes]:
        commit = run(*git, "hash-object", "-t", "commit", "-w", "--stdin", data=data).stdout.strip().decode()
        allowed = f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}"
        return run(*git, "-c", allowed, "verify-commit", commit, ok=False)

    good = verified(head + header + body)
    assert good.returncode == 0, good.stderr
    assert f'Good "git" signature for agent:hee with ED25519 key {signer.key_id}' in good.stderr.decode()
    assert verified(head + header + body + b"more\n").returncode != 0
    assert sshsig.split_commit(head + header + body, hash_name)[0] == head + body
    run(*git, "fsck", "--strict")


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_we_verify_a_commit_that_stock_git_signed(folder, tmp_path, hash_name):
    repository = tmp_path / "repository"
    run("git", "init", "-q", f"--object-format={hash_name}", repository)
    git = ("git", "-C", repository)
    settings = ("user.name=a", "user.email=a@b", "gpg.format=ssh", f"user.signingKey={folder / 'ecdsa-256'}")
    options = [word for setting in settings for word in ("-c", setting)]
    run(*git, *options, "commit", "-q", "--allow-empty", "-S", "-m", "signed by git\n\nbody")
    data = run(*git, "cat-file", "commit", "HEAD").stdout
    payload, blob = sshsig.split_commit(data, hash_name)
    assert sshsig.verify(blob, payload, sshsig.COMMIT_NAMESPACE) == text_of(folder, "ecdsa-256")


# ------------------------------------------------------------------ ssh-agent


@pytest.fixture(scope="module")
def agent(folder, tmp_path_factory):
    """A real ssh-agent with a key of each kind; yields its socket."""
    path = tmp_path_factory.mktemp("agent") / "s"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()  # it prints where it listens once it does
        run("ssh-add", "-q", *(folder / kind for kind in KINDS), SSH_AUTH_SOCK=str(path))
        yield path
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_signs_with_a_key_that_only_ssh_agent_holds(agent, folder, monkeypatch, tmp_path, kind):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    signer = sshagent.AgentSigner((folder / f"{kind}.pub").read_text(), "human:ada")
    blob = signer.sign(MESSAGE, "hee-event")
    assert sshsig.verify(blob, MESSAGE, "hee-event") == signer.public_key == text_of(folder, kind)
    assert (signer.actor, signer.role, signer.key_id) == ("human:ada", "human", sshkey.fingerprint(signer.public_key))
    assert keygen_accepts(tmp_path, f"human:ada {signer.public_key}\n", "human:ada", blob, MESSAGE, "hee-event")


def test_a_public_key_in_the_environment_is_signed_for_by_the_agent(agent, folder, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    monkeypatch.setenv("HEE_SIGNING_KEY", str(folder / "ed25519.pub"))
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    signer = keys.load_signer()
    assert signer.actor == "human:ada"
    assert sshsig.verify(signer.sign(MESSAGE, "hee-event"), MESSAGE, "hee-event") == text_of(folder, "ed25519")
    monkeypatch.setenv("HEE_SIGNING_KEY", (folder / "ed25519.pub").read_text())
    assert keys.load_signer().key_id == signer.key_id


def test_people_author_events_with_every_kind_of_key_and_an_agent_puts_them_in_order(agent, folder, monkeypatch):
    """Only Ed25519 signs checkpoints; whoever has another key is the author, and the agent the writer of the commit."""
    from hee_core import MemoryLog, chain, verify

    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    log = MemoryLog()
    for kind in KINDS:
        person = sshagent.AgentSigner(text_of(folder, kind), f"agent:{kind}")
        data = {"public_key": person.public_key, "actor": person.actor, "role": "agent"}
        log.append([Event.new("key.added", data)])
        head = log.refresh()
        event = chain.bind(head, Event.new("note.recorded", {"text": kind}), person)
        signature = person.sign(event.to_bytes(), sshsig.EVENT_NAMESPACE)
        made = chain.seal(
            head,
            chain.grow(head, [event], log),
            [event],
            [signature],
            log.signer,
            object_format=log.store.object_format,
        )
        log.store.publish(made.objects, made.head.commit, head.commit)
    report = verify(log)
    assert (report.ok, report.events) == (True, 1 + 2 * len(KINDS))


def test_the_agent_signs_the_same_bytes_as_the_file(agent, folder, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    by_file = keys.FileSigner(folder / "ed25519")
    by_agent = sshagent.AgentSigner(by_file.public_key, "human:ada")
    assert by_agent.sign(MESSAGE, "git") == by_file.sign(MESSAGE, "git")
    assert by_agent.sign_raw(b"log\n1\n") == by_file.sign_raw(b"log\n1\n")
    with pytest.raises(KeyFault, match="notes only"):
        by_agent.sign_raw(sshsig.preimage(MESSAGE, "git"))
    with pytest.raises(KeyFault, match="only ssh-ed25519 keys sign notes"):
        sshagent.AgentSigner(text_of(folder, "rsa"), "human:ada").sign_raw(b"log\n1\n")


def test_the_keys_of_the_agent_are_listed_with_their_comments(agent, folder, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    assert sorted(sshagent.identities()) == sorted((text_of(folder, kind), f"{kind} of a test") for kind in KINDS)


def test_a_key_that_the_agent_does_not_hold_is_a_fault_with_the_next_step(agent, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    signer = sshagent.AgentSigner(keys.EphemeralSigner().public_key, "human:ada")
    assert repr(signer) == f"<AgentSigner human:ada {signer.key_id}>"
    with pytest.raises(KeyFault, match="has no such key") as caught:
        signer.sign(MESSAGE, "git")
    assert "ssh-add" in caught.value.hint


def test_without_an_agent_or_with_a_dead_one_the_fault_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(KeyFault, match="SSH_AUTH_SOCK is not set"):
        sshagent.identities()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    with pytest.raises(KeyFault, match="does not answer"):
        sshagent.identities()
    with pytest.raises(KeyFault, match="not supported"):
        sshagent.AgentSigner("ssh-dss AAAAB3NzaC1kc3MAAAAA", "human:ada")


OTHER = keys.EphemeralSigner()


@pytest.mark.parametrize(
    ("answers", "ask", "reason"),
    [
        ([b""], "list", "hung up"),
        ([b"\0\0\0"], "list", "hung up"),
        ([b"\0\0\0\0"], "list", "is no answer"),
        ([b"\x7f\0\0\0"], "list", "is no answer"),
        ([b"\0\0\0\1\5"], "list", "does not list"),
        ([sshkey.pack(b"\x0c\0\0\0\2")], "list", "cut short"),
        ([sshkey.pack(b"\x0c\0\0\0\0more")], "list", "too many"),
        ([sshkey.pack(b"\x0e\0\0\0\2")], "sign", "cut short"),
        ([sshkey.pack(b"\x0e" + sshkey.pack(sshkey.pack(b"ssh-ed25519", bytes(64))))], "sign", "signed wrongly"),
        ([sshkey.pack(b"\x0e" + sshkey.pack(sshkey.pack(b"ssh-ed25519", bytes(64))))], "note", "signed wrongly"),
        ([sshkey.pack(b"\x0e" + sshkey.pack(b""))], "note", "signed wrongly"),
    ],
)
def test_an_agent_that_answers_nonsense_or_signs_wrongly_is_not_believed(tmp_path, monkeypatch, answers, ask, reason):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()

    def serve() -> None:
        talk, _ = listener.accept()
        with talk:
            talk.recv(4096)
            for answer in answers:
                talk.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    signer = sshagent.AgentSigner(OTHER.public_key, "human:ada")
    asked = {
        "list": sshagent.identities,
        "sign": lambda: signer.sign(MESSAGE, "git"),
        "note": lambda: signer.sign_raw(b"log\n1\n"),
    }[ask]
    try:
        with pytest.raises(KeyFault, match=reason):
            asked()
    finally:
        thread.join(10)
        listener.close()


def test_keys_of_the_agent_that_nobody_here_could_verify_are_left_out(tmp_path, monkeypatch):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    good = sshkey.blob_of(OTHER.public_key)
    listing = sshkey.pack(sshkey.pack(b"ssh-dss", b"x"), b"old", good, b"fine")
    answer = sshkey.pack(b"\x0c\0\0\0\2" + listing)

    def serve() -> None:
        talk, _ = listener.accept()
        with talk:
            talk.recv(4096)
            talk.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    try:
        assert sshagent.identities() == [(OTHER.public_key, "fine")]
    finally:
        thread.join(10)
        listener.close()
