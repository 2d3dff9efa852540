"""A sync that is killed before or after any step of its own or of git's: the next one finishes, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clones import Clones, note, refs, said
from logs import open_at

import hee_core
from hee_core.keys import create_agent_key, default_key_path

CHILD = """
import os, signal, sys
import hee_core
from hee_core.disk import Disk
from hee_core.git import Repository
at, after, steps = int(sys.argv[2]), sys.argv[3] == "after", 0
def killing(real):
    def call(*args, **more):
        global steps
        steps += 1
        mine = steps - 1 == at
        if mine and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*args, **more)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return call
for name in ("write", "link", "rename", "remove", "make_directory", "sync", "sync_directory"):
    setattr(Disk, name, killing(getattr(Disk, name)))
Repository.attempt = killing(Repository.attempt)
with hee_core.open_log(sys.argv[1]) as log:
    hee_core.sync(log)
print(steps, flush=True)
"""


def killed(place: Path, at: int, when: str) -> int | None:
    """How many steps there were, if it was not killed."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(place), str(at), when], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return int(done.stdout) if done.returncode == 0 else None


@pytest.mark.slow
@pytest.mark.spec("SEED-005")
def test_a_sync_that_was_killed_at_any_step_is_finished_by_the_next_one(tmp_path, soak):
    world = Clones(tmp_path, signer=create_agent_key(default_key_path()))
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        b.append([note("b2")])
    shutil.copytree(world.origin, tmp_path / "origin.before")
    place = tmp_path / "again"

    def one(at: int, when: str) -> int | None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(world.origin)
        shutil.copytree(tmp_path / "origin.before", world.origin)
        shutil.copytree(tmp_path / "b", place, symlinks=True)
        steps = killed(place, at, when)
        with open_at(place, signer=world.signer) as log:
            assert {"b1", "b2"} <= set(said(log)) <= {"a1", "b1", "b2"}
            event = log.append([note("at once")]).event  # nothing blocks the next writer
            assert hee_core.sync(log).ok
            assert said(log) == ["a1", "b1", "b2", "at once"]
            assert log.append([event]).index == 4
            assert hee_core.verify(log).ok
        assert world.holds()
        assert "refs/hee/incoming" not in refs(place)
        assert "refs/hee/unsynced" not in refs(place)
        return steps

    total = one(1 << 30, "before")
    assert total is not None
    assert total > 30
    chosen = range(total) if soak else (total // 3, total // 2, total - 9, total - 5)
    for number, at in enumerate(chosen):
        for when in ("before", "after") if soak else (("before", "after")[number % 2],):
            assert one(at, when) is None
    assert os.path.lexists(place / ".git" / "hee" / "lineage")
