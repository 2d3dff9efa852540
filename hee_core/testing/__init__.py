"""The audit kit: what must be true of any log, as functions, and generators of events to try it on.

    from hypothesis import given
    from hee_core.testing import check, histories

    @given(histories())
    def test_my_log_keeps_its_promises(history):
        check(enumerate(history))

The properties need no hypothesis; the generators import it when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.testing.properties import (
    Violation,
    append_only,
    check,
    decision_continuity,
    legal_transitions,
    replay_equal,
)

if TYPE_CHECKING:
    from hee_core.testing.strategies import events, foreign_events, histories, payloads

__all__ = [
    "Violation",
    "append_only",
    "check",
    "decision_continuity",
    "events",
    "foreign_events",
    "histories",
    "legal_transitions",
    "payloads",
    "replay_equal",
]


def __getattr__(name: str) -> Any:
    """Gives the generators."""
    if name in __all__:
        from hee_core.testing import strategies

        return getattr(strategies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
