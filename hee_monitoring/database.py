"""The pattern database: what can go wrong, how it shows, what it means and which row of the decision matrix it takes.

Responsible for the types and for loading the compiled form. The sources are YAML, one file a family, under `patterns/`;
`pattern_sources` compiles them to `database.json`, and nothing parses YAML on the way to an explanation.

Invariant: `version` and `digest` name exactly the content, so a recorded diagnosis can be repeated with the same data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hee_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPILED = Path(__file__).parent / "patterns" / "database.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of failure.

    `role` says what a match is worth: `cause` proves a failure; `hint` names a cause only in a log that failed; `verdict` is
    the tool's own summary and decides the category; `consequence` counts when nothing else does; `count` only serves
    `requires`. `requires` lists (pattern id, capture) whose values must all be equal: then this pattern takes the place of
    `refines`. A line that one of `vetoes` matches is no hit; `then` finds, a few lines below the hit, the line that proves more (the assertion below a
    test's name), `peek` only takes captures from such a line (the place below a message); with `above` a line only says that something stopped, and the last words above it prove more; a hit more than `near` lines (if not 0) above the stated failure was survived and is a mere hint. `signal` names a fact of the job's metadata that finds this pattern instead of a text.
    """

    pattern_id: str
    title: str
    description: str
    category: str
    channel: str
    hee_impact: str
    safety_level: str
    rollback_required: bool
    matrix_row: str
    what: str
    remedy: str
    priority: int
    role: str
    regexes: tuple[str, ...]
    vetoes: tuple[str, ...]
    then: str
    peek: str
    near: int
    captures: tuple[str, ...]
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    signal: str = ""
    refines: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    above: bool = False


class PatternDB:
    """All patterns by id, in the order of their ids."""

    def __init__(self, patterns: tuple[Pattern, ...], *, version: str, digest: str) -> None:
        """Takes the patterns as they are; `load` is what programs call."""
        self._patterns = {pattern.pattern_id: pattern for pattern in patterns}
        self.version = version
        self.digest = digest

    @classmethod
    def load(cls, path: Path = COMPILED) -> PatternDB:
        """Reads the compiled database; raises ConfigError when it is missing or not of this format."""
        try:
            document = json.loads(path.read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']} is not {FORMAT}")
            patterns = tuple(_pattern(item) for item in document["patterns"])
            return cls(patterns, version=document["version"], digest=document["digest"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"pattern database {path.name} cannot be read: {error}", hint="run scripts/build_patterns.py"
            ) from None

    def get(self, pattern_id: str) -> Pattern | None:
        """The pattern with this id, or None."""
        return self._patterns.get(pattern_id)

    def by_signal(self, signal: str) -> Pattern | None:
        """The pattern that a fact of the job's metadata finds."""
        return next((pattern for pattern in self if pattern.signal == signal), None)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self._patterns.values())

    def __len__(self) -> int:
        return len(self._patterns)


def _pattern(item: dict[str, Any]) -> Pattern:
    """Builds a pattern from its compiled form."""
    return Pattern(
        **{
            **item,
            "regexes": tuple(item["regexes"]),
            "vetoes": tuple(item["vetoes"]),
            "captures": tuple(item["captures"]),
            "examples": tuple(item["examples"]),
            "counterexamples": tuple(item["counterexamples"]),
            "requires": tuple((pattern_id, capture) for pattern_id, capture in item.get("requires", ())),
        }
    )
