"""Pending tests written from clauses of a specification: runnable, traced, and no proof of anything until they assert.

A clause that speaks of every value becomes a Hypothesis property, any other a plain test. Invariant: a skeleton is
expected to fail, is not run, and would fail if it were.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_core.canonical import clean

if TYPE_CHECKING:
    from hee_governance.speccoverage import Clause

_UNIVERSAL = re.compile(r"\b(?:every|any|all|never|always|no|each|whatever|only)\b", re.IGNORECASE)
_PLAIN = '''"""Pending: no test proves {clause} yet.

Write the test, then take the mark away; until then this file counts as no coverage.
"""

import pytest


{trace}
@pytest.mark.xfail(run=False, strict=True, reason="pending: no test proves {clause} yet")
def test_{name}():
    raise NotImplementedError("no test proves {clause} yet")
'''
_PROPERTY = '''"""Pending: no property proves {clause} yet.

{words}

Draw what the clause speaks of, assert what it says, then take the mark away; until then this file counts as no coverage.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st


{trace}
@pytest.mark.xfail(run=False, strict=True, reason="pending: no property proves {clause} yet")
@given(st.data())
def test_{name}(data):
    raise NotImplementedError("no property proves {clause} yet")
'''


def plain(clause: str, trace: str) -> str:
    """A pending pytest test for a clause id; `trace` is the line that names the clause."""
    return _PLAIN.format(clause=clause, trace=trace, name=name_of(clause))


def written(clause: Clause, *, registered: bool = True) -> tuple[str, str]:
    """The file name and text of the skeleton of a clause: a property where the clause speaks of every value.

    Where the `spec` marker is not `registered` the trace is a comment, since an unknown marker is an error under
    `--strict-markers`.
    """
    trace = f'@pytest.mark.spec("{clause.id}")' if registered else f"# spec: {clause.id}"
    name = f"test_{name_of(clause.id)}.py"
    words = clean(clause.text, limit=110).replace("\\", "/").replace('"', "'").strip("| ")
    if not _UNIVERSAL.search(clause.text):
        return name, plain(clause.id, trace)
    return name, _PROPERTY.format(clause=clause.id, trace=trace, name=name_of(clause.id), words=words)


def name_of(clause: str) -> str:
    """A clause id as part of a Python name."""
    return re.sub(r"[^a-z0-9]+", "_", clause.lower())
