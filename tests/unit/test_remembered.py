"""The last answer is given again for the very same objects, and for nothing else."""

from __future__ import annotations

from hee_core.remembered import last


def test_only_the_very_same_objects_get_the_last_answer():
    calls = []

    @last
    def joined(*parts: list[int]) -> list[int]:
        calls.append(parts)
        return [number for part in parts for number in part]

    one, other, equal = [1], [2], [1]
    assert joined(one, other) is joined(one, other)
    assert joined(one) == [1]
    assert joined(equal) == [1]
    assert joined(one, other) == [1, 2]
    assert joined() == joined() == []
    assert len(calls) == 5


def test_named_inputs_are_never_remembered():
    @last
    def scaled(number: int, by: int = 1) -> int:
        return number * by

    assert (scaled(3), scaled(3, by=2), scaled(3)) == (3, 6, 3)
