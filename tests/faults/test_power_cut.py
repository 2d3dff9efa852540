"""A power cut at any moment of an append: what was acknowledged is there, nothing is half there, and the log goes on."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from clones import Clones
from faults.disks import RecordingDisk
from logs import git, make_log, open_at

import hee_core
from hee_core.events import Event
from hee_core.keys import EphemeralSigner

if TYPE_CHECKING:
    from pathlib import Path


def note(text: str) -> Event:
    return Event.new("note.recorded", {"text": text})


def cut(base: Path, target: Path, moment, choose: random.Random) -> None:
    """Makes one legal disk of a moment: each unsynced name may have changed or not, each unsynced content be anything."""
    pending, inodes, names = moment
    final = dict(names)
    kept = [change for change in pending if choose.random() < 0.5] if choose.random() < 0.8 else list(pending)
    final |= dict(kept)
    shutil.copytree(base, target, symlinks=True)
    contents = {}
    for name, inode in final.items():
        path = target / name.relative_to(base.parent / "repository")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if inode is None:
            continue
        if inode not in contents:
            held = inodes[inode]
            torn = [held.now, held.now[: choose.randrange(len(held.now) + 1)], bytes(len(held.now)), b""]
            contents[inode] = held.now if held.now == held.durable else choose.choice(torn)
        path.write_bytes(contents[inode])


@pytest.mark.spec("SEED-005")
@pytest.mark.parametrize("first", [True, False])
def test_every_power_cut_leaves_what_was_acknowledged(tmp_path, first, soak):
    place, base, signer = tmp_path / "repository", tmp_path / "base", EphemeralSigner()
    with make_log(place, signer=signer) as log:
        if not first:
            for n in range(3):
                log.append([note(f"before {n}")])
    shutil.copytree(place, base, symlinks=True)
    disk = RecordingDisk()
    acknowledged: list[tuple[int, str]] = []  # how many moments had passed, and what was promised by then
    with open_at(place, signer=signer, disk=disk) as log:
        disk.boots = 1
        for n in range(2):
            entry = log.append([note(f"new {n}")])
            acknowledged.append((len(disk.moments), entry.event.id))
        size = len(log)
    choose = random.Random(7)
    tried = 0
    for number, moment in enumerate(disk.moments, 1):
        for _ in range(40 if soak else 1):
            target = tmp_path / "after" / "repository"
            cut(base, target, moment, choose)
            after = RecordingDisk(boots=2)
            with open_at(target, signer=signer, disk=after) as log:
                ids = [entry.event.id for entry in log.read()]
                promised = [event_id for when, event_id in acknowledged if when <= number]
                assert set(promised) <= set(ids), f"moment {number}"
                assert len(ids) <= size
                entry = log.append([note("after the cut")])
                assert entry.index == len(ids)
                report = hee_core.verify(log)
                assert report.ok, report.findings
            if tried % 9 == 0:
                git(target, "fsck", "--strict", "--no-dangling")
            shutil.rmtree(tmp_path / "after")
            tried += 1
    assert tried > 20


def test_every_power_cut_during_a_merge_of_packs_leaves_all_of_them(tmp_path, soak, monkeypatch):
    monkeypatch.setattr("hee_core.packs.MOST_PACKS", 4)
    place, base, signer = tmp_path / "repository", tmp_path / "base", EphemeralSigner()
    with make_log(place, signer=signer) as log:
        log.append([note("before")])
    git(place, "config", "core.fsync", "none")  # what a repository says about durability decides nothing
    shutil.copytree(place, base, symlinks=True)
    disk = RecordingDisk(boots=1)
    ids, began = [], []
    with open_at(place, signer=signer, disk=disk) as log:
        for n in range(4):
            ids.append((len(disk.moments), log.append([note(f"new {n}")]).event.id))
            began.append(len(disk.moments))
            log.store.close()  # waits for the merge
    removed = [
        n
        for n, (pending, _, _) in enumerate(disk.moments)
        if any(inode is None and name.suffix == ".pack" for name, inode in pending)
    ]
    assert removed
    choose = random.Random(11)
    chosen = range(len(disk.moments)) if soak else sorted({*removed[::4], removed[-1], len(disk.moments) - 1})
    for number in chosen:
        target = tmp_path / "after" / "repository"
        cut(base, target, disk.moments[number], choose)
        with open_at(target, signer=signer, disk=RecordingDisk(boots=2)) as log:
            found = [entry.event.id for entry in log.read()]
            assert {
                event_id for when, event_id in ids if when < number and began[ids.index((when, event_id))] <= number
            } <= set(found)
            assert log.append([note("after the cut")]).index == len(found)
            assert hee_core.verify(log).ok
        git(target, "fsck", "--strict", "--no-dangling")
        shutil.rmtree(tmp_path / "after")


def test_every_power_cut_during_a_sync_leaves_one_order_of_everything(tmp_path, soak):
    world = Clones(tmp_path / "world")
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        acknowledged = {b.append([note(f"b{n}")]).event.id for n in range(2)}
        acknowledged |= {entry.event.id for entry in a.read()} & {entry.event.id for entry in b.read()}
    git(world.place / "b", "fetch", "--quiet", "origin")
    git(world.place / "b", "update-ref", "-d", "refs/hee/remotes/origin")  # so stock git's own is what is known
    place, base = tmp_path / "repository", tmp_path / "base"
    shutil.copytree(world.place / "b", place, symlinks=True)
    shutil.copytree(place, base, symlinks=True)
    disk = RecordingDisk(boots=1)
    with open_at(place, signer=world.signer, disk=disk) as log:
        assert hee_core.sync(log, fetch=False, push=False).resequenced == 2
    choose = random.Random(13)
    tried = 0
    for moment in disk.moments[:: 1 if soak else 4]:
        for _ in range(20 if soak else 1):
            target = tmp_path / "after" / "repository"
            cut(base, target, moment, choose)
            with open_at(target, signer=world.signer, disk=RecordingDisk(boots=2)) as log:
                assert acknowledged <= {entry.event.id for entry in log.read()}
                assert hee_core.verify(log).ok
                log.append([note("after the cut")])
                assert hee_core.sync(log, push=False).ok
                ids = [entry.event.id for entry in log.read()]
                assert acknowledged <= set(ids)
                assert len(ids) == len(set(ids)) == 5
                assert hee_core.verify(log).ok
            shutil.rmtree(tmp_path / "after")
            tried += 1
    assert tried > 3
