"""What every test gets: a home, a key and a cache of its own, no git configuration of the machine, no color."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure() -> None:
    """No test is timed: machines are noisy. A suite started in the background would ignore interrupts, and so would every
    process that it starts.
    """
    examples = 500 if os.environ.get("HEE_SOAK") else 50
    slow = [HealthCheck.too_slow]
    settings.register_profile("hee", max_examples=examples, deadline=None, suppress_health_check=slow)
    settings.load_profile("hee")
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place of its own for all homes: pytest looks through its own directory whenever a test asks for another."""
    place = tmp_path_factory.mktemp("homes")
    return (place / str(number) for number in count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "HEE_", "GITHUB_", "GH_"))]:
        if name not in ("HEE_SOAK", "HEE_TEST_TOOL_CACHE", "HEE_GITHUB_DESCRIPTION", "GIT_SSL_CAINFO"):
            monkeypatch.delenv(name)
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HEE_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def soak() -> bool:
    """Whether the long form of a test was asked for."""
    return bool(os.environ.get("HEE_SOAK"))
