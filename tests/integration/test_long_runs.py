"""A log that is written for a long time: no process, descriptor or memory stays behind, and an event costs its kilobyte.

Bounded by default; `HEE_SOAK=1` writes a million events in groups and 20,000 one by one.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from logs import make_log, open_at

import hee_core
from hee_core.events import Event
from hee_core.packs import MOST_PACKS

pytestmark = pytest.mark.slow
MOST_GROWTH = 16 << 20  # bytes; a list of the events' ids alone would be more in the long form


class Use(NamedTuple):
    """What this process holds."""

    descriptors: int
    threads: int
    children: int
    memory: int

    @classmethod
    def now(cls) -> Use:
        gc.collect()
        here = Path("/proc/self")
        tasks = list((here / "task").iterdir())
        return cls(
            len(list((here / "fd").iterdir())),
            len(tasks),
            sum(len((task / "children").read_text().split()) for task in tasks),
            int((here / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        )


def notes(first: int, count: int) -> list[Event]:
    return [Event.new("note.recorded", {"text": f"{n} {os.urandom(90).hex()}"}) for n in range(first, first + count)]


def disk(place: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in (place / ".git").rglob("*") if path.is_file())


def held(log: hee_core.Log) -> Use:
    log.store.close()  # what is open between two appends may be open, and is opened again
    return Use.now()


@pytest.mark.parametrize(("size", "appends", "whole"), [(100, 30, (1000, 1000)), (1, 90, (1, 20_000))])
def test_nothing_stays_behind_however_long_the_log_is_written(tmp_path, soak, size, appends, whole):
    size, appends = whole if soak else (size, appends)
    with make_log(tmp_path / "repository") as log:
        for _ in range(appends // 10):  # what is loaded once is loaded
            log.append(notes(len(log), size))
        before = held(log)
        for _ in range(appends - appends // 10):
            log.append(notes(len(log), size))
        after = held(log)
        assert after[:3] == before[:3]
        assert after.memory - before.memory < MOST_GROWTH
        assert len(log) == 1 + size * appends
        packs = list((tmp_path / "repository/.git/objects/pack").glob("pack-*.pack"))
        assert len(packs) < 2 * MOST_PACKS
    written = disk(tmp_path / "repository")
    what = f"{size * appends} events in {appends} appends"
    print(f"\n{what}: {before}, then {after}; {written // (size * appends)} B/event")  # noqa: T201
    if soak:
        assert written < (1024 if size > 1 else 4096) * size * appends
    with open_at(tmp_path / "repository", signer=log.signer) as again:
        assert len(again) == 1 + size * appends
        assert again.entry(len(again) - 1).event.data["text"].startswith(f"{size * appends} ")
