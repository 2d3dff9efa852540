"""What changed between two points is the same whoever asks, in either direction, on any history."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hee_core import difference
from hee_core.events import Event
from hee_core.replay import Replay
from hee_core.testing import histories

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
_EXTRA = ("resolved_by", "how", "reason")


def exchanged(found: Any) -> Any:
    """A difference with its two sides exchanged."""
    if isinstance(found, dict) and found.keys() == {"from", "to"}:
        return {"from": found["to"], "to": found["from"]}
    if isinstance(found, dict) and found.keys() == {"added", "removed", "changed"}:
        return {"added": found["removed"], "removed": found["added"], "changed": exchanged(found["changed"])}
    if isinstance(found, dict):
        return {name: exchanged(part) for name, part in found.items()}
    return [exchanged(part) for part in found] if isinstance(found, list) else found


def bare(found: dict[str, Any]) -> dict[str, Any]:
    """A difference without how something ended, which only the later side knows."""
    for part in ("issues", "decisions"):
        for entry in (*found[part]["added"], *found[part]["removed"]):
            for name in _EXTRA:
                entry.pop(name, None)
    return found


def in_any_order(parts: dict[str, Any]) -> dict[str, Any]:
    """A part of a difference with its lists sorted: their order is that of the side that they come from."""
    return {name: sorted(map(repr, part)) if isinstance(part, list) else part for name, part in parts.items()}


@FEW
@given(histories(min_size=1), st.data())
def test_a_difference_says_exactly_what_is_other_and_nothing_of_what_is_not(
    history: list[Event], data: st.DataObject
) -> None:
    replay = Replay(lambda start, stop: history[start:stop])
    one, two = (data.draw(st.integers(-1, len(history) - 1)) for _ in "ab")
    before, after = replay.state_after(one), replay.state_after(two)
    found = difference.difference(before, after)
    assert difference.is_empty(difference.difference(before, before))
    if before.fields() | {"size": 0, "time": ""} == after.fields() | {"size": 0, "time": ""}:
        assert difference.is_empty(found)
    for name in difference._MAPS:
        then, now, parts = before.fields()[name], after.fields()[name], found[name]
        added, removed, changed = ({entry["id"] for entry in parts[part]} for part in ("added", "removed", "changed"))
        assert (added, removed) == (now.keys() - then.keys(), then.keys() - now.keys())
        assert changed == {key for key in then.keys() & now.keys() if then[key] != now[key]}
        for entry in parts["changed"]:
            assert {**then[entry["id"]], **{field: sides["to"] for field, sides in entry["fields"].items()}} == now[
                entry["id"]
            ]
    for value in difference._VALUES:
        sides = found["values"].get(value, {"from": after.fields()[value], "to": after.fields()[value]})
        assert (sides["from"], sides["to"]) == (before.fields()[value], after.fields()[value])
    back = exchanged(bare(difference.difference(after, before)))
    assert {name: in_any_order(part) for name, part in bare(found).items()} == {
        name: in_any_order(part) for name, part in back.items()
    }
