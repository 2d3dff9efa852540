"""Removes blanks at line ends, adds or removes line ends at the end of a file, and turns CRLF into LF: where a gate said so.

Works line by line: of a file that a gate lists with line numbers, only those lines change. Test data, snapshots and
patches are left alone, since blanks are content there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.paths import any_match
from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_DATA = (
    "**/testdata/**", "**/test_data/**", "**/test-data/**", "**/fixtures/**", "**/__snapshots__/**", "**/snapshots/**", "**/golden/**",
    "*.snap", "*.golden", "*.patch", "*.diff", "*.svg", "*.lock",
)  # fmt: skip
_LINE = re.compile(r"^[^\S\n]*(?P<path>[^\s:][^:\n]*):(?P<line>\d{1,7})\b(?P<rest>[^\n]*)$", re.MULTILINE)
_FILE_END = re.compile(
    r"new blank line at EOF|blank line.{0,20}end of file|W391|too many blank lines.{0,20}end", re.IGNORECASE
)
_NO_END = re.compile(
    r"no new ?line|missing.{0,20}newline|newline at (?:the )?end of file|new line character at the end|W292",
    re.IGNORECASE,
)
_HOOK = re.compile(r"^- hook id: (?P<hook>\S+)\s*$|^(?:Fixing|fixed|Fixed) (?P<path>\S.*)$", re.MULTILINE)
_EOL = re.compile(
    r"^i/(?:crlf|mixed)\s+w/\S+\s+attr/[^\t\n]*\t(?P<path>\S.*)$|^(?P<other>\S+): .{0,40}\bCRLF\b", re.MULTILINE
)
_BARE = re.compile(r"^[^\S\n]*(?:[-*][^\S\n]+)?(?:\./)?(?P<path>\S+)[^\S\n]*$", re.MULTILINE)
_BLANKS = b" \t\x0b\x0c"


class Whitespace:
    """What `git diff --check` and the whitespace hooks ask for."""

    name = "whitespace"
    rows: tuple[str, ...] = ("whitespace",)
    network = False
    terms = Terms(paths=("**",), keeps=Keeps.LINES)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Every failure of its row."""
        return None

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Changes the lines and files that the log names."""
        new: dict[str, bytes] = {}
        for collect in (_lines, _hooks, _line_ends):
            collect(tools, new)
        if not new:
            _listed(tools, new)
        if not new:
            return Declined("the job's log names no line of a tracked text file that this can repair")
        for path, data in sorted(new.items()):
            tools.write(path, data)
        return Change(
            f"Remove stray white space in {len(new)} file{'' if len(new) == 1 else 's'}", "HEE (white space only)"
        )


def _text(tools: Tools, new: dict[str, bytes], name: str) -> tuple[str, bytes] | None:
    """The tracked text file that a tool meant, with what was already decided about it; None for data and binaries."""
    path = tools.resolve(name)
    data = new.get(path, tools.read(path)) if path and not any_match(_DATA, path) else None
    return (path, data) if path and data and b"\0" not in data else None


def _keep(new: dict[str, bytes], path: str, old: bytes, data: bytes) -> None:
    if data != old:
        new[path] = data


def _lines(tools: Tools, new: dict[str, bytes]) -> None:
    """`path:line: …`: the blanks at the end of that line, or the line ends at the end of the file, go."""
    named: dict[str, set[int]] = {}
    for found in _LINE.finditer(tools.log):
        entry = _text(tools, new, found.group("path"))
        if entry is None:
            continue
        path, data = entry
        rest = found.group("rest")
        if _FILE_END.search(rest):
            _keep(new, path, data, _ended(data))
        elif _NO_END.search(rest):
            _keep(new, path, data, data if data.endswith(b"\n") else data + b"\n")
        else:
            named.setdefault(path, set()).add(int(found.group("line")) - 1)
    for path, numbers in named.items():
        data = new.get(path, tools.read(path)) or b""
        lines = data.split(b"\n")
        inside = [number for number in sorted(numbers) if 0 <= number < len(lines)]
        # A gate that names a line with nothing but a carriage return at its end takes that for white space, as git does.
        returns = any(lines[number].endswith(b"\r") and _stripped(lines[number]) == lines[number] for number in inside)
        for number in inside:
            lines[number] = lines[number].rstrip() if returns else _stripped(lines[number])
        _keep(new, path, data, b"\n".join(lines))


def _hooks(tools: Tools, new: dict[str, bytes]) -> None:
    """`Fixing path` of a pre-commit hook: what that hook does to a whole file; without its name, what the gates call."""
    hook = ""
    strips, ends = (
        gatecommand.mentions(tools.tree, f"{name}-fixer") for name in ("trailing-whitespace", "end-of-file")
    )
    for found in _HOOK.finditer(tools.log):
        if found.group("hook"):
            hook = found.group("hook")
        elif entry := _text(tools, new, found.group("path")):
            path, data = entry
            if hook == "trailing-whitespace":
                _keep(new, path, data, _all_stripped(data))
            elif hook == "end-of-file-fixer":
                _keep(new, path, data, _ended(data))
            elif hook == "mixed-line-ending":
                _keep(new, path, data, data.replace(b"\r\n", b"\n"))
            elif not hook:
                whole = _all_stripped(data) if strips else data
                _keep(new, path, data, _ended(whole) if ends else whole)


def _line_ends(tools: Tools, new: dict[str, bytes]) -> None:
    """Files that a gate lists as having CRLF."""
    for found in _EOL.finditer(tools.log):
        if entry := _text(tools, new, found.group("path") or found.group("other")):
            _keep(new, entry[0], entry[1], entry[1].replace(b"\r\n", b"\n"))


def _listed(tools: Tools, new: dict[str, bytes]) -> None:
    """A log that only lists files, as `grep -l` does: the blanks at all their line ends go."""
    for found in _BARE.finditer(tools.log):
        if entry := _text(tools, new, found.group("path")):
            _keep(new, entry[0], entry[1], _all_stripped(entry[1]))


def _stripped(line: bytes) -> bytes:
    """A line without blanks at its end; a carriage return stays, it is another matter."""
    return line[:-1].rstrip(_BLANKS) + b"\r" if line.endswith(b"\r") else line.rstrip(_BLANKS)


def _all_stripped(data: bytes) -> bytes:
    return b"\n".join(_stripped(line) for line in data.split(b"\n"))


def _ended(data: bytes) -> bytes:
    """A text without blank lines at its end, and with exactly one line end; nothing when it is all blank."""
    lines = data.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return b"\n".join([*lines, b""])
