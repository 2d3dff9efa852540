"""How fast a log is explained, in one run beside a loop of `re` over its lines and beside ripgrep, with the same expressions.

ripgrep gets the text already cleaned, and only the expressions that its syntax takes; it says which lines match anything,
not which expression did.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import tempfile
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


def ripgrep(text: bytes, database: PatternDB) -> tuple[int, float]:
    """How many expressions it takes, and its CPU seconds over the text."""
    expressions = [re.sub(r"\(\?P<\w+>", "(?:", regex) for pattern in database for regex in pattern.regexes]
    command = ["rg", "--no-unicode", "-j1", "-c"]
    taken = [
        each
        for each in expressions
        if subprocess.run([*command, "-e", each, "/dev/null"], capture_output=True, check=False).returncode < 2
    ]
    with tempfile.NamedTemporaryFile() as log, tempfile.NamedTemporaryFile("w") as patterns:
        log.write(text)
        log.flush()
        patterns.write("\n".join(taken) + "\n")
        patterns.flush()
        before = _children()
        subprocess.run([*command, "-f", patterns.name, log.name], stdout=subprocess.DEVNULL, check=True)
        return len(taken), _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    if shutil.which("rg"):
        count, seconds = ripgrep(b"".join(segment.text for segment in read(data).segments()), database)
        print(
            f"ripgrep, {count} of the expressions: {LINES / seconds:,.0f} lines/s; explain_log is {seconds / took:.1f} times as fast"
        )
    else:
        print("ripgrep is not installed: not compared")
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(data[: 10 * 1000 * 1000])
        file.flush()
        subprocess.run(
            [sys.executable, "-m", "hee_monitoring.cli.main", "explain", file.name],
            stdout=subprocess.DEVNULL,
            check=False,
        )
    print(f"hee explain, a new process, 10 MB: {time.perf_counter() - started:.2f} s of wall time")


if __name__ == "__main__":
    main()
