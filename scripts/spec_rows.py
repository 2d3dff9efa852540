"""Prints which rows of the specification a test proves, and which none does.

    python scripts/spec_rows.py [REQUIREMENTS.md]

A row is proved by a test that pytest collects with `@pytest.mark.spec("SEED-nnn")` and that is neither skipped nor
expected to fail. Whether the tests pass is `make test`'s business.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT.parent / "shared" / "spec" / "requirements.md"
_ROW = re.compile(r"^\| (SEED-\d{3}) \|[^|]*\|([^|]*)\|", re.MULTILINE)
_EXTENSION = re.compile(r"^\| (EXT-\d\d) \|", re.MULTILINE)  # proposals: a test may prove one, none has to


class Traces:
    """A pytest plugin that keeps which test files carry which rows."""

    def __init__(self) -> None:
        """Starts with none."""
        self.files: dict[str, set[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reads the markers of everything that was collected."""
        for item in items:
            if item.get_closest_marker("skip") or item.get_closest_marker("xfail"):
                continue
            for mark in item.iter_markers("spec"):
                for row in mark.args:
                    self.files.setdefault(row, set()).add(str(item.path.relative_to(ROOT)))


def main() -> int:
    """Compares the rows of the document with the markers of the tests."""
    document = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not document.is_file():
        print(f"{document} is not here: name the requirements file")
        return 2
    rows = {match[1]: match[2].strip() for match in _ROW.finditer(document.read_text(encoding="utf-8"))}
    traces = Traces()
    quiet = ["--collect-only", "-o", "addopts=", "-p", "no:terminal"]
    status = pytest.main([*quiet, "--rootdir", str(ROOT), str(ROOT / "tests")], [traces])
    if status != pytest.ExitCode.OK:
        print("the tests cannot be collected: run `pytest --collect-only`")
        return 2
    extensions = _EXTENSION.findall(document.read_text(encoding="utf-8"))
    for row, text in rows.items():
        tests = ", ".join(sorted(traces.files.get(row, ())))
        print(f"{'proved ' if tests else 'open   '} {row}  {text[:70]:70}  {tests}")
    unknown = sorted(set(traces.files) - set(rows) - set(extensions))
    count = sum(row in traces.files for row in rows)
    print(
        f"\n{count} of {len(rows)} rows are proved"
        + (f"; markers without a row: {', '.join(unknown)}" if unknown else "")
    )
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
