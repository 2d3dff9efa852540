"""Who may sign what, from which event on: a fold over the log, and nothing but the log.

Responsible for the keys of genesis, for adding and revoking, and for the file by which stock git and ssh-keygen judge;
checking the signatures themselves is `sshsig`'s business. Invariant: validity is decided by the index of an event in
the log, never by a time that somebody claims; a key belongs to one actor for ever; a revoked key never comes back;
once a person's key is in the ring, only people add and revoke people, and during a freeze nobody else ever does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hee_core import sshkey
from hee_core.errors import HeeError, IntegrityError, KeyFault
from hee_core.sshsig import COMMIT_NAMESPACE, EVENT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.events import Event
    from hee_core.keys import Signer

_ACTOR = re.compile(r"(human|agent|ci):[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_FORMAT = 1


def role_of(actor: str) -> str:
    """The role in an actor's name; raises KeyFault for what is no actor."""
    match = _ACTOR.fullmatch(actor)
    if match is None:
        raise KeyFault(f"actor {actor!a} is not human:, agent: or ci: and a name", hint="for example agent:hee")
    return match[1]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: it may sign as `actor` the events from index `since` on, and before index `until` if that is set."""

    public_key: str
    actor: str
    role: str
    root: bool
    since: int
    until: int | None = None

    def valid(self, index: int) -> bool:
        """Says whether the key may sign the event at this index."""
        return self.since <= index and (self.until is None or index < self.until)


@dataclass(frozen=True)
class KeyRing:
    """The keys of a log by fingerprint. A change takes `threshold` keys; `pending` holds who asked so far.

    They are root keys, or for the key of a person, once there is one, keys of people, root or not. `frozen` says
    whether a freeze lasts that only a person can end.
    """

    keys: Mapping[str, Key]
    threshold: int = 1
    pending: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frozen: bool = False

    @classmethod
    def of(cls, genesis: Event) -> KeyRing:
        """The ring of a log's first event; raises IntegrityError unless a root key of it signs it as its actor."""
        if genesis.type != "log.created":
            raise IntegrityError(f"the first event is {genesis.type}, expected log.created")
        payload = _payload(genesis, 0)
        keys: dict[str, Key] = {}
        for root in payload["root_keys"]:
            key = _key(root["public_key"], root["actor"], root["role"], root=True, since=0)
            if keys.setdefault(sshkey.fingerprint(key.public_key), key) is not key:
                raise IntegrityError("log.created: a root key is listed twice")
        threshold = payload["threshold"]
        if threshold > len(keys):
            raise IntegrityError(f"log.created: threshold {threshold} with {len(keys)} root keys")
        ring = cls(keys, threshold)
        reason = ring.check(genesis.key_id, 0, genesis.actor)
        if reason is not None:
            raise IntegrityError(f"log.created: {reason}")
        return ring

    def check(self, key: str, index: int, actor: str) -> str | None:
        """Says why this key (fingerprint or text) may not sign event `index` as this actor; None if it may."""
        try:
            name = key if key.startswith("SHA256:") else sshkey.fingerprint(key)
        except IntegrityError as error:
            return str(error)
        held = self.keys.get(name)
        if held is None:
            return f"key {name} is not in the key ring"
        if held.until is not None and index >= held.until:
            return f"key {name} is revoked from event {held.until} on"
        if index < held.since:
            return f"key {name} is valid from event {held.since} on only"
        if actor != held.actor:
            return f"key {name} belongs to {held.actor}, not to {actor}"
        return None

    def fault(self, signer: Signer, index: int) -> KeyFault | None:
        """Says why this signer may not write event `index`, and the next step; None if it may."""
        reason = self.check(signer.key_id, index, signer.actor)
        if reason is None:
            return None
        held = self.keys.get(signer.key_id)
        if held is None:
            hint = f'somebody whose key counts runs: hee keys add "{signer.public_key}" --actor {signer.actor}'
        elif held.until is not None:
            hint = "a revoked key never comes back: make another one, and let somebody whose key counts add it"
        else:
            hint = f"sign as its owner: HEE_ACTOR={held.actor}"
        return KeyFault(f"this log does not take what you sign: {reason}", hint=hint)

    def refusal(self, index: int, event: Event) -> str | None:
        """Says why this event may not stand at this index: its key, or what it wants to do to keys; None if it may."""
        reason = self.check(event.key_id, index, event.actor)
        if reason is not None or event.type not in _CHANGES:
            return reason
        try:
            self._changed(index, event)
        except HeeError as error:
            return str(error)
        return None

    def fold(self, index: int, event: Event) -> KeyRing:
        """The ring for the events after this one; raises IntegrityError for a change that may not be."""
        if event.type in _FREEZES:
            return self._freeze(index, event)
        if event.type not in _CHANGES:
            return self
        reason = self.refusal(index, event)
        if reason is not None:
            raise IntegrityError(f"event {index}: {reason}")
        change, changed = self._changed(index, event)
        asked = {*self.pending.get(change, ()), event.key_id}
        pending = {name: who for name, who in self.pending.items() if name != change}
        if len([name for name in asked if self.keys[name].valid(index)]) < self.threshold:
            return replace(self, pending={**pending, change: tuple(sorted(asked))})
        return replace(changed, pending=pending)

    def _changed(self, index: int, event: Event) -> tuple[str, KeyRing]:
        """Names the change that an event asks for, and makes it; raises IntegrityError if it cannot be made."""
        payload = _payload(event, index)
        if event.type == "key.added":
            key = _key(payload["public_key"], payload["actor"], payload["role"], root=False, since=index + 1)
            name = sshkey.fingerprint(key.public_key)
            if name in self.keys:
                raise IntegrityError(f"key.added: key {name} is or was in the key ring already")
            self._vouch(index, event, key)
            return f"add {key.actor} {key.public_key}", replace(self, keys={**self.keys, name: key})
        name = payload["key_id"]
        held = self.keys.get(name)
        if held is None or held.until is not None:
            raise IntegrityError(f"key.revoked: {name} is not a valid key of the key ring")
        self._vouch(index, event, held)
        keys = {**self.keys, name: replace(held, until=index + 1)}
        if sum(key.root and key.until is None for key in keys.values()) < self.threshold:
            raise IntegrityError("key.revoked: too few root keys would be left to ever change the key ring again")
        return f"revoke {name}", replace(self, keys=keys)

    def _vouch(self, index: int, event: Event, key: Key) -> None:
        """Once a person holds a key, only people add and revoke people: else an agent could make its own approver.

        The first person is added by a root key, for somebody has to begin; but not during a freeze, or an agent could
        end it through a person that it just made.
        """
        signer = self.keys[event.key_id]
        if key.role == "human" and self.people(index):
            if signer.role != "human":
                raise IntegrityError(f"{event.type}: the key of a person takes a person's key, not {event.actor}'s")
        elif not signer.root:
            raise IntegrityError(f"{event.type} takes a root key, {event.key_id} is none")
        elif key.role == "human" and self.frozen:
            raise IntegrityError(f"{event.type}: {event.actor} cannot add the first person while the log is frozen")

    def _freeze(self, index: int, event: Event) -> KeyRing:
        """The ring after a freeze began or ended; an event that the projection does not count changes nothing."""
        try:
            _payload(event, index)
        except IntegrityError:
            return self
        begins = event.type == "state.frozen"
        if begins == self.frozen or not (begins or event.actor.startswith("human:")):
            return self
        return replace(self, frozen=begins)

    def people(self, index: int) -> tuple[str, ...]:
        """The people whose keys may sign the event at an index."""
        return tuple(key.actor for key in self.keys.values() if key.role == "human" and key.valid(index))

    def public_keys(self, index: int | None = None) -> tuple[str, ...]:
        """The keys, as text, that may sign the event at an index; without one, those that are not revoked."""
        return tuple(
            key.public_key for key in self.keys.values() if (key.until is None if index is None else key.valid(index))
        )

    def allowed_signers(self, index: int | None = None) -> str:
        """The allowed-signers file of ssh-keygen and git, with the keys valid at an index (without one: now).

        The file cannot say "until event 17", and dates in commits are the signer's own claim: revoked keys are left out.
        """
        lines = []
        for name, key in self.keys.items():
            if key.valid(index) if index is not None else key.until is None:
                lines.append(f'{key.actor} namespaces="{COMMIT_NAMESPACE},{EVENT_NAMESPACE}" {key.public_key}')
            elif key.until is not None:
                lines.append(f"# {key.actor} {name}: revoked from event {key.until} on")
        return "".join(f"{line}\n" for line in lines)

    def dump(self) -> dict[str, Any]:
        """The ring as JSON."""
        keys = [
            {"public_key": k.public_key, "actor": k.actor, "root": k.root, "since": k.since, "until": k.until}
            for k in self.keys.values()
        ]
        pending = {change: list(who) for change, who in self.pending.items()}
        return {"format": _FORMAT, "threshold": self.threshold, "keys": keys, "pending": pending, "frozen": self.frozen}

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> KeyRing:
        """Reads what `dump` wrote; raises IntegrityError for anything else."""
        try:
            if value["format"] != _FORMAT:
                raise ValueError
            keys = dict(map(_loaded, value["keys"]))
            pending = {str(change): tuple(map(str, who)) for change, who in value["pending"].items()}
            ring = cls(keys, int(value["threshold"]), pending, bool(value["frozen"]))
        except (AttributeError, KeyError, TypeError, ValueError, HeeError):
            ring = None
        if ring is None or ring.dump() != value:
            raise IntegrityError("key ring: not what this program dumps")
        return ring


_CHANGES = ("key.added", "key.revoked")
_FREEZES = ("state.frozen", "state.unfrozen")
FOLDED = frozenset(_CHANGES + _FREEZES)  # the types of all events that make another ring


def _payload(event: Event, index: int) -> dict[str, Any]:
    try:
        return event.fields
    except HeeError as error:
        raise IntegrityError(f"event {index}: the key ring cannot read it: {error}") from None


def _key(public_key: str, actor: str, role: str, *, root: bool, since: int) -> Key:
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


def _loaded(item: Mapping[str, Any]) -> tuple[str, Key]:
    key = _key(
        item["public_key"], item["actor"], role_of(item["actor"]), root=bool(item["root"]), since=int(item["since"])
    )
    until = None if item["until"] is None else int(item["until"])
    return sshkey.fingerprint(key.public_key), replace(key, until=until)
