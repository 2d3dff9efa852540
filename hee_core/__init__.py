"""Facts: what happened, who said so, and what follows from it.

The event envelope and its catalogue, signatures, the log in a git branch, and everything that is a projection of it:
state, decisions, capsule. It knows nothing of CI, of rules, or of repairs.

    log = hee_core.open_log(".")
    entry = log.append([hee_core.Event.new("note.recorded", {"text": "hello"}, subject="release")], expected=log.head)
    capsule = hee_core.state_at(log)
    assert hee_core.verify(log).ok
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.2.0"

_WHERE = {
    "ANY": "log",
    "CapsuleError": "errors",
    "ConfigError": "errors",
    "Condition": "log",
    "Conflict": "errors",
    "Entry": "log",
    "Event": "events",
    "EventError": "errors",
    "Finding": "audit",
    "FixedClock": "clock",
    "Frozen": "errors",
    "GitError": "errors",
    "HEEStateManager": "steward",
    "HeeError": "errors",
    "IllegalTransition": "errors",
    "IntegrityError": "errors",
    "KeyFault": "errors",
    "Log": "log",
    "LogError": "errors",
    "LogNotFound": "errors",
    "MemoryLog": "memory",
    "NotFound": "errors",
    "Report": "audit",
    "SourceError": "errors",
    "StateCapsule": "capsule",
    "ToolMissing": "errors",
    "clean": "canonical",
    "open_log": "gitstore",
    "redact": "sealed",
    "revert": "reverting",
    "rollback": "history",
    "schema": "catalogue",
    "seal": "sealed",
    "state_at": "history",
    "sync": "reconcile",
    "unseal": "sealed",
    "validate_capsule": "validation",
    "verify": "audit",
}

__all__ = [
    "ANY",
    "EVENT_TYPES",
    "CapsuleError",
    "Condition",
    "ConfigError",
    "Conflict",
    "Entry",
    "Event",
    "EventError",
    "Finding",
    "FixedClock",
    "Frozen",
    "GitError",
    "HEEStateManager",
    "HeeError",
    "IllegalTransition",
    "IntegrityError",
    "KeyFault",
    "Log",
    "LogError",
    "LogNotFound",
    "MemoryLog",
    "NotFound",
    "Report",
    "SourceError",
    "StateCapsule",
    "ToolMissing",
    "__version__",
    "clean",
    "open_log",
    "redact",
    "revert",
    "rollback",
    "schema",
    "seal",
    "state_at",
    "sync",
    "unseal",
    "validate_capsule",
    "verify",
]

if TYPE_CHECKING:
    from hee_core.audit import Finding, Report, verify
    from hee_core.canonical import clean
    from hee_core.capsule import StateCapsule
    from hee_core.catalogue import schema
    from hee_core.clock import FixedClock
    from hee_core.errors import (
        CapsuleError,
        ConfigError,
        Conflict,
        EventError,
        Frozen,
        GitError,
        HeeError,
        IllegalTransition,
        IntegrityError,
        KeyFault,
        LogError,
        LogNotFound,
        NotFound,
        SourceError,
        ToolMissing,
    )
    from hee_core.events import Event
    from hee_core.gitstore import open_log
    from hee_core.history import rollback, state_at
    from hee_core.log import ANY, Condition, Entry, Log
    from hee_core.memory import MemoryLog
    from hee_core.reconcile import sync
    from hee_core.reverting import revert
    from hee_core.sealed import redact, seal, unseal
    from hee_core.steward import HEEStateManager
    from hee_core.validation import validate_capsule

    EVENT_TYPES: tuple[str, ...]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used: importing this package costs next to nothing."""
    if name == "EVENT_TYPES":
        from hee_core.catalogue import TYPES

        return tuple(TYPES)
    if name not in _WHERE:
        raise AttributeError(f"module 'hee_core' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hee_core.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
