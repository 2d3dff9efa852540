"""The specification's five safety protocols and its rollback table, as values that a fix engine holds.

Responsible for saying what must hold and which protocol a failed check breaks; the checks themselves are made where
the facts are. Invariant: a protocol nobody checked counts as broken, and an unknown pattern needs a rollback plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_governance.config import Config

Key = Literal["state", "decision", "governance", "context", "rollback"]


@dataclass(frozen=True, slots=True)
class SafetyProtocol:
    """One of the five; `statement` is the specification's sentence."""

    key: Key
    number: int
    title: str
    statement: str


PROTOCOLS = (
    SafetyProtocol("state", 1, "HEE State Validation", "All fixes validated against HEE state capsule"),
    SafetyProtocol("decision", 2, "HEE Decision Compatibility", "Respect HEE decision history and constraints"),
    SafetyProtocol("governance", 3, "HEE Governance Compliance", "Maintain HEE governance rules during fixes"),
    SafetyProtocol("context", 4, "HEE Context Preservation", "Preserve HEE execution context across operations"),
    SafetyProtocol("rollback", 5, "HEE Rollback Guarantee", "Automatic rollback for any HEE compliance failure"),
)
# The specification's pattern table: patterns whose repair may start only with a rollback plan.
_ROLLBACK_REQUIRED = {
    "HEE-PAT-001": True,
    "HEE-PAT-002": True,
    "HEE-PAT-003": False,
    "HEE-PAT-004": True,
    "HEE-PAT-005": True,
}


@dataclass(frozen=True, slots=True)
class SafetyRules:
    """The protocols that every fix goes through, and what the configuration requires around it."""

    protocols: tuple[SafetyProtocol, ...] = PROTOCOLS
    pre_fix_validation: str = "required"
    post_fix_validation: str = "required"
    rollback_on_failure: str = "automatic"

    @classmethod
    def of(cls, config: Config) -> SafetyRules:
        """The rules of a configuration."""
        return cls(PROTOCOLS, **config.safety_protocols)

    def violations(self, outcomes: Mapping[str, bool | None]) -> tuple[SafetyProtocol, ...]:
        """The protocols that do not hold: False, None and absent alike."""
        return tuple(protocol for protocol in self.protocols if outcomes.get(protocol.key) is not True)


@dataclass(frozen=True, slots=True)
class RollbackRules:
    """Which patterns need a rollback plan before a repair starts; a checkpoint is taken for every one."""

    required_for: Mapping[str, bool] = field(default_factory=lambda: dict(_ROLLBACK_REQUIRED))
    automatic: bool = True

    @classmethod
    def of(cls, patterns: Mapping[str, bool]) -> RollbackRules:
        """The rules of a pattern database; the specification's five cannot be changed by it."""
        return cls({**patterns, **_ROLLBACK_REQUIRED})

    def required(self, pattern_id: str) -> bool:
        """Says whether a repair of this pattern may start only with a rollback plan."""
        return self.required_for.get(pattern_id, True)
