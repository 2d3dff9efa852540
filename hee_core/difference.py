"""What changed between two points of a log: a value, worked out from the two states and key rings. Pure.

Responsible for saying what is there now and was not, what is gone, and which fields of the rest are others; the events
in between, which say why, are read by whoever shows it. Invariant: from A to B is from B to A with the sides exchanged,
and from A to A is nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core.keychanges import Key
    from hee_core.keyring import KeyRing
    from hee_core.operational import State
    from hee_core.recipients import Recipient

Sides = dict[str, Any]
# Maps of records -> the fields that say what a record is about.
_MAPS: dict[str, tuple[str, ...]] = {
    "issues": ("title", "category", "job", "source", "severity"),
    "decisions": ("kind", "key", "statement", "decided_by"),
    "fixes": ("issue_id", "strategy", "outcome", "success", "rollback"),
    "approvals": ("subject", "statement", "actor"),
    "coverage": ("value",),
    "gates": ("value", "target", "met"),
}
_VALUES = ("status", "compliance", "last_run_id", "frozen", "frozen_reason", "config", "patterns")


def difference(before: State, after: State) -> dict[str, Any]:
    """What is different in the second state: single values, and for each kind of record what was added, removed, changed.

    Of an issue that is closed and a decision that has ended it says how.
    """
    one, two = before.fields(), after.fields()
    found: dict[str, Any] = {"values": _changed(one, two, _VALUES)}
    for name, about in _MAPS.items():
        found[name] = _records(one[name], two[name], lambda record, about=about: {key: record[key] for key in about})  # type: ignore[misc]
    for entry in found["issues"]["removed"]:
        closed = two["closed"].get(entry["id"], {})
        entry["resolved_by"] = closed.get("resolved_by", "")
    for entry in found["decisions"]["removed"]:
        ended = two["ended"].get(entry["id"], {})
        entry |= {"how": ended.get("how", ""), "reason": ended.get("end_reason", "")}
    return found


def key_difference(before: KeyRing, after: KeyRing, sizes: tuple[int, int]) -> dict[str, Any]:
    """What is different in whom the log trusts for the event after each point; `sizes` are the indexes of those events."""
    one, two = (
        {name: _key(key) for name, key in ring.keys.items() if key.valid(size)}
        for ring, size in zip((before, after), sizes, strict=True)
    )
    return _records(one, two, lambda key: {"actor": key["actor"], "root": key["root"]})


def recipient_difference(before: Mapping[str, Recipient], after: Mapping[str, Recipient]) -> dict[str, Any]:
    """What is different in who can read what is sealed after each point."""
    one, two = (
        {name: {"actor": held.actor} for name, held in known.items() if held.until is None} for known in (before, after)
    )
    return _records(one, two, dict)


def is_empty(found: Mapping[str, Any]) -> bool:
    """Says whether a difference is none."""
    return all(is_empty(part) if isinstance(part, dict) else not part for part in found.values())


def _key(key: Key) -> dict[str, Any]:
    return {"actor": key.actor, "root": key.root, "not_after": key.not_after}


def _records(
    one: Mapping[str, Mapping[str, Any]], two: Mapping[str, Mapping[str, Any]], about: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    both = [(name, record, two[name]) for name, record in one.items() if name in two and record != two[name]]
    return {
        "added": [{"id": name, **about(record)} for name, record in two.items() if name not in one],
        "removed": [{"id": name, **about(record)} for name, record in one.items() if name not in two],
        "changed": [{"id": name, "fields": _changed(then, now, then.keys() | now.keys())} for name, then, now in both],
    }


def _changed(one: Mapping[str, Any], two: Mapping[str, Any], names: Any) -> dict[str, Sides]:
    return {
        name: {"from": one.get(name), "to": two.get(name)} for name in sorted(names) if one.get(name) != two.get(name)
    }
