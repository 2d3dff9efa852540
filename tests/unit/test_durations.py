"""How long jobs will take is said from how long they took, and only when it is known of all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring import durations
from hee_monitoring.evidence import Conclusion, Job


def job(key: str, seconds: int, start: str = "2026-01-24T12:00:00Z") -> Job:
    return Job(key, key, Conclusion.SUCCESS, started_at=start, completed_at=f"2026-01-24T12:00:{seconds:02}Z")


def test_what_a_job_took_is_known_the_next_time(tmp_path):
    place = tmp_path / "work"
    durations.keep(place, [job("a", 40), job("b", 2), Job("c", "c", Conclusion.UNKNOWN)])
    durations.keep(place, [job("b", 5)])
    durations.keep(place, [])
    assert durations.read(place) == {"a": 40.0, "b": 5.0}


def test_only_so_many_are_kept(tmp_path):
    durations.keep(tmp_path, [job(str(number), 1) for number in range(300)])
    assert len(durations.read(tmp_path)) == 200


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["a"], ", about 40 s left"),
        (["a", "b", "b2"], ", about 40 s left"),
        (["a", "a2"], ", about 40 s left"),
        (["a", "a2", "b", "b2"], ", about 45 s left"),
        (["a", "new"], ""),
        (["quick"], ""),
        ([], ""),
    ],
)
def test_an_estimate_is_as_long_as_the_longest_job_and_as_all_of_them_side_by_side(keys, said):
    known = {"a": 40.0, "a2": 40.0, "b": 5.0, "b2": 5.0, "quick": 0.2}
    assert durations.left(keys, known, at_once=2) == said


@given(st.binary(max_size=60))
def test_a_file_that_is_none_is_forgotten(tmp_path_factory, data):
    place = tmp_path_factory.mktemp("d")
    (place / "durations.json").write_bytes(data)
    assert isinstance(durations.read(place), dict)


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "work").write_text("a file")
    durations.keep(tmp_path / "work", [job("a", 1), job("b", 1, start="never")])
    assert durations.read(tmp_path / "work") == {}
