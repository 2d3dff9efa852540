"""YAML as written: a tree of text with line numbers, in which `on` is a word and `3.10` is not a number.

Responsible for parsing one document (YAML 1.2) within limits, and for writing such a tree back as one that means the
same. What the keys mean is left to the caller.

Invariant: scalars keep the characters they were written with; nothing is resolved, converted or executed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LARGEST = 300_000
_MOST_NODES = 50_000
_DEEPEST = 60
_MOST_BRACKETS = 200
_BRACKET = re.compile(r"[\[{\]}]")
# Plain scalars of these forms have a type of their own in YAML; everything else is text.
_TYPED = re.compile(r"true|false|null|~|[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", re.IGNORECASE)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class YamlError(ValueError):
    """The document breaks YAML or a limit; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        """Keeps the place apart from the message."""
        super().__init__(message)
        self.line = line
        self.column = column


class RepeatedKey(YamlError):
    """A table has a key twice: the place is the second's, `first` the line of the first."""

    def __init__(self, key: str, line: int, column: int, first: int) -> None:
        """Says which key it is."""
        super().__init__(f"'{key}' is already defined", line, column)
        self.first = first


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the document: text, a table or a list. `plain` says that a text stood without quotes."""

    line: int
    column: int
    text: str | None = None
    plain: bool = False
    table: Mapping[str, Node] | None = None
    items: Sequence[Node] | None = None
    keys: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was written, or null."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")

    def get(self, *path: str) -> Node | None:
        """What lies below a table at a path of keys; None where there is nothing, or null."""
        node: Node | None = self
        for key in path:
            node = node.table.get(key) if node is not None and node.table is not None else None
        return None if node is None or node.empty else node

    def word(self, *path: str) -> str:
        """The text below a table, or nothing."""
        node = self.get(*path)
        return (node.text or "") if node is not None else ""

    def words(self) -> tuple[str, ...]:
        """The texts of a list; of a single text, that one."""
        if self.items is not None:
            return tuple(item.text for item in self.items if item.text is not None)
        return () if self.text is None or self.empty else (self.text,)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text at or below this place with the key it stands under."""
        stack: list[tuple[str, Node]] = [("", self)]
        while stack:
            key, node = stack.pop()
            if node.text is not None:
                yield key, node.text
            stack += [(key, item) for item in node.items or ()]
            stack += list((node.table or {}).items())


@lru_cache(maxsize=64)
def parse(data: bytes) -> Node:
    """Reads one document; raises YamlError for what is not YAML, repeats a key or is far too large."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.error import YAMLError as ParserError

    if len(data) > LARGEST:
        raise YamlError(f"the file is larger than {LARGEST} bytes", 1, 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError("the file is not UTF-8 text", data.count(b"\n", 0, error.start) + 1, 1) from None
    _count_brackets(text)
    try:
        reader = YAML(typ="safe", pure=True)
        reader.composer.warn_double_anchors = False  # allowed since YAML 1.2
        root = reader.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(said, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except (ParserError, ValueError, RecursionError, KeyError, IndexError) as error:
        # The parser checks characters first, and has no position for one that it refuses.
        raise YamlError(str(error).splitlines()[0] if str(error) else "too deeply nested", 1, 1) from None
    return _Converter().convert(root, 0) if root is not None else Node(1, 1, "", plain=True)


def _count_brackets(text: str) -> None:
    """Refuses what the parser would take minutes for: its time grows with the square of the brackets that are open."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        if depth > _MOST_BRACKETS:
            raise YamlError("too deeply nested", text.count("\n", 0, found.start()) + 1, 1)


class _Converter:
    """Turns the parser's nodes into ours and counts them, since aliases can make a small file an endless tree."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def convert(self, node: Any, depth: int) -> Node:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise YamlError(
                "the document is too large or too deeply nested once its aliases are followed", line, column
            )
        if node.id == "scalar":
            return Node(line, column, node.value, plain=node.style in (None, ""))
        if node.id == "sequence":
            return Node(line, column, items=tuple(self.convert(item, depth + 1) for item in node.value))
        table: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        for key, value in node.value:
            at = (key.start_mark.line + 1, key.start_mark.column + 1)
            if key.id != "scalar":
                raise YamlError("a key has to be a word", *at)
            if key.value in table:
                raise RepeatedKey(key.value, *at, first=keys[key.value][0])
            table[key.value] = self.convert(value, depth + 1)
            keys[key.value] = at
        return Node(line, column, table=table, keys=keys)


def emit(value: Any) -> str:
    """Writes nodes, dictionaries, lists, text and True/False as one line of YAML that reads the same everywhere."""
    if isinstance(value, Node):
        if value.table is not None:
            return emit(value.table)
        if value.items is not None:
            return emit(value.items)
        if value.empty:
            return "null"
        text = value.text or ""
        return text if value.plain and _TYPED.fullmatch(text) else _quoted(text)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(emit, value))}]"
    return f"{{{', '.join(f'{_quoted(key)}: {emit(item)}' for key, item in value.items())}}}"


def _quoted(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
