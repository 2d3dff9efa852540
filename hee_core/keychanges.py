"""One key of a log, and what each event about keys may do to the ring: pure rules, one function an event type.

Responsible for who may add, replace, end or raise a key, and for the ring that follows; `keyring` counts whether enough
keys asked for it, and folds. Invariant: a key belongs to one actor for ever and never comes back once it has ended; a
successor inherits its predecessor's actor, rights and end, so that no key escapes a limit by replacing itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hee_core import sshkey
from hee_core.errors import HeeError, IntegrityError, KeyFault
from hee_core.rfc3339 import is_date_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hee_core.events import Event
    from hee_core.keyring import KeyRing

_ACTOR = re.compile(r"(human|agent|ci):[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
ENDS: Final = ("", "revoked", "rotated", "expired")


def role_of(actor: str) -> str:
    """The role in an actor's name; raises KeyFault for what is no actor."""
    match = _ACTOR.fullmatch(actor)
    if match is None:
        raise KeyFault(f"actor {actor!a} is not human:, agent: or ci: and a name", hint="for example agent:hee")
    return match[1]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: it may sign as `actor` the events from index `since` on, and before index `until` if that is set.

    `ended` is how `until` came about. Events that claim a time after `not_after` are valid, and warned about: a time is
    its author's word. `origin` is the first of the keys that this one is a successor of, empty where there is none.
    """

    public_key: str
    actor: str
    role: str
    root: bool
    since: int
    until: int | None = None
    ended: str = ""
    not_after: str = ""
    origin: str = ""

    def valid(self, index: int) -> bool:
        """Says whether the key may sign the event at this index."""
        return self.since <= index and (self.until is None or index < self.until)


class Change(NamedTuple):
    """What an event asks for: its name, by which others ask for the same; the ring then; how many keys it takes.

    They are root keys, with `by_people` those of people, root or not. With `person`, one who asks is a person, and
    need hold no root key. Whoever asked while that was enough, and is none of them now, is not counted.
    """

    name: str
    ring: KeyRing
    needed: int
    by_people: bool = False
    person: bool = False

    def enough(self, asked: Iterable[Key]) -> bool:
        """Says whether those who asked, all still valid, are as many as it takes."""
        voices = list(asked)
        counted = sum(key.role == "human" if self.by_people else key.root for key in voices)
        return counted >= self.needed and (not self.person or any(key.role == "human" for key in voices))


def change_of(ring: KeyRing, index: int, event: Event) -> Change:
    """The change that an event asks for; raises IntegrityError if it cannot be made, or not by this key."""
    rule = _RULES.get(event.type)
    if rule is None:
        raise IntegrityError("this program does not know it, nor whose keys count after it")
    return rule(ring, index, event)


def _added(ring: KeyRing, index: int, event: Event) -> Change:
    payload = payload_of(event, index)
    key = make_key(payload["public_key"], payload["actor"], payload["role"], root=False, since=index + 1)
    name = _unused(ring, key)
    by_people = _vouch(ring, index, event, key)
    changed = replace(ring, keys={**ring.keys, name: key})
    return Change(f"add {key.actor} {key.public_key}", changed, ring.threshold, by_people)


def _rotated(ring: KeyRing, index: int, event: Event) -> Change:
    """Nobody else is asked: the successor is whoever the key is already, with the same rights and the same end."""
    payload = payload_of(event, index)
    old = _held(ring, index, event.key_id)
    checked = make_key(payload["public_key"], old.actor, old.role, root=old.root, since=index + 1)
    name = _unused(ring, checked)
    new = replace(old, public_key=checked.public_key, since=index + 1, origin=old.origin or event.key_id)
    ended = replace(old, until=index + 1, ended="rotated")
    return Change(f"rotate {event.key_id}", replace(ring, keys={**ring.keys, event.key_id: ended, name: new}), 0)


def _revoked(ring: KeyRing, index: int, event: Event) -> Change:
    name = payload_of(event, index)["key_id"]
    held = _held(ring, index, name)
    by_people = _vouch(ring, index, event, held)
    changed = _with(ring, name, replace(held, until=index + 1, ended="revoked"))
    return Change(f"revoke {held.origin or name}", changed, ring.threshold, by_people)


def _expiring(ring: KeyRing, index: int, event: Event) -> Change:
    payload = payload_of(event, index)
    name, until, not_after = payload["key_id"], payload["until"], payload["not_after"]
    held = _held(ring, index, name)
    by_people = _vouch(ring, index, event, held)
    if until is not None and until <= index:
        raise IntegrityError(f"event {until} is past: a key ends with a later event, or is revoked now")
    if not_after and not (is_date_time(not_after) and not_after.endswith("Z")):
        raise IntegrityError(f"{not_after!a} is not a time like 2027-01-01T00:00:00Z")
    ends = replace(held, until=until, ended="" if until is None else "expired", not_after=not_after)
    name_ = f"expire {held.origin or name} at {until} or {not_after or None}"
    return Change(name_, _with(ring, name, ends), ring.threshold, by_people)


def _root_granted(ring: KeyRing, index: int, event: Event) -> Change:
    name = payload_of(event, index)["key_id"]
    held = _held(ring, index, name)
    person = _root_or_person(ring, index, event)
    if held.root:
        raise IntegrityError(f"{name} is a root key already")
    changed = replace(ring, keys={**ring.keys, name: replace(held, root=True)})
    return Change(f"root {held.origin or name}", changed, ring.threshold, person=person)


def _threshold(ring: KeyRing, index: int, event: Event) -> Change:
    """Takes as many keys as before and as many as after: who cannot reach the new number cannot ask for it."""
    threshold = payload_of(event, index)["threshold"]
    person = _root_or_person(ring, index, event)
    if threshold == ring.threshold:
        raise IntegrityError(f"the threshold is {threshold} already")
    changed = replace(ring, threshold=threshold)
    _enough(changed)
    return Change(f"threshold {threshold}", changed, max(threshold, ring.threshold), person=person)


_RULES: Final[Mapping[str, Callable[[KeyRing, int, Event], Change]]] = {
    "key.added": _added,
    "key.rotated": _rotated,
    "key.revoked": _revoked,
    "key.expiry_set": _expiring,
    "key.root_granted": _root_granted,
    "key.threshold_changed": _threshold,
}


# ------------------------------------------------------------------ what the rules share


def _held(ring: KeyRing, index: int, name: str) -> Key:
    """The key of this name that will still be valid after the event."""
    held = ring.keys.get(name)
    if held is None or not held.valid(index + 1):
        raise IntegrityError(f"{name} is not a valid key of the key ring")
    return held


def _unused(ring: KeyRing, key: Key) -> str:
    name = sshkey.fingerprint(key.public_key)
    if name in ring.keys:
        raise IntegrityError(f"key {name} is or was in the key ring already")
    return name


def _with(ring: KeyRing, name: str, key: Key) -> KeyRing:
    changed = replace(ring, keys={**ring.keys, name: key})
    _enough(changed)
    return changed


def _enough(ring: KeyRing) -> None:
    """Refuses a ring that nobody could ever change again; a root key with an end is counted as gone."""
    if sum(key.root and key.until is None for key in ring.keys.values()) < ring.threshold:
        raise IntegrityError("too few root keys would be left to ever change the key ring again")


def _root(ring: KeyRing, event: Event) -> None:
    if not ring.keys[event.key_id].root:
        raise IntegrityError(f"it takes a root key, {event.key_id} is none")


def _root_or_person(ring: KeyRing, index: int, event: Event) -> bool:
    """Whether the log knows a person: then no key becomes a root key, nor the threshold another, without a person.

    Else an agent could make more root keys of its own, and raise the threshold over the people's heads. A person asks
    without a root key, and then counts as the person alone.
    """
    person = bool(ring.people(index))
    if not (person and ring.keys[event.key_id].role == "human"):
        _root(ring, event)
    return person


def _vouch(ring: KeyRing, index: int, event: Event, key: Key) -> bool:
    """Once a person holds a key, only people add and revoke people: else an agent could make its own approver.

    Says whether that is so. The first person is added by a root key, for somebody has to begin; but not during a
    freeze, or an agent could end it through a person that it just made.
    """
    if key.role == "human" and ring.people(index):
        if ring.keys[event.key_id].role != "human":
            raise IntegrityError(f"the key of a person takes a person's key, not {event.actor}'s")
        return True
    _root(ring, event)
    if key.role == "human" and ring.frozen:
        raise IntegrityError(f"{event.actor} cannot add the first person while the log is frozen")
    return False


def payload_of(event: Event, index: int) -> dict[str, Any]:
    """The payload of an event about keys; raises IntegrityError for one that this program cannot read."""
    try:
        return event.fields
    except HeeError as error:
        raise IntegrityError(f"event {index}: the key ring cannot read it: {error}") from None


def make_key(public_key: str, actor: str, role: str, *, root: bool, since: int) -> Key:
    """A key as the log must write it: canonical text, and a role that agrees with the actor's name."""
    try:
        named = role_of(actor)
    except KeyFault as error:
        raise IntegrityError(str(error)) from None
    if named != role:
        raise IntegrityError(f"key of {actor}: its role is {named}, not {role}")
    if sshkey.canonical(public_key) != public_key:
        raise IntegrityError(f"key of {actor}: expected the type and the key, one space between them, no comment")
    return Key(public_key, actor, role, root, since)
