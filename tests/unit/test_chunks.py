"""The measurement on lines that people copied out of logs, on examples of our own words."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from hee_monitoring.chunks import HALVES, examples, lines_of, measure, present, report, tally
from hee_monitoring.database import PatternDB

LOG = "$ pytest\r\nstarting\r\n\x1b[31mE   assert 1 == 2\x1b[0m\r\na.py:3: AssertionError\r\n1 failed\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E   assert 1 == 2\n\na.py:3: AssertionError", range(3, 5)),
        ("[31mE   assert 1 == 2", range(3, 4)),  # copied with what was left of the color
        ("assert 1 == 2\na.py:3: Asser", range(3, 5)),  # begun and ended within a line
        ("starting\nE assert 1 == 2\na.py:3: AssertionError", range(2, 5)),
        ("never said", None),
        ("starting\na.py:3", None),
        (" \n", None),
    ],
)
def test_a_copied_text_is_found_where_it_stands(text: str, expected: range | None) -> None:
    assert lines_of(text, LOG.encode()) == expected


def example(name: str, text: str) -> str:
    return (
        f"<ExampleDataOfString><InputPath>{name}</InputPath><Keywords>x</Keywords>"
        f"<Output>{html.escape(text)}</Output></ExampleDataOfString>"
    )


def test_lines_are_counted_by_half_and_no_text_is_repeated(tmp_path: Path) -> None:
    assert not present(tmp_path)
    (sets := tmp_path / "example-sets" / "BuildFailureReason").mkdir(parents=True)
    (tmp_path / "secret.log").write_text("E   assert 1 == 2\n")
    told = [example("../secret.log", "E   assert 1 == 2"), example("C/gone/1.log", "x")]
    for number in range(20):
        log = tmp_path / "samples" / "C" / f"owner@r&{number}" / "1.log"
        log.parent.mkdir(parents=True)
        log.write_text(LOG)
        told.append(
            example(f"C/owner@r&amp;{number}/1.log", ("E   assert 1 == 2", "starting", "frobnicated")[number % 3])
        )
    (sets / "C.xml").write_text("\n".join(told))
    assert present(tmp_path)
    assert len(list(examples(tmp_path))) == 20
    outcomes = measure(tmp_path, PatternDB.load())
    counts = [tally(outcomes, half) for half in HALVES]
    assert all(count["logs"] for count in counts)
    assert [sum(count[name] for count in counts) for name in counts[0]] == [20, 14, 7, 0, 0]
    page = report(outcomes)
    assert "| tuning |" in page
    assert "assert" not in page
    assert "Not measured" in report([])
