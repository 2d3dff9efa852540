"""A person's approval: what one must hold, and its draft, which a person signs here or elsewhere.

How one that was signed elsewhere is taken is left to `hee_monitoring.signedrequest`, what follows from it to the policy.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hee_core.errors import EventError
from hee_core.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.clock import Clock


def check(statement: str, expires: str) -> None:
    """Raises EventError unless an approval says why, and ends at a time that is one."""
    if not statement.strip():
        raise EventError("an approval says why", hint="--reason TEXT, or --authz 'AUTHZ: APPROVED_TO_ACT — scope=GLOB'")
    if expires:
        try:
            aware = datetime.fromisoformat(expires).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise EventError(
                f"--expires {expires!r} is no RFC 3339 time with an offset", hint="for example 2026-12-31T18:00:00Z"
            )


def draft(
    about: str,
    statement: str,
    *,
    subject: str,
    clock: Clock,
    scope: Sequence[str] = (),
    expires: str = "",
    seen: str = "",
) -> Event:
    """The event of an approval, not bound yet; `seen` is the id of the last event that its author saw."""
    check(statement, expires)
    data = {"subject": about, "statement": statement, "scope": list(scope), "expires": expires}
    return Event.new("approval.granted", data, subject=subject, causes=(seen,) if seen else (), clock=clock)
