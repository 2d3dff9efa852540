"""Holds coverage: 100 % of lines and branches for the specification's four components, and a floor for the rest.

Reads the data of the last test run. Rows SEED-251 to SEED-254 name the components.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

COMPONENTS = {
    "HEE Monitoring Engine": ("hee_monitoring/engine.py", "hee_monitoring/pipeline.py"),
    "HEE Auto-Fix Engine": ("hee_monitoring/autofix.py", "hee_monitoring/algorithm.py"),
    "HEE State Manager": ("hee_core/steward.py",),
    "HEE Governance Validator": ("hee_governance/validator.py",),
}
FLOOR = 96  # percent of lines and branches of everything; raise it, never lower it


def main() -> int:
    """Compares and tells."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(path)], check=True)
        report = json.loads(path.read_text(encoding="utf-8"))
    failed = False
    for name, files in COMPONENTS.items():
        for file in files:
            found = report["files"].get(file)
            if found is None:
                print(f"UNKNOWN {name}: {file} was not measured")
                failed = True
                continue
            gaps = [*found["missing_lines"], *(f"{a}->{b}" for a, b in found["missing_branches"])]
            print(f"{'OK' if not gaps else 'CRITICAL'} {name}: {file} {'whole' if not gaps else f'misses {gaps}'}")
            failed |= bool(gaps)
    totals = report["totals"]
    covered = totals["covered_lines"] + totals["covered_branches"]
    percent = 100 * covered // (totals["num_statements"] + totals["num_branches"])
    print(f"{'OK' if percent >= FLOOR else 'CRITICAL'} all: {percent} % of lines and branches, floor {FLOOR} %")
    return 1 if failed or percent < FLOOR else 0


if __name__ == "__main__":
    sys.exit(main())
