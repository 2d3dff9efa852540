"""The envelope: one fact, who said it, when, because of what; a CloudEvents 1.0 object in canonical bytes.

An event is a draft until the log binds it (log id, actor, key); only then has it bytes and an identity, the SHA-256
of those bytes. The CloudEvents `id` is a nonce fixed by `Event.new`, so that a retry produces the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from hee_core import canonical, forms
from hee_core.clock import SYSTEM, Clock
from hee_core.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core import catalogue

SPECVERSION = "1.0"
GENESIS_SOURCE = "urn:hee:genesis"
ROLES = ("human", "agent", "ci")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_ID = re.compile(r"[0-9a-f]{64}")
_ACTOR = re.compile(rf"({'|'.join(ROLES)}):[A-Za-z0-9][A-Za-z0-9._@+-]{{0,99}}")
_READ = json.JSONDecoder().raw_decode
_REQUIRED = {"actor", "data", "datacontenttype", "dataversion", "id", "keyid", "source", "specversion", "time", "type"}
_OPTIONAL = {"causes", "subject"}


@lru_cache(maxsize=1024)
def _is_actor(name: str) -> bool:
    return _ACTOR.fullmatch(name) is not None


@dataclass(frozen=True)
class Event:
    """One fact. `causes` are ids of earlier events; `data` is the payload as JSON; `version` is its schema's.

    `source`, `actor` (`human:`, `agent:` or `ci:` and a name) and `key_id` are empty until the log binds the event.
    """

    type: str
    data: Mapping[str, Any]
    time: str
    nonce: str
    subject: str = ""
    causes: tuple[str, ...] = ()
    version: int = 1
    source: str = ""
    actor: str = ""
    key_id: str = ""
    _bytes: bytes = field(default=b"", repr=False, compare=False)
    _data: str = field(default="", repr=False, compare=False)

    @classmethod
    def new(
        cls,
        type: str,  # noqa: A002 - CloudEvents calls it so
        data: Mapping[str, Any] | catalogue.Payload,
        *,
        subject: str = "",
        causes: tuple[str, ...] = (),
        clock: Clock = SYSTEM,
    ) -> Event:
        """Makes a draft of a type of the catalogue; raises EventError if the payload does not fit its model."""
        version = forms.version(type)
        payload = forms.stored(type, version, data)
        if payload is None:
            from hee_core import catalogue

            payload, version = catalogue.payload(type, data), catalogue.version(type)
        if "\n" in subject or "\t" in subject or len(subject) > 200:
            raise EventError("subject: one line of at most 200 characters")
        for cause in causes:
            if not _ID.fullmatch(cause):
                raise EventError(f"causes: {cause!r} is not an event id (64 hexadecimal digits)")
        # Refuse now what has no canonical form, and not when it is appended.
        canonical.text(subject)
        return cls(
            type, payload, clock.now(), clock.nonce(), subject, tuple(causes), version,
            _data=canonical.encode(payload).decode(),
        )  # fmt: skip

    def bound(self, *, source: str, actor: str, key_id: str) -> Event:
        """Returns the event as the log will keep it; one that is bound already stays as it is."""
        if self.source:
            return self
        if not _is_actor(actor):
            raise EventError(f"actor {actor!r} is not human:, agent: or ci: and a name")
        data = self._data or canonical.encode(self.data).decode()
        fields = {**self.__dict__, "source": source, "actor": actor, "key_id": key_id, "_data": data}
        fields["data"], _ = _READ(data)  # the log's own copy: nobody can change what was signed
        event = object.__new__(type(self))
        event.__dict__.update(fields)
        return event

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical bytes, in hexadecimal; only a bound event has one."""
        return canonical.digest(self.to_bytes())

    @property
    def role(self) -> str:
        """`human`, `agent` or `ci`; empty in a draft."""
        return self.actor.partition(":")[0]

    @property
    def payload(self) -> catalogue.Payload:
        """The data as its model of the catalogue, upcast to the newest version."""
        from hee_core import catalogue  # pydantic with it, which takes longer to load than all the rest

        return catalogue.model(self.type, self.version, self.data)

    @property
    def fields(self) -> dict[str, Any]:
        """The payload as JSON, upcast and with its defaults filled in; raises EventError if it does not fit its model."""
        plain = forms.stored(self.type, self.version, self.data)
        return self.payload.model_dump(mode="json", by_alias=True) if plain is None else plain

    @property
    def fits(self) -> bool:
        """Says whether the payload is what the catalogue promises; one that no rule reads may hold anything."""
        try:
            return self.fields is not None
        except EventError:
            return False

    def to_bytes(self) -> bytes:
        """The canonical line without its end; raises EventError for a draft."""
        if self._bytes:
            return self._bytes
        if not self.source:
            raise EventError("a draft has no bytes: the log binds it when it is appended")
        data = _written(self, self._data or canonical.encode(self.data).decode(), canonical.text).encode()
        object.__setattr__(self, "_bytes", data)
        return data

    @classmethod
    def from_bytes(cls, line: bytes) -> Event:
        """Reads a line of the log; raises EventError unless it is canonical and the envelope is whole.

        The payload of a type or version that this program does not know is carried as it is.
        """
        wire, text = canonical.read(line)
        event = cls._ours(wire, line, text)
        if event is not None:
            return event
        canonical.hold(wire, text)
        if not isinstance(wire, dict) or not wire.keys() >= _REQUIRED or wire.keys() - _REQUIRED - _OPTIONAL:
            raise EventError("not an event: attributes are missing or unknown")
        event = cls._from_wire(wire, line)
        texts = (event.type, event.time, event.nonce, event.subject, event.source, event.actor, event.key_id)
        if {*map(type, texts)} != {str} or type(event.data) is not dict:
            raise EventError("not an event: an attribute has the wrong type")
        if wire["specversion"] != SPECVERSION or wire["datacontenttype"] != "application/json":
            raise EventError("not an event: specversion or datacontenttype is unknown")
        if not isinstance(event.version, int) or isinstance(event.version, bool) or event.version < 1:
            raise EventError("not an event: dataversion is not a positive integer")
        if not _TIME.fullmatch(event.time) or not _is_actor(event.actor):
            raise EventError("not an event: time or actor is malformed")
        if event.causes and not all(map(_ID.fullmatch, event.causes)):
            raise EventError("not an event: causes are not event ids")
        return event

    @classmethod
    def _ours(cls, wire: Any, line: bytes, text: str) -> Event | None:
        """A quick yes for a line that is what we would write: the same text again means that every attribute is as it
        has to be, and none is missing or unknown. A no is for `from_bytes` to explain, or to overrule.
        """
        try:
            event = cls._from_wire(wire, line)
            version, data = event.version, event.data
            if type(version) is not int or version < 1 or type(data) is not dict:
                return None
            same = _written(event, canonical.compact(data), encode_basestring) == text
        except (KeyError, TypeError):
            return None
        if not same or not _TIME.fullmatch(event.time) or not _is_actor(event.actor):
            return None
        return event if all(map(_ID.fullmatch, event.causes)) else None

    @classmethod
    def trusted(cls, line: bytes) -> Event:
        """Reads a line that was checked when it was appended; raises ValueError, KeyError or TypeError for no event."""
        text = line.decode()
        wire, end = _READ(text)
        if end != len(text):
            raise ValueError("something follows the event")
        return cls._from_wire(wire, line)

    @classmethod
    def _from_wire(cls, wire: Mapping[str, Any], line: bytes) -> Event:
        event = object.__new__(cls)
        event.__dict__.update(
            type=wire["type"],
            data=wire["data"],
            time=wire["time"],
            nonce=wire["id"],
            subject=wire.get("subject", ""),
            causes=tuple(str(wire["causes"]).split(" ")) if "causes" in wire else (),
            version=wire["dataversion"],
            source=wire["source"],
            actor=wire["actor"],
            key_id=wire["keyid"],
            _bytes=line,
            _data="",
        )
        return event


def _written(event: Event, payload: str, text: Callable[[str], str]) -> str:
    """The canonical text, with the keys in the order of RFC 8785; `text` writes one string."""
    causes = f'"causes":{text(" ".join(event.causes))},' if event.causes else ""
    subject = f'"subject":{text(event.subject)},' if event.subject else ""
    return (
        f'{{"actor":{text(event.actor)},{causes}"data":{payload},"datacontenttype":"application/json",'
        f'"dataversion":{event.version:d},"id":{text(event.nonce)},"keyid":{text(event.key_id)},'
        f'"source":{text(event.source)},"specversion":"{SPECVERSION}",{subject}'
        f'"time":{text(event.time)},"type":{text(event.type)}}}'
    )
