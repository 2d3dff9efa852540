"""The facts of a text: every value of data with its line, and of prose what has a shape: fields, decisions, tasks, commits.

Extraction from prose is tolerant: it takes what has the shape and leaves the rest, so it is never called lossless.
Invariant: a fact's line is a line of the file, and its text stands there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_core.canonical import clean
from hee_governance.importing.model import MAX_TEXT, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_governance.document import Node
    from hee_governance.importing.model import Kind

_FIELD = re.compile(r"\s*(?:[-*+]\s+)?\*\*([\w][\w /&()-]{0,40}?)(?:\*\*\s*:|:\s*\*\*)\s*(\S.*)$")
_LINE = re.compile(r"(?:[-*+]\s+)?([A-Za-z][\w ]{1,30}):\s+(\S.*)$")
_BOX = re.compile(r"\s*[-*+]\s+\[([ xX])\]\s*(.*)$")
_HEADING = re.compile(r"(#{1,6})\s+(.*)$")
_KEY = re.compile(r"([a-z][a-z_]{2,40}):\s*(?:(?:[>|][-+]?|[-+])\s*)?$")
_NUMBERED = re.compile(r"(?:decision|adr)[ -]{0,9}\d{0,9}\s{0,9}[:.—-]\s*(\S.*)$", re.IGNORECASE)
_ITEM = re.compile(r"\s{0,3}(?:[-*+]|\d{1,3}\.)\s+(?!\[[ xX]\])(\S.*)$")
_COMMIT = re.compile(r"(?:\b(?:commit|sha|rev|@)\W{0,3}|`)([0-9a-f]{7,40})\b", re.IGNORECASE)
_GREEN = re.compile(r"(?:^|/)(?:green|repo_green|ci_green|governance_compliant|complete|correct|promoted)$")
_POINTS = re.compile(
    r"(?:violation score\D{0,20}|^\W*(?:critical alerts\W+)?)(\d{1,4})\s+(?:violation\s*)?(?:points?|violations?)\b",
    re.IGNORECASE,
)
_GROUNDS = ("rationale", "impact", "hee_compliance", "hee compliance", "hee alignment", "alternatives", "consequences")


def of_data(tree: Node, first: int = 1) -> Iterator[Fact]:
    """Every plain value under its JSON pointer, decisions as decisions, booleans that claim something as claims."""
    for pointer, node in _leaves(tree, ""):
        text = clean(node.text, limit=MAX_TEXT) if node.value is not None else "null"
        line = first + node.line - 1
        if re.match(r"(/[^/]+)?/decisions(/|$)", pointer):
            yield Fact("decision", pointer, text, line)
        elif isinstance(node.value, bool) and _GREEN.search(pointer):
            yield Fact("claim", pointer, text, line)
        else:
            yield Fact("field", pointer, text, line)


def of_prose(text: str) -> Iterator[Fact]:
    """What has a shape in Markdown or in text that was meant as YAML; fenced blocks are passed over."""
    section, fenced, level = "", False, 0
    for number, row in enumerate(text.splitlines(), 1):
        if row.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if fenced:
            continue
        yield from _commits(row, number)
        if points := _POINTS.search(row.replace("**", "")):
            yield Fact("claim", "violation points", points[1], number)
        if match := _HEADING.match(row):
            title = match[2].rstrip().rstrip("#").strip().strip("* ")
            section, level = title.lower(), len(match[1])
            if decided := _NUMBERED.match(title):
                yield Fact("decision", f"decision (heading {level})", clean(decided[1], limit=MAX_TEXT), number)
        elif match := _KEY.match(row):
            section = f"{match[1]}:"
        elif match := _BOX.match(row):
            yield Fact("task", "done" if match[1] != " " else "open", clean(match[2], limit=MAX_TEXT), number)
        else:
            found = list(_row(row, number, section))
            if not found and row.strip() and section in ("decision", "status"):  # a record's paragraph
                kind: Kind = "decision" if section == "decision" else "field"
                found = [Fact(kind, section, clean(row.strip(), limit=MAX_TEXT), number)]
                section = ""
            yield from found


def pairs(text: str) -> Iterator[Fact]:
    """The lines of an identity capsule: `key=value`."""
    for number, row in enumerate(text.splitlines(), 1):
        key, equals, value = row.strip().partition("=")
        if equals and not row.startswith("#"):
            yield Fact("field", key, clean(value, limit=MAX_TEXT), number)


def _row(row: str, number: int, section: str) -> Iterator[Fact]:
    if (match := _FIELD.match(row)) or (match := _LINE.match(row.strip())):
        key, value = match[1].strip(), clean(match[2].strip(), limit=MAX_TEXT)
        said = key.lower()
        decided = said == "decision" or (said in _GROUNDS and "decision" in section)
        yield Fact("decision" if decided else "field", key, value, number)
    elif item := _ITEM.match(row):
        if section.rstrip(":") in ("decisions", "decision"):
            yield Fact("decision", "decision", clean(item[1], limit=MAX_TEXT), number)
        elif section.endswith(":"):  # a list under a key, as in YAML
            yield Fact("field", section[:-1], clean(item[1], limit=MAX_TEXT), number)


def _commits(row: str, number: int) -> Iterator[Fact]:
    for match in _COMMIT.finditer(row):
        if re.search(r"\d", match[1]) and re.search(r"[a-f]", match[1]):
            yield Fact("commit", "commit", match[1].lower(), number)


def _leaves(node: Node, pointer: str) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, dict) and node.value:
        for key, entry in node.items():
            yield from _leaves(entry, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node.value, list) and node.value:
        for place, entry in enumerate(node.value):
            yield from _leaves(entry, f"{pointer}/{place}")
    else:
        yield pointer, node
