"""What a person signed elsewhere and hands in: an approval, or that they see to an alert.

Responsible for making such a request and for judging one. Whether the signature holds and the key may say it is
`hee_core.submission`'s question, what an approval must hold `hee_monitoring.approving`'s, what follows the policy's.

A request is the event itself, signed by the person over its canonical bytes (namespace `hee-event`): so it is bound to this
log, to what it is about and these words, to the event that the person saw last (its cause) and to its own minute.
Invariant: nothing but a signature of a key that the log trusts appends one, each once, within 15 minutes, and only while
nothing came about its matter since.
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from hee_core import chain, submission
from hee_core.clock import seconds_between
from hee_core.errors import EventError, HeeError, KeyFault, NotFound
from hee_core.events import Event
from hee_core.history import resolve
from hee_core.sshsig import EVENT_NAMESPACE, armor, dearmor
from hee_core.store import Condition
from hee_core.vouching import signed_by
from hee_monitoring import approving
from hee_monitoring.alerting.standing import standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.clock import Clock
    from hee_core.log import Log
    from hee_core.projection import State
    from hee_core.store import Entry
    from hee_monitoring.workspace import Workspace

VALID_S = 900
AHEAD_S = 60  # how far a person's clock may be ahead of this one
_MOST = 64 * 1024


def signed(log: Log, draft: Event) -> dict[str, str]:
    """A draft with the signature of the log's signer, as a server takes it; nothing is appended."""
    event = chain.bind(log.refresh(), draft, log.signer)
    signature = armor(log.signer.sign(event.to_bytes(), EVENT_NAMESPACE))
    return {"event": event.to_bytes().decode(), "signature": signature}


def take(workspace: Workspace, line: bytes, armored: str) -> Entry:
    """Appends what a person signed elsewhere; raises HeeError, with the reason, for what may not be."""
    if len(line) > _MOST or len(armored) > _MOST:
        raise EventError("the request is too long")
    log = workspace.log
    event = submission.read(line)
    if event.type not in _KINDS:
        raise EventError(f"{event.type} cannot be handed in", hint=f"only {', '.join(_KINDS)} can")
    capability, matter = _KINDS[event.type]
    signature = dearmor(armored.replace("\r\n", "\n").strip() + "\n")
    if signed_by(event, b64encode(signature)) != event.key_id:
        raise KeyFault(f"another key than {event.key_id} made this signature", hint="sign with the key that it names")
    _in_time(event, workspace.clock)
    if len(event.causes) != 1:
        raise EventError("the request does not name the last event that its author saw", hint="make it anew")
    seen = resolve(log, event.causes[0])
    subjects = matter(log.state, event)
    ring = log.refresh().keyring
    if ring is None or (fault := ring.refusal(len(log), event)):
        raise KeyFault(f"the log does not take this signature: {fault}", hint="`hee keys list` shows who may sign")
    _allowed(workspace, event, capability)
    return submission.submit(log, event, signature, unless=Condition(after=seen, subjects=subjects))


def _approval(state: State, event: Event) -> tuple[str, ...]:
    """What an approval is about, as the subjects of events."""
    issue = event.data["subject"]
    if event.subject != f"issue/{issue}" or issue not in state.issues:
        raise NotFound(f"{issue} is not an open issue of this log", hint="`hee state` lists them")
    approving.check(event.data["statement"], event.data.get("expires", ""))
    return (event.subject,)


def _acknowledgement(state: State, event: Event) -> tuple[str, ...]:
    """What an acknowledgement is about: its alert, and the issue, the source or the state that it warns of."""
    alert = event.data["alert"]
    if event.subject != f"alert/{alert}" or alert not in standing(state):
        raise NotFound(f"{alert} is no alert that stands", hint="`hee alerts` lists them")
    return event.subject, f"issue/{alert}", alert


# Types that may be handed in: what their author must be allowed to do, and what they are about.
_KINDS: dict[str, tuple[str, Callable[[State, Event], tuple[str, ...]]]] = {
    "approval.granted": ("approve", _approval),
    "alert.acknowledged": ("acknowledge", _acknowledgement),
}


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
    about = event.subject.partition("/")[2]
    data: dict[str, Any] = {"capability": capability, "role": event.role, "subject": about, "reason": access.reason}
    with contextlib.suppress(HeeError):  # a server without a key refuses all the same
        workspace.log.append([Event.new("access.denied", data, subject=f"access/{capability}", clock=workspace.clock)])
    raise KeyFault(access.reason, hint="sign it with a key whose role may")
