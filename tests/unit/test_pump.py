"""Bounded memory: the first and the last bytes are kept, and what is missing is said."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.pump import Bounded


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(2, 64))
def test_both_ends_are_kept_and_nothing_is_lost_silently(chunks: list[bytes], limit: int) -> None:
    bounded, whole = Bounded(limit), b"".join(chunks)
    for chunk in chunks:
        bounded.add(chunk)
        assert len(bounded._head) + len(bounded._tail) <= 2 * limit + len(chunk)
    value = bounded.value()
    if not bounded.dropped:
        assert value == whole
        return
    half = limit // 2
    assert value.startswith(whole[:half])
    assert value.endswith(whole[-half:])
    assert re.search(rb"\n\[hee: (\d+) bytes left out\]\n", value)[1] == str(len(whole) - 2 * half).encode()  # type: ignore[index]
