"""How a repository's own gates call a tool: the command lines in its workflows and task files.

Responsible for finding them and for taking out of one the options that a repair must share with the gate (a line
length, a configuration file). The text is the repository's and is never run: only options from a list of the caller's
are taken, and only values that are plain words.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from hee_monitoring.fixes import confined
from hee_monitoring.fixes.toolversion import steps, workflows, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FILES = (
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "tox.ini",
    "noxfile.py",
    "package.json",
    ".pre-commit-config.yaml",
)
_PLAIN = re.compile(r"[\w][\w./,:=@+*-]*")
_ENDS = re.compile(r"[;&|<>()`$\n]|\s#")


def texts(tree: Path) -> Iterator[tuple[str, str]]:
    """The files of the tree in which gates are written down, path and text, workflows first."""
    for path in (*workflows(tree), *_FILES):
        data = confined.read(tree, path, limit=1_000_000)
        if data:
            yield path, data.decode("utf-8", "replace")


def scripts(tree: Path) -> Iterator[str]:
    """What the gates run, as shell text: the steps of workflows, the scripts of a package, task files as they are."""
    for path in workflows(tree):
        yield from (str(step.get("run", "")) for step in steps(yaml(tree, path)))
    for path, text in texts(tree):
        if path == "package.json":
            try:
                found = json.loads(text).get("scripts", {})
            except (ValueError, AttributeError, RecursionError):
                continue
            yield from (str(script) for script in found.values()) if isinstance(found, dict) else ()
        elif not path.startswith(".github/"):
            yield text


def mentions(tree: Path, *words: str) -> bool:
    """Says whether a gate names all the words next to each other, as in `ruff format`."""
    pattern = re.compile(r"(?<![\w.-])" + r"[^\S\n]+".join(re.escape(word) for word in words) + r"(?![\w-])")
    return any(pattern.search(text) for _, text in texts(tree))


def invocations(tree: Path, *words: str) -> Iterator[list[str]]:
    """The arguments of each call of the program (with its subcommand) in a gate, as the shell would split them."""
    pattern = re.compile(r"(?<![\w./-])" + r"[^\S\n]+".join(re.escape(word) for word in words) + r"(?![\w-])([^\n]*)")
    for text in scripts(tree):
        for found in pattern.finditer(text.replace("\\\n", " ")):
            rest = found.group(1)
            end = _ENDS.search(rest)
            try:
                yield shlex.split(rest[: end.start()] if end else rest)
            except ValueError:
                continue


def options(tree: Path, words: tuple[str, ...], known: Mapping[str, bool]) -> list[str]:
    """The known options of the first call that has any; `known` maps an option to whether it takes a value."""
    for arguments in invocations(tree, *words):
        kept: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            name, equals, value = argument.partition("=")
            if name not in known:
                continue
            if known[name] and not equals:
                value = next(rest, "")
            if not known[name]:
                kept.append(name)
            elif _PLAIN.fullmatch(value) and ".." not in value:
                kept.append(f"{name}={value}" if name.startswith("--") else f"{name}{value}")
        if kept:
            return kept
    return []
