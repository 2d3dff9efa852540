"""What an event costs in a short log and in a long one: appending, the state at the head, the last entry, disk, memory.

    python -m bench.bench_long [--million] [--json]

One log grows in groups of a thousand events. At each size the costs are the medians of some turns; a raw line with one
fsync is timed in between, because the disk of a busy machine is not the same for every row.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.bench_log import notes, timed
from hee_core.git import Repository
from hee_core.gitstore import GitStore
from hee_core.keys import create_agent_key, default_key_path
from hee_core.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = 1000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
COLUMNS = (
    "events", "single ms", "group us/event", "open+append ms", "open+state ms", "last entry ms", "raw line ms",
    "disk B/event", "packs", "RSS MB", "fds", "children",
)  # fmt: skip


def median(turns: int, work: Callable[[], object]) -> float:
    """Milliseconds."""
    return statistics.median(timed(work) for _ in range(turns)) * 1000


class Growing:
    """One log that grows, and what it costs on the way."""

    def __init__(self, place: Path) -> None:
        self.place = place
        os.environ["HEE_HOME"] = str(place / "home")
        self.signer = create_agent_key(default_key_path())
        self.repository = Repository.discover(self._init())
        self.log = self.open()
        self.log.create()

    def _init(self) -> Path:
        subprocess.run(["git", "init", "--quiet", str(self.place / "log")], check=True)
        return self.place / "log"

    def open(self) -> Log:
        """As another process would: nothing known but what is on disk."""
        return Log(GitStore(self.repository), signer=self.signer)

    def grow(self, size: int) -> float:
        """Microseconds an event."""
        turns = []
        while len(self.log) < size:
            batch = notes(min(GROUP, size - len(self.log)), f"at {len(self.log)}")
            turns.append(timed(lambda batch=batch: self.log.append(batch)) / len(batch) * 1e6)
        return statistics.median(turns[-20:])

    def row(self, size: int) -> tuple[float, ...]:
        group = self.grow(size)
        self.log.close()
        disk = sum(path.stat().st_blocks * 512 for path in (self.place / "log/.git").rglob("*") if path.is_file())
        packs = len(list((self.place / "log/.git/objects/pack").glob("*.pack")))
        used = self.use()  # before anything else is done than growing
        with (self.place / "raw").open("wb") as raw:
            singles, lines = [], []
            for n in range(41):
                singles.append(timed(lambda n=n: self.log.append(notes(1, f"single {size} {n}"))))
                lines.append(timed(lambda: (raw.write(b"x" * 600), raw.flush(), os.fsync(raw.fileno()))))
        self.log.close()
        last = len(self.log) - 1
        return (
            size, statistics.median(singles) * 1000, group, median(7, self.opened_append), median(7, self.opened_state),
            median(7, lambda: self.log.entry(last)), statistics.median(lines) * 1000, disk / size, packs, *used,
        )  # fmt: skip

    def opened_append(self) -> None:
        with self.open() as log:
            log.append(notes(1, f"opened {len(log)}"))

    def opened_state(self) -> None:
        with self.open() as log:
            assert log.state.size == len(log)

    def use(self) -> tuple[float, int, int]:
        gc.collect()
        here = Path("/proc/self")
        children = sum(len((task / "children").read_text().split()) for task in (here / "task").iterdir())
        pages = int((here / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(list((here / "fd").iterdir())), children


def main() -> None:
    """Grows one log and prints a row at each size."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--million", action="store_true", help="go on to a million events")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    place = Path(tempfile.mkdtemp(prefix="hee-bench-"))
    try:
        growing = Growing(place)
        rows = []
        for size in SIZES[: None if options.million else -1]:
            rows.append(growing.row(size))
            if not options.json:
                show(rows)
    finally:
        shutil.rmtree(place)
    if options.json:
        print(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], indent=2))


def show(rows: list[tuple[float, ...]]) -> None:
    """Prints the last row, the first one below the names of the columns."""
    if len(rows) == 1:
        print(" ".join(f"{name:>14}" for name in COLUMNS))
    print(
        " ".join(f"{value:>14,.2f}" if isinstance(value, float) else f"{value:>14,}" for value in rows[-1]), flush=True
    )


if __name__ == "__main__":
    main()
