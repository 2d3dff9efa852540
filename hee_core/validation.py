"""Judging capsules that anybody wrote: the specification's schema, our stricter one, and readers for three formats.

Findings are values with a JSON pointer. Formats are really checked - the date checker of jsonschema accepts
"yesterday" - and numbers are what they look like: `1.0` is no integer here, NaN no number.
Invariant: what the strict schema accepts, the specification's accepts.
"""

from __future__ import annotations

import json
import math
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hee_core import canonical, render
from hee_core.errors import CapsuleError, EventError
from hee_core.rfc3339 import is_date_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema.protocols import Validator  # type: ignore[import-untyped]

MOST_FINDINGS = 100
MOST_BYTES = 8 * 1024 * 1024
MOST_YAML = 1024 * 1024  # reading YAML is a thousand times slower
MOST_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a capsule, and where: `pointer` is a JSON pointer (RFC 6901), empty for the whole document."""

    pointer: str
    message: str


def validate_capsule(document: object, *, strict: bool = True) -> tuple[Finding, ...]:
    """What the document breaks, by pointer; empty means valid. Without `strict` only the specification's schema judges.

    At most 100 findings; a document that is no portable JSON is not judged further.
    """
    try:
        unportable = tuple(_unportable(document, ""))
        if unportable:
            return unportable[:MOST_FINDINGS]
        errors = _validator(strict).iter_errors(document)
        found = {Finding(_pointer(error.absolute_path), _message(error)) for error in errors}
    except RecursionError:
        return (Finding("", "nested too deeply"),)
    return tuple(sorted(found, key=lambda finding: (finding.pointer, finding.message))[:MOST_FINDINGS])


def load_capsule(data: bytes, name: str) -> object:
    """Reads a capsule file by the ending of its name; raises CapsuleError with file and line.

    `.json` is JSON, `.yaml` and `.yml` one YAML 1.2 document, `.md` Markdown with one fenced JSON block.
    """
    ending = name.rpartition(".")[2].lower()
    most = MOST_YAML if ending in ("yaml", "yml") else MOST_BYTES
    if len(data) > most:
        raise CapsuleError(f"{name}: {len(data)} bytes is no capsule (at most {most})")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CapsuleError(f"{name}: not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None
    if ending == "md":
        return _named(name, lambda: render.from_markdown(text))
    if ending in ("yaml", "yml"):
        return _yaml(text, name)
    if ending == "json":
        return _named(name, lambda: canonical.loads(text))
    raise CapsuleError(f"{name}: a capsule is a .json, .yaml or .md file", hint="rename it, or `hee capsule import` it")


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(pkgutil.get_data("hee_core", f"schemas/{name}") or b"")
    return schema


SEED_SCHEMA = _schema("capsule.seed.json")
STRICT_SCHEMA = _schema("capsule.strict.json")


@cache
def _validator(strict: bool) -> Validator:
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError  # type: ignore[import-untyped]
    from jsonschema.validators import extend  # type: ignore[import-untyped]

    def unique_by(_: Any, key: str, items: Any, __: Any) -> Iterator[ValidationError]:
        seen: set[str] = set()
        for number, item in enumerate(items if isinstance(items, list) else ()):
            name = item.get(key) if isinstance(item, dict) else None
            if isinstance(name, str) and name in seen:
                yield ValidationError(f"{name!r} is the {key} of an earlier item", path=[number, key])
            elif isinstance(name, str):
                seen.add(name)

    checker = FormatChecker(formats=())
    checker.checks("date-time")(lambda value: not isinstance(value, str) or is_date_time(value))
    if not strict:
        return Draft202012Validator(SEED_SCHEMA, format_checker=checker)
    whole = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = extend(Draft202012Validator, {"x-unique-by": unique_by}, type_checker=whole)
    return validator(STRICT_SCHEMA, format_checker=checker)


def _pointer(path: Any) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _message(error: Any) -> str:
    return canonical.clean(error.message, limit=300)


def _unportable(value: object, pointer: str) -> Iterator[Finding]:
    """What JSON cannot carry from one program to another."""
    if isinstance(value, str):
        if not _encodable(value):
            yield Finding(pointer, "text with half a surrogate pair")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Finding(pointer, f"{value} is not a number of JSON")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not _encodable(key):
                yield Finding(pointer, f"the key {key!r} is not text")
            else:
                yield from _unportable(item, pointer + _pointer((key,)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unportable(item, f"{pointer}/{number}")
    elif value is not None and not isinstance(value, (bool, int)):
        yield Finding(pointer, f"{type(value).__name__} is not JSON")


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _named(name: str, read: Callable[[], object]) -> object:
    try:
        return read()
    except (CapsuleError, EventError) as error:
        raise CapsuleError(f"{name}: {error}", hint=error.hint) from None


def _yaml(text: str, name: str) -> object:
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer, ComposerError
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    class Plain(SafeConstructor):
        """Keeps dates as the text that they are."""

    class Bounded(Composer):
        """Refuses what can make a small file big or slow: aliases, and nesting that no capsule has."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.parser.peek_event()
            if getattr(event, "anchor", None) is not None:
                raise ComposerError(None, None, "a capsule has no anchors: write the value out", event.start_mark)
            if self.depth == MOST_DEPTH:
                raise ComposerError(None, None, "nested too deeply", event.start_mark)
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    Plain.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)
    reader = YAML(typ="safe", pure=True)
    reader.Constructor, reader.Composer = Plain, Bounded
    try:
        document: object = reader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise CapsuleError(f"{name}{where}: not YAML of a capsule: {error.problem}") from None
    except (YAMLError, ValueError) as error:
        raise CapsuleError(f"{name}: not YAML of a capsule: {error}") from None
    for finding in _unportable(document, ""):
        raise CapsuleError(f"{name}: {finding.pointer or '/'}: {finding.message}")
    return document
