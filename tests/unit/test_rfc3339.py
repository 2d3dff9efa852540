"""A date-time is one only if the day exists and the offset is there."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core.rfc3339 import is_date_time


@pytest.mark.spec("SEED-154", "SEED-159")
@pytest.mark.parametrize(
    "text",
    [
        "2026-01-24T12:00:00Z",
        "2026-01-24T12:00:00.123456789Z",
        "2026-01-24T12:00:00+05:30",
        "2024-02-29T23:59:59-00:00",
        "2000-02-29T00:00:00Z",
        "2026-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_these_are_date_times(text: str) -> None:
    assert is_date_time(text)


@pytest.mark.spec("SEED-154", "SEED-159")
@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "", "2026-01-24", "2026-01-24T12:00:00", "2026-01-24 12:00:00Z", "2026-01-24T12:00Z"),
        *("2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2026-04-31T12:00:00Z", "2026-02-30T12:00:00Z"),
        *("2026-13-01T12:00:00Z", "2026-01-32T12:00:00Z", "2026-01-24T24:00:00Z", "2026-01-24T12:60:00Z"),
        *("2026-01-24T12:00:60Z", "2026-01-24T12:00:00z", "2026-01-24T12:00:00+24:00", "2026-01-24T12:00:00+0530"),
        *("0000-01-01T12:00:00Z", "0000-02-29T12:00:00Z", "0000-01-31T12:00:00Z", "2026-01-24T12:00:00Z\n"),
        *("٢٠٢٦-01-24T12:00:00Z", "2026-01-24T12:00:00.Z", "2026-01-24T12:00:00.1234567890Z"),
    ],
)
def test_these_are_not(text: str) -> None:
    assert not is_date_time(text)


@given(st.datetimes(), st.sampled_from(["Z", "+00:00", "-11:30"]))
def test_every_time_that_exists_is_one_and_its_day_exists(when: datetime, offset: str) -> None:
    assert is_date_time(f"{when.isoformat()}{offset}")


@given(st.integers(1, 9999), st.integers(1, 12), st.integers(1, 31))
def test_the_calendar_is_the_one_of_the_standard_library(year: int, month: int, day: int) -> None:
    try:
        exists = bool(datetime(year, month, day))
    except ValueError:
        exists = False
    assert is_date_time(f"{year:04}-{month:02}-{day:02}T00:00:00Z") is exists
