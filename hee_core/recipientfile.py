"""Where this user's key for sealed payloads lives: beside the signing key, outside of every repository.

Responsible for its file (PKCS 8 PEM, as `openssl genpkey -algorithm x25519` writes it) and for `HEE_RECIPIENT_KEY`.
Invariant: the file is never overwritten, never readable by others, and its content is in no error.
"""

from __future__ import annotations

import os
from pathlib import Path

from hee_core import privatefile
from hee_core.errors import KeyFault
from hee_core.keys import default_key_path
from hee_core.recipientkey import RecipientKey

KEY_FILE = "recipient_x25519"
VARIABLE = "HEE_RECIPIENT_KEY"


def default_path() -> Path:
    """Where this user's key lives: beside the signing key."""
    return default_key_path().with_name(KEY_FILE)


def load(path: Path | None = None) -> RecipientKey:
    """The key of a file; without one that of `HEE_RECIPIENT_KEY` (PEM text or a path), else this user's."""
    value = os.environ.get(VARIABLE, "").strip()
    if path is None and value.startswith("-----BEGIN"):
        return _read(value.encode(), VARIABLE)
    path = path or (Path(value).expanduser() if value else default_path())
    data = privatefile.read(path)
    if data is None:
        raise KeyFault(f"{path}: there is no key to read sealed payloads with", hint="`hee recipients key` makes one")
    return _read(data, str(path))


def load_or_create() -> RecipientKey:
    """The key of this user, made if there is none; of two that race, both get the same one."""
    if not os.environ.get(VARIABLE, "").strip():
        made = RecipientKey()
        privatefile.create(default_path(), made.pem(), unique=made.key_id[7:23].replace("/", "-"))
    return load()


def _read(data: bytes, where: str) -> RecipientKey:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise KeyFault(
            f"{where}: not an X25519 private key without a passphrase",
            hint="`openssl genpkey -algorithm x25519` writes one",
        )
    return RecipientKey(key)
