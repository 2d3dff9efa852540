"""Real logs in real repositories, for the tests of the log."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from hee_core.clock import SYSTEM, Clock
from hee_core.git import Repository
from hee_core.gitstore import GitStore
from hee_core.keys import EphemeralSigner
from hee_core.log import Log

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.disk import Disk
    from hee_core.keys import Signer

WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git(place: Path, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
    """Runs real git in a directory."""
    done = subprocess.run(["git", *WHO, *arguments], cwd=place, input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"git {arguments}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "replace").strip()


def make_repository(place: Path, *, object_format: str = "sha1", bare: bool = False) -> Path:
    """A repository with one commit on main (without one, if it is bare)."""
    place.mkdir(parents=True)
    git(
        place,
        "init",
        "--quiet",
        f"--object-format={object_format}",
        "--initial-branch=main",
        *(["--bare"] if bare else []),
    )
    if not bare:
        (place / "file.txt").write_text("hello\n")
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message=start")
    return place


def make_log(
    place: Path, *, object_format: str = "sha1", bare: bool = False, clock: Clock = SYSTEM, disk: Disk | None = None,
    signer: Signer | None = None,
) -> Log:  # fmt: skip
    """A log with its first event, in a new repository."""
    make_repository(place, object_format=object_format, bare=bare)
    log = open_at(place, signer=signer or EphemeralSigner(), clock=clock, disk=disk)
    log.create("for a test")
    return log


def open_at(place: Path, *, signer: Signer, clock: Clock = SYSTEM, disk: Disk | None = None) -> Log:
    """A handle on the log of a repository."""
    return Log(GitStore(Repository.discover(place), disk=disk, clock=clock), signer=signer, clock=clock)
