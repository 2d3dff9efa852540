"""Measures the diagnosis on a labelled corpus of logs and on the rebuilt failures, and writes the report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hee_monitoring import chunks, transfer, trial
from hee_monitoring.accuracy import PARTS, measure, report, tally
from hee_monitoring.database import PatternDB
from hee_monitoring.rebuilt import cases, judged
from hee_monitoring.rebuilt import report as rebuilt_report

FAILURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "failures"


def main() -> int:
    """Exit status 2 when there is no corpus to measure on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="directory with index.tsv and gzipped logs")
    parser.add_argument("--output", type=Path, required=True, help="the Markdown file to write")
    parser.add_argument(
        "--examples",
        type=Path,
        help="directory of LogChunks: example-sets and samples; without it they are not measured",
    )
    arguments = parser.parse_args()
    if not (arguments.corpus / "index.tsv").is_file():
        print(f"no index.tsv in {arguments.corpus}", file=sys.stderr)
        return 2
    database = PatternDB.load()
    if arguments.examples is not None and not chunks.present(arguments.examples):
        print(f"no example-sets/BuildFailureReason and samples in {arguments.examples}", file=sys.stderr)
        return 2
    outcomes = measure(arguments.corpus, database)
    copied = chunks.measure(arguments.examples, database) if arguments.examples is not None else []
    said = judged(cases(FAILURES), database)
    page = report(outcomes, database) + chunks.report(copied) + trial.report(outcomes) + rebuilt_report(said)
    page += transfer.report(database, arguments.corpus)
    arguments.output.write_text(page, "utf-8")
    for part in PARTS:
        print(part, tally(outcomes, part))
    for half in chunks.HALVES if copied else ():
        print("copied out,", half, chunks.tally(copied, half))
    print("rebuilt", sum(each.right and each.line_right for each in said), "of", len(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
