"""Rooms live as long as their owner and no longer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hee_monitoring import rooms


def test_a_room_is_there_while_it_is_used_and_gone_after_an_exception(tmp_path: Path) -> None:
    def use() -> None:
        with rooms.room(tmp_path / "work", "a-1") as place:
            (place / "deep/er").mkdir(parents=True)
            (place / "deep").chmod(0o500)
            assert rooms.sweep(tmp_path / "work", "a-") == ()
            assert place.is_dir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        use()
    assert list((tmp_path / "work").iterdir()) == []


def test_a_room_is_never_made_where_another_one_is(tmp_path: Path) -> None:
    with rooms.room(tmp_path, "a-1") as place:
        with pytest.raises(OSError, match="not empty"), rooms.room(tmp_path, "a-1"):
            pass
        assert list(tmp_path.iterdir()) == [place]


def test_nothing_is_swept_that_is_no_room_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, linked, file = tmp_path / "a-mine", tmp_path / "a-linked", tmp_path / "a-file"
    (mine / "x").mkdir(parents=True)
    linked.mkdir()
    (linked / ".lock").symlink_to(tmp_path / "target")
    file.touch()
    monkeypatch.setattr(os, "geteuid", lambda: mine.stat().st_uid + 1)
    assert rooms.sweep(tmp_path, "a-") == ()
    monkeypatch.undo()
    assert rooms.sweep(tmp_path, "a-") == (mine,)
    assert sorted(tmp_path.iterdir()) == [file, linked]


def test_the_lock_of_a_room_that_was_made_anew_meanwhile_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a-1"
    place.mkdir()
    flock = rooms.fcntl.flock

    def meanwhile(lock: int, how: int) -> None:
        (place / ".lock").unlink()
        (place / ".lock").touch()
        flock(lock, how)

    monkeypatch.setattr(rooms.fcntl, "flock", meanwhile)
    assert rooms.sweep(tmp_path, "a-") == ()
    assert place.is_dir()
