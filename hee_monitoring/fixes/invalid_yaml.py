"""Makes a workflow, an action or a hook's configuration YAML again, where exactly one repair can be meant.

Two faults only: a tab that indents, where every width of it that parses gives the same document, and a key that stands twice with
the same text below it. What else breaks a file, and what could be meant in two ways, is left to people, with the reason.

Invariant: a line keeps all that stands after its indentation, and what is cut is one entry of which an equal one stays.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from hee_governance.paths import any_match
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.yamltree import Node, RepeatedKey, YamlError, parse

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_PLACES = (
    ".github/workflows/**", ".github/actions/**", "action.yml", "action.yaml", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml",
)  # fmt: skip
_NAMED = r"(?P<path>[\w.@+/-]+\.ya?ml)\b"
_INDENT = re.compile(r"[ \t]*")
_WIDEST = 8
_MOST = 20
_LARGEST = 50_000
# An anchor or its use, and a block that keeps the empty lines after it.
_ELSEWHERE = re.compile(r"[:\-,\[{\s][&*][^\s&*]|[|>]\d?\+")
# The position that the parser gives counts line ends which a split at "\n" does not see.
_OTHER_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


class InvalidYaml:
    """Tabs that indent become spaces, and an equal second entry goes."""

    name = "invalid-yaml"
    rows: tuple[str, ...] = ("workflow-config", "lint")
    network = False
    terms = Terms(paths=_PLACES, keeps=Keeps.NOTHING, reviewed=_PLACES)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where the failure is about YAML, a workflow's form or pre-commit's start."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if re.search(r"ya?ml|workflow|pre-commit", said) else "the failure is not about YAML"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Repairs every file that the log names and that is no YAML; one that can't be repaired ends it."""
        new: dict[str, bytes] = {}
        for path in tools.named(_NAMED):
            data = tools.read(path) or b""
            fault = _fault(data) if any_match(_PLACES, path) else None
            if fault is None:
                continue
            try:
                new[path] = _repaired(data, fault)
            except YamlError as error:
                return Declined(f"{path}, line {error.line}: {error}")
        if not new:
            return Declined("no workflow, action or hook configuration that the log names is broken YAML")
        for path, repaired in new.items():
            tools.write(path, repaired)
        return Change(f"Make {len(new)} file{'' if len(new) == 1 else 's'} YAML again", "HEE")


def _fault(data: bytes) -> YamlError | None:
    try:
        parse(data)
    except YamlError as error:
        return error
    return None


def _repaired(data: bytes, fault: YamlError) -> bytes:
    """The text with both kinds of fault gone; raises YamlError for what has no single repair."""
    text = data.decode("utf-8", "surrogateescape")
    if len(data) > _LARGEST or _OTHER_LINE_END.search(text):
        raise YamlError("the file is too large, or has line ends that YAML and git count differently", 1, 1)
    # The parser looks at the form of the whole document before it looks at keys.
    if not isinstance(fault, RepeatedKey):
        if not any("\t" in _indent(line) for line in text.split("\n")):
            raise fault
        text = _spaced(text)
    return _single(text).encode("utf-8", "surrogateescape")


def _single(text: str) -> str:
    """The text with one of each key."""
    for _ in range(_MOST):
        fault = _fault(text.encode("utf-8", "surrogateescape"))
        if fault is None:
            return text
        text = _without_second(text, fault)
    raise YamlError(f"{_MOST} keys or more stand twice", 1, 1)


# ------------------------------------------------------------------ tabs


def _spaced(text: str) -> str:
    """Every tab that breaks the document as spaces; raises YamlError unless all widths that parse mean the same."""
    kept: dict[int, str] = {}
    meanings: list[object] = []
    fault = YamlError("no width of its tabs makes it YAML", 1, 1)
    for width in range(1, _WIDEST + 1):
        for stops in (False, True):
            try:
                changed, meaning = _at_width(text, width, stops=stops)
            except YamlError as error:
                fault = error
                continue
            kept.setdefault(width, changed)
            if meaning not in meanings:
                meanings.append(meaning)
    if not meanings:
        raise fault
    if len(meanings) > 1:
        line = next(number for number, each in enumerate(text.split("\n"), 1) if "\t" in _indent(each))
        raise YamlError("its tabs can be read as indentation of more than one depth", line, 1)
    steps = {len(_indent(line)) for line in text.split("\n") if line.startswith(" ") and "\t" not in _indent(line)}
    return kept.get(min(steps, default=2)) or next(iter(kept.values()))


def _at_width(text: str, width: int, *, stops: bool) -> tuple[str, object]:
    """The text where a tab is this wide, and what it means then; a key that stands twice is no matter of tabs.

    A line that begins with a tab is no content of a block; one with blanks before the tab may be, and is changed only where the
    parser refuses it.
    """
    lines = [
        _expanded(line, width, stops=stops) if line.startswith("\t") and line.strip() else line
        for line in text.split("\n")
    ]
    for _ in range(_MOST):
        changed = "\n".join(lines)
        fault = _fault(changed.encode("utf-8", "surrogateescape"))
        if fault is None or isinstance(fault, RepeatedKey):
            return changed, _meaning(parse(_single(changed).encode("utf-8", "surrogateescape")))
        at = fault.line - 1
        if at >= len(lines) or "\t" not in _indent(lines[at]):
            raise fault
        lines[at] = _expanded(lines[at], width, stops=stops)
    raise YamlError(f"{_MOST} lines or more have a tab after blanks", 1, 1)


def _expanded(line: str, width: int, *, stops: bool) -> str:
    indent = _indent(line)
    if not line.strip():  # what the parser refuses of it means nothing
        return line[len(indent) :]
    return (indent.expandtabs(width) if stops else indent.replace("\t", " " * width)) + line[len(indent) :]


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""


def _meaning(node: Node) -> object:
    """What is written, without where it is."""
    if node.table is not None:
        return {key: _meaning(value) for key, value in node.table.items()}
    if node.items is not None:
        return [_meaning(item) for item in node.items]
    return (node.text, node.plain)


# ------------------------------------------------------------------ keys


def _without_second(text: str, fault: YamlError) -> str:
    """The text without the entry at which the parser stopped; raises YamlError unless an equal one stands before it."""
    if not isinstance(fault, RepeatedKey):
        raise fault
    lines, at, column = text.split("\n"), fault.line - 1, fault.column - 1
    if lines[at][:column].strip():
        raise YamlError(f"{fault}, and does not stand on lines of its own", fault.line, fault.column)
    second = _entry(lines, at, column)
    if _entry(lines, fault.first - 1, column) != second:
        raise YamlError(f"{fault} with another value", fault.line, fault.column)
    alone = textwrap.dedent("\n".join([" " * column + second[0], *second[1:]]))
    if _ELSEWHERE.search(alone) or len(parse(alone.encode("utf-8", "surrogateescape")).table or {}) != 1:
        raise YamlError(f"{fault}, and means more than its lines say", fault.line, fault.column)
    return "\n".join(lines[:at] + lines[at + len(second) :])


def _entry(lines: list[str], at: int, column: int) -> list[str]:
    """The lines of an entry of a table, the first one from its key on, without empty lines and the next one's comments after it."""
    end = at + 1
    for number in range(at + 1, len(lines)):
        line, depth = lines[number], len(_indent(lines[number]))
        listed = depth == column and line[column:].startswith("- ")  # a list may stand as deep as its key
        if line.strip() and (depth > column or listed):  # deeper, what looks like a comment may be text
            end = number + 1
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return [lines[at][column:].rstrip("\r"), *(line.rstrip("\r") for line in lines[at + 1 : end])]
