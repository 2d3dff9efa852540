"""The measurement of learning across repositories, on a corpus of our own words."""

from __future__ import annotations

import gzip
from pathlib import Path

from hee_monitoring.database import PatternDB
from hee_monitoring.transfer import FOLDS, measure, report

HEAD = "file\tconclusion\tcategory\talso_right\tlines_by\tfailure_lines"


def test_what_other_repositories_taught_explains_and_no_passing_log_is_alarmed(tmp_path: Path) -> None:
    rows = [HEAD]
    for number in range(24):
        said = f"the frobnicator of shelf 's{number}' lost its pinion"
        red = f"winding up\n{said}\n##[error]Process completed with exit code 1.\n"
        for kind, text in (("fail", red), ("pass", "winding up\nall well\n")):
            name = f"cidiff/a__repository{number}_1.{kind}.log.gz"
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(gzip.compress(f"{number}\n{text}".encode()))
            rows.append(f"{name}\t{kind}\tinfra\t\tsource\t{'3' if kind == 'fail' else ''}")
    (tmp_path / "index.tsv").write_text("\n".join(rows) + "\n")
    turns = measure(tmp_path)
    assert len(turns) == FOLDS
    assert sum(turn.failing for turn in turns) == sum(turn.explained for turn in turns) == 24
    assert sum(turn.line_right for turn in turns) == sum(turn.lined for turn in turns) == 24
    assert (sum(turn.passing for turn in turns), sum(turn.alarms for turn in turns)) == (24, 0)
    page = report(PatternDB.load(), tmp_path)
    assert (
        "24 of 24 failing logs were explained by a pattern learned elsewhere (1, 1, 1, 1, 1 patterns"
        in page.replace("\n", " ")
    )
    assert "frobnicator" not in page
