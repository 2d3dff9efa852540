"""Several processes at one log, killed at any moment: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from clones import Clones
from logs import make_log, open_at

import hee_core
from hee_core.events import Event
from hee_core.keys import EphemeralSigner, create_agent_key, default_key_path

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
import hee_core
place, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with hee_core.open_log(place) as log:
    for number in range(count):
        entry = log.append([hee_core.Event.new("note.recorded", {"text": f"{name} {number}"}, subject=name)])
        print(entry.index, entry.event.id, flush=True)
"""


def start(place: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place), name, str(count)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def signer():
    return create_agent_key(default_key_path())


@pytest.mark.spec("SEED-005", "SEED-310")
def test_eight_processes_write_one_gap_free_order_and_lose_nothing(tmp_path, signer):
    each = 25 if os.environ.get("HEE_SOAK") else 8
    place = tmp_path / "repository"
    make_log(place, signer=signer).close()
    writers = [start(place, f"writer-{n}", each) for n in range(8)]
    acknowledged = {}
    for writer in writers:
        out, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0
        acknowledged |= {int(line.split()[0]): line.split()[1] for line in out.splitlines()}
    assert sorted(acknowledged) == list(range(1, 8 * each + 1))
    with open_at(place, signer=signer) as log:
        assert {entry.index: entry.event.id for entry in log.read(1)} == acknowledged
        for n in range(8):
            mine = [e.event.data["text"] for e in log.read() if e.event.subject == f"writer-{n}"]
            assert mine == [f"writer-{n} {number}" for number in range(each)]
        assert hee_core.verify(log).ok
    assert not list((place / ".git/hee").glob("ref-*"))


@pytest.mark.spec("SEED-005")
def test_killed_writers_lose_nothing_and_block_nobody(tmp_path, signer):
    place = tmp_path / "repository"
    make_log(place, signer=signer).close()
    acknowledged: dict[int, str] = {}
    for turn in range(40 if os.environ.get("HEE_SOAK") else 6):
        writers = [start(place, f"{turn}-{n}", 1000) for n in range(2)]
        lines = [writer.stdout.readline() for writer in writers]  # both are at work
        time.sleep(0.01 * turn)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer, line in zip(writers, lines, strict=True):
            rest = writer.stdout.read().splitlines(keepends=True)
            writer.wait()
            writer.stdout.close()
            acknowledged |= {int(text.split()[0]): text.split()[1] for text in [line, *rest] if text.endswith("\n")}
    with open_at(place, signer=EphemeralSigner()) as reader:
        report = hee_core.verify(reader)
        assert report.ok, report.findings
        found = {entry.index: entry.event.id for entry in reader.read()}
    assert acknowledged.items() <= found.items()
    with open_at(place, signer=signer) as log:
        assert log.append([Event.new("note.recorded", {"text": "still here"})]).index == len(found)
        assert len(list((place / ".git/hee").glob("ref-*"))) == 0
        assert list((place / ".git/objects/pack").glob("tmp_hee_*")) == []


SYNCER = """
import sys
import hee_core
with hee_core.open_log(sys.argv[1]) as log:
    for line in sys.stdin:  # one a sync, until the writers beside it are done
        try:
            assert not (done := hee_core.sync(log)).findings
            print(done.pushed, flush=True)
        except hee_core.Conflict:
            print("others were faster", flush=True)
"""


@pytest.mark.spec("SEED-005", "SEED-310")
def test_clones_that_are_written_and_synced_at_once_lose_nothing_and_converge(tmp_path, signer):
    each, names = (40, "abc") if os.environ.get("HEE_SOAK") else (4, "ab")
    world = Clones(tmp_path, signer=signer)
    for name in names:
        world.clone(name).close()
    writers = [start(tmp_path / name, f"{name}{n}", each) for name in names for n in range(2)]
    syncers = [
        subprocess.Popen(
            [sys.executable, "-c", SYNCER, str(tmp_path / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for _ in range(each // 2):
        for syncer in syncers:
            syncer.stdin.write("\n")
            syncer.stdin.flush()
    acknowledged = set()
    for writer in writers:
        out, _ = writer.communicate(timeout=300)
        assert writer.returncode == 0
        acknowledged |= {line.split()[1] for line in out.splitlines()}
    for syncer in syncers:
        syncer.communicate(timeout=300)
        assert syncer.returncode == 0
    orders = []
    for name in (*names, names[0]):
        with open_at(tmp_path / name, signer=signer) as log:
            assert hee_core.sync(log).ok
    for name in names:
        with open_at(tmp_path / name, signer=signer) as log:
            hee_core.sync(log)
            orders.append([entry.event.id for entry in log.read()])
            assert hee_core.verify(log).ok
    assert len(acknowledged) == 2 * each * len(names)
    assert set(orders[0]) >= acknowledged
    assert len(orders[0]) == len(acknowledged) + 1
    assert all(order == orders[0] for order in orders)
    assert world.holds()


def test_threads_may_share_one_log(tmp_path, signer):
    from concurrent.futures import ThreadPoolExecutor

    with make_log(tmp_path / "repository", signer=signer) as log, ThreadPoolExecutor(4) as pool:
        events = [Event.new("note.recorded", {"text": str(n)}) for n in range(20)]
        indexes = list(pool.map(lambda event: log.append([event]).index, events))
        assert sorted(indexes) == list(range(1, 21))
        assert hee_core.verify(log).ok
