"""Compiles `hee_monitoring/patterns/*.yaml` to the database that programs load, and writes `docs/patterns.md`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hee_core.errors import HeeError
from hee_monitoring.database import COMPILED, PatternDB
from hee_monitoring.pattern_sources import compile_sources, document


def main() -> int:
    """Builds both files; exit status 2 when a source breaks a rule."""
    try:
        COMPILED.write_bytes(compile_sources())
        database = PatternDB.load()
    except HeeError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 2
    page = Path(__file__).resolve().parent.parent / "docs" / "patterns.md"
    page.write_text(document(database), "utf-8")
    print(f"{len(database)} patterns, digest {database.digest[:12]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
