"""One setting of a configuration changed, with every comment, quote and other entry as it was written.

Responsible for bytes to bytes, with ruamel.yaml's round trip; leaves reading and writing files to its caller. Invariant:
what comes out loads, says the same but for the one key, and has all comments; what cannot be changed so is refused.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hee_core.errors import ConfigError
from hee_governance.config import load
from hee_governance.document import Unreadable, read

if TYPE_CHECKING:
    from ruamel.yaml import YAML

    from hee_governance.document import Node

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_BY_HAND = "change the file by hand"


def edited(data: bytes, key: str, value: str, path: str = "hee.yaml") -> bytes:
    """The configuration with `key` (`fix.max_severity`) set to a value in YAML; raises ConfigError for what is not valid."""
    load(data, path)
    wanted = read(value.encode())
    if isinstance(wanted, Unreadable):
        raise ConfigError(f"{key}: the value {wanted.message}", hint="a value in YAML, such as 100%, high or [src/**]")
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    yaml = _round_trip(text)
    document = yaml.load(text)
    _put(document["hee_monitoring"], key.split("."), yaml.load(value), wanted)
    written = io.StringIO()
    yaml.dump(document, written)
    made = written.getvalue()
    if lost := Counter(_COMMENT.findall(text)) - Counter(_COMMENT.findall(made)):
        raise ConfigError(f"{path}: setting {key} would lose the comment {next(iter(lost))!r}", hint=_BY_HAND)
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    new = bom + made.replace("\n", "\r\n" if b"\r\n" in data else "\n").encode()
    load(new, path)
    if _others(data, key) != _others(new, key):
        raise ConfigError(f"{path}: setting {key} would change something else", hint=_BY_HAND)
    return new


def _round_trip(text: str) -> YAML:
    """A reader and writer that keeps quotes and long lines, and indents lists as the text does."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.explicit_start = text.startswith("---")
    listed = re.search(
        r"^( *)[^\s#-][^\n]*:[^\S\n]*(?:#[^\n]*)?\n(?:[^\S\n]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE
    )
    offset = max(0, len(listed[2]) - len(listed[1])) if listed else 2
    nested = re.search(r"^hee_monitoring:[^\n]*\n(?:[^\S\n]*(?:#[^\n]*)?\n)*( +)", text, re.MULTILINE)
    yaml.indent(mapping=len(nested[1]) if nested else 2, sequence=offset + 2, offset=offset)
    return yaml


def _put(section: Any, way: list[str], value: Any, wanted: Node) -> None:
    """Sets the value at the end of the way; lists of one-key maps, the specification's form, are mappings as well."""
    from ruamel.yaml.scalarstring import ScalarString

    name, rest = way[0], way[1:]
    if isinstance(section, list):
        holder = next((entry for entry in section if isinstance(entry, dict) and name in entry), None)
        if holder is None:
            holder = {name: None}
            section.append(holder)
        section = holder
    if not isinstance(section, dict):
        raise ConfigError(f"{name} stands in no mapping", hint=_BY_HAND)
    if rest:
        if section.get(name) is None:
            section[name] = {}
        _put(section[name], rest, value, wanted)
        return
    old = section.get(name)
    quoted = isinstance(old, ScalarString) and not isinstance(wanted.value, (dict, list))
    kind: Any = type(old)
    section[name] = kind(wanted.text) if quoted else value


def _others(data: bytes, key: str) -> Any:
    """What a configuration says, as plain values, without the key."""
    tree = read(data)
    plain = None if isinstance(tree, Unreadable) else tree.plain
    return _without(plain, ["hee_monitoring", *key.split(".")])


def _without(value: Any, way: list[str]) -> Any:
    if isinstance(value, dict):
        kept = {
            name: _without(inner, way[1:]) if name == way[0] and way[1:] else inner for name, inner in value.items()
        }
        return {
            name: inner for name, inner in kept.items() if not (name == way[0] and (not way[1:] or inner in ({}, [])))
        }
    if isinstance(value, list):
        return [left for entry in value if (left := _without(entry, way)) != {}]
    return value
