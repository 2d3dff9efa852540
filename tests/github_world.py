"""A watched repository beside a simulated GitHub, asked over loopback by the real client."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from worlds import ShellSource, git, watched

from hee_core import FixedClock
from hee_monitoring.cycle import Result
from hee_monitoring.following import Follower
from hee_monitoring.github.client import Client
from hee_monitoring.github.credentials import Token
from hee_monitoring.github.limits import Limits
from hee_monitoring.github.loopback import handler
from hee_monitoring.github.place import Place
from hee_monitoring.github.simulator import SimulatedJob, Simulator
from hee_monitoring.workspace import Workspace

SECRET = "ghs_" + "Ca9aRy" * 6
RUFF = (  # as ruff prints it for FILES, with the times of GitHub's runner
    b"2026-01-24T12:00:00.0000000Z unformatted: File would be reformatted\n"
    b"2026-01-24T12:00:00.0000000Z  --> a.py:1:6\n"
    b"2026-01-24T12:00:00.0000000Z 1 file would be reformatted\n"
    b"2026-01-24T12:00:00.2000000Z ##[error]Process completed with exit code 1.\n"
)
NETWORK = b"2026-01-24T12:00:00.0000000Z curl: (6) Could not resolve host: deb.example.org\n2026-01-24T12:00:00.2000000Z ##[error]Process completed with exit code 6.\n"
WORKFLOW = """\
on: [push]
permissions: {}
jobs:
  format:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: ruff format --check .
"""
PATH = ".github/workflows/ci.yml"
FILES = {"pyproject.toml": "[tool.ruff]\n", "a.py": "x = {  'a':1 }\n", PATH: WORKFLOW}


def red(name: str = "format", log: bytes | int = RUFF, **more: object) -> SimulatedJob:
    return SimulatedJob(name, "failure", log, **more)  # type: ignore[arg-type]


def green(name: str = "format") -> SimulatedJob:
    return SimulatedJob(name)


@dataclass
class GitHubWorld:
    root: Path
    clock: FixedClock
    server: Simulator
    workspace: Workspace
    client: Client
    judge: ShellSource
    follower: Follower

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    @property
    def state(self):
        return self.workspace.log.state

    def poll(self, **options: object) -> Result:
        return self.follower.cycle(self.workspace, **options)[1]  # type: ignore[arg-type]

    def calm(self) -> None:
        """A first look at one green run, so that there is a cursor."""
        self.server.run("success", [green()])
        self.poll(fix=False)

    def events(self, type_: str) -> list[dict]:
        return [dict(entry.event.data) for entry in self.workspace.log.read() if entry.event.type == type_]

    def asked(self) -> list[str]:
        """The requests since the last time."""
        made, self.server.requests[:] = list(self.server.requests), []
        return made

    def afresh(self, **client: object) -> None:
        """Another process: nothing is remembered but what is on disk."""
        self.follower.close()
        self.client = client_of(self.server, self.clock, **client)
        self.follower = Follower(self.workspace, self.client, self.judge, lambda _: None)


def client_of(
    server: Simulator, clock: FixedClock, *, budget: int = 900, timeout: float = 5, secret: str = SECRET
) -> Client:
    place = Place(server.url, server.repository)
    return Client(place, Token(secret, "GITHUB_TOKEN"), clock=clock, limits=Limits(clock, budget), timeout=timeout)


Answer = tuple[int, dict[str, str], bytes, str]


@contextmanager
def served(answer: Callable[[str, str, dict[str, str], bytes], Answer]) -> Iterator[Client]:
    """A server that answers as it is told, and a client of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(answer, threading.Event()))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    clock = FixedClock(step=0.001)
    place = Place(f"http://127.0.0.1:{server.server_port}", "o/r")
    with Client(place, Token(SECRET, "GITHUB_TOKEN"), clock=clock, limits=Limits(clock), timeout=5) as client:
        yield client
    server.shutdown()
    server.server_close()


@cache
def made_once() -> Path:
    """The repository and its key, made once a process; tests get copies."""
    place = Path(tempfile.mkdtemp(prefix="hee-test-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEE_HOME", str(place / "home"))
        watched(place / "r", FILES, clock=FixedClock(step=0.001))
    return place


def template(root: Path) -> None:
    """A watched repository at `root`, and its key in this test's home."""
    shutil.copytree(made_once() / "r", root)
    shutil.copytree(made_once() / "home", os.environ["HEE_HOME"], dirs_exist_ok=True)


@contextmanager
def world(root: Path) -> Iterator[GitHubWorld]:
    clock = FixedClock(step=0.001)
    template(root)
    judge = ShellSource(root, {f"{PATH}#format": "ruff format --check ."})
    with Simulator(clock=clock) as server, Workspace.open(root, clock=clock) as workspace:
        client = client_of(server, clock)
        made = GitHubWorld(
            root, clock, server, workspace, client, judge, Follower(workspace, client, judge, lambda _: None)
        )
        try:
            yield made
        finally:
            made.follower.close()
