"""A person's approval: what one must hold, and how one that was signed elsewhere is taken.

Responsible for the draft that a person signs and for judging a signed one that somebody handed in. Whether the signature
holds and the key may say it is `hee_core.submission`'s question, what follows from an approval the policy's.

A handed-in approval is the event itself, signed by the person over its canonical bytes (namespace `hee-event`): so it is
bound to this log, this issue and these words, to the event that the person saw last (its cause) and to its own minute.
Invariant: nothing but a signature of a key that the log trusts appends one, each once, within 15 minutes, and only while
nothing came about its issue since.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

from hee_core import submission
from hee_core.clock import seconds_between
from hee_core.errors import EventError, HeeError, KeyFault, NotFound
from hee_core.events import Event
from hee_core.history import resolve
from hee_core.sshsig import dearmor
from hee_core.store import Condition
from hee_core.vouching import signed_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.clock import Clock
    from hee_core.store import Entry
    from hee_monitoring.workspace import Workspace

CAPABILITIES = {
    "approval.granted": "approve"
}  # types that may be handed in, and what their author must be allowed to do
VALID_S = 900
AHEAD_S = 60  # how far a person's clock may be ahead of this one
_MOST = 64 * 1024


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


def take(workspace: Workspace, line: bytes, armor: str) -> Entry:
    """Appends an approval that a person signed elsewhere; raises HeeError, with the reason, for one that may not be."""
    from base64 import b64encode

    if len(line) > _MOST or len(armor) > _MOST:
        raise EventError("the request is too long")
    log = workspace.log
    event = submission.read(line)
    capability = CAPABILITIES.get(event.type)
    if capability is None:
        raise EventError(f"{event.type} cannot be handed in", hint=f"only {', '.join(CAPABILITIES)} can")
    signature = dearmor(armor.replace("\r\n", "\n").strip() + "\n")
    if signed_by(event, b64encode(signature)) != event.key_id:
        raise KeyFault(f"another key than {event.key_id} made this signature", hint="sign with the key that it names")
    _in_time(event, workspace.clock)
    if len(event.causes) != 1:
        raise EventError("the request does not name the last event that its author saw", hint="make it anew")
    seen = resolve(log, event.causes[0])
    about = event.data["subject"]
    if event.subject != f"issue/{about}" or about not in log.state.issues:
        raise NotFound(f"{about} is not an open issue of this log", hint="`hee state` lists them")
    check(event.data["statement"], event.data.get("expires", ""))
    ring = log.refresh().keyring
    if ring is None or (fault := ring.refusal(len(log), event)):
        raise KeyFault(f"the log does not take this signature: {fault}", hint="`hee keys list` shows who may sign")
    _allowed(workspace, event, capability)
    return submission.submit(log, event, signature, unless=Condition(after=seen, subjects=(event.subject,)))


def _in_time(event: Event, clock: Clock) -> None:
    try:
        age = seconds_between(event.time, clock.now())
    except ValueError:
        raise EventError(f"{event.time} is no time") from None
    if age > VALID_S:
        raise EventError(
            f"the request is {int(age) // 60} minutes old, at most {VALID_S // 60} count", hint="make it anew"
        )
    if age < -AHEAD_S:
        raise EventError("the request comes from the future: one of the two clocks is wrong", hint="`hee doctor`")


def _allowed(workspace: Workspace, event: Event, capability: str) -> None:
    """Raises KeyFault, and records the refusal, unless the author's role may; the signature was checked before."""
    from hee_governance.access import may

    access = may(event.role, capability, workspace.config.access)
    if access.allowed:
        return
    data = {"capability": capability, "role": event.role, "subject": event.data["subject"], "reason": access.reason}
    with contextlib.suppress(HeeError):  # a server without a key refuses all the same
        workspace.log.append([Event.new("access.denied", data, subject=f"access/{capability}", clock=workspace.clock)])
    raise KeyFault(access.reason, hint="sign it with a key whose role may")
