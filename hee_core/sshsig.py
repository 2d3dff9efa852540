"""SSH signatures in process (OpenSSH `PROTOCOL.sshsig`): the bytes that `ssh-keygen -Y sign` writes, and their check.

Responsible for signing and checking for one purpose (the namespace), the armor, and the commit header that git reads.
Keys are `sshkey`'s business, who may sign what is the keyring's, where private keys live is that of `keys`. Invariant:
`verify` accepts one encoding of a signature, in the namespace asked for, and nothing that it does not know. Every
refusal raises IntegrityError and says which rule was broken.

Domain separation: the bytes that a key signs here begin with `SSHSIG` and binary lengths, then the namespace. So a
signature over an event is none over a commit, and neither is one over a note (`keys` signs notes raw, and only text).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hee_core import sshkey
from hee_core.errors import IntegrityError
from hee_core.sshkey import ED25519, Reader, fingerprint, pack, unbase64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "COMMIT_NAMESPACE",
    "EVENT_NAMESPACE",
    "Signature",
    "armor",
    "assemble",
    "commit_signature_header",
    "dearmor",
    "fingerprint",
    "parse",
    "preimage",
    "sign",
    "split_commit",
    "verify",
]

EVENT_NAMESPACE = "hee-event"
COMMIT_NAMESPACE = "git"

_MAGIC = b"SSHSIG"
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "\n-----END SSH SIGNATURE-----"
_HEADERS = {"sha1": b"gpgsig", "sha256": b"gpgsig-sha256"}
_MAX_BLOB = 16384


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature taken apart: the key that claims to have made it, what it is for, and the rest as it came.

    `algorithm` and `rest` are the two parts of the inner signature; nothing of it is checked yet.
    """

    public_key: str
    namespace: str
    hash_algorithm: str
    algorithm: str
    rest: bytes


def sign(private_key: Ed25519PrivateKey, message: bytes, namespace: str) -> bytes:
    """Signs a message for one purpose; the blob is byte for byte what ssh-keygen would write."""
    frame = _frame(private_key.public_key().public_bytes_raw(), namespace)
    return frame.head + private_key.sign(frame.preimage + hashlib.sha512(message).digest())


def preimage(message: bytes, namespace: str) -> bytes:
    """The bytes that a key really signs, for a signer that lives elsewhere (ssh-agent)."""
    return _preimage_head(namespace, "sha512") + hashlib.sha512(message).digest()


def assemble(key_blob: bytes, namespace: str, signature: bytes) -> bytes:
    """Makes the blob of a signature over `preimage` that was made elsewhere, given in SSH wire form."""
    return _MAGIC + b"\0\0\0\1" + pack(key_blob, namespace.encode(), b"", b"sha512", signature)


def verify(blob: bytes, message: bytes, namespace: str) -> str:
    """Returns the public key (`ssh-ed25519 AAAA…`) that signed this message for this purpose."""
    if len(blob) == _ED25519_SIZE + len(namespace) and blob.startswith(_ED25519_HEAD):
        frame = _frame(blob[33:65], namespace)
        if blob.startswith(frame.head):  # the one encoding of an Ed25519 signature: nothing is left to parse
            try:
                frame.key.verify(blob[-64:], frame.preimage + hashlib.sha512(message).digest())
            except frame.invalid:
                raise _mismatch(frame.text) from None
            return frame.text
    signature = parse(blob)
    if signature.namespace != namespace:
        raise IntegrityError(f"SSH signature: for namespace {signature.namespace!r}, expected {namespace!r}")
    signed = _preimage_head(namespace, signature.hash_algorithm)
    signed += hashlib.new(signature.hash_algorithm, message).digest()
    sshkey.read(sshkey.blob_of(signature.public_key)).check(signature.algorithm, signature.rest, signed)
    return signature.public_key


def parse(blob: bytes) -> Signature:
    """Takes a blob apart without checking who made it; refuses every encoding but the one of the protocol."""
    if len(blob) > _MAX_BLOB or not blob.startswith(_MAGIC):
        raise IntegrityError("SSH signature: it does not begin like one, or is too long")
    reader = Reader(blob, "SSH signature", at=len(_MAGIC))
    if (version := reader.uint32()) != 1:
        raise IntegrityError(f"SSH signature: version {version}, only 1 is known")
    key, namespace, reserved, hashed = reader.string(), reader.text(), reader.string(), reader.text()
    inner = Reader(reader.string(), "SSH signature")
    reader.end()
    if reserved:
        raise IntegrityError("SSH signature: the reserved field is not empty")
    if hashed not in ("sha256", "sha512"):
        raise IntegrityError(f"SSH signature: hash {hashed!r} is not allowed, only sha256 and sha512")
    if not namespace:
        raise IntegrityError("SSH signature: the namespace is empty")
    return Signature(sshkey.read(key).text, namespace, hashed, inner.text(), inner.rest())


# ------------------------------------------------------------------ text and commits


def armor(blob: bytes) -> str:
    """The text form of a blob, in lines of 70 columns as ssh-keygen writes them."""
    text = b64encode(blob).decode()
    return _BEGIN + "\n".join(text[at : at + 70] for at in range(0, len(text), 70)) + _END + "\n"


def dearmor(text: str) -> bytes:
    """Reads exactly one armored block with nothing around it."""
    text = text.removesuffix("\n")
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise IntegrityError("SSH signature: not one armored block with nothing around it")
    lines = text[len(_BEGIN) : -len(_END)].split("\n")
    if not all(lines):
        raise IntegrityError("SSH signature: an empty line inside the armor")
    return unbase64("".join(lines), "SSH signature")


def commit_signature_header(blob: bytes, hash_name: str) -> bytes:
    """The header to put last among a commit's headers; `hash_name` is the repository's, `sha1` or `sha256`."""
    return _HEADERS[hash_name] + b" " + armor(blob)[:-1].replace("\n", "\n ").encode() + b"\n"


def split_commit(data: bytes, hash_name: str) -> tuple[bytes, bytes]:
    """Splits a commit object into what was signed and the signature's blob; refuses a commit without exactly one."""
    head, gap, body = data.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[bytes] = []
    target = kept
    for line in head.split(b"\n"):
        if not line.startswith(b" "):
            # git drops every header of this beginning before it checks: one under another name would go unsigned
            target = found if line.startswith(b"gpgsig") else kept
        target.append(line)
    start = _HEADERS[hash_name] + b" "
    if not found:
        raise IntegrityError("commit: it is not signed")
    if not found[0].startswith(start) or not all(line.startswith(b" ") for line in found[1:]):
        raise IntegrityError(f"commit: expected one signature, in a {_HEADERS[hash_name].decode()} header")
    text = b"\n".join([found[0][len(start) :], *(line[1:] for line in found[1:])])
    return b"\n".join(kept) + gap + body, dearmor(text.decode("ascii", "replace"))


# ------------------------------------------------------------------ the quick path


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything of an Ed25519 signature that does not depend on the message."""

    head: bytes
    preimage: bytes
    text: str
    key: Ed25519PublicKey
    invalid: type[Exception]


_ED25519_HEAD = _MAGIC + b"\0\0\0\1" + (51).to_bytes(4, "big") + pack(ED25519.encode())
_ED25519_SIZE = len(assemble(bytes(51), "", pack(ED25519.encode(), bytes(64))))  # and the namespace


@lru_cache(maxsize=1024)
def _frame(raw: bytes, namespace: str) -> _Frame:
    from cryptography.exceptions import InvalidSignature

    if not namespace or not namespace.isascii():
        raise IntegrityError(f"SSH signature: {namespace!r} is no namespace, it takes ASCII text")
    blob = pack(ED25519.encode(), raw)
    head = assemble(blob, namespace, pack(ED25519.encode(), bytes(64)))[:-64]
    return _Frame(
        head, _preimage_head(namespace, "sha512"), sshkey.read(blob).text, sshkey.ed25519(raw), InvalidSignature
    )


def _preimage_head(namespace: str, hash_algorithm: str) -> bytes:
    size = 64 if hash_algorithm == "sha512" else 32
    return _MAGIC + pack(namespace.encode(), b"", hash_algorithm.encode()) + size.to_bytes(4, "big")


def _mismatch(public_key: str) -> IntegrityError:
    return IntegrityError(f"SSH signature: by {fingerprint(public_key)}, but it does not match the message")
