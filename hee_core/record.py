"""One record of the state - an issue, a decision, a fix - as plain JSON that remembers what was computed from it.

Records are shared between states and never changed, so a digest or a piece of the capsule is worked out once, and an
append pays for what it changed, not for what was there.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Record(dict[str, Any]):
    """A dictionary that nobody changes once it is in a state: make a new one instead."""

    __slots__ = ("_digest", "_shown")

    _digest: str
    _shown: str

    @property
    def digest(self) -> str:
        """SHA-256 of the record as JSON: sorted keys, no blanks, ASCII."""
        try:
            return self._digest
        except AttributeError:
            self._digest = hashlib.sha256(ascii_text(self).encode("ascii")).hexdigest()
            return self._digest

    def shown(self, view: Callable[[Record], dict[str, Any]]) -> str:
        """The canonical JSON of the record's view in the capsule; a record has one view in its life."""
        try:
            return self._shown
        except AttributeError:
            self._shown = compact(view(self))
            return self._shown


def compact(value: Any) -> str:
    """RFC 8785 text of a value of ours: ASCII keys, and no numbers but integers and percentages of two decimals."""
    return _COMPACT.encode(value)


def ascii_text(value: Any) -> str:
    """The JSON text that digests are made of: sorted keys, no blanks, ASCII."""
    return _ASCII.encode(value)


_COMPACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)
_ASCII = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
