"""The log in memory keeps the contract."""

from __future__ import annotations

import pytest
from contracts.log_contract import LogContract

from hee_core import MemoryLog
from hee_core.clock import FixedClock


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self):
        return MemoryLog(clock=FixedClock())
