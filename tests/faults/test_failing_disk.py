"""Every call to the disk fails once, before or in the middle: one clear error, nothing lost, and the retry goes through."""

from __future__ import annotations

import errno
import shutil

import pytest
from clones import Clones, said
from faults.disks import FailingDisk
from logs import git, make_log, make_repository, open_at

import hee_core
from hee_core.errors import GitError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner


def note(text: str) -> Event:
    return Event.new("note.recorded", {"text": text})


@pytest.mark.spec("SEED-005")
@pytest.mark.parametrize(("code", "half"), [(errno.ENOSPC, True), (errno.EIO, False)])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_disk_that_fails_once_loses_nothing_and_the_retry_succeeds(tmp_path, code, half, fresh):
    signer = EphemeralSigner()
    place = tmp_path / "repository"
    if fresh:
        make_repository(place)
    else:
        with make_log(place, signer=signer) as log:
            log.append([note("before")])
    number = failed = 0
    while True:
        disk = FailingDisk(number, code, half=half)
        with open_at(place, signer=signer, disk=disk) as log:
            log.keep_snapshots = False
            before = [entry.event.id for entry in log.read()] if not fresh or number else []
            event = note(f"number {number}")
            try:
                if fresh and log.store.tip() is None:
                    log.create()
                else:
                    log.append([event])
            except GitError as error:
                failed += 1
                assert error.hint  # noqa: PT017 - the error is optional here
            if disk.calls <= number:
                break
        with open_at(place, signer=signer) as after:
            if after.store.tip() is None:
                number += 1
                continue
            ids = [entry.event.id for entry in after.read()]
            assert ids[: len(before)] == before
            entry = after.append([event])
            assert entry.index in (len(before), len(before) + 1)
            assert after.append([event]).index == entry.index
            assert hee_core.verify(after).ok
        number += 1
    assert number > 8
    assert failed > 5
    assert git(place, "fsck", "--strict", "--no-dangling") == ""
    assert not list((place / ".git/refs/heads/hee").glob("*.lock"))


@pytest.mark.spec("SEED-005")
def test_a_disk_that_fails_at_any_step_of_a_sync_loses_nothing_and_the_next_sync_finishes(tmp_path, soak):
    world = Clones(tmp_path)
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        b.append([note("b2")])
    shutil.copytree(world.origin, tmp_path / "origin.before")
    number, failed = 0, 0
    while True:
        place = tmp_path / "again"
        shutil.copytree(tmp_path / "b", place, symlinks=True)
        disk = FailingDisk(number, (errno.ENOSPC, errno.EIO)[number % 2], half=number % 2 == 0)
        log = open_at(place, signer=world.signer, disk=disk)
        try:
            hee_core.sync(log)
        except GitError as error:
            failed += 1
            assert error.hint  # noqa: PT017 - the error is optional here
        log.close()
        with open_at(place, signer=world.signer) as after:
            assert {"b1", "b2"} <= set(said(after))
            assert hee_core.sync(after).ok
            assert said(after) == ["a1", "b1", "b2"]
            assert hee_core.verify(after).ok
            assert after.append([note("goes on")]).index == 4
        assert world.holds()
        assert not list((place / ".git/refs").rglob("*.lock"))
        shutil.rmtree(place)
        shutil.rmtree(world.origin)
        shutil.copytree(tmp_path / "origin.before", world.origin)
        if disk.calls <= number:
            break
        number += 1 if soak else 5
    assert number > 10
    assert failed > 1
