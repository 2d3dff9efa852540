"""YAML and JSON text as a tree that remembers lines.

Responsible for reading hostile text safely: no tags are constructed, sizes and depth are bounded, doubled keys are
refused. A text that cannot be read is a value, `Unreadable`, because the reader decides whether that is a fault.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1_000_000
MAX_NODES = 20_000
MAX_DEPTH = 60
_KEPT_BYTES = 16_000_000  # of text whose nodes `reading_once` keeps; what comes after is read anew each time
_TEXT_TAG = "tag:yaml.org,2002:str"
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a text cannot be read, and at which line (counted from 1, 0 if it has none)."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place. `line` is that of the key or list item, `start` and `end` those of the value itself.

    `value` is a dict of nodes, a list of nodes, or a plain value; `style` is `|`, `>`, `'`, `"` or empty.
    """

    value: Any
    line: int
    start: int
    end: int
    style: str = ""

    def get(self, key: str) -> Node | None:
        """The node under a key, if this is a mapping that has it."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def at(self, pointer: str) -> Node:
        """The deepest node on the way of a JSON pointer."""
        node = self
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node.value, dict) and key in node.value:
                node = node.value[key]
            elif isinstance(node.value, list) and key.isdigit() and int(key) < len(node.value):
                node = node.value[int(key)]
            else:
                break
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping; nothing for anything else."""
        yield from self.value.items() if isinstance(self.value, dict) else ()

    @property
    def text(self) -> str:
        """The value as text; empty for a mapping, a list or null."""
        if self.value is True or self.value is False:
            return str(self.value).lower()
        return "" if isinstance(self.value, (dict, list)) or self.value is None else str(self.value)

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value


def read(data: bytes) -> Node | Unreadable:
    """Reads exactly one document."""
    found = documents(data)
    if isinstance(found, Unreadable):
        return found
    if len(found) != 1:
        return Unreadable(found[1].line if found else 1, f"holds {len(found)} documents instead of one")
    return found[0]


@dataclass(slots=True)
class _Kept:
    """What was read since `reading_once` began, by its text."""

    found: dict[bytes, tuple[Node, ...] | Unreadable] = field(default_factory=dict)
    size: int = 0


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Within it equal text is parsed once, whoever asks: parsing is nearly all the time of looking at capsules."""
    token = _kept.set(_Kept())
    try:
        yield
    finally:
        _kept.reset(token)


def documents(data: bytes) -> tuple[Node, ...] | Unreadable:
    """Reads every document of a YAML stream (JSON is YAML)."""
    kept = _kept.get()
    if kept is not None and data in kept.found:
        return kept.found[data]
    found = _parsed(data)
    if kept is not None and kept.size + len(data) <= _KEPT_BYTES:
        kept.found[data] = found
        kept.size += len(data)
    return found


def _parsed(data: bytes) -> tuple[Node, ...] | Unreadable:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(data) > MAX_BYTES:
        return Unreadable(0, f"is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Unreadable(data.count(b"\n", 0, error.start) + 1, "is not UTF-8")
    try:
        return _Builder(YAML(typ="safe", pure=True).parse(text)).documents()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and str(error.problem).startswith("could not find expected ':'"):
            mark = error.context_mark  # the line that is no key; the parser notices only lines later
        return Unreadable(mark.line + 1 if mark else 0, str(error.problem or error.context or "is not YAML"))
    except _Refused as error:
        return Unreadable(error.line, str(error))
    except (YAMLError, ValueError) as error:
        return Unreadable(0, f"is not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}")


class _Refused(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Builder:
    """Turns the parser's events into nodes and stops as soon as a bound is passed; an alias counts with all it holds."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.count = 0
        self.anchors: dict[str, tuple[Node, int]] = {}

    def documents(self) -> tuple[Node, ...]:
        """All documents of the stream."""
        found: list[Node] = []
        for event in self.events:
            kind = _kind(event)
            if kind == "DocumentStart":
                self.anchors = {}
            elif kind in ("Scalar", "MappingStart", "SequenceStart", "Alias"):
                found.append(self.node(event, 0, 0))
        return tuple(found)

    def node(self, event: Any, line: int, depth: int) -> Node:
        """The node that an event begins; `line` is that of its key or list item, 0 for its own."""
        kind, start, before = _kind(event), event.start_mark.line + 1, self.count
        if kind == "Alias":
            return self.alias(event.anchor, line or start)
        self.bound(1, start, depth)
        value: Any
        end = event.end_mark.line + 1
        if kind == "MappingStart":
            value, end = self.mapping(depth)
        elif kind == "SequenceStart":
            value, end = self.sequence(depth)
        else:
            value = _scalar(event)
        style = (event.style or "") if kind == "Scalar" else ""
        found = Node(value, line or start, start, end, style)
        if event.anchor:
            self.anchors[event.anchor] = (found, self.count - before)
        return found

    def mapping(self, depth: int) -> tuple[dict[str, Node], int]:
        """Entries up to the mapping's end, and the line of that end."""
        value: dict[str, Node] = {}
        while _kind(event := next(self.events)) != "MappingEnd":
            place = event.start_mark.line + 1
            if _kind(event) != "Scalar":
                raise _Refused(place, "has a key that is no text")
            if event.value in value:
                raise _Refused(place, f"has the key {event.value!r} twice")
            value[event.value] = self.node(next(self.events), place, depth + 1)
        return value, event.end_mark.line + 1

    def sequence(self, depth: int) -> tuple[list[Node], int]:
        """Items up to the sequence's end, and the line of that end."""
        value: list[Node] = []
        while _kind(event := next(self.events)) != "SequenceEnd":
            value.append(self.node(event, event.start_mark.line + 1, depth + 1))
        return value, event.end_mark.line + 1

    def alias(self, name: str, line: int) -> Node:
        """The node that an alias stands for, at the alias's place; its own inside is not known yet and refused."""
        if name not in self.anchors:
            raise _Refused(line, f"has the alias *{name} for nothing that stands before it")
        node, size = self.anchors[name]
        self.bound(size, line, 0)
        return Node(node.value, line, node.start, node.end, node.style)

    def bound(self, more: int, line: int, depth: int) -> None:
        """Counts nodes and refuses what is too much."""
        self.count += more
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise _Refused(line, "is nested too deeply or has too many entries")


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _scalar(event: Any) -> Any:
    """The value of a scalar under the core schema of YAML 1.2; a tag is refused, anything odd stays text."""
    text = str(event.value)
    if event.tag is not None and str(event.tag) not in ("!", _TEXT_TAG):
        raise _Refused(event.start_mark.line + 1, f"has the tag {event.tag}, and tags are not read")
    if event.tag is not None or event.style:
        return text
    if text in _NULLS:
        return None
    if text.lower() in ("true", "false") and text in (text.lower(), text.upper(), text.capitalize()):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
