"""Private keys as OpenSSH writes them (`openssh-key-v1`, Ed25519), with and without a passphrase.

Responsible for the text of a key; where it is kept and who may read the file is the business of `keys`. Invariant: no
part of a key or a passphrase is ever in an error.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hee_core import sshkey
from hee_core.errors import IntegrityError, KeyFault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE = "HEE_SIGNING_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
END = "-----END OPENSSH PRIVATE KEY-----"
MAGIC = b"openssh-key-v1\0"


def write(key: Ed25519PrivateKey, *, comment: str = "") -> str:
    """A private key as ssh-keygen writes one without a passphrase."""
    from base64 import b64encode
    from hashlib import sha256

    raw = key.public_key().public_bytes_raw()
    blob = sshkey.pack(sshkey.ED25519.encode(), raw)
    check = sha256(raw).digest()[:4]  # says that decryption worked, and nothing is encrypted here
    inner = check * 2 + blob + sshkey.pack(key.private_bytes_raw() + raw, comment.encode())
    inner += bytes(range(1, 1 + -len(inner) % 8))
    data = MAGIC + sshkey.pack(b"none", b"none", b"") + b"\0\0\0\1" + sshkey.pack(blob, inner)
    text = b64encode(data).decode()
    return "\n".join([BEGIN, *(text[at : at + 70] for at in range(0, len(text), 70)), END, ""])


def read(text: str, where: str) -> Ed25519PrivateKey:
    """Reads a private key; raises KeyFault, in which the key is called `where`, for one that cannot sign."""
    # Read here and not by cryptography's loader: its import takes as long as everything else that a command needs.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    words = text.split("\n")
    lines = [line.strip() for line in words if line.strip()]
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise KeyFault(f"{where}: not a private key in OpenSSH format", hint="`ssh-keygen -t ed25519 -N ''` writes one")
    try:
        data = sshkey.unbase64("".join(lines[1:-1]), "private key")
        if _cipher(data) != b"none":
            return _unlocked("\n".join(lines) + "\n", where)
        seed, raw = _parts(data, where)
    except IntegrityError as error:
        raise KeyFault(f"{where}: the private key is damaged: {error}") from None
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if key.public_key().public_bytes_raw() != raw:
        raise KeyFault(f"{where}: the private key is damaged: its two halves do not belong together")
    return key


def _unlocked(text: str, where: str) -> Ed25519PrivateKey:
    """Reads a key that is protected by the passphrase in the environment."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    passphrase = os.environ.get(PASSPHRASE, "")
    if not passphrase:
        raise KeyFault(
            f"{where}: the private key is protected by a passphrase, and {PASSPHRASE} is not set",
            hint="people sign through ssh-agent (`ssh-add`, then HEE_SIGNING_KEY=FILE.pub); or set the variable",
        )
    try:
        key = load_ssh_private_key(text.encode(), passphrase.encode())
    except UnsupportedAlgorithm:
        raise KeyFault(
            f"{where}: nothing here can open a key with a passphrase",
            hint="pip install 'hee[passphrase]', or ssh-agent",
        ) from None
    except ValueError:
        raise KeyFault(f"{where}: {PASSPHRASE} does not open the private key, or it is damaged") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{where}: only one Ed25519 key can sign", hint="`ssh-keygen -t ed25519`")
    return key


def _cipher(data: bytes) -> bytes:
    outer = sshkey.Reader(data, "private key")
    if outer.take(len(MAGIC)) != MAGIC:
        raise IntegrityError("private key: the format is not openssh-key-v1")
    return outer.string()


def _parts(data: bytes, where: str) -> tuple[bytes, bytes]:
    outer = sshkey.Reader(data, "private key", at=len(MAGIC))
    for _ in ("cipher", "kdf", "its options"):
        outer.string()
    count = outer.uint32()
    type_ = sshkey.Reader(outer.string(), "private key").text()
    if count != 1 or type_ != sshkey.ED25519:
        raise KeyFault(f"{where}: only one Ed25519 key can sign, this is {type_}", hint="`ssh-keygen -t ed25519 -N ''`")
    inner = sshkey.Reader(outer.string(), "private key")
    outer.end()
    if inner.take(4) != inner.take(4) or inner.string() != sshkey.ED25519.encode():
        raise IntegrityError("private key: the check numbers differ")
    raw, both = inner.string(), inner.string()
    if len(both) != 64 or both[32:] != raw:
        raise IntegrityError("private key: an Ed25519 key has 64 bytes, the last 32 are its public half")
    return both[:32], raw
