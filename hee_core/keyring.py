"""Who may sign what, from which event on: a fold over the log, and nothing but the log.

Responsible for the keys of genesis, for counting who asked for a change, and for the file by which stock git and
ssh-keygen judge; what each event about keys may change is `keychanges`' business, checking the signatures themselves is
`sshsig`'s. Invariant: validity is decided by the index of an event in the log, never by a time that somebody claims; a
key belongs to one actor for ever; a key that ended never comes back; once a person's key is in the ring, only people
add and revoke people, and during a freeze nobody else ever does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hee_core import sshkey
from hee_core.errors import HeeError, IntegrityError, KeyFault
from hee_core.keychanges import ENDS, Key, change_of, make_key, payload_of, role_of
from hee_core.sshsig import COMMIT_NAMESPACE, EVENT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.events import Event
    from hee_core.keys import Signer

_FORMAT = 2
_ABOUT_KEYS = "key."  # whatever an event of such a type is called: one that is not known may not be passed over
_FREEZES = ("state.frozen", "state.unfrozen")


def makes_another_ring(type_: str) -> bool:
    """Says whether events of a type can change who may sign what."""
    return type_.startswith(_ABOUT_KEYS) or type_ in _FREEZES


@dataclass(frozen=True)
class KeyRing:
    """The keys of a log by fingerprint. A change takes `threshold` keys; `pending` holds who asked so far.

    They are root keys, or for the key of a person, once there is one, keys of people, root or not; new root keys and
    another threshold then take a person beside them. `frozen` says whether a freeze lasts that only a person can end.
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
        payload = payload_of(genesis, 0)
        keys: dict[str, Key] = {}
        for root in payload["root_keys"]:
            key = make_key(root["public_key"], root["actor"], root["role"], root=True, since=0)
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
            return f"key {name} is {held.ended} from event {held.until} on"
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
        elif held.ended == "rotated":
            hint = "its successor signs now: `hee keys rotate` finishes a rotation that was interrupted"
        elif held.until is not None and index >= held.until:
            hint = (
                f"a key that is {held.ended} never comes back: make another, and let somebody whose key counts add it"
            )
        else:
            hint = f"sign as its owner: HEE_ACTOR={held.actor}"
        return KeyFault(f"this log does not take what you sign: {reason}", hint=hint)

    def refusal(self, index: int, event: Event) -> str | None:
        """Says why this event may not stand at this index: its key, or what it wants to do to keys; None if it may."""
        reason = self.check(event.key_id, index, event.actor)
        if reason is not None or not event.type.startswith(_ABOUT_KEYS):
            return reason
        try:
            change_of(self, index, event)
        except HeeError as error:
            return str(error)
        return None

    def fold(self, index: int, event: Event) -> KeyRing:
        """The ring for the events after this one; raises IntegrityError for a change that may not be."""
        if event.type in _FREEZES:
            return self._freeze(index, event)
        if not event.type.startswith(_ABOUT_KEYS):
            return self
        reason = self.refusal(index, event)
        if reason is not None:
            raise IntegrityError(f"event {index}: {event.type}: {reason}")
        change = change_of(self, index, event)
        asked = {*self.pending.get(change.name, ()), event.key_id}
        pending = {name: who for name, who in self.pending.items() if name != change.name}
        if not change.enough(self.keys[name] for name in asked if self.keys[name].valid(index)):
            return replace(self, pending={**pending, change.name: tuple(sorted(asked))})
        return replace(change.ring, pending=pending)

    def warning(self, event: Event) -> str | None:
        """Says that an event claims a time after the one that its key was meant for; None if it does not."""
        held = self.keys.get(event.key_id)
        # Both are UTC, and either may name a day that does not exist: as text, to the second, they compare all the same.
        if held is None or not held.not_after or event.time[:19] <= held.not_after[:19]:
            return None
        return f"{event.type} claims {event.time}, its key was meant to be used until {held.not_after}"

    def _freeze(self, index: int, event: Event) -> KeyRing:
        """The ring after a freeze began or ended; an event that the projection does not count changes nothing."""
        try:
            payload_of(event, index)
        except IntegrityError:
            return self
        begins = event.type == "state.frozen"
        if begins == self.frozen or not (begins or event.actor.startswith("human:")):
            return self
        return replace(self, frozen=begins)

    def people(self, index: int) -> tuple[str, ...]:
        """The people whose keys may sign the event at an index."""
        return tuple(key.actor for key in self.keys.values() if key.role == "human" and key.valid(index))

    def public_keys(self, index: int) -> tuple[str, ...]:
        """The keys, as text, that may sign the event at an index."""
        return tuple(key.public_key for key in self.keys.values() if key.valid(index))

    def allowed_signers(self, index: int) -> str:
        """The allowed-signers file of ssh-keygen and git, with the keys valid at an index.

        The file cannot say "until event 17", and dates in commits are the signer's own claim: keys that ended are left
        out, and one that will end is in it.
        """
        lines = []
        for name, key in self.keys.items():
            if key.valid(index):
                lines.append(f'{key.actor} namespaces="{COMMIT_NAMESPACE},{EVENT_NAMESPACE}" {key.public_key}')
            elif key.until is not None:
                lines.append(f"# {key.actor} {name}: {key.ended} from event {key.until} on")
        return "".join(f"{line}\n" for line in lines)

    def dump(self) -> dict[str, Any]:
        """The ring as JSON."""
        keys = [
            {"public_key": k.public_key, "actor": k.actor, "root": k.root, "since": k.since, "until": k.until}
            | {"ended": k.ended, "not_after": k.not_after, "origin": k.origin}
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


def _loaded(item: Mapping[str, Any]) -> tuple[str, Key]:
    actor, ended = str(item["actor"]), item["ended"]
    key = make_key(item["public_key"], actor, role_of(actor), root=bool(item["root"]), since=int(item["since"]))
    until = None if item["until"] is None else int(item["until"])
    if ended not in ENDS or (until is None) != (ended == ""):
        raise ValueError
    more = replace(key, until=until, ended=ended, not_after=str(item["not_after"]), origin=str(item["origin"]))
    return sshkey.fingerprint(key.public_key), more
