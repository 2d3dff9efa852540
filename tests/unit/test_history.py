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


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_utc_does_not_have_is_no_point(time: str) -> None:
    with pytest.raises(hee_core.NotFound, match="no time in UTC"):
        history.resolve(hee_core.MemoryLog(), time)
