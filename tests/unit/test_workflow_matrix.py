"""The jobs that a matrix stands for, as GitHub's documentation has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.matrix import MatrixError, expand, fill, label
from hee_monitoring.yamltree import emit, parse


def rows(text: str) -> list[str]:
    return [emit(row) for row in expand(parse(text.encode()))]


def test_the_product_is_in_the_order_written() -> None:
    assert [label(row) for row in expand(parse(b"os: [a, b]\nv: [1, 2]\n"))] == ["a, 1", "a, 2", "b, 1", "b, 2"]


def test_exclude_removes_every_combination_that_it_matches() -> None:
    assert rows("os: [a, b]\nv: [1, 2]\nexclude: [{os: a, v: 1}, {v: 2}]") == ['{"os": "b", "v": 1}']


def test_include_follows_the_example_of_the_documentation() -> None:
    text = """
fruit: [apple, pear]
animal: [cat, dog]
include:
  - color: green
  - color: pink
    animal: cat
  - fruit: apple
    shape: circle
  - fruit: banana
  - fruit: banana
    animal: cat
"""
    assert rows(text) == [
        '{"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"}',
        '{"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"}',
        '{"fruit": "pear", "animal": "cat", "color": "pink"}',
        '{"fruit": "pear", "animal": "dog", "color": "green"}',
        '{"fruit": "banana"}',
        '{"fruit": "banana", "animal": "cat"}',
    ]


def test_include_alone_is_a_matrix() -> None:
    assert rows("include: [{a: 1}, {a: 2}]") == ['{"a": 1}', '{"a": 2}']


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${{ fromJSON(needs.a.outputs.m) }}", "computed by an expression"),
        ("v: ${{ fromJSON(needs.a.outputs.m) }}", "computed by an expression"),
        ("v: [1]\ninclude: ${{ fromJSON(x) }}", "computed by an expression"),
        ("v: [1]\nexclude: [x]", "computed by an expression"),
        ("v: []", "no job"),
        ("v: [1]\nexclude: [{v: 1}]", "no job"),
        (f"a: {list(range(20))}\nb: {list(range(20))}", "more than 256"),
        (f"include: {[{'a': n} for n in range(300)]}", "more than 256"),
    ],
)
def test_a_matrix_that_cannot_be_expanded_says_why(text: str, said: str) -> None:
    with pytest.raises(MatrixError, match=said):
        expand(parse(text.encode()))


def test_values_take_the_place_of_their_expressions() -> None:
    (row,) = expand(parse(b"include: [{os: ubuntu-22.04, py: {v: '3.12'}}]"))
    assert fill("${{ matrix.os }}/${{matrix.py.v}}/${{ matrix['os'] }}", row) == "ubuntu-22.04/3.12/ubuntu-22.04"
    assert (
        fill("${{ matrix.none }} ${{ matrix.py }} ${{ runner.os }}", row)
        == "${{ matrix.none }} ${{ matrix.py }} ${{ runner.os }}"
    )


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.lists(st.integers(0, 3).map(str), min_size=1, max_size=3, unique=True), min_size=1
    )
)
def test_a_plain_matrix_has_as_many_jobs_as_its_product(axes: dict[str, list[str]]) -> None:
    found = expand(parse(emit(axes).encode()))
    count = 1
    for values in axes.values():
        count *= len(values)
    assert len(found) == count == len({label(row) for row in found})
