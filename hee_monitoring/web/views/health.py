"""Health as JSON: for a probe, not for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_monitoring.status import WORDS

if TYPE_CHECKING:
    from hee_monitoring.web.book import Book, Look


def values(_: Book, look: Look) -> dict[str, Any]:
    """The document."""
    state = look.state
    looked = bool(state.operational.sources or state.issues)
    return {
        "status": state.status,
        "word": WORDS[state.status] if looked else "UNKNOWN",
        "open_issues": len(state.issues),
        "frozen": state.frozen,
        "events": state.size,
        "as_of": state.time,
        "head": look.head,
        "log": look.log_id,
    }
