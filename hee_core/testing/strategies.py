"""Generators of payloads, events and whole histories, drawn from the event catalogue itself.

A new type in the catalogue is generated without a change here. Names come from small pools, so that events of one
history are about each other.
"""

from __future__ import annotations

import types
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from hee_core import canonical, catalogue, learned, machine, projection, recipientkey, recipients
from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_core.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from hee_core.chain import Past
    from hee_core.operational import State

SOURCE = f"urn:hee:{'1' * 64}"
ACTORS = ("agent:hee", "human:ada", "ci:github")
_BY_PEOPLE = frozenset(
    {
        *("state.unfrozen", "approval.granted", "approval.revoked", "token.approved", "state.checkpoint_sealed"),
        *("decision.ended", "alert.acknowledged", *recipients.STEERED),
        *("pattern.accepted", "pattern.refused", "pattern.retired"),
    }
)
_POOLS: dict[str, tuple[str, ...]] = {
    "issue_id": ("HEE-ISS-1", "HEE-ISS-2", "HEE-ISS-3"),
    "fingerprint": ("fp-1", "fp-2"),
    "alert": ("HEE-ISS-1", "HEE-ISS-2", "state"),
    "fix_id": ("fix-1", "fix-2"),
    "key": ("ci.format", "api.version"),
    "source": ("act", "logs"),
}
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=12)
_TEXT.validate()  # works out the categories of Unicode now: Hypothesis would take that second for slow drawing
_LINES = st.sampled_from(["`a` | <b>@me</b>", "[x](http://x.y)", "line\nline", "# \t* _ ~", "日本語 🙂", ""])


@cache
def payloads(type_: str) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of a type as JSON, complete, as the log would keep them."""
    return _record(catalogue.TYPES[type_]).map(lambda data: catalogue.payload(type_, data))


def payloads_of(form: Mapping[str, tuple[Any, ...]]) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of a form of the form table, of whatever version; what may be left out is left out now and then."""
    must = {name: _of_form(field[0], name) for name, field in form.items() if len(field) == 1}
    may = {name: _of_form(field[0], name) for name, field in form.items() if len(field) > 1}
    return st.fixed_dictionaries(must, optional=may)


def events(types: Iterable[str] | None = None) -> st.SearchStrategy[Event]:
    """Bound events of the catalogue, each well formed; nothing says that they follow each other."""
    names = st.sampled_from(sorted(types or catalogue.TYPES))
    return names.flatmap(lambda name: st.tuples(st.just(name), payloads(name), _ENVELOPE)).map(_event)


def foreign_events() -> st.SearchStrategy[Event]:
    """Whatever `Event.from_bytes` accepts: unknown types, versions of the future, payloads that fit nothing."""
    known = st.sampled_from(sorted(catalogue.TYPES))
    name = known | _TEXT.map(canonical.clean).filter(bool)
    data = st.dictionaries(st.sampled_from(_FIELDS) | _KEYS, _JSON, max_size=5)
    damaged = known.flatmap(lambda type_: st.tuples(st.just(type_), st.builds(_damage, payloads(type_), data)))
    return st.tuples(st.tuples(name, data) | damaged, st.integers(1, 3), _FOREIGN_ENVELOPE).map(_foreign)


@st.composite
def histories(
    draw: st.DrawFn, *, types: Iterable[str] | None = None, min_size: int = 0, max_size: int = 30
) -> list[Event]:
    """Events that an honest writer could append one after the other: `guard` has nothing against any of them."""
    names = sorted(types or catalogue.TYPES)
    past = _Past()
    for number in range(draw(st.integers(min_size, max_size))):
        state = past.state_after(number - 1)
        actor, draft = next_draft(draw, names, state, past)
        event = draft.bound(source=SOURCE, actor=actor, key_id="k")
        projection.guard(state, event, restore=past.state_after, event_id=past.event_id)
        past.known.append(event)
    return past.known


def next_draft(draw: st.DrawFn, names: Iterable[str], state: State, past: Past) -> tuple[str, Event]:
    """A draft that may come after this state, and the actor who may write it."""
    type_ = draw(st.sampled_from([name for name in names if _possible(name, state)] or ["state.unfrozen"]))
    data = {**draw(payloads(type_)), **_fitting(draw, type_, state, past)}
    person = (
        type_ in _BY_PEOPLE
        or (type_ == "state.rolled_back" and state.ledger.seals)
        or (type_ == "decision.recorded" and data["supersedes"])
    )
    actor = "human:ada" if person else draw(st.sampled_from(ACTORS))
    clock = FixedClock("2026-01-24T12:00:00.000000Z", seed=(1 << 64) + state.size)
    clock.sleep(state.size * 3600)
    return actor, Event.new(type_, data, clock=clock)


class _Past:
    """A history in the making, kept in a list."""

    def __init__(self) -> None:
        self.known: list[Event] = []
        self.state_after = Replay(lambda start, stop: self.known[start:stop]).state_after

    def event_id(self, index: int) -> str:
        return self.known[index].id


def _possible(type_: str, state: State) -> bool:
    if state.frozen and type_ not in projection.THAWED:
        return False
    if type_ in ("fix.applied", "fix.verified"):
        return bool(_open_fixes(state))
    needs = {
        "decision.ended": bool(state.decisions),
        "state.unfrozen": state.frozen,
        "state.rolled_back": state.size > 0,
        "state.checkpoint_sealed": state.size > 0,
        "approval.revoked": bool(state.ledger.approvals),
        "pattern.accepted": bool(state.ledger.proposals),
        "pattern.refused": bool(state.ledger.proposals),
        "pattern.retired": bool(_in_force(state)),
    }
    return needs.get(type_, True)


def _open_fixes(state: State) -> list[str]:
    return sorted(name for name, fix in state.ledger.fixes.items() if not fix["rollback"])


def _in_force(state: State) -> list[str]:
    return sorted(name for name, each in state.ledger.learned.items() if each["status"] == learned.IN_FORCE)


def _pattern(draw: st.DrawFn, type_: str, state: State) -> dict[str, Any]:
    """What an event about a learned pattern names."""
    known = state.ledger.learned
    if type_ == "pattern.proposed":
        old = [each["candidate"] for each in known.values() if each["status"] != learned.IN_FORCE]
        return {"candidate": draw(st.sampled_from([f"HEE-CAN-{state.size:012x}", *old]))}
    if type_ == "pattern.retired":
        return {"pattern_id": draw(st.sampled_from(_in_force(state)))}
    candidate = draw(st.sampled_from(sorted(state.ledger.proposals)))
    if type_ == "pattern.refused":
        return {"candidate": candidate}
    name = learned.holder(known, candidate)
    version = known[name]["version"] + 1 if name else 1
    return {
        "candidate": candidate,
        "pattern_id": name or f"HEE-PAT-{learned.FIRST + len(known)}",
        "version": version,
    }


def _fitting(draw: st.DrawFn, type_: str, state: State, past: Past) -> dict[str, Any]:
    """The fields that have to name something of the history so far."""
    if type_ == "decision.ended":
        return {"decision_id": draw(st.sampled_from(sorted(state.decisions)))}
    if type_ == "decision.recorded":
        return {"supersedes": draw(st.sampled_from(["", *sorted(state.decisions)]))}
    if type_ in ("fix.applied", "fix.verified"):
        return {"fix_id": draw(st.sampled_from(_open_fixes(state)))}
    if type_ == "state.checkpoint_sealed":
        index = draw(st.integers(0, state.size - 1))
        return {"index": index, "event": past.event_id(index)}
    if type_ == "approval.revoked":
        return {"approval_id": draw(st.sampled_from(sorted(state.ledger.approvals)))}
    if type_.startswith("pattern."):
        return _pattern(draw, type_, state)
    if type_ == "recipient.added":
        return {"public_key": recipientkey.text_of(draw(st.binary(min_size=32, max_size=32)))}
    if type_ == "fix.started":
        return {"fix_id": f"attempt-{state.size}"}
    if type_ in ("fix.validated", "fix.rolled_back", "governance.evaluated") and state.ledger.fixes:
        name = draw(st.sampled_from(sorted(state.ledger.fixes)))
        return {"scope": name} if type_ == "governance.evaluated" else {"fix_id": name}
    if type_ == "state.changed":
        step = draw(st.sampled_from([step for step in machine.TRANSITIONS if step.from_ == state.status]))
        return {"from": step.from_, "to": step.to, "trigger": step.label}
    if type_ == "state.rolled_back":
        index = draw(st.integers(0, state.size - 1))
        digest = projection.digest(past.state_after(index))
        return {"to_index": index, "to_event": past.event_id(index), "state": digest}
    return {}


def _of(annotation: Any, metadata: Iterable[Any], name: str) -> st.SearchStrategy[Any]:
    """A strategy for a field's type and its constraints."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [part for item in arguments[1:] for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
        return _of(arguments[0], [*inner, *metadata], name)
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if part is type(None) else _of(part, metadata, name) for part in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        least = _limit(metadata, "min_length", 0)
        return st.lists(_of(arguments[0], [], ""), min_size=least, max_size=least + 2)
    if origin is dict:
        return st.dictionaries(_KEYS, _of(arguments[1], [], ""), max_size=2)
    if annotation is str:
        return _string(metadata, name)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(_limit(metadata, "ge", -canonical.MAX_INT), _limit(metadata, "le", canonical.MAX_INT))
    return _record(annotation)


def _of_form(form: tuple[Any, ...], name: str) -> st.SearchStrategy[Any]:
    """A strategy for a word of the form table; `hee_core.forms` says what each means."""
    match form:
        case ("text", least, most, pattern):
            if pattern:
                return st.from_regex(pattern.replace("$", r"\Z"), fullmatch=True)
            return (_CLEAN | _LINES.map(canonical.clean)).filter(lambda text: least <= len(text) <= most)
        case ("number", least, most):
            return st.integers(least, most)
        case ("flag",):
            return st.booleans()
        case ("word", *words):
            return st.sampled_from(words)
        case ("maybe", inner):
            return st.none() | _of_form(inner, name)
        case ("list", inner, least):
            return st.lists(_of_form(inner, name), min_size=least, max_size=least + 2)
        case ("map", inner):
            return st.dictionaries(_KEYS, _of_form(inner, name), max_size=2)
    return payloads_of(form[1])


@cache
def _record(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    must: dict[str, st.SearchStrategy[Any]] = {}
    may: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        (must if field.is_required() else may)[field.alias or name] = _of(field.annotation, field.metadata, name)
    return st.fixed_dictionaries(must, optional=may)


def _string(metadata: Iterable[Any], name: str) -> st.SearchStrategy[str]:
    pattern = next((item.pattern for item in metadata if getattr(item, "pattern", None)), None)
    if pattern:
        return st.from_regex(pattern.replace(r"\z", r"\Z"), fullmatch=True)
    if name in _POOLS:
        return st.sampled_from(_POOLS[name])
    least = _limit(metadata, "min_length", 0)
    return (_CLEAN | _LINES.map(canonical.clean)).filter(lambda text: len(text) >= least)


def _limit(metadata: Iterable[Any], name: str, otherwise: int) -> int:
    found = [limit for item in metadata if (limit := getattr(item, name, None)) is not None]
    return int(found[0]) if found else otherwise


_CLEAN = _TEXT.map(canonical.clean)
_KEYS = st.text("abc_ -.~/", min_size=1, max_size=4)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _CLEAN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted(
    {field.alias or name for model in catalogue.TYPES.values() for name, field in model.model_fields.items()}
)
_TIMES = st.datetimes().map(lambda when: f"{when.isoformat(timespec='microseconds')}Z")
_NO_TIMES = st.sampled_from(["2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "9999-99-99T99:99:99.999999999Z"])
_PARTS = {
    "actor": st.sampled_from(ACTORS),
    "nonce": st.integers(0, 2**64).map(lambda number: f"{number:032x}"),
}
_ENVELOPE = st.fixed_dictionaries({**_PARTS, "time": _TIMES})
_FOREIGN_ENVELOPE = st.fixed_dictionaries({**_PARTS, "time": _TIMES | _NO_TIMES})


def _event(drawn: tuple[str, dict[str, Any], dict[str, Any]]) -> Event:
    type_, data, envelope = drawn
    return Event(type=type_, data=data, version=catalogue.version(type_), source=SOURCE, key_id="k", **envelope)


def _foreign(drawn: tuple[tuple[str, dict[str, Any]], int, dict[str, Any]]) -> Event:
    (type_, data), version, envelope = drawn
    event = Event(type=type_, data=data, version=version, source=SOURCE, key_id="k", **envelope)
    return Event.from_bytes(event.to_bytes())


def _damage(data: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A payload with some of its fields gone, and some replaced by anything."""
    kept = dict(list(data.items())[: len(data) - len(other) // 2])
    return {**kept, **other}
