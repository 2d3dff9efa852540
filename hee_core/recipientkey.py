"""Keys that read sealed payloads (X25519): their text, their id, wrapping and unwrapping. Pure.

Where a private key lives is `recipientfile`'s, for whom something is sealed is decided by `recipients`. Invariant: one
key has one text, and a private key is in no error and no `repr`.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from hee_core.errors import IntegrityError
from hee_core.sshkey import unbase64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.hpke import Suite

_TYPE = "x25519"
_HINT = "`hee recipients key` prints one: x25519 and base64"


def raw(public_key: str) -> bytes:
    """The 32 bytes of a public key's text; raises IntegrityError unless it is its one form and a key that can be used."""
    type_, _, text = public_key.partition(" ")
    data = unbase64(text, "recipient key")
    if type_ != _TYPE or len(data) != 32 or text_of(data) != public_key:
        raise IntegrityError("recipient key: expected 'x25519 ' and base64 of 32 bytes", hint=_HINT)
    return data


def text_of(data: bytes) -> str:
    """A public key of 32 bytes as text."""
    return f"{_TYPE} {b64encode(data).decode()}"


def key_id(public_key: str) -> str:
    """The name of a recipient's key: `X25519:` and the SHA-256 of its bytes."""
    return "X25519:" + b64encode(hashlib.sha256(raw(public_key)).digest()).decode().rstrip("=")


def wrap(secret: bytes, public_key: str, context: bytes) -> str:
    """A secret that only the holder of a key can unwrap (HPKE, RFC 9180), and only in this context; base64."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        wrapped = _suite().encrypt(secret, X25519PublicKey.from_public_bytes(raw(public_key)), context)
    except ValueError:
        raise IntegrityError(
            "recipient key: a point of small order, with which everybody could read", hint=_HINT
        ) from None
    return b64encode(wrapped).decode()


class RecipientKey:
    """A private key that reads what was sealed for it."""

    def __init__(self, private_key: X25519PrivateKey | None = None) -> None:
        """Takes a key, or makes one."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._key = private_key or X25519PrivateKey.generate()
        self.public_key = text_of(self._key.public_key().public_bytes_raw())
        self.key_id = key_id(self.public_key)

    def __repr__(self) -> str:
        return f"<RecipientKey {self.key_id}>"

    def pem(self) -> bytes:
        """The private key as PKCS 8 PEM, for its file only."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def unwrap(self, wrapped: str, context: bytes) -> bytes:
        """The secret; raises IntegrityError if it was wrapped for another key or context, or was changed."""
        from cryptography.exceptions import InvalidTag

        try:
            return _suite().decrypt(unbase64(wrapped, "wrapped key"), self._key, context)
        except (InvalidTag, ValueError):
            raise IntegrityError(
                f"the wrapped key does not open with {self.key_id}: it was changed, or moved"
            ) from None


def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
