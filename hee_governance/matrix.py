"""The fix decision matrix: which kind of issue may be repaired by whom, as data that has a row for everything.

Reads `matrix.toml`; leaves every other consideration (freezes, decisions, limits) to `decide`. Invariant: a lookup
never fails, and a key that the matrix does not know gets the row `unknown`, which is never automatic.
"""

from __future__ import annotations

import pkgutil
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hee_core.canonical import digest
from hee_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.catalogue import Action, Level

# From the most automatic to the most careful; `none` stands last because nothing is done.
ACTIONS: tuple[Action, ...] = ("auto-fix", "rerun", "agent-review", "manual-only", "none")
LABELS: dict[Action, str] = {
    "auto-fix": "Auto-Fix",
    "rerun": "Rerun",
    "agent-review": "Agent Review",
    "manual-only": "Manual Only",
    "none": "None",
}
LEVELS: tuple[Level, ...] = ("low", "medium", "high", "critical")
CATEGORIES = (
    *("compile", "typecheck", "lint", "format", "test", "coverage", "dependency", "lockfile", "toolchain"),
    *("workflow-config", "build-config", "vcs", "network", "resource", "infra", "timeout", "cancelled", "permission"),
    *("rate-limit", "artifact", "deploy", "policy", "perf-size", "drift", "docs-link", "crash", "security", "license"),
    *("aggregator", "state", "decision", "spec", "governance", "context", "unknown", "none"),
)
_ACTION_OF = {label: action for action, label in LABELS.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `safety` is how safe automation is here (`low`, `medium`, `high`), not how bad the issue is."""

    key: str
    issue_type: str
    action: Action
    rationale: str
    safety: Level
    pattern: str = ""

    @property
    def label(self) -> str:
        """The action in the specification's words, as `Manual Only`."""
        return LABELS[self.action]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows in file order; `digest` is the SHA-256 of the file they were read from."""

    rows: tuple[Row, ...]
    digest: str
    _by_key: Mapping[str, Row]
    _by_pattern: Mapping[str, Row]

    @classmethod
    def load(cls) -> Matrix:
        """The matrix that ships with this package."""
        return _shipped()

    @classmethod
    def read(cls, data: bytes) -> Matrix:
        """Reads a matrix; raises ConfigError if a row is malformed, doubled or missing for a category."""
        rows = _rows(data)
        keys = {row.key: row for row in rows}
        if len(keys) != len(rows):
            raise ConfigError(
                "decision matrix: two rows have the same key", hint="every issue type has exactly one row"
            )
        missing = [key for key in CATEGORIES if key not in keys]
        if missing:
            raise ConfigError(f"decision matrix: no row for {', '.join(missing)}", hint="every category needs a row")
        patterns = {row.pattern: row for row in rows if row.pattern}
        return cls(rows, digest(data), keys, patterns)

    def row(self, key: str) -> Row:
        """The row of a key; for a key that the matrix does not know, the row `unknown`."""
        return self._by_key.get(key) or self._by_key["unknown"]

    def of_pattern(self, pattern_id: str) -> Row | None:
        """The row that the specification ties to a pattern (HEE-PAT-001 to 005), if it does."""
        return self._by_pattern.get(pattern_id)


def careful(*actions: Action) -> Action:
    """The most careful of some actions."""
    return max(actions, key=ACTIONS.index)


def _rows(data: bytes) -> tuple[Row, ...]:
    try:
        table = tomllib.loads(data.decode())
        return tuple(_row(entry) for entry in table["row"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"decision matrix: {error}", hint="compare it with the matrix.toml of this package") from None


def _row(entry: dict[str, str]) -> Row:
    safety = entry["safety"].lower()
    if safety not in LEVELS[:3]:
        raise ValueError(f"{entry['key']}: safety {entry['safety']!r} is not Low, Medium or High")
    action = _ACTION_OF[entry["auto_fix"]]
    words = (entry["key"], entry["issue_type"], action, entry["rationale"])
    if not all(words):
        raise ValueError(f"row {entry['key']!r} has an empty word")
    return Row(entry["key"], entry["issue_type"], action, entry["rationale"], safety, entry.get("pattern", ""))


@cache
def _shipped() -> Matrix:
    return Matrix.read(pkgutil.get_data("hee_governance", "matrix.toml") or b"")
