"""Revert: undo what one event did, by further events. What did nothing that can be undone is refused, with the reason.

`rollback` takes the whole operational state back to a point and keeps the ledger; `revert` is about one event and about
what still follows from it. Responsible for which events undo which; whether they may be written is judged as ever.
Invariant: nothing is taken out of the record: a decision is ended, never forgotten, and an attempt stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from hee_core import history, recipientkey, sshkey
from hee_core.errors import EventError
from hee_core.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core.history import At
    from hee_core.log import Entry, Log
    from hee_core.operational import State
    from hee_core.projection import Folded
    from hee_core.record import Record

    Drafts = list[tuple[str, dict[str, Any]]]


def revert(log: Log, at: At, *, reason: str) -> Entry:
    """Appends what undoes an event and returns the last entry of it; raises EventError where that means nothing."""
    if not reason.strip():
        raise EventError("a revert needs a reason", hint='say why: reason="…"')
    head = log.head
    entry = log.entry(history.resolve(log, at))
    event = entry.event
    drafts = undoing(event, log.state, reason=f"reverts event {entry.index}: {reason}")
    return log.append(
        [Event.new(type_, data, subject=event.subject, causes=(event.id,), clock=log.clock) for type_, data in drafts],
        expected=head,
    )


def undoing(event: Folded, state: State, *, reason: str) -> Drafts:
    """The types and payloads that undo an event as things stand now. Pure."""
    rule = _RULES.get(event.type)
    if rule is None:
        _refuse(event, *next((why for prefix, why in _REFUSED.items() if event.type.startswith(prefix)), _NOTHING))
    return rule(event, state, reason[:2000])


def _refuse(event: Folded, why: str, hint: str) -> NoReturn:
    raise EventError(f"{event.type} cannot be reverted: {why}", hint=hint)


def _decision(event: Folded, state: State, reason: str) -> Drafts:
    """Ends a decision; one that replaced another lets the other hold again, in its place."""
    found = next((record for record in state.decisions.values() if record["event"] == event.id), None)
    if found is None:
        _refuse(event, "that decision has ended already", "`hee decisions list --all` says how")
    name = found["decision_id"]
    before = state.ledger.ended.get(found["supersedes"])
    if before is not None and before["successor"] == name:
        return [("decision.recorded", {**_again(before), "supersedes": name})]
    return [("decision.ended", {"decision_id": name, "how": "revoked", "reason": reason})]


def _ended(event: Folded, state: State, _: str) -> Drafts:
    """Records an ended decision anew, unless another holds in its place by now."""
    record = state.ledger.ended.get(event.data["decision_id"])
    if record is None:
        _refuse(event, "that decision ended too long ago to be known", "record it anew: hee decide")
    rival = next((each for each in state.decisions.values() if _about(each) == _about(record)), None)
    if rival is not None:
        _refuse(
            event,
            f"{rival['decision_id']} holds by now",
            "end that one first, or supersede it: hee decide --supersedes",
        )
    return [("decision.recorded", {**_again(record), "supersedes": ""})]


def _about(record: Record) -> tuple[str, str]:
    return record["key"], record["issue_id"]


def _again(record: Record) -> dict[str, Any]:
    """The payload that says a decision once more."""
    texts = ("kind", "key", "statement", "rule", "rationale", "issue_id", "value", "policy", "review_by")
    lists = ("deny_paths", "scope", "alternatives", "evidence")
    levels = {name: record[name] or None for name in ("action", "safety")}
    return {**{name: record[name] for name in (*texts, *lists)}, **levels}


def _resolved(event: Folded, state: State, reason: str) -> Drafts:
    """Opens an issue again, as it was detected; the next cycle looks for itself."""
    name = event.data["issue_id"]
    if name in state.issues:
        _refuse(event, f"{name} is open again already", "`hee state` lists the open issues")
    record = state.operational.closed.get(name)
    if record is None:
        _refuse(
            event, f"{name} is not among the issues that were closed last", "`hee monitor --once` finds what is red"
        )
    facts = ("issue_id", "fingerprint", "source", "workflow", "job", "step", "branch", "run_id", "attempt", "evidence")
    opened: Drafts = [
        ("ci.failure_detected", {**{key: record[key] for key in facts}, "commit": record["commit"] or None})
    ]
    if state.status == "operational":
        change = {"from": "operational", "to": "degraded", "trigger": "HEE Issues Detected", "reason": reason}
        opened.append(("state.changed", change))
    return opened


def _frozen(event: Folded, state: State, reason: str) -> Drafts:
    if not state.frozen:
        _refuse(event, "that freeze has ended already", "`hee state` says whether one lasts")
    return [("state.unfrozen", {"reason": reason})]


def _unfrozen(event: Folded, state: State, reason: str) -> Drafts:
    if state.frozen:
        _refuse(event, "a freeze lasts already", "`hee state` says why")
    return [("state.frozen", {"reason": reason})]


def _approved(event: Folded, state: State, reason: str) -> Drafts:
    if event.id not in state.ledger.approvals:
        _refuse(event, "that approval is not in force any more", "`hee log --type approval.` lists them")
    return [("approval.revoked", {"approval_id": event.id, "reason": reason})]


def _key_added(event: Folded, _: State, reason: str) -> Drafts:
    return [("key.revoked", {"key_id": sshkey.fingerprint(event.data["public_key"]), "reason": reason})]


def _recipient_added(event: Folded, _: State, reason: str) -> Drafts:
    return [("recipient.removed", {"key_id": recipientkey.key_id(event.data["public_key"]), "reason": reason})]


_RULES: Mapping[str, Callable[[Folded, State, str], Drafts]] = {
    "decision.recorded": _decision,
    "decision.ended": _ended,
    "ci.issue_resolved": _resolved,
    "state.frozen": _frozen,
    "state.unfrozen": _unfrozen,
    "approval.granted": _approved,
    "key.added": _key_added,
    "recipient.added": _recipient_added,
}
# Beginnings of types -> why there is nothing to undo, and what to do instead.
_REFUSED: Mapping[str, tuple[str, str]] = {
    "ci.failure_detected": ("an issue closes when its job is seen green, and by nothing else", "hee monitor --once"),
    "ci.": ("what was observed stays observed", "`hee monitor --once` looks again"),
    "fix.": ("an attempt stays in the record, and a repair is a commit", "git revert the repair's commit"),
    "state.rolled_back": (
        "it took back a whole state, not one thing",
        "roll back to the event before it: hee rollback --to",
    ),
    "state.changed": (
        "the status follows from what was observed",
        "`hee monitor --once` looks again, or: hee rollback --to",
    ),
    "key.": ("a key that was revoked never comes back", "hee keys add another one"),
    "recipient.removed": ("adding a reader names a key", "hee recipients add KEY --actor WHO"),
    "payload.redacted": ("its share is destroyed", "nobody can read it any more"),
    "note.recorded": ("a note does nothing", "record another one that says what is right"),
    "log.created": ("a log begins once", "`hee init` in another repository begins another"),
}
_NOTHING = ("nothing that lasts follows from it alone", "`hee rollback --to POINT` takes a whole state back")
