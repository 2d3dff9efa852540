"""How long a hook takes that has nothing to say, on a log of 10,000 events, beside an interpreter that does nothing.

    python bench/bench_hooks.py [--events 10000] [--rounds 9]

CPU seconds of the whole process, the least of several rounds: a busy machine makes times long, not short. Python keeps what
it compiled, whatever the environment of this script says: an installed hook is not compiled anew each time.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import hee_core

HOOKS = {
    "hee-monitoring-check": "hee_monitor --mode pre-commit --state-capsule current.json --hee-governance strict",
    "hee-auto-fix-check": "hee_auto_fix --mode pre-commit --safety high --state-capsule current.json --hee-governance strict",
    "hee-state-validation": "validate_hee_state_capsule --hee-rules strict",
}


def seconds(argv: list[str], place: Path, rounds: int) -> float:
    """The least CPU time of a command."""
    least = float("inf")
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, cwd=place, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def build(place: Path, events: int) -> None:
    """A repository with a log of so many events, a capsule of its head, and a staged file."""
    for command in ("git init -q -b main", "hee init"):
        argv = [sys.executable, "-m", "hee_monitoring.cli.main", "init"] if command == "hee init" else command.split()
        subprocess.run(argv, cwd=place, check=True, capture_output=True)
    with hee_core.open_log(place) as log:
        for start in range(1, events, 50):
            count = range(start, min(start + 50, events))
            log.append([hee_core.Event.new("note.recorded", {"text": f"note {n}"}) for n in count])
        log.refresh()
    run = [sys.executable, "-m", "hee_monitoring.cli.seed", "update_hee_state_capsule", "--output", "current.json"]
    subprocess.run(run, cwd=place, check=True, capture_output=True)
    (place / "a.py").write_text("x = 1\n")
    subprocess.run(["git", "add", "a.py"], cwd=place, check=True)


def main() -> int:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hee-bench-") as name:
        place = Path(name) / "repository"
        place.mkdir()
        os.environ["HEE_HOME"] = str(Path(name) / "home")
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(name) / "compiled")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        build(place, options.events)
        nothing = seconds([sys.executable, "-c", "pass"], place, options.rounds)
        print(f"{'an interpreter that does nothing':34} {nothing * 1000:6.0f} ms")
        for hook, line in HOOKS.items():
            took = seconds([sys.executable, "-m", "hee_monitoring.cli.seed", *line.split()], place, options.rounds)
            print(f"{hook:34} {took * 1000:6.0f} ms  {took / nothing:5.1f} times as long")
    return 0


if __name__ == "__main__":
    sys.exit(main())
