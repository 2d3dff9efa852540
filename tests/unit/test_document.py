"""YAML and JSON with lines, and bounds that hold while reading."""

from __future__ import annotations

import pytest

from hee_governance import document
from hee_governance.document import Node, Unreadable, documents, read, reading_once

TEXT = b"""\
# head
a: 1
list:
  - x
  -   - deep
'quoted': "two\\nlines"
block: |
  first
  second
empty:
map: {b: [1.5, true, ~, 0x1F, 2026-01-24, yes]}
same: &anchor {k: v}
other: *anchor
"""


def tree() -> Node:
    found = read(TEXT)
    assert isinstance(found, Node)
    return found


def test_values_are_those_of_the_core_schema():
    assert tree().plain == {
        "a": 1,
        "list": ["x", ["deep"]],
        "quoted": "two\nlines",
        "block": "first\nsecond\n",
        "empty": None,
        "map": {"b": [1.5, True, None, "0x1F", "2026-01-24", "yes"]},
        "same": {"k": "v"},
        "other": {"k": "v"},
    }


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("/a", 2),
        ("/list", 3),
        ("/list/0", 4),
        ("/list/1/0", 5),
        ("/quoted", 6),
        ("/block", 7),
        ("/empty", 10),
        ("/map/b/1", 11),
        ("/other", 13),
        ("/other/k", 12),
    ],
)
def test_every_value_knows_its_line(pointer, line):
    assert tree().at(pointer).line == line


@pytest.mark.parametrize(("pointer", "line"), [("", 2), ("/nothing", 2), ("/list/9", 3), ("/list/x", 3), ("/a/b", 2)])
def test_a_pointer_to_nothing_ends_at_the_deepest_place(pointer, line):
    assert tree().at(pointer).line == line


def test_a_pointers_escapes_are_understood():
    assert read(b"a/b: {c~d: 1}").at("/a~1b/c~0d").value == 1  # type: ignore[union-attr]


def test_a_block_knows_where_it_begins_and_its_style():
    node = tree().get("block")
    assert node is not None
    assert (node.start, node.style) == (7, "|")
    assert tree().get("quoted").style == '"'  # type: ignore[union-attr]


def test_text_of_a_value_is_as_yaml_writes_it():
    values = {key: node.text for key, node in tree().items()}
    assert values["a"] == "1"
    assert values["list"] == values["map"] == values["empty"] == ""
    assert read(b"a: true").get("a").text == "true"  # type: ignore[union-attr]


def test_only_a_mapping_has_entries():
    assert tree().get("a").get("b") is None  # type: ignore[union-attr]
    assert list(tree().get("list").items()) == []  # type: ignore[union-attr]


def test_a_stream_of_documents_is_read_in_order():
    found = documents(b"---\na: 1\n---\n- 2\n")
    assert [node.plain for node in found] == [{"a": 1}, [2]]  # type: ignore[union-attr]
    assert documents(b"# nothing\n") == ()


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"a:\n  b\n c: 1\n", 3, "not allowed here"),
        (b"a: 1\nb: 2\na: 3\n", 3, "twice"),
        (b"a: [1, 2\n", 2, "expected"),
        (b"ok\n\xff", 2, "UTF-8"),
        (b"{[1]: 2}", 1, "a key that is no text"),
        (b"a: *x\n", 1, "alias *x"),
        (b"a: &a\n  - *a\n", 2, "alias *a"),
        (b"a: !!int 3\n", 1, "tag"),
        (b"a: !evil x\n", 1, "tag"),
        (b"a: \x07\n", 0, "not YAML"),
        (b"x" * 1_000_001, 0, "larger"),
        (b"---\n1\n---\n2\n", 4, "2 documents"),
        (b"", 1, "0 documents"),
    ],
)
def test_what_cannot_be_read_says_why_and_where(data, line, says):
    found = read(data)
    assert isinstance(found, Unreadable)
    assert (found.line, says in found.message) == (line, True), found


def test_a_text_tag_is_no_danger():
    assert read(b"a: !!str 3").plain == {"a": "3"}  # type: ignore[union-attr]


HOSTILE = [
    b"[" * 2_000,
    b"- " * 2_000,
    b"a: [" + b"1," * 21_000 + b"1]",
    b"k: &a [x]\n"
    + b"".join(b"k%d: &k%d [%s]\n" % (n, n, b",".join([b"*k%d" % (n - 1) if n else b"*a"] * 9)) for n in range(20)),
]


@pytest.mark.parametrize("data", HOSTILE, ids=["brackets", "lists", "many", "laughs"])
def test_hostile_text_is_refused_by_a_bound_before_it_is_built(data):
    found = read(data)
    assert isinstance(found, Unreadable)
    assert "nested too deeply or has too many entries" in found.message


def test_within_reading_once_equal_text_is_parsed_once_and_outside_of_it_nothing_is_kept(monkeypatch):
    with reading_once():
        first = documents(b"a: [1]")
        assert documents(b"a: [1]") is first
        assert documents(b"a: [2]") != first
        assert documents(b"a: [") is documents(b"a: [")
    again = documents(b"a: [1]")
    assert (again, again is first) == (first, False)
    monkeypatch.setattr(document, "_KEPT_BYTES", 8)
    with reading_once():
        kept = documents(b"a: [1]")
        assert documents(b"b: [1]") is not documents(b"b: [1]")
        assert documents(b"a: [1]") is kept
