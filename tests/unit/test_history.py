"""Points of a log by the words that people type for them."""

from __future__ import annotations

import pytest

import hee_core
from hee_core import history


def test_an_id_of_decimal_digits_alone_is_an_id_where_no_such_index_is() -> None:
    log = hee_core.MemoryLog()
    entries = (log.append([hee_core.Event.new("note.recorded", {"text": str(n)})]) for n in range(1000))
    last, name = next((e.index, e.event.id[:7]) for e in entries if e.event.id[:7].isdecimal())  # one in 27
    assert history.resolve(log, name) == last
    assert history.resolve(log, str(last)) == last
    for nothing in (str(len(log)), "0" * 6 + str(len(log)), int(name)):
        with pytest.raises(hee_core.NotFound, match="the log has no event"):
            history.resolve(log, nothing)
