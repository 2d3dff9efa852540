"""Signing with ssh-agent: how people sign, with keys that no program of ours can read.

Responsible for the part of the agent protocol (draft-ietf-sshm-ssh-agent) that lists and signs, over the socket in
`SSH_AUTH_SOCK`. What is signed is `sshsig`'s business. Invariant: a signature from the agent is checked before anybody
else sees it, and every failure is a KeyFault with the next step.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hee_core import sshkey, sshsig
from hee_core.checkpoint import note_text
from hee_core.errors import IntegrityError, KeyFault
from hee_core.keychanges import role_of

if TYPE_CHECKING:
    import socket

_LIST, _LISTED = 11, 12
_SIGN, _SIGNED = 13, 14
_RSA_SHA2_512 = 4
_MAX_ANSWER = 262144
_WAIT_S = 120.0  # a person may have to confirm, or to touch the key


class AgentSigner:
    """Signs as a person (or whoever the key ring says) with a key that ssh-agent holds."""

    def __init__(self, public_key: str, actor: str) -> None:
        """Takes the public key as text and the actor; raises KeyFault for a key that nobody could verify."""
        try:
            self.public_key = sshkey.canonical(public_key)
        except IntegrityError as error:
            raise KeyFault(str(error), hint=error.hint) from None
        self.role = role_of(actor)
        self.actor = actor
        self.key_id = sshkey.fingerprint(self.public_key)

    def __repr__(self) -> str:
        return f"<AgentSigner {self.actor} {self.key_id}>"

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The blob of an SSH signature over the message; waits for the person."""
        made = self._ask(sshsig.preimage(message, namespace))
        blob = sshsig.assemble(sshkey.blob_of(self.public_key), namespace, made)
        try:
            sshsig.verify(blob, message, namespace)
        except IntegrityError as error:
            raise KeyFault(f"ssh-agent signed wrongly: {error}") from None
        return blob

    def sign_raw(self, message: bytes) -> bytes:
        """64 bytes of plain Ed25519 over the text of a note; raises KeyFault for keys of other types."""
        note_text(message)
        if not self.public_key.startswith(f"{sshkey.ED25519} "):
            raise KeyFault(f"{self.key_id}: only {sshkey.ED25519} keys sign notes")
        made = self._ask(message)
        reader = sshkey.Reader(made, "ssh-agent's signature")
        try:
            sshkey.read(sshkey.blob_of(self.public_key)).check(reader.text(), reader.rest(), message)
        except IntegrityError as error:
            raise KeyFault(f"ssh-agent signed wrongly: {error}") from None
        return made[-64:]

    def _ask(self, data: bytes) -> bytes:
        blob = sshkey.blob_of(self.public_key)
        flags = _RSA_SHA2_512 if self.public_key.startswith("ssh-rsa ") else 0
        answer = _request(bytes([_SIGN]) + sshkey.pack(blob, data) + flags.to_bytes(4, "big"))
        if not answer.startswith(bytes([_SIGNED])):
            raise KeyFault(
                f"ssh-agent does not sign with {self.key_id}: it has no such key, or somebody declined",
                hint="`ssh-add -l` lists its keys, `ssh-add FILE` adds one",
            )
        try:
            reader = sshkey.Reader(answer, "ssh-agent's answer", at=1)
            signature = reader.string()
            reader.end()
        except IntegrityError as error:
            raise KeyFault(str(error)) from None
        return signature


def identities() -> list[tuple[str, str]]:
    """The keys that ssh-agent holds, as (public key text, comment), those left out that could not be verified."""
    answer = _request(bytes([_LIST]))
    if not answer.startswith(bytes([_LISTED])):
        raise KeyFault("ssh-agent does not list its keys", hint="is it locked? `ssh-add -X` unlocks it")
    reader = sshkey.Reader(answer, "ssh-agent's answer", at=1)
    found: list[tuple[str, str]] = []
    try:
        for _ in range(reader.uint32()):
            blob, comment = reader.string(), reader.string().decode("utf-8", "replace")
            try:
                found.append((sshkey.read(blob).text, comment))
            except IntegrityError:
                continue  # a certificate, or a type that we do not know
        reader.end()
    except IntegrityError as error:
        raise KeyFault(str(error)) from None
    return found


def _request(message: bytes) -> bytes:
    import socket

    path = os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise KeyFault(
            "SSH_AUTH_SOCK is not set: no ssh-agent is running here", hint='start one: eval "$(ssh-agent)" && ssh-add'
        )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
            talk.settimeout(_WAIT_S)
            talk.connect(path)
            talk.sendall(sshkey.pack(message))
            size = int.from_bytes(_receive(talk, 4), "big")
            if not 1 <= size <= _MAX_ANSWER:
                raise KeyFault(f"ssh-agent answered with {size} bytes, which is no answer")
            return _receive(talk, size)
    except OSError as error:
        raise KeyFault(f"ssh-agent at {path} does not answer: {error}", hint="is SSH_AUTH_SOCK up to date?") from None


def _receive(talk: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = talk.recv(count - len(data))
        if not part:
            raise KeyFault("ssh-agent hung up before it had answered")
        data += part
    return data
