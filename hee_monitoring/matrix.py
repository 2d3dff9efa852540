"""The jobs that a matrix stands for: GitHub's product, `exclude` and `include`, without running anything.

Responsible for expanding a matrix that is written out, for naming its jobs as GitHub does, and for putting its values
where `${{ matrix.x }}` stands. A matrix that an expression computes is refused, with the reason.

Invariant: the order and the number of jobs depend on the text of the matrix alone.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_monitoring.yamltree import Node

    Combination = dict[str, Node]

MOST = 256
_PLACE = re.compile(r"\$\{\{\s*matrix((?:\.[\w-]+|\[['\"][^'\"\]]+['\"]\])+)\s*\}\}")
_PART = re.compile(r"\.([\w-]+)|\[['\"]([^'\"\]]+)['\"]\]")


class MatrixError(ValueError):
    """The matrix can't be expanded here; the message says why in one sentence."""


def expand(matrix: Node) -> tuple[Combination, ...]:
    """Every combination in GitHub's order; raises MatrixError for a computed one, an empty one, or more than 256."""
    if matrix.table is None:
        raise MatrixError("its matrix is computed by an expression")
    axes = {key: value for key, value in matrix.table.items() if key not in ("include", "exclude")}
    for value in axes.values():
        if value.items is None:
            raise MatrixError("its matrix is computed by an expression")
    count = 1
    for value in axes.values():
        count *= len(value.items or ())
    if count > MOST:
        raise MatrixError(f"its matrix stands for more than {MOST} jobs")
    rows = (
        [dict(zip(axes, values, strict=True)) for values in product(*(value.items or () for value in axes.values()))]
        if axes
        else []
    )
    rows = [row for row in rows if not any(_matches(row, entry) for entry in _entries(matrix, "exclude"))]
    rows = _included(rows, list(_entries(matrix, "include")), set(axes))
    if not rows:
        raise MatrixError("its matrix stands for no job")
    if len(rows) > MOST:
        raise MatrixError(f"its matrix stands for more than {MOST} jobs")
    return tuple(rows)


def _entries(matrix: Node, key: str) -> Iterator[Mapping[str, Node]]:
    node = matrix.get(key)
    if node is None:
        return
    if node.items is None:
        raise MatrixError("its matrix is computed by an expression")
    for item in node.items:
        if item.table is None:
            raise MatrixError("its matrix is computed by an expression")
        yield item.table


def _included(rows: list[Combination], entries: list[Mapping[str, Node]], axes: set[str]) -> list[Combination]:
    """Adds each entry to the rows whose axes it doesn't change; to none of them, it is a row of its own."""
    made = len(rows)
    for entry in entries:
        fits = [row for row in rows[:made] if all(_same(row[key], entry[key]) for key in axes & entry.keys())]
        for fit in fits:
            fit.update(entry)
        if not fits:
            rows.append(dict(entry))
    return rows


def _matches(row: Mapping[str, Node], entry: Mapping[str, Node]) -> bool:
    return all(key in row and _same(row[key], value) for key, value in entry.items())


def _same(one: Node, other: Node) -> bool:
    return list(one.texts()) == list(other.texts())


def label(row: Mapping[str, Node]) -> str:
    """What GitHub writes in brackets after the job's name: the values, in order."""
    return ", ".join(text for value in row.values() for _, text in reversed(list(value.texts())) if text)


def fill(text: str, row: Mapping[str, Node]) -> str:
    """Replaces `${{ matrix.x.y }}` by its value; what has none is left as it stands."""

    def value(match: re.Match[str]) -> str:
        first, *rest = (dotted or quoted for dotted, quoted in _PART.findall(match[1]))
        node = row.get(first)
        for key in rest:
            node = node.get(key) if node is not None else None
        return node.text if node is not None and node.text is not None else match[0]

    return _PLACE.sub(value, text)
