"""What one command starts among its words: scripts for another shell, substitutions, `find -exec`, Python code.

Responsible for finding check tools that do not stand where a program stands. Leaves how bash goes on after a failure
to `silence`. Invariant: what is not understood is nothing, so that every finding made from it is true.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.rules.tools import check_tool
from hee_governance.shell import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_governance.shell import Command

PRINTS = ("echo", "printf", "true", ":", "cat")
_DECLARES = ("local", "export", "declare", "readonly", "typeset")
_SUBSTITUTED = re.compile(r"\$\(([^()]{1,200})\)|`([^`]{1,200})`")
_STARTS = re.compile(r"\bsubprocess\b|\bPopen\b|\bsystem\(")
_HEEDS = re.compile(r"check=True|\bcheck_\w+|returncode|\bexit\(|\bSystemExit\b|\bassert\b|\braise\b|=\s*os\.system\(")
_ASKS_NOTHING = re.compile(r"--(cov-)?fail-under[= ]0+(\.0*)?(?=\s|$)")


def handed_on(command: Command) -> tuple[str, bool | None]:
    """The script that a command hands to another shell or to `eval`, and whether that shell has `-e` (None: as here)."""
    program = command.program
    if program[:1] == ("eval",):
        return " ".join(program[1:]), None
    if not program or program[0].rpartition("/")[2] not in ("bash", "sh"):
        return "", None
    options = [word for word in program[1:] if word.startswith("-")]
    strict = any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in options)
    if len(program) > 2 and re.fullmatch(r"-[a-z]*c", program[1]):
        return program[2], strict
    return ("", None) if len(options) < len(program) - 1 else (command.input, strict)


def lost(command: Command) -> Iterator[tuple[str, str]]:
    """The check tools whose status nobody gets, whatever follows: their words, and why."""
    program = command.program
    if match := _ASKS_NOTHING.search(" ".join(program)):
        yield match[0], "no coverage is below 0"
    if program[:1] and (program[0] in PRINTS or program[0] in _DECLARES):
        for tool in _substituted(program[1:]):
            yield tool, f"its status is lost among the words of `{program[0]}`"
    for tool, end in _executed(program):
        if end == ";":
            yield tool, "`find -exec … \\;` ends with 0 whatever its commands say"
    if (tool := _in_python(command)) and not _HEEDS.search(_code(command)):
        yield tool, "the Python code that starts it does not ask how it ended"


def speaks_of(command: Command) -> str:
    """The check tool whose status becomes the command's own; empty if there is none that we see."""
    if not command.program:
        return next(iter(list(_substituted(command.words))[-1:]), "")
    if found := [tool for tool, end in _executed(command.program) if end == "+"]:
        return found[0]
    return _in_python(command) if _HEEDS.search(_code(command)) else ""


def _substituted(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        for match in _SUBSTITUTED.finditer(word):
            yield from filter(None, (check_tool(inner.program) for inner in commands(match[1] or match[2])[-1:]))


def _executed(program: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The check tools that `find` runs, and the word that ends them."""
    for at, word in enumerate(program if program[:1] == ("find",) else ()):
        if word in ("-exec", "-execdir"):
            end = next((n for n in range(at, len(program)) if program[n] in (";", "+")), 0)
            if end and (tool := check_tool(program[at + 1 : end])):
                yield tool, program[end]


def _code(command: Command) -> str:
    """The Python code that a command has as a word, or as its input."""
    program = command.program
    if not program or not re.fullmatch(r"python[\d.]*", program[0].rpartition("/")[2]):
        return ""
    if "-c" in program[1:-1]:
        return program[program.index("-c") + 1]
    return command.input if all(word.startswith("-") for word in program[1:]) else ""


def _in_python(command: Command) -> str:
    code = _code(command)
    if not _STARTS.search(code):
        return ""
    words = tuple(re.findall(r"[\w./-]+", code))
    return next(filter(None, (check_tool(words[at:]) for at in range(len(words)))), "")
