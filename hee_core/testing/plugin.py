"""The audit kit as a pytest plugin: `pytest --hee-log PATH` adds one test for each promise of the log at PATH.

It is loaded in every pytest run of an environment that has HEE, so importing it costs nothing, and a run that names no
log and asks for no fixture of ours never loads the rest. Invariant: the log that is audited is only read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hee_core.log import Log
    from hee_core.testing.properties import Violation


def pytest_addoption(parser: pytest.Parser) -> None:
    """Takes the log's repository from the command line, or from the configuration."""
    text = "the repository whose log is held to every promise, one test for each"
    parser.getgroup("hee").addoption("--hee-log", metavar="PATH", default=None, help=text)
    parser.addini("hee_log", f"{text} (from the root directory)", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds the promises, unless no log was named; `-k` and `--deselect` choose among them as among all tests."""
    path = _named(config)
    if path is not None:
        from hee_core.testing.promises import PROMISES

        for name in reversed(list(PROMISES)):
            items.insert(0, Promise.from_parent(session, name=name, nodeid=f"hee-log::{name}", log=path))


def _named(config: pytest.Config) -> Path | None:
    given: str | None = config.getoption("--hee-log")
    if given is not None:
        return config.invocation_params.dir / given
    configured: str = config.getini("hee_log")
    return config.rootpath / configured if configured else None


class Broken(Exception):
    """A promise that does not hold, with the violations."""


class Promise(pytest.Item):
    """One promise of a log as a test."""

    def __init__(self, *, log: Path, **more: Any) -> None:
        """Opens nothing yet."""
        super().__init__(**more)
        self.log = log

    def runtest(self) -> None:
        """Raises Broken with every violation, and whatever keeps the log from being read."""
        from hee_core.testing.promises import PROMISES, opened, told

        with opened(self.log) as log:
            found: tuple[Violation, ...] = PROMISES[self.name](log)
        if found:
            raise Broken(told(found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> Any:
        """The violations, or why there is no verdict; a traceback only where the fault is the program's."""
        from hee_core.errors import HeeError

        if excinfo.errisinstance(Broken):
            return str(excinfo.value)
        if isinstance(excinfo.value, HeeError):
            return f"UNKNOWN: {excinfo.value}\nnext: {excinfo.value.hint}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the log is, and which promise this is."""
        return self.log, None, f"hee-log::{self.name}"


@pytest.fixture
def hee_log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """The log that `--hee-log` or `hee_log` names, or else that of the root directory's repository."""
    from hee_core.gitstore import open_log

    with open_log(_named(request.config) or request.config.rootpath) as log:
        yield log


@pytest.fixture
def hee_memory_log() -> Iterator[Log]:
    """A new log in memory, with its first event, signed by a key of its own."""
    from hee_core.memory import MemoryLog

    with MemoryLog() as log:
        yield log
