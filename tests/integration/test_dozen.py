"""Of repositories broken on purpose, what a strategy names is left green, and the rest untouched; the figures can be bad."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import bench_dozen as dozen

SHORT = ("layout", "a test that fails", "a repair that turns another gate red")


@pytest.mark.spec("SEED-100")
def test_what_is_published_is_green_and_the_rest_is_left_alone(soak: bool) -> None:
    found = [dozen.trial(case) for case in dozen.CASES if soak or case.name in SHORT]
    figures = dozen.totals(found)
    assert figures["repaired"] == figures["to_repair"] == figures["published_green"] == figures["published"]
    assert figures["left_alone"] == len(found) - figures["to_repair"]
    assert (figures["regressions"], figures["forbidden"], figures["untouched"]) == (0, 0, len(found))
    assert figures["fix_p95_ms"] >= figures["fix_p50_ms"] > 0 < figures["rollback_p95_ms"]


def test_a_worse_branch_shows_in_the_figures(tmp_path: Path) -> None:
    case = next(case for case in dozen.CASES if case.name == "a repair that turns another gate red")
    (tmp_path / "r").mkdir()
    root = dozen.built(case, tmp_path / "r")
    was = dozen.judged(case, root, "main", tmp_path / "before")
    assert was == {"format": False, "frozen": True}
    dozen.git(root, "checkout", "--quiet", "-b", "worse")
    (root / "a.py").write_text('x = {"a": 1}  # noqa\n')
    dozen.git(root, "commit", "--quiet", "--all", "--message", "worse")
    assert dozen.look(case, root, "worse", was, tmp_path / "after") == {"green": 0, "regressions": 1, "forbidden": 1}
    assert dozen.percentile([], 95) is None
