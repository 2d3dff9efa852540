"""Prints which rows of the specification a test proves, and which none does.

    python scripts/spec_rows.py [REQUIREMENTS.md]

A row is proved by a test that carries `@pytest.mark.spec("SEED-nnn")`, is not skipped or expected to fail, and asserts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from hee_governance import traces

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT.parent / "shared" / "spec" / "requirements.md"


def main() -> int:
    """Compares the rows of the document with the markers of the tests."""
    document = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not document.is_file():
        print(f"{document} is not here: name the requirements file")
        return 2
    rows = {
        m[1]: m[2].strip()
        for m in re.finditer(r"^\| (SEED-\d{3}) \|[^|]*\|([^|]*)\|", document.read_text(encoding="utf-8"), re.MULTILINE)
    }
    proved: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        found = traces.traces(str(path.relative_to(ROOT)), path.read_bytes())
        for trace in found if isinstance(found, tuple) else ():
            if not trace.why:
                proved.setdefault(trace.clause, set()).add(trace.path)
    for row, text in rows.items():
        tests = ", ".join(sorted(proved.get(row, ())))
        print(f"{'proved ' if tests else 'open   '} {row}  {text[:70]:70}  {tests}")
    unknown = sorted(set(proved) - set(rows))
    count = sum(row in proved for row in rows)
    print(
        f"\n{count} of {len(rows)} rows are proved"
        + (f"; markers without a row: {', '.join(unknown)}" if unknown else "")
    )
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
