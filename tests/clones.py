"""Clones of one log with a shared bare remote, for the tests of syncing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logs import git, make_log, open_at

import hee_core
from hee_core.clock import SYSTEM, Clock
from hee_core.events import Event
from hee_core.keys import EphemeralSigner

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.keys import Signer
    from hee_core.log import Log

REF = "refs/heads/hee/log"


def note(text: str, **more) -> Event:
    return Event.new("note.recorded", {"text": text}, subject="release", **more)


def changed(from_: str, to: str) -> Event:
    return Event.new("state.changed", {"from": from_, "to": to, "trigger": "t"})


def said(log: Log) -> list[str]:
    """What the notes of a log say, in order."""
    return [entry.event.data["text"] for entry in log.read() if entry.event.type == "note.recorded"]


@dataclass
class Clones:
    """A bare remote and clones of it; every clone signs with the same key unless it is given another."""

    place: Path
    object_format: str = "sha1"
    signer: Signer = field(default_factory=EphemeralSigner)
    clock: Clock = SYSTEM

    def __post_init__(self) -> None:
        self.origin = self.place / "origin.git"
        with make_log(
            self.place / "first", object_format=self.object_format, signer=self.signer, clock=self.clock
        ) as log:
            self.id = log.id
        git(self.place, "clone", "--quiet", "--bare", "first", "origin.git")
        git(self.origin, "config", "gc.auto", "0")

    def clone(self, name: str, *arguments: str, signer: Signer | None = None) -> Log:
        """A clone that has taken over the log."""
        git(self.place, "clone", "--quiet", *arguments, str(self.origin), name)
        log = open_at(self.place / name, signer=signer or self.signer, clock=self.clock)
        assert hee_core.sync(log).ok
        return log

    def tip(self) -> str:
        return git(self.origin, "rev-parse", REF)

    def force(self, commit: str) -> None:
        """Does to the remote what somebody can who may push by force."""
        git(self.origin, "update-ref", REF, commit)

    def holds(self) -> bool:
        """Whether the remote's log verifies, for somebody who knows nothing else."""
        with open_at(self.origin, signer=EphemeralSigner()) as log:
            return hee_core.verify(log).ok


def refs(place: Path) -> str:
    """Every ref of a repository."""
    return subprocess.run(["git", "for-each-ref"], cwd=place, capture_output=True, text=True, check=True).stdout
