"""The diagnosis on a labelled corpus of real logs; skipped where the corpus is absent.

The corpus is third parties' text and no part of this repository. `HEE_CORPUS` names its directory; beside a checkout,
`../shared/data/logs` is tried. Floors are just under what `docs/diagnosis-report.md` says.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hee_monitoring.accuracy import PARTS, Outcome, measure, report, tally
from hee_monitoring.database import PatternDB

CORPUS = Path(os.environ.get("HEE_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "data" / "logs")
pytestmark = pytest.mark.skipif(not (CORPUS / "index.tsv").is_file(), reason="no corpus of logs here (HEE_CORPUS)")
DB = PatternDB.load()
TUNING, ASIDE = PARTS


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return measure(CORPUS, DB)


def test_no_pattern_fires_on_a_log_of_success(outcomes: list[Outcome]) -> None:
    alarms = [outcome.label.file for outcome in outcomes if outcome.label.passed and not outcome.right]
    assert alarms == []
    assert sum(outcome.label.passed for outcome in outcomes) >= 85


@pytest.mark.parametrize(("part", "category", "line"), [(TUNING, 0.97, 0.94), (ASIDE, 0.82, 0.89)])
def test_category_and_line_are_right_as_often_as_reported(
    outcomes: list[Outcome], part: str, category: float, line: float
) -> None:
    count = tally(outcomes, part)
    assert count["category right"] >= category * count["failing"]
    assert count["line right"] >= line * count["with lines"]


def test_the_report_names_every_miss_and_no_line_of_a_log(outcomes: list[Outcome]) -> None:
    page = report(outcomes, DB)
    missed = {outcome.label.file for outcome in outcomes if outcome.line_right is False}
    assert all(f"`{file}`" in page for file in missed)
    assert all(len(line) < 700 for line in page.splitlines())
