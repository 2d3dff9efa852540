"""Which packages a manifest asks for, and which of its demands changed: those alone may move in its lock file.

Responsible for reading `package.json`, `pyproject.toml`, `Cargo.toml`, `go.mod` and pip's requirement files. Pure. A
manifest that cannot be read asks for nothing, so that nothing may move.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$")
_GO = re.compile(r"^[^\S\n]*(?:require[^\S\n]+)?([\w.~-]+(?:/[\w.~+-]+)+)\s+(v\d\S*)", re.MULTILINE)
_TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "resolutions", "overrides")


def changed(path: str, old: bytes | None, new: bytes | None) -> frozenset[str]:
    """The packages whose demand differs between two texts of a manifest; none when there is no older text."""
    if old is None or new is None:
        return frozenset()
    before, after = demands(path, old), demands(path, new)
    return frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def demands(path: str, data: bytes) -> dict[str, set[str]]:
    """What a manifest asks for: each package with every text that says which version."""
    text = data.decode("utf-8", "replace")
    found: dict[str, set[str]] = {}
    try:
        pairs = list(_pairs(path.rpartition("/")[2], text))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}
    for name, demand in pairs:
        found.setdefault(name, set()).add(demand)
    return found


def _pairs(name: str, text: str) -> Iterator[tuple[str, str]]:
    if name == "package.json":
        data = json.loads(text)
        for table in _TABLES:
            yield from ((package, json.dumps(demand)) for package, demand in data.get(table, {}).items())
    elif name == "Cargo.toml":
        yield from _cargo(tomllib.loads(text))
    elif name == "pyproject.toml":
        yield from _pyproject(tomllib.loads(text))
    elif name == "go.mod":
        yield from _GO.findall(text)
    else:
        yield from (pair for line in text.splitlines() for pair in _requirement(line))


def _requirement(line: object) -> Iterator[tuple[str, str]]:
    found = _REQUIREMENT.match(line.partition(" #")[0]) if isinstance(line, str) else None
    if found:
        yield re.sub(r"[-_.]+", "-", found[1]).lower(), "".join(found[2].split())


def _pyproject(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    project, tools = data.get("project", {}), data.get("tool", {})
    groups = {**project.get("optional-dependencies", {}), **data.get("dependency-groups", {})}
    for lines in (project.get("dependencies", []), *groups.values()):
        yield from (pair for line in lines for pair in _requirement(line))
    poetry = tools.get("poetry", {})
    tables = [poetry, *poetry.get("group", {}).values()]
    for table in (each.get(key, {}) for each in tables for key in ("dependencies", "dev-dependencies")):
        yield from (
            (re.sub(r"[-_.]+", "-", name).lower(), json.dumps(demand, default=str)) for name, demand in table.items()
        )


def _cargo(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    places = [data, data.get("workspace", {}), *data.get("target", {}).values()]
    for place in places:
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, demand in place.get(table, {}).items():
                package = demand.get("package", name) if isinstance(demand, dict) else name
                yield re.sub(r"[-_.]+", "-", package).lower(), json.dumps(demand)
