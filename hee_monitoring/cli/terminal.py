"""The terminal: one look for every command, and the only place that prints.

Results go to standard output, progress and errors to standard error. Status is an icon and a word, never a color
alone; control characters never reach the screen; pipes get plain text without progress.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from hee_core.clock import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

_ICONS = {
    "OK": ("✔", "+", "32"),
    "WARNING": ("▲", "!", "33"),
    "CRITICAL": ("✖", "x", "31"),
    "UNKNOWN": ("?", "?", "35"),
}
# How each status of the state machine is shown.
_BOLD, _DIM = "1", "2"


class Terminal:
    """Standard output and error, as wide and as colorful as they allow."""

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        """`as_json` keeps everything but one JSON document away from standard output."""
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        self._color = not plain and self._out.isatty()
        self._live = self._err.isatty() and os.environ.get("TERM") != "dumb"
        self._unicode = "utf" in (self._out.encoding or "").lower()
        self._status_shown = False

    @property
    def width(self) -> int:
        """Columns; 100 in a pipe."""
        return shutil.get_terminal_size((100, 24)).columns if self._out.isatty() else 100

    def line(self, text: str = "") -> None:
        """Prints one line, broken between words where a terminal is narrower, unless JSON is all that may be printed."""
        self.exact("\n".join(_broken(line, self.width) for line in text.split("\n")) if self._out.isatty() else text)

    def exact(self, text: str) -> None:
        """Prints a text that is to be copied or read by a program as it is."""
        if not self.as_json:
            self._clear()
            self._write(self._out, text)

    def raw(self, data: bytes) -> None:
        """Writes a file that was asked for on standard output, byte for byte."""
        self._clear()
        self._out.flush()
        self._out.buffer.write(data)
        self._out.buffer.flush()

    def status(self, word: str, text: str) -> None:
        """Prints `word` (OK, WARNING, CRITICAL, UNKNOWN) with its icon, and a text."""
        self.line(_hang(f"{self.badge(word)} {text}"))

    def badge(self, word: str) -> str:
        """A status word with its icon."""
        fancy, ascii_icon, color = _ICONS[word]
        return self.paint(f"{fancy if self._unicode else ascii_icon} {word}", color)

    def bold(self, text: str) -> str:
        """Text that stands out where that is possible."""
        return self.paint(text, _BOLD)

    def dim(self, text: str) -> str:
        """Text that steps back where that is possible."""
        return self.paint(text, _DIM)

    def paint(self, text: str, code: str) -> str:
        """Text in an SGR style, only on a terminal that shows it."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text

    def fit(self, text: str, width: int) -> str:
        """Text safe to print, on one line, cut to `width` columns."""
        text = " ".join(safe(text).splitlines()).replace("\t", " ")
        if width < 4 or columns(text) <= width:
            return text
        ellipsis = "…" if self._unicode else "..."
        while columns(text) > width - columns(ellipsis):
            text = text[:-1]
        return text + ellipsis

    def whole(self, text: str) -> str:
        """Text safe to print, on one line, nothing of it cut: a next step has to be readable to its end."""
        return safe(text).replace("\n", " ")

    def fit_block(self, text: str) -> str:
        """Several lines safe to print, each cut to the width of a terminal; a pipe gets them whole."""
        if not self._out.isatty():
            return safe(text).rstrip("\n")
        return "\n".join(self.fit(line, self.width) for line in text.splitlines())

    def table(self, rows: Iterable[Sequence[str]], *, indent: int = 2, last: int = 20) -> None:
        """Prints aligned columns; the last one takes what is left of the width, at least `last` columns."""
        rows = [[self.fit(cell, 0) for cell in row] for row in rows]  # one line each, as long as they are
        if not rows:
            return
        widths = [max(columns(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
        room = max(last, self.width - indent - sum(widths) - 2 * len(widths))
        for row in rows:
            cells = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=False)]
            self.line(" " * indent + "  ".join([*cells, self.fit(row[-1], room)]).rstrip())

    def json(self, document: Any) -> None:
        """Prints the one JSON document of a command."""
        self._clear()
        self._write(self._out, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))

    def progress(self, text: str) -> None:
        """Shows what is going on, on a terminal only, in one line that the next replaces."""
        if self._live:
            self._err.write(f"\r\x1b[K{self.fit(text, self.width - 1)}")
            self._err.flush()
            self._status_shown = True

    def advance(self, doing: str) -> Callable[[int, int], None]:
        """What shows how far a work of more than a second is, and how long it will still take; `of` 0 is unknown."""
        began = SYSTEM.monotonic()

        def shown(done: int, of: int) -> None:
            elapsed = SYSTEM.monotonic() - began
            if not self._live or elapsed < 1 or not done:
                return
            left = f", about {elapsed / done * (of - done):.0f} s left" if of > done else ""
            self.progress(f"{doing}: {done:,}{f' of {of:,}' if of else ''}{left}")

        return shown

    def error(self, text: str, hint: str = "") -> None:
        """Tells a failure and the next step, on standard error."""
        self._clear()
        self._write(self._err, _hang(f"hee: {safe(text)}"))
        if hint:
            self._write(self._err, _hang(f"     next: {safe(hint)}"))

    def note(self, text: str) -> None:
        """Tells something beside the result, on standard error."""
        self._clear()
        self._write(self._err, _hang(f"hee: {safe(text)}"))

    def _clear(self) -> None:
        if self._status_shown:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._status_shown = False

    def _write(self, stream: TextIO, text: str) -> None:
        if os.environ.get("GITHUB_ACTIONS") == "true":
            text = inert(text)
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()


def _broken(line: str, width: int) -> str:
    """A line in pieces of at most so many columns, later ones indented deeper; a word is never broken."""
    if _seen(line) <= width:
        return line
    indent = " " * min(len(line) - len(line.lstrip(" ")) + 4, width // 3)
    pieces, piece = [], ""
    for word, space in re.findall(r"( *[^ ]+)( *)", line):
        if piece.strip() and _seen(piece + word) > width:
            pieces.append(piece.rstrip(" "))
            piece = indent + word.lstrip(" ") + space
        else:
            piece += word + space
    return "\n".join([*pieces, piece.rstrip(" ")])


def _seen(text: str) -> int:
    return columns(re.sub(r"\x1b\[[0-9;]*m", "", text))


def safe(text: str) -> str:
    """Text without control or format characters; tabs and line ends stay."""
    return "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else "�" for c in text)


def _hang(text: str) -> str:
    """Text whose further lines are indented, so that none of them passes for a line of its own."""
    return "\n       ".join(text.splitlines())


def inert(text: str) -> str:
    """Text in which the runner of GitHub Actions finds no command: `::name::` at a line's start, `##[name]` anywhere."""
    return re.sub(r"(?m)^(\s*:)(?=:)", r"\1 ", text.replace("##[", "## ["))


def columns(text: str) -> int:
    """How many columns a terminal gives to a text (UAX #11: wide ones take two)."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
