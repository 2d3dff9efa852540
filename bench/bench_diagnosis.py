"""How fast a log is explained, beside a loop of `re` over the lines with the same expressions, in the same run."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hee_monitoring.classify import explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.joblog import read
from hee_monitoring.scan import engine

LINES = 200_000
NAIVE = 2_000


def a_log(lines: int = LINES) -> bytes:
    """A log of the shape of GitHub Actions, with one failure at its end."""
    kinds = ("Collecting package-{0}", "tests/test_{0}.py::test_{0} PASSED  [ 50%]", "[INFO] Downloading from central: https://x/{0}.jar",
             "  ✓ adds {0} numbers (3 ms)", "   Compiling crate-{0} v1.0.{0}")  # fmt: skip
    body = "".join(f"2026-01-24T12:00:00.{n % 10**7:07}Z {kinds[n % 5].format(n)}\n" for n in range(lines))
    head = "2026-01-24T12:00:00.0000000Z ##[group]Run make\n2026-01-24T12:00:00.0000000Z ##[endgroup]\n"
    tail = "2026-01-24T12:00:01.0000000Z E   assert 1 == 2\n2026-01-24T12:00:01.0000000Z ##[error]Process completed with exit code 1.\n"
    return (head + body + tail).encode()


def main() -> None:
    """Prints CPU seconds as rates."""
    data, database = a_log(), PatternDB.load()
    engine(database)
    started = time.process_time()
    found = explain_log(data, database)
    took = time.process_time() - started
    assert found.category == "test", found
    expressions = [re.compile(regex) for pattern in database for regex in pattern.regexes]
    lines = b"".join(segment.text for segment in read(data).segments()).decode().split("\n")[:NAIVE]
    started = time.process_time()
    for line in lines:
        for expression in expressions:
            expression.search(line)
    naive = (time.process_time() - started) / len(lines)
    print(f"{len(database)} patterns, {len(expressions)} expressions, {len(data) / 1e6:.1f} MB, {LINES:,} lines")
    print(f"explain_log: {len(data) / 1e6 / took:.0f} MB/s, {LINES / took:,.0f} lines/s, whole log {took:.2f} s")
    print(f"re, line by line: {1 / naive:,.0f} lines/s; explain_log is {LINES / took * naive:,.0f} times as fast")


if __name__ == "__main__":
    main()
