"""Contract suites for whoever writes a plugin: inherit one in a test module, give it what it asks for, and run pytest.

Each holds what HEE relies on; the built-in strategies, rules, sources and channels pass the same suites.
"""

from hee_monitoring.testing.channel import ChannelContract
from hee_monitoring.testing.rule import RuleContract
from hee_monitoring.testing.source import SourceContract
from hee_monitoring.testing.strategy import StrategyContract

__all__ = ["ChannelContract", "RuleContract", "SourceContract", "StrategyContract"]
