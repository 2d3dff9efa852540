"""Fenced blocks of Markdown: written the way formatters leave alone, and found again.

JSON is laid out as Prettier lays it out and YAML holds only quoted texts; what would not print is escaped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 80
_OPEN = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\s]*)[^`]*")
_TICKS = re.compile(r"`{3,}")


class Block(NamedTuple):
    """A fenced block: the line where its text begins, counting from 1, and the text."""

    line: int
    text: str


def find(text: str, language: str) -> list[Block]:
    """The fenced blocks of a language, in order; one that is never closed is none."""
    found: list[Block] = []
    fence, start, matches, lines = "", 0, False, text.splitlines()
    for number, line in enumerate(lines):
        if not fence:
            opened = _OPEN.fullmatch(line)
            if opened:
                fence, start, matches = opened[1], number + 1, opened[2].lower() == language
        elif line.strip().startswith(fence) and not line.strip().strip(fence[0]) and len(line) - len(line.lstrip()) < 4:
            if matches:
                found.append(Block(start + 1, "\n".join(lines[start:number])))
            fence = ""
    return found


def block(language: str, value: Any) -> list[str]:
    """A JSON value as the lines of a fenced block."""
    return _fenced(language, json_text(value).split("\n"))


def yaml_block(values: Mapping[str, str | list[str]]) -> list[str]:
    """Texts and lists of texts as the lines of a fenced YAML block."""
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, str):
            lines.append(f"{key}: {_scalar(value)}")
        elif value:
            lines += [f"{key}:", *(f"  - {_scalar(item)}" for item in value)]
        else:
            lines.append(f"{key}: []")
    return _fenced("yaml", lines)


def _fenced(language: str, lines: list[str]) -> list[str]:
    """Lines in a fence that none of them could end: longer than every run of backticks in them, as formatters write it."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def json_text(value: Any, indent: str = "", used: int = 0) -> str:
    """JSON with sorted keys: objects one key a line, arrays on one line if they fit in 80 columns and hold no object.

    `used` is what else stands on the line: indentation, key, and the comma if one follows.
    """
    inner = indent + "  "
    if isinstance(value, dict) and value:
        last = max(value)
        rows = []
        for key in sorted(value):
            head = f"{inner}{_string(key)}: "
            item = value[key]
            text = _string(item) if type(item) is str else json_text(item, inner, _width(head) + (key != last))
            rows.append(head + text)
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        items = [json_text(item, inner, len(inner) + (number < len(value))) for number, item in enumerate(value, 1)]
        matrix = len(value) > 1 and all(isinstance(item, list) and len(item) > 1 for item in value)
        if not matrix and not any("\n" in item for item in items):
            line = f"[{', '.join(items)}]"
            if used + _width(line) <= WIDTH:
                return line
        return "[\n" + ",\n".join(inner + item for item in items) + f"\n{indent}]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _string(text: str) -> str:
    return encode_basestring(text) if text.isprintable() else encode_basestring_ascii(text)


def _scalar(text: str) -> str:
    """A YAML text of one line; single quotes only where Prettier would put them."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if '"' in line and "\\" not in line:
        return "'" + line.replace("'", "''") + "'"
    return _string(line)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return wide - sum(1 for char in text if unicodedata.combining(char))
