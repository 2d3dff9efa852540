"""The audit kit: what must be true of any log, as functions, and generators of events and logs to try it on.

    from hee_core.testing import check

    def test_our_log_keeps_every_promise():
        check(".")

It is a pytest plugin too (`pytest --hee-log PATH`). Importing this package costs nothing: the promises need no
hypothesis, the generators import it, and each is loaded when it is first asked for. `docs/audit-kit.md` has the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hee_core.testing.generated import git_log, logs
    from hee_core.testing.promises import PROMISES, audit, check
    from hee_core.testing.properties import Violation, append_only, decision_continuity, legal_transitions, replay_equal
    from hee_core.testing.stored import capsule_follows, idempotent_append, tamper_evident, verified
    from hee_core.testing.strategies import events, foreign_events, histories, payloads

_WHERE = {
    "PROMISES": "promises",
    "Violation": "properties",
    "append_only": "properties",
    "audit": "promises",
    "capsule_follows": "stored",
    "check": "promises",
    "decision_continuity": "properties",
    "events": "strategies",
    "foreign_events": "strategies",
    "git_log": "generated",
    "histories": "strategies",
    "idempotent_append": "stored",
    "legal_transitions": "properties",
    "logs": "generated",
    "payloads": "strategies",
    "replay_equal": "properties",
    "tamper_evident": "stored",
    "verified": "stored",
}

__all__ = [
    "PROMISES",
    "Violation",
    "append_only",
    "audit",
    "capsule_follows",
    "check",
    "decision_continuity",
    "events",
    "foreign_events",
    "git_log",
    "histories",
    "idempotent_append",
    "legal_transitions",
    "logs",
    "payloads",
    "replay_equal",
    "tamper_evident",
    "verified",
]


def __getattr__(name: str) -> Any:
    """Loads a name when it is first used."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hee_core.testing.{_WHERE[name]}"), name)
