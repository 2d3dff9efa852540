"""Reading what a job left, whatever the job made of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hee_monitoring.sources.actlog import StepLog
from hee_monitoring.sources.kept import Kept, join_log

if TYPE_CHECKING:
    from pathlib import Path


def test_logs_and_outputs_are_read(tmp_path: Path) -> None:
    for name, data in (
        ("0.log", "head"),
        ("0.log.older", "O"),
        ("0.log.last", "L"),
        ("0.log.lost", "5"),
        ("0.log.exit", "3"),
        ("2.log", "x"),
    ):
        (tmp_path / name).write_text(data)
    (tmp_path / "outputs.json").write_text('{"a": "b", "n": 1}')
    with Kept(tmp_path) as kept:
        assert kept.logs(3) == {0: StepLog(b"head\n[hee: 5 bytes left out]\nOL", 3), 2: StepLog(b"x", None)}
        assert kept.outputs() == {"a": "b", "n": "1"}


def test_nothing_is_nothing(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        assert kept.logs(2) == {}
        assert kept.outputs() == {}


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", "[" * 100_000, '"x"', "null"])
def test_outputs_that_do_not_parse_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    with Kept(tmp_path) as kept:
        assert kept.outputs() == {}


@pytest.mark.parametrize("text", ["", "x", "-1", "1" * 50])
def test_an_exit_status_that_is_no_number_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "0.log").touch()
    (tmp_path / "0.log.exit").write_text(text)
    with Kept(tmp_path) as kept:
        assert kept.logs(1) == {0: StepLog(b"", None)}


def test_links_pipes_and_folders_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "0.log").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "1.log")
    (folder / "2.log").mkdir()
    with Kept(folder) as kept:
        folder.rename(tmp_path / "moved")
        folder.symlink_to(tmp_path)
        (tmp_path / "3.log").write_text("secret")
        assert kept.logs(4) == {}


def test_the_middle_that_is_missing_is_said() -> None:
    assert join_log(b"a", b"b", b"c", 0) == b"abc"
    assert join_log(b"a", b"b", b"c", 7) == b"a\n[hee: 7 bytes left out]\nbc"
