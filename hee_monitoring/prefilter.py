"""Derives from an expression a simpler one that matches wherever it does, so that one automaton can hold them all.

Responsible for relaxing expressions when the database is compiled: counted repetitions become unbounded, and an expression
that may begin anywhere is replaced by the literals of which each match must contain one. Confirmation is `scan`'s.

Invariant: a text that the expression matches is matched by its relaxed form; a test proves it on every example.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNTED = re.compile(r"\{(\d+),?\d*\}")
_SHORTEST = 3
_MOST = 40


def relax(regex: str) -> str:
    """Returns an expression that matches at least where `regex` does, and is cheap in company."""
    if regex.startswith("^") and "(?i)" not in regex and not regex.startswith(("^.", r"^\S", r"^[^", r"^\s*(?P<", "^(?:.")):
        return _COUNTED.sub(lambda found: "*" if found.group(1) == "0" else "+", regex)
    try:
        literals = _best(re._parser.parse(regex).data)  # type: ignore[attr-defined] # noqa: SLF001 - the only parser of this syntax
    except re.error:
        literals = None
    if not literals:
        return _COUNTED.sub(lambda found: "*" if found.group(1) == "0" else "+", regex)
    body = "|".join(re.escape(literal).replace("\\ ", " ") for literal in sorted(literals))
    return ("(?i)" if "(?i)" in regex else "") + f"(?:{body})"


def _best(nodes: Sequence[Any]) -> set[str] | None:
    """The best set of literals of which a match of the sequence contains one; None if there is none."""
    found: list[set[str]] = []
    run = ""
    for operator, value in nodes:
        name = str(operator)
        if name == "LITERAL":
            run += chr(value)
            continue
        if run:
            found.append({run})
            run = ""
        inner = _inner(name, value)
        if inner:
            found.append(inner)
    if run:
        found.append({run})
    usable = [each for each in found if min(map(len, each)) >= _SHORTEST and len(each) <= _MOST]
    return max(usable, key=lambda each: (min(min(map(len, each)), 12), -len(each)), default=None)


def _inner(name: str, value: Any) -> set[str] | None:
    """The literals that one node requires."""
    if name == "SUBPATTERN":
        return _best(value[3].data)
    if name == "BRANCH":
        parts = [_best(branch.data) for branch in value[1]]
        return None if any(part is None for part in parts) else set().union(*(part for part in parts if part))
    if name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] >= 1:
        return _best(value[2].data)
    return None
