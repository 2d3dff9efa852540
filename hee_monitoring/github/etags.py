"""The version of the listing that was dealt with last, so that a poll which finds nothing new costs one request.

A version belongs to a token (GitHub's differ by token) and to the cursor of the log that it was dealt with under: after
a rollback, in another clone, or if recording failed, the listing is read again. Invariant: a version is kept only once
everything that the listing showed is in the log; a file that cannot be read is no version.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A listing as it was dealt with: `oldest` is the smallest run id on it."""

    url: str
    token: str
    cursor: str
    etag: str
    oldest: int


class Etags:
    """The file that keeps it; it holds no secret, and losing it costs one request."""

    def __init__(self, path: Path) -> None:
        """Touches nothing yet."""
        self._path = path

    def read(self, url: str, token: str, cursor: str) -> Seen | None:
        """What is known of a listing for this token under this cursor."""
        try:
            seen = Seen(**json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        same = (seen.url, seen.token, seen.cursor) == (url, token, cursor)
        return seen if same and isinstance(seen.etag, str) and isinstance(seen.oldest, int) else None

    def keep(self, seen: Seen) -> None:
        """Remembers a listing."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        beside.write_text(json.dumps(asdict(seen)), encoding="utf-8")
        beside.replace(self._path)
