"""What other packages bring: strategies, rules and sources, by entry points, each only where the configuration names it.

An installed package changes nothing by being installed: judgement and repair take what `plugins` on the protected branch
lists by name. (A channel of alerts is named by its `type`.) Invariant: what cannot be loaded whole is an error, and a
plugin never takes the place of what is built in.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from hee_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from hee_governance.rules import Rule
    from hee_monitoring.evidence import Source
    from hee_monitoring.fixes import Strategy

STRATEGIES, RULES, SOURCES = "hee.strategies", "hee.rules", "hee.sources"
_GROUPS = (STRATEGIES, RULES, SOURCES)


def strategies(names: Collection[str], known: Sequence[Strategy]) -> tuple[Strategy, ...]:
    """The known strategies, then those of the named plugins; an entry point is a strategy, or makes one without arguments."""
    found = tuple(_made(point) for point in _named(STRATEGIES, names))
    taken = {strategy.name for strategy in known}
    for strategy in found:
        if strategy.name in taken:
            raise ConfigError(f"a plugin brings a second strategy {strategy.name}", hint="leave one out of `plugins`")
        taken.add(strategy.name)
    return (*known, *found)


def rules(names: Collection[str]) -> tuple[Rule, ...]:
    """The rules of the named plugins; an entry point is a list of rules, or a function that makes one."""
    from hee_governance.rules import ALL

    found = tuple(rule for point in _named(RULES, names) for rule in _made(point))
    taken = {rule.id for rule in ALL}
    for rule in found:
        if rule.id in taken:
            raise ConfigError(f"a plugin brings a second rule {rule.id}", hint="leave one out of `plugins`")
        taken.add(rule.id)
    return found


def source(name: str, names: Collection[str], root: Path) -> Source | None:
    """The source of that name over a repository; None where no named plugin brings it. An entry point is its opener."""
    for point in _named(SOURCES, names):
        if point.name == name:
            opener: Callable[[Path], Source] = _loaded(point)
            return opener(root)
    return None


def check(names: Collection[str]) -> None:
    """Raises ConfigError for a name that no installed package brings."""
    brought = {point.name for group in _GROUPS for point in entry_points(group=group)}
    for name in names:
        if name not in brought:
            there = ", ".join(sorted(brought)) or "none"
            raise ConfigError(f"no installed package brings the plugin {name!r}; there are: {there}", hint="install it")


def _named(group: str, names: Collection[str]) -> list[EntryPoint]:
    """The entry points of a group that are named, in the order of the names."""
    if not names:
        return []
    check(names)
    points = {point.name: point for point in entry_points(group=group)}
    return [points[name] for name in names if name in points]


def _made(point: EntryPoint) -> Any:
    loaded = _loaded(point)
    return loaded() if callable(loaded) else loaded


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"the plugin {point.name} ({point.value}) cannot be loaded: {what}", hint="is it whole?"
        ) from error
