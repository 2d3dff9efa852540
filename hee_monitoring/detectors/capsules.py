"""Capsules as the detectors compare them: the values of their data with lines, and findings over several of them.

Responsible for reading; leaves what a single capsule shows to `state`. Invariant: a capsule that cannot be read whole is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance import importing
from hee_governance.capsules import documents
from hee_governance.document import Node, Unreadable, read
from hee_monitoring.detectors.subject import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hee_monitoring.evidence import Evidence

_DAY = re.compile(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Value:
    """A plain value of a capsule's data under its pointer."""

    pointer: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Capsule:
    """One capsule: its series (the file's name, or its chat), its day, its values."""

    path: str
    series: str
    day: str
    values: tuple[Value, ...]
    nodes: tuple[tuple[Node, int], ...]

    def under(self, pattern: re.Pattern[str]) -> dict[str, Value]:
        """The values whose pointer matches, by the group that names them."""
        return {match[1]: value for value in self.values if (match := pattern.search(value.pointer))}


def capsule_of(path: str, data: bytes) -> Capsule | None:
    """One capsule file; None where it cannot be read whole."""
    if len(data) > importing.MAX_BYTES:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    nodes = []
    for document in documents(path, text):
        node = read(document.text.encode())
        if isinstance(node, Unreadable):
            return None
        nodes.append((node, document.line))
    values = tuple(
        Value(pointer, leaf.text.strip(), first + leaf.line - 1)
        for node, first in nodes
        for pointer, leaf in _leaves(node, "")
    )
    day = _DAY.search(path)
    return Capsule(path, path.rpartition("/")[2].casefold(), day[0] if day else "", values, tuple(nodes))


def _leaves(node: Node, pointer: str) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, dict):
        for key, entry in node.items():
            yield from _leaves(entry, f"{pointer}/{key}")
    elif isinstance(node.value, list):
        for number, entry in enumerate(node.value):
            yield from _leaves(entry, f"{pointer}/{number}")
    else:
        yield pointer, node


_KINDS = {
    "001": ("state", "State corruption"),
    "002": ("decision", "Decision conflict"),
    "005": ("context", "Context instability"),
}


def found_in(sub_rule: str, subject: str, says: str, evidence: Sequence[Evidence], confidence: int = 9000) -> Found:
    """A finding of a sub-rule such as `001.h`; its place is that of the first evidence."""
    pattern, _, rule = sub_rule.partition(".")
    category, title = _KINDS[pattern]
    captures = {"path": evidence[0].where, "sub_rule": rule}
    return Found(
        f"HEE-PAT-{pattern}", category, rule, subject, f"{title}: {says}", confidence, tuple(evidence), captures
    )  # fmt: skip
