"""Who may do what: roles to capabilities, and the one question that every command that changes something asks.

A configuration can take capabilities from a role, never give them. Invariant: an unknown role or capability may not,
and whatever a configuration says, only a person approves and ends a freeze.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPABILITIES = (
    *("monitor", "fix", "decide", "approve", "freeze", "unfreeze", "rollback", "keys", "import", "gates", "maintain"),
    *("seal", "acknowledge", "sync", "publish", "rotate", "propose", "accept"),
)
_EVERYBODY = frozenset(
    {"monitor", "fix", "freeze", "import", "gates", "maintain", "seal", "sync", "publish", "rotate", "propose"}
)
ROLES: dict[str, frozenset[str]] = {
    "human": frozenset(CAPABILITIES),
    "agent": _EVERYBODY | {"decide", "rollback", "keys"},  # which keys an agent may change, the log's own rules say
    "ci": _EVERYBODY,
}


@dataclass(frozen=True, slots=True)
class Access:
    """The answer, with its reason."""

    allowed: bool
    role: str
    capability: str
    reason: str


def may(role: str, capability: str, limits: Mapping[str, tuple[str, ...]] | None = None) -> Access:
    """Whether a role may do something; `limits` are the only capabilities that a configuration leaves to a role."""
    if capability not in CAPABILITIES:
        return Access(False, role, capability, f"{capability!r} is no capability")
    if role not in ROLES:
        return Access(False, role, capability, f"{role!r} is no role: a role is {', '.join(ROLES)}")
    if capability not in ROLES[role]:
        able = [name for name, owned in ROLES.items() if capability in owned]
        who = "only a person may" if able == ["human"] else f"{' and '.join(able)} may"
        return Access(False, role, capability, f"the role {role} may not {capability}: {who}")
    if limits and role in limits and capability not in limits[role]:
        return Access(
            False, role, capability, f"the configuration leaves {', '.join(limits[role]) or 'nothing'} to {role}"
        )
    return Access(True, role, capability, f"the role {role} may {capability}")
