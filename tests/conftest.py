"""What every test gets: a home, a key and a cache of its own, no git configuration of the machine, no color."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure() -> None:
    """No test is timed: machines are noisy. A suite started in the background would ignore interrupts, and so would every
    process that it starts.
    """
    settings.register_profile("hee", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("hee")
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "HEE_", "GITHUB_", "GH_"))]:
        if name not in ("HEE_SOAK", "HEE_TEST_TOOL_CACHE", "HEE_GITHUB_DESCRIPTION", "GIT_SSL_CAINFO"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEE_HOME", str(tmp_path_factory.mktemp("hee")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def soak() -> bool:
    """Whether the long form of a test was asked for."""
    return bool(os.environ.get("HEE_SOAK"))
