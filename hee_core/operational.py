"""The state after an event, as a value: the operational part, which a rollback restores, and the ledger, which it keeps.

It knows how to be written, read and digested; folding is the projection's. Invariant: equal histories give equal
digests, on every machine and however the fold was split.
"""

from __future__ import annotations

import hashlib
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hee_core.errors import IntegrityError
from hee_core.ledger import Ledger
from hee_core.machine import INITIAL as INITIAL_STATUS
from hee_core.record import Record, ascii_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
CLOSED_KEPT = 50
SOURCES_KEPT = 64
JUDGED_KEPT = 32
_NONE: dict[str, Any] = {}


class Operational(NamedTuple):
    """How things stand; maps are by id, oldest first.

    `issues` are open, `closed` are the last resolved ones (earlier ones are a number and a chained digest).
    `compliance` is None when it could not be evaluated. `sources` has the last poll of each source.
    """

    status: str = INITIAL_STATUS
    issues: Mapping[str, Record] = _NONE
    closed: Mapping[str, Record] = _NONE
    closed_earlier: int = 0
    closed_digest: str = ""
    last_run_id: int = 0
    compliance: bool | None = None
    governance: Mapping[str, Any] = _NONE
    coverage: Mapping[str, Record] = _NONE
    gates: Mapping[str, Record] = _NONE
    sources: Mapping[str, Record] = _NONE
    cycle: Mapping[str, Any] = _NONE


class State:
    """Everything that follows from the first `size` events; `time` is the last of theirs that is a real date-time.

    A value: nothing in it is ever changed. It is kept flat, because the fold makes one for each event, and shows its
    two parts on request.
    """

    __slots__ = ("_digest", "_flat", "_ledger", "_operational")

    _digest: str
    _ledger: Ledger
    _operational: Operational
    _flat: dict[str, Any]

    def __init__(self, operational: Operational, ledger: Ledger, size: int = 0, time: str = "") -> None:
        """Joins the two parts."""
        self._flat = {**operational._asdict(), **ledger._asdict(), "size": size, "time": time}

    @classmethod
    def flat(cls, fields: dict[str, Any]) -> State:
        """The state that has these fields of both parts, and `size` and `time`; the caller gives the map away."""
        state = object.__new__(cls)
        state._flat = fields
        return state

    def fields(self) -> dict[str, Any]:
        """A copy of all fields, flat."""
        return self._flat.copy()

    @property
    def operational(self) -> Operational:
        """How things stand: what a rollback restores."""
        try:
            return self._operational
        except AttributeError:
            self._operational = Operational._make(map(self._flat.__getitem__, Operational._fields))
            return self._operational

    @property
    def ledger(self) -> Ledger:
        """What no rollback takes back."""
        try:
            return self._ledger
        except AttributeError:
            self._ledger = Ledger._make(map(self._flat.__getitem__, Ledger._fields))
            return self._ledger

    @property
    def size(self) -> int:
        """How many events."""
        return cast("int", self._flat["size"])

    @property
    def time(self) -> str:
        """RFC 3339, or empty before the first event."""
        return cast("str", self._flat["time"])

    @property
    def status(self) -> str:
        """The capsule's `current_status`."""
        return cast("str", self._flat["status"])

    @property
    def issues(self) -> Mapping[str, Record]:
        """Open issues by id."""
        return cast("Mapping[str, Record]", self._flat["issues"])

    @property
    def decisions(self) -> Mapping[str, Record]:
        """Active decisions by id."""
        return cast("Mapping[str, Record]", self._flat["decisions"])

    @property
    def frozen(self) -> bool:
        """Says whether a freeze stops writes."""
        return cast("bool", self._flat["frozen"])

    @property
    def digest(self) -> str:
        """What `digest` gives, worked out once: a state never changes."""
        try:
            return self._digest
        except AttributeError:
            flat = self._flat
            text = (
                f'{{"ledger":{_LEDGER.of(flat)},"operational":{_OPERATIONAL.of(flat)},'
                f'"size":{flat["size"]},"time":{ascii_text(flat["time"])},"version":{VERSION}}}'
            )
            self._digest = hashlib.sha256(text.encode("ascii")).hexdigest()
            return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._flat == other._flat

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<State after {self.size} events: {self.status}, {len(self.issues)} open issues>"


INITIAL = State(Operational(), Ledger())

# Maps whose order carries meaning (what is evicted next): written as lists of records, read back by this key.
_BY = {
    "issues": "issue_id",
    "closed": "issue_id",
    "coverage": "metric",
    "gates": "gate",
    "sources": "source",
    "decisions": "decision_id",
    "ended": "decision_id",
    "fixes": "fix_id",
    "attempts": "key",
    "approvals": "approval_id",
    "checkpoints": "backup_id",
    "rollbacks": "event",
    "seals": "seal_id",
    "stops": "key",
    "suggestions": "issue_id",
    "alerts": "alert",
    "channels": "channel",
    "proposals": "candidate",
    "refusals": "candidate",
    "learned": "pattern_id",
}
# Maps that the first programs of this projection did not have: left out while empty, so that their digests stay.
_LATER = frozenset({"seals", "stops", "suggestions", "alerts", "channels", "proposals", "refusals", "learned"})


def dump(state: State) -> dict[str, Any]:
    """The state as plain JSON, without floats; it shares records with the state."""
    return {
        "version": VERSION,
        "size": state.size,
        "time": state.time,
        "operational": _plain(state.operational),
        "ledger": _plain(state.ledger),
    }


def load(doc: Mapping[str, Any]) -> State:
    """Reads what `dump` wrote; raises IntegrityError for another projection's version or a missing part."""
    try:
        if doc["version"] != VERSION:
            raise IntegrityError(
                f"the stored state is of projection version {doc['version']}, this program folds version {VERSION}",
                hint="leave the stored state out: the log has everything",
            )
        parts = (_rich(doc["operational"], Operational._fields), _rich(doc["ledger"], Ledger._fields))
        return State(Operational(**parts[0]), Ledger(**parts[1]), doc["size"], doc["time"])
    except (KeyError, TypeError) as error:
        raise IntegrityError(
            f"the stored state is not whole: {error!r}", hint="leave the stored state out: the log has everything"
        ) from None


def digest(state: State) -> str:
    """SHA-256 over the state's dump as compact JSON with sorted keys, each record in it replaced by its own digest."""
    return state.digest


class _Texts:
    """The text of some fields for the digest: an event pays for those that it changed, the others are as they were."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._values = itemgetter(*self._names)
        self._held: tuple[tuple[object, ...], list[str]] = ((object(),) * len(self._names), [""] * len(self._names))

    def of(self, flat: Mapping[str, Any]) -> str:
        before, texts = self._held
        values: tuple[Any, ...] = self._values(flat)
        if not all(map(is_, values, before)):
            texts = texts.copy()
            for place, (name, value) in enumerate(zip(self._names, values, strict=True)):
                if value is not before[place]:
                    shown = [record.digest for record in value.values()] if name in _BY else value
                    texts[place] = f'"{name}":{ascii_text(shown)}' if value or name not in _LATER else ""
            self._held = (values, texts)
        return f"{{{','.join(filter(None, texts))}}}"


_LEDGER, _OPERATIONAL = _Texts(Ledger._fields), _Texts(Operational._fields)


def _plain(part: Operational | Ledger) -> dict[str, Any]:
    values: Iterable[tuple[str, Any]] = zip(part._fields, part, strict=True)
    return {
        name: list(value.values()) if name in _BY else value for name, value in values if value or name not in _LATER
    }


def _rich(doc: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    rich: dict[str, Any] = {}
    for name in names:
        value = doc.get(name, []) if name in _LATER else doc[name]
        if name in _BY:
            key = _BY[name]
            value = {record[key]: Record(record) for record in value}
        rich[name] = value
    return rich
