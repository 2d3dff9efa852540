"""What a job left to be read: the logs of its steps and its outputs.

The job could write in this folder, so everything in it is taken for hostile: the folder is held open from before the job
began, no link is followed, only regular files of a bounded size are read, and what does not parse counts as not there.

Invariant: no byte from outside the folder is ever read, whatever the job made of its files.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Self

from hee_monitoring.sources.actlog import StepLog
from hee_monitoring.sources.step import HEAD, TAIL

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = max(HEAD, TAIL)


class Kept:
    """The folder of one job; use it in `with`, around the job's whole life."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder, which must exist."""
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._folder)

    def logs(self, steps: int) -> dict[int, StepLog]:
        """What the wrapper wrote, by step; a step of which it kept nothing is not there."""
        found: dict[int, StepLog] = {}
        for number in range(steps):
            for name, wrapped in ((f"{number}.log", True), (f"{number}.action.log", False)):
                head, older, last = (self._read(f"{name}{ending}") for ending in ("", ".older", ".last"))
                if head is not None:
                    text = join_log(head, older or b"", last or b"", self._number(f"{name}.lost") or 0)
                    found[number] = StepLog(text, self._number(f"{name}.exit") if wrapped else None, wrapped)
        return found

    def outputs(self) -> dict[str, str]:
        """The job's outputs; none where it has none."""
        try:
            value = json.loads(self._read("outputs.json") or b"{}")
        except (ValueError, RecursionError):
            return {}
        return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}

    def _number(self, name: str) -> int | None:
        data = self._read(name) or b""
        return int(data) if data.isdigit() and len(data) < 16 else None

    def _read(self, name: str) -> bytes | None:
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_LARGEST)


def join_log(head: bytes, older: bytes, last: bytes, lost: int) -> bytes:
    """The bytes of a step's log from its three files, with a line where the middle is missing."""
    return head + (b"\n[hee: %d bytes left out]\n" % lost if lost else b"") + older + last
