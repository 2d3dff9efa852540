"""Shell scripts as lists of simple commands, well enough to judge them, never to run them.

Responsible for words, operators, quotes, comments, here-documents and continuation lines of POSIX shell and bash.
Leaves expansion alone: a word that holds `$`, a backtick or `${{ … }}` is opaque. Invariant: any text gives a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

RESERVED = frozenset({"if", "elif", "while", "until", "then", "else", "do", "!", "{", "time"})
_OPENS = frozenset({"if", "while", "until", "for", "case", "select", "{", "("})
_CLOSES = frozenset({"fi", "done", "esac", "}", ")"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=.*", re.DOTALL)
_WRITES = frozenset({">", ">>", ">|", "&>", "&>>"})
_REDIRECTIONS = _WRITES | {"<", "<<", "<<-", "<<<", "<>", ">&", "<&"}
_OPERATORS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n", "(", ")")
# Programs that run the rest of their words; the number of words they keep for themselves.
_WRAPPERS: dict[str | tuple[str, ...], int] = {
    **dict.fromkeys(
        ("sudo", "env", "exec", "command", "nice", "nohup", "xvfb-run", "npx", "bunx", "uvx", "pipx", "xargs"), 1
    ),
    **dict.fromkeys((("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("hatch", "run"), ("pdm", "run")), 2),
    **dict.fromkeys((("rye", "run"), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "dlx"), ("npm", "exec")), 2),
    **dict.fromkeys((("coverage", "run"), ("bundle", "exec"), ("mise", "exec")), 2),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. `line` counts from 0 in the script, `after` is the operator behind it, `depth` of blocks.

    `input` is the text of its last here-document.
    """

    words: tuple[str, ...]
    line: int
    after: str
    depth: int
    input: str = ""

    @property
    def condition(self) -> bool:
        """Says whether the command's status only steers an `if` or a loop."""
        leading = takewhile(RESERVED.__contains__, self.words)
        return any(word in ("if", "elif", "while", "until", "!") for word in leading)

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that the command's output is written to."""
        return tuple(word for word, before in zip(self.words, ("", *self.words), strict=False) if before in _WRITES)

    @property
    def program(self) -> tuple[str, ...]:
        """The words without reserved words, assignments, redirections and wrappers such as `sudo` or `uv run`."""
        return _program(self.words)


def commands(script: str) -> tuple[Command, ...]:
    """The simple commands of a script, in order; parentheses stand as commands of their own."""
    found: list[Command] = []
    blocks: list[str] = []
    scanner = _Scanner(script)
    for number, (words, line, operator) in enumerate(scanner.scan()):
        if words[0] in _CLOSES and blocks and (words[0] == ")") == (blocks[-1] == "("):
            blocks.pop()
        found.append(Command(words, line, operator, len(blocks), scanner.inputs.get(number, "")))
        blocks.extend(_opened(words))
    return tuple(found)


def opaque(word: str) -> bool:
    """Says whether a word depends on something only known when it runs."""
    return any(mark in word for mark in ("$", "`", "*", "?", "~", "\x00"))


def _opened(words: tuple[str, ...]) -> list[str]:
    """The blocks that a command's leading words open."""
    found: list[str] = []
    for word in words[2:] if words[0] == "function" else words:
        if word in _OPENS:
            found.append(word)
        if word not in RESERVED:
            break
    return found


def _program(words: tuple[str, ...]) -> tuple[str, ...]:
    rest = [word for word, before in zip(words, ("", *words), strict=False) if not {word, before} & _REDIRECTIONS]
    while rest:
        if rest[0] in RESERVED or _ASSIGNMENT.fullmatch(rest[0]):
            del rest[0]
        elif rest[0] == "function" and len(rest) > 2:
            del rest[:2]
        elif tuple(rest[:2]) in _WRAPPERS:
            del rest[:2]
            rest = _past_options(rest)
        elif rest[0] in _WRAPPERS and len(rest) > 1:
            del rest[0]
            rest = _past_options(rest)
        elif rest[0] == "timeout" and len(rest) > 2:
            rest = _past_options(rest[1:])[1:]
        elif rest[0].rpartition("/")[2].startswith("python") and rest[1:2] == ["-m"]:
            del rest[:2]
        else:
            break
    return tuple(rest)


def _past_options(rest: list[str]) -> list[str]:
    while rest and (rest[0].startswith("-") or _ASSIGNMENT.fullmatch(rest[0])):
        rest = rest[1:]
    return rest


class _Scanner:
    """Walks the characters once."""

    def __init__(self, script: str) -> None:
        self.text = script.replace("\r\n", "\n")
        self.at = 0
        self.line = 0
        self.word: str | None = None
        self.words: list[str] = []
        self.first_line = 0
        self.heredocs: list[tuple[str, bool, int]] = []
        self.inputs: dict[int, str] = {}  # by the number of the command
        self.number = 0
        self.awaits_delimiter = ""

    def scan(self) -> list[tuple[tuple[str, ...], int, str]]:
        """Words, line and following operator of each command."""
        found: list[tuple[tuple[str, ...], int, str]] = []
        while self.at < len(self.text):
            operator = self._operator()
            self.number = len(found)
            if operator is None:
                self._character()
                continue
            self._end_word()
            if self.words:
                found.append((tuple(self.words), self.first_line, "" if operator in ("(", ")") else operator))
                self.words = []
            elif found and not found[-1][2]:
                found[-1] = (*found[-1][:2], operator)
            if operator in ("(", ")"):
                found.append(((operator,), self.line, ""))
            elif operator == "\n":
                self.line += 1
                self._skip_heredocs()
        self._end_word()
        if self.words:
            found.append((tuple(self.words), self.first_line, ""))
        return found

    def _operator(self) -> str | None:
        """Takes an operator at this place, if one stands here."""
        for operator in _OPERATORS:
            if not self.text.startswith(operator, self.at):
                continue
            before = self.text[self.at - 1 : self.at]
            if operator == "(" and (self.word or "").endswith("="):
                return None  # an array
            if operator == "&" and (before in ("<", ">") or self.text.startswith("&>", self.at)):
                return None
            self.at += len(operator)
            return operator
        return None

    def _character(self) -> None:
        char = self.text[self.at]
        if char == "\\":
            if self.text.startswith("\\\n", self.at):
                self.line += 1
            else:
                self._add(self.text[self.at + 1 : self.at + 2])
            self.at += 2
        elif char in "'\"":
            self._quoted(char)
        elif char == "$" and self.text[self.at + 1 : self.at + 2] in ("(", "{"):
            self._expansion()
        elif char == "(":
            self._take(self.text.find(")", self.at))
        elif char == "`":
            self._take(self.text.find("`", self.at + 1))
        elif char == "#" and self.word is None:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        elif char in " \t":
            self._end_word()
            self.at += 1
        elif char in "<>" or self.text.startswith("&>", self.at):
            self._redirection()
        else:
            self._add(char)
            self.at += 1

    def _quoted(self, quote: str) -> None:
        self._add("")
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != quote:
            char = self.text[self.at]
            if char == "$" and quote == '"' and self.text[self.at + 1 : self.at + 2] in ("(", "{"):
                self._expansion()
                continue
            if char == "\\" and quote == '"':
                self.at += 1
                char = self.text[self.at : self.at + 1]
            if quote == "'" and char in "$`*?~":
                char = "\x00"  # quoted: not an expansion, but nothing a path of ours has either
            self.line += char == "\n"
            self._add(char)
            self.at += 1
        self.at += 1

    def _expansion(self) -> None:
        opening = self.text[self.at + 1]
        closing = ")" if opening == "(" else "}"
        level, end = 0, self.at + 1
        while end < len(self.text):
            level += (self.text[end] == opening) - (self.text[end] == closing)
            if level == 0:
                break
            end += 1
        self._take(end)

    def _take(self, end: int) -> None:
        """Takes everything up to and with a place as part of the word; to the end if there is no such place."""
        end = len(self.text) - 1 if end < 0 else min(end, len(self.text) - 1)
        part = self.text[self.at : end + 1]
        self._add(part)
        self.line += part.count("\n")
        self.at = end + 1

    def _redirection(self) -> None:
        if self.word is not None and self.word.isdigit():
            self.word = None
        self._end_word()
        forms = ("&>>", "&>", "<<<", "<<-", "<<", ">>", "<>", ">&", "<&", ">|", "<")
        form = next((form for form in forms if self.text.startswith(form, self.at)), ">")
        self._add(form)
        self.at += len(form)
        self._end_word()
        if form in ("<<", "<<-"):
            self.awaits_delimiter = form

    def _add(self, part: str) -> None:
        if self.word is None:
            self.word = ""
            if not self.words:
                self.first_line = self.line
        self.word += part

    def _end_word(self) -> None:
        if self.word is None:
            return
        if self.awaits_delimiter and self.word not in ("<<", "<<-"):
            self.heredocs.append((self.word.replace("\x00", ""), self.awaits_delimiter == "<<-", self.number))
            self.awaits_delimiter = ""
        self.words.append(self.word)
        self.word = None

    def _skip_heredocs(self) -> None:
        for delimiter, tabs, number in self.heredocs:
            begin = self.at
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                row = self.text[self.at : len(self.text) if end < 0 else end]
                self.at = len(self.text) if end < 0 else end + 1
                self.line += 1
                if (row.lstrip("\t") if tabs else row) == delimiter:
                    break
                self.inputs[number] = self.text[begin : self.at]
        self.heredocs = []
