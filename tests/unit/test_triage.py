"""The verdict on why a failure is there: what raises it, what never lowers it, and what it leaves open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring import triage, trial
from hee_monitoring.triage import CAUSES, SURE, Signs, judge

SIGNS = st.builds(
    Signs,
    category=st.sampled_from([*triage.PRIORS, "unknown", "something new"]),
    green=st.integers(0, 30),
    red=st.integers(0, 30),
    passed=st.integers(0, 50),
    lasted=st.integers(0, 50),
    seen=st.integers(0, 100),
    base=st.sampled_from([None, True, False]),
    base_name=st.sampled_from(["", "main"]),
    storm=st.sampled_from([None, 0, 1, 2, 40]),
)


@given(SIGNS)
def test_a_green_attempt_of_the_same_commit_never_lowers_flaky(signs: Signs) -> None:
    assert judge(replace(signs, green=signs.green + 1)).flaky >= judge(signs).flaky


@given(SIGNS)
def test_an_episode_that_passed_by_itself_never_lowers_flaky(signs: Signs) -> None:
    assert judge(replace(signs, passed=signs.passed + 1)).flaky >= judge(signs).flaky


@given(SIGNS)
def test_a_verdict_is_whole_numbers_that_follow_from_the_signs_alone(signs: Signs) -> None:
    verdict = judge(signs)
    assert verdict == judge(replace(signs))
    assert 10000 - len(CAUSES) < sum(verdict.causes) <= 10000
    assert all(type(part) is int and part >= 0 for part in verdict.causes)
    assert (verdict.word == "unknown") == (max(verdict.causes) < SURE)
    assert (
        verdict.word in ("unknown", "new", "known") or verdict.causes[CAUSES.index(verdict.word)] == verdict.probability
    )
    assert verdict.word != ("new" if signs.seen else "known")


@pytest.mark.parametrize(
    ("signs", "word"),
    [
        (Signs("test"), "unknown"),
        (Signs("unknown"), "unknown"),
        (Signs("test", green=1), "flaky"),
        (Signs("test", red=2), "new"),
        (Signs("test", red=2, seen=3), "known"),
        (Signs("test", base=True, base_name="main"), "broken-base"),
        (Signs("test", base=False, base_name="main"), "new"),
        (Signs("lint"), "new"),
        (Signs("network", storm=3), "infrastructure"),
        (Signs("unknown", storm=3, green=1), "unknown"),
    ],
)
def test_the_word_for_signs(signs: Signs, word: str) -> None:
    assert judge(signs).word == word


def test_what_nobody_could_look_at_is_named_and_weighs_nothing() -> None:
    verdict = judge(Signs("test", base_name="main"))
    assert verdict.missing == (
        "no other attempt of the same commit was seen",
        "no earlier episode of this failure has ended here",
        "whether main is red as well",
        "whether other commits went red at the same time",
    )
    assert verdict.causes == judge(Signs("test", storm=0)).causes
    told = judge(Signs("test", green=1, red=2, passed=1, lasted=1, seen=2, base=True, base_name="main", storm=2))
    assert told.missing == ()
    assert len(told.evidence) == 7


@pytest.mark.parametrize(("world", "precision"), [(trial.TUNING, 87), (trial.HELD_OUT, 84)])
def test_of_what_is_said_to_be_flaky_so_many_are_and_the_probabilities_are_kept(
    world: trial.World, precision: int
) -> None:
    made = list(trial.cases(world))
    said, right, _ = trial.tally(made, "flaky")
    assert right * 100 >= said * precision
    assert said > 200
    assert trial.brier(made) < 800
    assert trial.miscalibration(made) < 200
    middle = [band for band in trial.bands(made) if 3000 <= band[0] < 6000]
    apart = sum(number * abs(mean - true) for _, number, mean, true in middle) // sum(band[1] for band in middle)
    assert apart < (600 if world is trial.HELD_OUT else 1200)


def test_the_report_is_about_the_world_that_was_held_out_and_always_the_same() -> None:
    assert trial.report([]) == trial.report([])
    assert "this one was held out" in trial.report([])
