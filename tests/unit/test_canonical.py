"""One value has one form, the same that the rfc8785 package writes, and nothing else is read."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from hee_core import canonical
from hee_core.errors import EventError

CLEAN = st.text().map(canonical.clean)
KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
INTEGERS = st.integers(-canonical.MAX_INT, canonical.MAX_INT)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | CLEAN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example({"\\": '"', "b": "\u20ac\U0001f600\ttab\nline", "B": [], "": {}})
def test_the_bytes_are_those_of_rfc_8785(value):
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_was_written_is_read_back(value):
    assert canonical.parse(canonical.encode(value)) == value


@given(CLEAN)
def test_a_text_alone_has_the_same_form_as_inside_a_value(text):
    assert canonical.text(text).encode() == canonical.encode(text)


@given(VALUES, st.randoms(use_true_random=False))
def test_any_other_spelling_of_a_value_is_refused(value, choose):
    data = canonical.encode({"value": value})
    for other in (
        data.replace(b":", b": ", 1),
        data + b"\n",
        b" " + data,
        b"\xef\xbb\xbf" + data,
        data.replace(b'"value"', b'"\\u0076alue"', 1),
        b'{"value":1,' + data[1:],
    ):
        with pytest.raises(EventError):
            canonical.parse(other)
    position = choose.randrange(len(data))
    changed = data[:position] + bytes([data[position] ^ 1 << choose.randrange(8)]) + data[position + 1 :]
    try:
        read = canonical.parse(changed)
    except EventError:
        return
    assert canonical.encode(read) == changed


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nul", b"NaN", b"Infinity", b"-Infinity", b"1.0", b"1e2", b"-0", b"01", b"9007199254740992", b"1" * 5000,
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'"\\u0061"', b'"\\/"', b'"\x00"', b'"\\u0000"', b'"\xff"', b'"\\ud800"',
        b'"e\xcc\x81"', '"\u202e"'.encode(), '{"\u00e9":1}'.encode(), b"[" * 100_000, b"[1, 2]", b"'a'",
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(data):
    with pytest.raises(EventError):
        canonical.parse(data)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), 2**53, -(2**53), {1: 2}, {"\u00e9": 1}, {"a\nb": 1}, b"bytes", {1, 2}, object(), "\x1b[31m", "\u202e", "e\u0301", "\ud800", "\u200b", {"deep": [{"er": 0.1}]}],
)  # fmt: skip
def test_what_has_no_portable_form_is_refused(value):
    with pytest.raises(EventError):
        canonical.encode(value)


def test_a_refusal_names_the_place():
    with pytest.raises(EventError, match=r"^/a/1/b: float"):
        canonical.encode({"a": [0, {"b": 0.5}]})


def test_nesting_without_end_is_an_error_and_no_crash():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(EventError, match="too deeply"):
        canonical.encode(value)
    while value:
        value = value.pop()


@given(st.text(), st.integers(0, 20))
def test_clean_text_is_clean_short_and_stays_so(text, limit):
    cleaned = canonical.clean(text, limit=limit)
    assert canonical.is_clean(cleaned)
    assert canonical.clean(cleaned, limit=limit) == cleaned
    assert not limit or len(cleaned) <= limit
    canonical.encode(cleaned)


@given(VALUES)
def test_lenient_reading_agrees_with_json_and_still_refuses_doubled_keys(value):
    assert canonical.loads(json.dumps(value)) == value
    with pytest.raises(EventError, match="duplicate key"):
        canonical.loads('{"a": 1, "a": 2}')
