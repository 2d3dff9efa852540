"""The kinds of values a configuration may hold: each reads itself, with places for faults, and tells its JSON Schema.

One source of truth: what `read` accepts and what the schema for editors says come from the same object.
"""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_governance.document import Node

_PERCENT = re.compile(r"(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?) ?%")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `unknown` is set where the only fault is a key that this program does not know."""

    pointer: str
    line: int
    message: str
    unknown: bool = False


class Kind(ABC):
    """A kind of value."""

    @abstractmethod
    def read(self, node: Node, pointer: str, faults: list[Fault]) -> Any:
        """The value, normalized; adds a fault and returns anything if it is none."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of what `read` accepts."""


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Text that matches a pattern in full; `check` returns why a text is refused, `words` are accepted as they are."""

    pattern: str
    what: str
    check: Callable[[str], str] = lambda _: ""
    words: tuple[str, ...] = ()

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> str:
        value = node.value
        if not isinstance(value, str):
            said = "nothing" if value is None else type(value).__name__
            quoted = f'; write "{node.text}" in quotes' if isinstance(value, (int, float)) else ""
            faults.append(Fault(pointer, node.line, f"is {self.what}, not {said}{quoted}"))
            return ""
        if value not in self.words:
            if not re.fullmatch(self.pattern, value) or len(value) > 1000:
                faults.append(Fault(pointer, node.line, f"{value!r} is not {self.what}"))
            elif why := self.check(value):
                faults.append(Fault(pointer, node.line, f"{value!r} {why}"))
        return value

    def schema(self) -> dict[str, Any]:
        words = "".join(f"|{re.escape(word)}" for word in self.words)
        return {"type": "string", "pattern": f"^({self.pattern}{words})$", "maxLength": 1000}


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of some words."""

    words: tuple[str, ...]

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> str:
        if node.value not in self.words:
            said = node.text or "that"
            faults.append(
                Fault(pointer, node.line, f"{said!r} is not one of: {', '.join(self.words)}{near(said, self.words)}")
            )
        return str(node.value)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Percent(Kind):
    """`100%`, `99.5%` or a whole number; read as basis points."""

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> int:
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100:
            return value * 100
        if isinstance(value, str) and _PERCENT.fullmatch(value):
            whole, _, part = value.rstrip(" %").partition(".")
            return int(whole) * 100 + int(part.ljust(2, "0"))
        faults.append(
            Fault(pointer, node.line, f"{node.text or 'that'!r} is not a percentage from 0% to 100%, as 99.5%")
        )
        return 0

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{_PERCENT.pattern}$"},
                {"type": "integer", "minimum": 0, "maximum": 100},
            ]
        }


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number in a range."""

    low: int
    high: int

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> int:
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        faults.append(
            Fault(pointer, node.line, f"is a whole number from {self.low} to {self.high}, not {node.text or 'that'}")
        )
        return self.low

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Many(Kind):
    """A list of one kind, without repetition."""

    kind: Kind
    least: int = 0

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> tuple[Any, ...]:
        if not isinstance(node.value, list) or len(node.value) < self.least:
            faults.append(Fault(pointer, node.line, f"is a list{f' of at least {self.least}' if self.least else ''}"))
            return ()
        values = tuple(self.kind.read(item, f"{pointer}/{number}", faults) for number, item in enumerate(node.value))
        if len(set(values)) != len(values):
            faults.append(Fault(pointer, node.line, "names the same thing twice"))
        return values

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.kind.schema(), "minItems": self.least, "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Pairs(Kind):
    """Names with values, as a list of one-key mappings (the specification's form) or as one plain mapping."""

    kinds: Mapping[str, Kind]

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        entries: list[tuple[str, Node, str]] = []
        if isinstance(node.value, dict):
            entries = [(name, item, f"{pointer}/{escaped(name)}") for name, item in node.items()]
        elif isinstance(node.value, list):
            for number, item in enumerate(node.value):
                if not isinstance(item.value, dict) or len(item.value) != 1:
                    faults.append(
                        Fault(f"{pointer}/{number}", item.line, "is one name with its value, as `name: value`")
                    )
                    continue
                entries.extend((name, value, f"{pointer}/{number}/{escaped(name)}") for name, value in item.items())
        else:
            faults.append(Fault(pointer, node.line, "is a mapping, or a list of `name: value`"))
        for name, item, place in entries:
            if name not in self.kinds:
                faults.append(Fault(place, item.line, f"{name!r} is not known{near(name, self.kinds)}", unknown=True))
            elif name in found:
                faults.append(Fault(place, item.line, f"{name!r} stands here twice"))
            else:
                found[name] = self.kinds[name].read(item, place, faults)
        return found

    def schema(self) -> dict[str, Any]:
        properties = {name: kind.schema() for name, kind in self.kinds.items()}
        mapping = {"type": "object", "properties": properties, "additionalProperties": False}
        one = {**mapping, "minProperties": 1, "maxProperties": 1}
        return {"anyOf": [{"type": "array", "items": one}, mapping]}


@dataclass(frozen=True, slots=True)
class Rows(Kind):
    """A list of mappings with the same keys, each made into one value by `make` (which is given its line)."""

    table: Table
    make: Callable[[dict[str, Any], int], Any]

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> tuple[Any, ...]:
        if not isinstance(node.value, list):
            faults.append(Fault(pointer, node.line, "is a list"))
            return ()
        found = []
        for number, item in enumerate(node.value):
            before = len(faults)
            values = self.table.read(item, f"{pointer}/{number}", faults)
            if len(faults) == before:
                found.append(self.make(values, item.line))
        return tuple(found)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.table.schema()}


@dataclass(frozen=True, slots=True)
class Read(Kind):
    """A value that a function reads, for what has a form of its own; the schema for editors knows only its outside."""

    function: Callable[[Node, str, list[Fault]], Any]
    outside: Mapping[str, Any]

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> Any:
        return self.function(node, pointer, faults)

    def schema(self) -> dict[str, Any]:
        return dict(self.outside)


@dataclass(frozen=True, slots=True)
class Named(Kind):
    """A mapping from names of the writer's choice to values of one kind."""

    kind: Kind

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> dict[str, Any]:
        if not isinstance(node.value, dict):
            faults.append(Fault(pointer, node.line, "is a mapping from a name to its value"))
            return {}
        return {name: self.kind.read(item, f"{pointer}/{escaped(name)}", faults) for name, item in node.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.kind.schema()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a table: its kind, what holds without it, and a sentence for people."""

    kind: Kind
    default: Any
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table(Kind):
    """A mapping with known keys; those that are absent take their default."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> dict[str, Any]:
        values = {name: entry.default for name, entry in self.entries.items()}
        if not isinstance(node.value, dict):
            faults.append(Fault(pointer, node.line, "is a mapping"))
            return values
        for name, item in node.items():
            place = f"{pointer}/{escaped(name)}"
            if name in self.entries:
                values[name] = self.entries[name].kind.read(item, place, faults)
            else:
                message = f"{name!r} is not a known key{near(name, self.entries)}"
                faults.append(Fault(place, item.line, message, unknown=True))
        for name, entry in self.entries.items():
            if entry.required and name not in node.value:
                faults.append(Fault(f"{pointer}/{name}", node.line, "is missing"))
        return values

    def schema(self) -> dict[str, Any]:
        properties = {name: {**entry.kind.schema(), "description": entry.doc} for name, entry in self.entries.items()}
        required = [name for name, entry in self.entries.items() if entry.required]
        found = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**found, "required": required} if required else found


def escaped(name: str) -> str:
    """A name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def near(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """A suggestion for a mistyped word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
