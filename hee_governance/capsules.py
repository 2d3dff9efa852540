"""Capsule files as text with places: which files are capsules, the documents inside them, what they claim.

Responsible for finding, not for judging: rules and detectors say what is wrong. Never edits a source. Capsules are
views of the log, so a repository without any is in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "docs/STATE_CAPSULES/"
SIX_KEYS = ("chat", "purpose", "context", "decisions", "open_threads", "next_chat_bootstrap")
STATE_KEYS = ("hee_monitoring_state", "hee_auto_fix_history")
_SUFFIXES = (".md", ".md.done", ".json", ".yaml", ".yml")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([A-Za-z0-9]*)")
_DONE_NAME = re.compile(r"(^done\.)|(-(done|complete)(\.[a-z]+)?$)|(\.done$)", re.IGNORECASE)
_HEADING = re.compile(r"##+\s")
_BOX = re.compile(r"\s*[-*+]\s+\[ \]\s*(.*)")
_STATUS = re.compile(r"(?:[-*+]\s+)?(?:\*\*)?status(?:\*\*)?\s*:[^A-Za-z]*([A-Za-z][A-Za-z _-]*)", re.IGNORECASE)
_OPEN_WORDS = ("in progress", "in-progress", "pending", "running", "blocked", "open", "not started", "todo", "wip")
_DONE_WORDS = ("done", "complete", "completed", "finished", "closed", "resolved")


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON or YAML document in a capsule file; `line` is the file's line of its first line."""

    kind: str
    text: str
    line: int
    closed: bool = True

    @property
    def is_state(self) -> bool:
        """Says whether it means to be the specification's monitoring capsule."""
        return any(key in self.text for key in STATE_KEYS)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sign of being done or of being open, with its line (0: the file's name) and the words that say so."""

    line: int
    words: str


def is_capsule(path: str) -> bool:
    """Says whether a path is a capsule file."""
    name = path.rpartition("/")[2]
    return path.startswith(ROOT) and path.endswith(_SUFFIXES) and not name.lower().startswith("readme")


def documents(path: str, text: str) -> tuple[Document, ...]:
    """The JSON and YAML documents of a capsule file: the whole file, or the fenced blocks of Markdown."""
    if path.endswith(".json"):
        return (Document("json", text, 1),)
    if path.endswith((".yaml", ".yml")):
        return (Document("yaml", text, 1),)
    if re.match(r"\s*chat:", text):  # the six keys written bare, without a fence
        return (Document("yaml", text, 1),)
    return _fenced(text)


def signs(path: str, text: str) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """What says that the capsule's work is done, and what says that some of it is open.

    A status line speaks for the whole capsule only at its head, before the first section, and not indented.
    """
    done: list[Claim] = []
    undone: list[Claim] = []
    name = path.rpartition("/")[2]
    if _DONE_NAME.search(name):
        done.append(Claim(0, f"the file's name {name}"))
    fenced, head = False, True
    for number, row in enumerate(text.splitlines(), 1):
        if _FENCE.match(row):
            fenced = not fenced
        head = head and not _HEADING.match(row)
        if fenced:
            continue
        if match := _BOX.match(row):
            undone.append(Claim(number, f"an open box: {match[1][:60]}" if match[1] else "an open box"))
        elif head and (match := _STATUS.match(row)):
            word = match[1].strip().lower()
            if word.startswith(_OPEN_WORDS):
                undone.append(Claim(number, f"status {word}"))
            elif word.startswith(_DONE_WORDS):
                done.append(Claim(number, f"status {word}"))
    return tuple(done), tuple(undone)


def _fenced(text: str) -> tuple[Document, ...]:
    found: list[Document] = []
    fence, kind, first = "", "", 0
    rows: list[str] = []
    for number, row in enumerate(text.splitlines(), 1):
        match = _FENCE.match(row)
        if not fence and match:
            fence, kind, first, rows = match[1], match[2].lower(), number + 1, []
        elif fence and match and match[1].startswith(fence) and not match[2]:
            found += _document(kind, rows, first, closed=True)
            fence = ""
        elif fence:
            rows.append(row)
    return tuple(found + (_document(kind, rows, first, closed=False) if fence else []))


def _document(kind: str, rows: list[str], first: int, *, closed: bool) -> list[Document]:
    kinds = {"json": "json", "yaml": "yaml", "yml": "yaml"}
    return [Document(kinds[kind], "\n".join(rows) + "\n", first, closed)] if kind in kinds else []
