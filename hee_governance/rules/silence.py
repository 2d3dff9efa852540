"""How bash lets the failure of a check tool go: `-e`, pipes, and-or lists, groups, functions, loops, traps.

Responsible for scripts; a finding is true when tried with bash itself. Leaves excuses and days to `teeth`, and what
stands among a command's words to `started`. There are two readings: the first one is kept as it was, because old commits
are judged by the rules of their day; `fine` is what was learned since. Invariant: fine finds whatever the first one does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hee_governance.rules.started import PRINTS, handed_on, lost, speaks_of
from hee_governance.rules.tools import check_tool
from hee_governance.shell import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_governance.shell import Command

_SILENCED = re.compile(r"--(exit-zero|no-fail|soft-fail|(issues-exit-code|exit-code)=0)")
_FILTERS = ("tee", "cat", "tail", "head", "sed", "awk", "sort", "uniq", "ts", "less", "column", "tr", "cut")
_RECORDS = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE")
_WAITS = (*PRINTS, "sleep", "break", "continue", "[", "[[", "test", "let", "do", "done")


class Silence(NamedTuple):
    """A check tool whose failure fails nothing: its line from 0, its words, and why."""

    line: int
    tool: str
    why: str


class _Function(NamedTuple):
    """A function of the script: the commands of its body, and where they stand."""

    body: tuple[Command, ...]
    places: range


def silences(listed: tuple[Command, ...], *, errexit: bool, pipefail: bool, fine: bool) -> Iterator[Silence]:
    """The check tools of a script whose failure cannot fail it."""
    functions = _functions(listed) if fine else {}
    inside = {place for function in functions.values() for place in function.places}
    trapped = False
    for at, command in enumerate(listed):
        program = command.program
        if program[:1] == ("set",):
            errexit, pipefail = _set(program, errexit=errexit, pipefail=pipefail)
        if at in inside or (not fine and "xargs" in command.words):
            continue
        tool = check_tool(program)
        if fine:
            trapped = trapped or (program[:1] == ("trap",) and _ends_well(program))
            yield from (Silence(command.line, *found) for found in lost(command))
            body, strict = _body(listed, at, functions, errexit=errexit)
            within = tuple(silences(body, errexit=strict, pipefail=pipefail, fine=True)) if body else ()
            yield from within
            tool = tool or ("" if within else _first_tool(body)) or speaks_of(command)
        if not tool:
            continue
        why = "a `trap` ends the script with 0" if trapped else ""
        why = why or _silent(listed, at, errexit=errexit, pipefail=pipefail, fine=fine)
        if why:
            yield Silence(command.line, tool, why)
    yield from _uncalled(listed, functions)


def _body(
    listed: tuple[Command, ...], at: int, functions: dict[str, _Function], *, errexit: bool
) -> tuple[tuple[Command, ...], bool]:
    """The commands that a command stands for, a function's or a handed script's, and whether they end at a failure."""
    command = listed[at]
    heeded = errexit and not command.condition and listed[_pipeline_end(listed, at)].after not in ("||", "&&")
    if command.program[:1] and command.program[0] in functions:
        return functions[command.program[0]].body, heeded
    script, strict = handed_on(command)
    return tuple(replace(inner, line=command.line) for inner in commands(script)), heeded if strict is None else strict


def _first_tool(body: tuple[Command, ...]) -> str:
    return next(filter(None, (check_tool(command.program) or speaks_of(command) for command in body)), "")


def _functions(listed: tuple[Command, ...]) -> dict[str, _Function]:
    """The functions that a script defines, `name() { … }` and `function name { … }`, without their braces."""
    found = {}
    for at, command in enumerate(listed):
        words = [word for word in command.words if word != "function"]
        bare = tuple(each.words for each in listed[at + 1 : at + 3]) == (("(",), (")",))
        begin = at + 3 if bare and len(words) == 1 else at
        if (begin == at and (command.words[0] != "function" or "{" not in words)) or begin >= len(listed):
            continue
        if begin > at and listed[begin].words[0] != "{":
            continue
        depth = listed[begin].depth
        end = next(
            (n for n in range(begin + 1, len(listed)) if listed[n].words[0] == "}" and listed[n].depth == depth), 0
        )
        if end:
            body = [replace(each, depth=max(0, each.depth - depth - 1)) for each in listed[begin:end]]
            found[words[0]] = _Function(tuple(each for each in body if each.words != ("{",)), range(at, end + 1))
    return found


def _uncalled(listed: tuple[Command, ...], functions: dict[str, _Function]) -> Iterator[Silence]:
    """The check tools of functions whose name no other command has among its words."""
    for name, function in functions.items():
        others = (command for at, command in enumerate(listed) if at not in function.places)
        if (tool := _first_tool(function.body)) and not any(name in " ".join(each.words) for each in others):
            yield Silence(function.body[0].line, tool, f"nothing calls the function `{name}` that it stands in")


def _ends_well(program: tuple[str, ...]) -> bool:
    """Says whether a `trap` turns every end of the script into success."""
    return bool(re.search(r"\bexit 0\b", program[1] if program[1:] else "")) and bool(
        {"EXIT", "ERR", "0"} & {*program[2:]}
    )


def _silent(listed: tuple[Command, ...], at: int, *, errexit: bool, pipefail: bool, fine: bool) -> str:
    command = listed[at]
    if match := _SILENCED.search(" ".join(command.program).replace("exit-code 0", "exit-code=0")):
        return f"`{match[0]}` makes it succeed whatever it finds"
    if fine and (command.program[:2] == ("make", "-i") or "--ignore-errors" in command.program):
        return "it is told to ignore errors"
    if fine and command.words[0] == "!" and command.program[:1] != ("git",):
        return "`!` turns its failure into success"
    if command.condition:
        given_up = _given_up(listed, at) if fine else ""
        return given_up or ("" if _acts(listed, at) else "its result is only printed")
    last = _pipeline_end(listed, at)
    rest = listed[last + 1 :]
    if last > at and not pipefail and listed[last].program[:1] and listed[last].program[0] in _FILTERS:
        if any("PIPESTATUS" in word for later in rest for word in later.words):
            return ""
        return f"the pipe keeps only the status of `{listed[last].program[0]}` (`shell: bash` would set pipefail)"
    return _in_list(listed, last, errexit=errexit, fine=fine)


def _given_up(listed: tuple[Command, ...], at: int) -> str:
    """Why a loop that waits for a tool to pass ends well without it; empty text where it goes on, or tells somebody."""
    words = listed[at].words
    if words[0] != "until" and words[:2] != ("while", "!"):
        return ""
    end = next(
        (n for n in range(at + 1, len(listed)) if listed[n].words[0] == "done" and listed[n].depth == listed[at].depth),
        at,
    )
    body, after = listed[at + 1 : end], listed[end + 1 :]
    if not any("break" in command.program[:1] for command in body):
        return ""
    for command in body:
        kept = [word.partition("=")[0] for word in command.words if not command.program and "=" in word]
        if any(name in " ".join(later.words) for name in kept for later in after):
            return ""
        if command.program and command.program[0] not in _WAITS:
            return ""
    return "the loop that waits for it gives up with `break`, which is success"


def _in_list(listed: tuple[Command, ...], at: int, *, errexit: bool, fine: bool) -> str:
    """Follows the and-or list that a pipeline stands in."""
    chained = False
    position = at
    while position < len(listed) - 1 and listed[position].after in ("&&", "|", "|&"):
        chained = chained or listed[position].after == "&&"
        position += 1
    while fine and position < len(listed) - 1 and listed[position + 1].words[0] in (")", "}"):
        position += 1  # the last of a group speaks for the group
    command = listed[position]
    waited = any(later.program[:1] == ("wait",) and later.program[1:] for later in listed[position:])
    if fine and command.after == "&" and not waited:
        return "it runs in the background, and nobody asks how it ended"
    if command.after == "||":
        alternative = _alternative(listed, position + 1, fine=fine) or (_kept(listed, position + 1) if fine else "")
        return f"`|| {alternative}` turns its failure into success" if alternative else ""
    last = position == len(listed) - 1
    if (
        command.after == "&"
        or command.depth
        or last
        or any("$?" in word or "PIPESTATUS" in word for word in listed[position + 1].words)
    ):
        return ""
    if not errexit:
        return "`set -e` is off, and later commands decide how the step ends"
    return "bash does not stop where the first part of an `&&` list fails, and the step goes on" if chained else ""


def _alternative(listed: tuple[Command, ...], at: int, *, fine: bool) -> str:
    """What runs instead of a failed tool, where that always succeeds; empty text where it may not."""
    group = [listed[at]] if at < len(listed) else []
    if group and group[0].words[0] in ("{", "("):
        closing = {"{": "}", "(": ")"}[group[0].words[0]]
        end = next((n for n in range(at + 1, len(listed)) if listed[n].words[0] == closing), len(listed) - 1)
        group = list(listed[at : end + 1])
    quiet = [harmless(command, fine=fine) for command in group if command.program not in ((), ("}",), ("(",), (")",))]
    follows = group[-1].after if group else ""
    if not quiet or not all(quiet) or follows in ("&&", "|"):
        return ""
    return " ".join(group[0].words[:3]) if len(group) == 1 else "{ … }"


def _kept(listed: tuple[Command, ...], at: int) -> str:
    """The assignment that keeps a failed tool's status where nobody asks for it any more; empty text elsewhere."""
    name, equals, value = listed[at].words[0].partition("=") if at < len(listed) else ("", "", "")
    if not equals or value != "$?" or len(listed[at].words) > 1:
        return ""
    asked = re.compile(rf"\$\{{?{re.escape(name)}\b|\b{re.escape(name)}\b")
    heard = any(asked.search(" ".join(later.words)) for later in listed[at + 1 :] if not _only_prints(later))
    return "" if heard else listed[at].words[0]


def _only_prints(command: Command) -> bool:
    return bool(command.program) and not command.condition and harmless(command)


def harmless(command: Command, *, fine: bool = True) -> bool:
    """Says whether a command always succeeds and tells nobody who could act on it."""
    program = command.program
    if program == ("exit", "0"):
        return True
    recorded = any(name in word for word in command.words for name in _RECORDS)
    name = program[0].removeprefix("/usr").removeprefix("/bin/") if fine else program[0]
    return name in PRINTS and not recorded


def _acts(listed: tuple[Command, ...], at: int) -> bool:
    """Says whether an `if` over a tool does anything but print; a loop's condition counts as acting."""
    if "if" not in listed[at].words[:3] or listed[at].after in ("&&", "||", "|"):
        return True
    depth = listed[at].depth
    for later in listed[at + 1 :]:
        if later.words[0] == "fi" and later.depth == depth:
            return False
        if later.program and not harmless(later):
            return True
    return True


def _pipeline_end(listed: tuple[Command, ...], at: int) -> int:
    while at < len(listed) - 1 and listed[at].after in ("|", "|&"):
        at += 1
    return at


def _set(words: tuple[str, ...], *, errexit: bool, pipefail: bool) -> tuple[bool, bool]:
    for number, word in enumerate(words):
        on = word.startswith("-")
        if re.fullmatch(r"[-+][a-z]*e[a-z]*", word):
            errexit = on
        if re.fullmatch(r"[-+][a-z]*o", word):
            name = words[number + 1] if number + 1 < len(words) else ""
            errexit = on if name == "errexit" else errexit
            pipefail = on if name == "pipefail" else pipefail
    return errexit, pipefail
