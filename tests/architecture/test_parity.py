"""The table of what the earlier monitor did: every row names events of the catalogue and a test that exists and asserts."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from hee_core import catalogue

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "parity.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "tests/" in line
]


@cache
def functions(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.spec("SEED-002", "SEED-003")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_feature_of_the_earlier_monitor_is_events_and_a_test(row: list[str]) -> None:
    _, _, events, held = row
    path, _, name = held.strip("`").partition("::")
    body = ast.dump(functions(path)[name])
    assert "Assert(" in body or "raises" in body
    types = re.findall(r"`([a-z_.]+)`", events)
    assert types or events.startswith("none: ")
    assert set(types) <= set(catalogue.TYPES)


def test_a_row_is_either_proved_or_given_a_reason() -> None:
    page = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    open_rows = re.findall(r"^\| (SEED-\d{3}) \| [^|]+ \| [^|]{30,} \|$", page, re.MULTILINE)
    texts = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name != "test_parity.py"
    ]
    marks = set(re.findall(r"SEED-\d{3}", "".join(re.findall(r"spec\([^)]*\)|SPEC\([^)]*\)", "".join(texts)))))
    assert len(open_rows) == page.count("\n| SEED-") == 8
    assert marks & set(open_rows) == set()


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 29
    assert all(len(row) == 4 for row in ROWS)
