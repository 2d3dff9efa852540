"""Whether the long form of a test was asked for."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def soak() -> bool:
    return bool(os.environ.get("HEE_SOAK"))
