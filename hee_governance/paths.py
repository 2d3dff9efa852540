"""Repository paths and the globs that select them.

Responsible for matching in time linear in pattern times path, so that no pattern can stall a decision, and for
recognizing a path that leaves the repository. Knows no file system.
"""

from __future__ import annotations

import re
from functools import lru_cache

_DRIVE = re.compile(r"[A-Za-z]:")


def matches(pattern: str, path: str) -> bool:
    """Says whether a glob selects a path: `*` and `?` within a segment, `**` over segments, `dir/` everything below.

    A pattern without a slash selects a name at any depth, as in `.gitignore`.
    """
    return bool(pattern) and _match(_segments(pattern), tuple(path.strip("/").split("/")))


def any_match(patterns: tuple[str, ...], path: str) -> str:
    """The first of the patterns that selects a path, or empty text."""
    return next((pattern for pattern in patterns if matches(pattern, path)), "")


def escapes(path: str) -> str:
    """Says in words why a text is no path inside the repository; empty if it is one."""
    if not path or path != path.strip():
        return "is empty or has blanks at its ends"
    if "\\" in path or _DRIVE.match(path):
        return "is not written with forward slashes"
    if path.startswith(("/", "~")):
        return "is not relative to the repository"
    parts = path.split("/")
    if ".." in parts:
        return "leaves the repository"
    if ".git" in (part.lower() for part in parts):
        return "points into the .git directory"
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in path):
        return "holds control characters"
    return ""


@lru_cache(maxsize=512)
def _segments(pattern: str) -> tuple[str, ...]:
    anchored = "/" in pattern.rstrip("/")
    below = pattern.endswith("/")
    parts = [part for part in pattern.split("/") if part]
    if not anchored:
        parts.insert(0, "**")
    if below:
        parts.append("**")
    return tuple(parts)


def _match(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Greedy with one point of return, over segments; `**` at the end needs at least one segment."""
    at = position = 0
    star = mark = -1
    while position < len(path):
        if at < len(pattern) and pattern[at] == "**":
            star, mark = at, position
            at += 1
            if at == len(pattern):
                return True
        elif at < len(pattern) and _segment(pattern[at], path[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return at == len(pattern)


def _segment(pattern: str, name: str) -> bool:
    at = position = 0
    star = mark = -1
    while position < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return all(char == "*" for char in pattern[at:])


def overlap(first: str, second: str) -> bool:
    """Says whether some path could be selected by both globs."""
    return _overlap(_segments(first), _segments(second))


@lru_cache(maxsize=4096)
def _overlap(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    if not first or not second:
        return all(segment == "**" for segment in first + second)
    if first[0] == "**":
        return _overlap(first[1:], second) or _overlap(first, second[1:])
    if second[0] == "**":
        return _overlap(second, first)
    return _alike(first[0], second[0]) and _overlap(first[1:], second[1:])


@lru_cache(maxsize=4096)
def _alike(first: str, second: str) -> bool:
    """Says whether some name could match both segments."""
    if not first or not second:
        return all(char == "*" for char in first + second)
    if first[0] == "*":
        return _alike(first[1:], second) or _alike(first, second[1:])
    if second[0] == "*":
        return _alike(second, first)
    return (first[0] == second[0] or "?" in (first[0], second[0])) and _alike(first[1:], second[1:])
