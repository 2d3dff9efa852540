"""The shares of sealed payloads, outside of every repository: one small file each, and gone for good when destroyed.

A share is one half of the key of a payload; alone it opens nothing, and without it nobody opens anything. It is never
in git, because what git has once is in every clone for ever. Responsible for keeping, giving and destroying; which
shares have to go is in the log, and `hee_core.sealed` sees to it. Invariant: a share is kept as it is, or not at all.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hee_core import privatefile
from hee_core.errors import KeyFault
from hee_core.keys import default_key_path

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 32


class Vault:
    """The shares of one log on this machine."""

    def __init__(self, log_id: str, base: Path | None = None) -> None:
        """Under `base`, or beside the directory of the signing key."""
        self.path = (base or default_key_path().parent.parent / "sealed") / log_id[:32]

    def keep(self, nonce: str, share: bytes) -> bool:
        """Keeps the share of an event durably; False if there is one already."""
        file = self._file(nonce)
        return privatefile.create(file, share, unique=hashlib.sha256(share).hexdigest()[:16])

    def get(self, nonce: str, digest: str) -> bytes | None:
        """The share of an event; None if it is not here, KeyFault if what is here is another (`digest` is its SHA-256)."""
        share = privatefile.read(self._file(nonce))
        if share is not None and hashlib.sha256(share).hexdigest() != digest:
            raise KeyFault(
                f"{self._file(nonce)}: this is not the share that the log speaks of",
                hint="remove it, and import the right one: `hee vault import FILE`",
            )
        return share

    def holds(self, nonce: str) -> bool:
        """Says whether there is a share of an event here."""
        return self._file(nonce).exists()

    def destroy(self, nonce: str) -> bool:
        """Destroys the share of an event; False if there is none."""
        return privatefile.destroy(self._file(nonce))

    def _file(self, nonce: str) -> Path:
        return self.path / hashlib.sha256(nonce.encode()).hexdigest()[:32]
