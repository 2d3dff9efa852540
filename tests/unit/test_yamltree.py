"""YAML as written: text with places, within limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.yamltree import LARGEST, Node, YamlError, emit, parse


def test_words_that_other_readers_convert_stay_words() -> None:
    root = parse(b"on: push\nversion: 3.10\nyes: no\nempty:\nnothing: ~\nquoted: '~'\n")
    assert root.word("on") == "push"
    assert root.word("version") == "3.10"
    assert root.word("yes") == "no"
    assert root.get("empty") is None
    assert root.get("nothing") is None
    assert root.word("quoted") == "~"
    assert root.get("on", "deeper") is None


def test_every_place_is_known() -> None:
    root = parse(b"jobs:\n  a:\n    steps:\n      - run: x\n")
    steps = root.get("jobs", "a", "steps")
    assert steps is not None
    assert steps.items is not None
    assert (steps.items[0].line, steps.items[0].column) == (4, 9)
    assert root.get("jobs").keys["a"] == (2, 3)  # type: ignore[union-attr]


def test_a_list_and_a_single_word_read_alike() -> None:
    root = parse(b"one: a\nmany: [a, b]\nnone:\nmixed: [a, {b: c}]\n")
    assert root.get("one").words() == ("a",)  # type: ignore[union-attr]
    assert root.get("many").words() == ("a", "b")  # type: ignore[union-attr]
    assert root.get("mixed").words() == ("a",)  # type: ignore[union-attr]
    assert Node(1, 1, "", plain=True).words() == ()


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "'a' is already defined"),
        (b"a:\n\tb: 1\n", 2, "cannot start any token"),
        (b"a: [b\nc: d\n", 2, "expected ',' or ']'"),
        (b"a: *b\n", 1, "undefined alias"),
        (b"? [a]\n: b\n", 1, "a key has to be a word"),
        (b"a: b\n---\nc: d\n", 2, "expected a single document"),
        (b"a: b\n\n\xff\xfe\n", 3, "not UTF-8"),
        (b"a: \x00", 1, "unacceptable character"),
        (b"a\n" + b"[" * 50000, 2, "deeply nested"),
        (b"- " * 5000, 1, "recursion"),
        (b"a: &a [*a]\n", 1, "aliases are followed"),
        (b"x" * (LARGEST + 1), 1, "larger than"),
    ],
)  # fmt: skip
def test_what_is_not_a_document_is_refused_with_its_line(data: bytes, line: int, said: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse(data)
    assert caught.value.line == line
    assert said in str(caught.value)


def test_a_document_that_grows_through_its_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(YamlError, match="too large"):
        parse("\n".join(lines).encode())


def test_a_document_nested_too_deeply_is_refused() -> None:
    with pytest.raises(YamlError, match="deeply"):
        parse(b"[" * 80 + b"]" * 80)


def test_an_empty_document_is_an_empty_place() -> None:
    assert parse(b"").empty
    assert parse(b"# only a comment\n").empty
    assert not parse(b"''").empty


def test_an_anchor_may_be_used_again() -> None:
    assert emit(parse(b"a: &x 1\nb: *x\nc: &x 2\nd: *x\n")) == '{"a": 1, "b": 1, "c": 2, "d": 2}'


def test_texts_are_all_found_with_their_keys() -> None:
    root = parse(b"a: x\nb: [y, {c: z}]\n")
    assert sorted(root.texts()) == [("a", "x"), ("b", "y"), ("c", "z")]


def test_a_tree_is_written_so_that_types_survive() -> None:
    root = parse(b"n: 3.10\nt: true\ns: 'true'\nlist: [1, '1']\nnone:\ntext: |\n  a\n  b\n")
    assert emit(root) == '{"n": 3.10, "t": true, "s": "true", "list": [1, "1"], "none": null, "text": "a\\nb\\n"}'
    assert emit({"a": False, "b": True, "c": ("x",)}) == '{"a": false, "b": true, "c": ["x"]}'


_scalars = st.text(max_size=12)
_trees = st.recursive(
    _scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(_scalars, below, max_size=4), max_leaves=12
)


def _plain(node: Node) -> object:
    if node.table is not None:
        return {key: _plain(value) for key, value in node.table.items()}
    if node.items is not None:
        return [_plain(item) for item in node.items]
    return node.text


@given(_trees)
def test_what_was_written_reads_the_same(tree: object) -> None:
    assert _plain(parse(emit(tree).encode())) == tree


@given(st.binary(max_size=300) | st.text(alphabet="ab:-[]{}&*!|>'\"#?,%@` \n\t", max_size=80).map(str.encode))
def test_any_bytes_are_a_tree_or_a_fault_with_a_line(data: bytes) -> None:
    fault = None
    try:
        root = parse(data)
    except YamlError as error:
        fault = error
    if fault is not None:
        assert fault.line >= 1
        assert str(fault)
    else:
        assert _plain(parse(emit(root).encode())) is not None or root.empty
