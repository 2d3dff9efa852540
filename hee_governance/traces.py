"""Traces from tests to clauses: pytest markers read from the syntax tree, and plain comments in other languages.

A trace covers only if its test can run and asserts something; one that does not is kept, with the reason, so that a
pending skeleton is seen and never counted. Nothing is imported or executed.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance.document import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 2_000_000
_COMMENT = re.compile(
    r"(?://|#|--|;|/?\*|<!--|%)\s*spec:\s*([A-Za-z0-9][A-Za-z0-9_-]*(?:[ ,]+[A-Za-z0-9][A-Za-z0-9_-]*)*)"
)
_SKIPS = ("skip", "skipif", "xfail", "skipIf", "skipUnless", "expectedFailure")
_CALLS = ("raises", "warns", "fail", "deprecated_call")

_Test = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Trace:
    """A test that names a clause; `why` says why it does not cover, and is empty if it does.

    `test` is the test function's name, where the language is one whose tests are read.
    """

    clause: str
    path: str
    line: int
    why: str = ""
    test: str = ""


def traces(path: str, data: bytes, marker: str = "spec") -> tuple[Trace, ...] | Unreadable:
    """The traces of one test file: its markers of one name; comments in other languages trace clauses only."""
    if len(data) > MAX_BYTES:
        return Unreadable(0, f"is larger than {MAX_BYTES} bytes")
    if path.endswith(".py"):
        return _python(path, data, marker)
    return _comments(path, data) if marker == "spec" else ()


def _comments(path: str, data: bytes) -> tuple[Trace, ...]:
    found: list[Trace] = []
    for number, row in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if match := _COMMENT.search(row):
            found += [Trace(clause, path, number) for clause in re.split(r"[ ,]+", match[1])]
    return tuple(found)


def _python(path: str, data: bytes, marker: str) -> tuple[Trace, ...] | Unreadable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except SyntaxError as error:
        return Unreadable(error.lineno or 0, f"is not Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Unreadable(0, f"is not Python: {error}")
    functions = {node.name: node for node in tree.body if isinstance(node, _Test)}
    whole = _Marks.of(_assigned(tree.body), marker)
    found = _tests(tree.body, whole, marker)
    return tuple(trace for marks, test in found for trace in _of_test(path, marks, test, functions))


@dataclass(frozen=True, slots=True)
class _Marks:
    """The markers that hold for a test: clauses with their lines, and the first one that keeps it from counting."""

    clauses: tuple[tuple[str, int], ...] = ()
    skip: str = ""

    @classmethod
    def of(cls, decorators: list[ast.expr], marker: str) -> _Marks:
        clauses: list[tuple[str, int]] = []
        skip = ""
        for entry in decorators:
            called = entry.func if isinstance(entry, ast.Call) else entry
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name == marker and isinstance(entry, ast.Call):
                texts = [arg for arg in entry.args if isinstance(arg, ast.Constant)]
                clauses += [(str(arg.value), arg.lineno) for arg in texts]
            elif name in _SKIPS:
                skip = skip or name
        return cls(tuple(clauses), skip)

    def within(self, outer: _Marks) -> _Marks:
        return _Marks(outer.clauses + self.clauses, outer.skip or self.skip)


def _tests(body: list[ast.stmt], outer: _Marks, marker: str) -> Iterator[tuple[_Marks, _Test]]:
    for node in body:
        if isinstance(node, _Test) and node.name.startswith("test"):
            yield _Marks.of(node.decorator_list, marker).within(outer), node
        elif isinstance(node, ast.ClassDef):
            own = _Marks.of([*node.decorator_list, *_assigned(node.body)], marker)
            yield from _tests(node.body, own.within(outer), marker)


def _assigned(body: list[ast.stmt]) -> list[ast.expr]:
    """The markers that `pytestmark` gives to everything in a module or class."""
    found: list[ast.expr] = []
    for node in body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets):
            found += node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
    return found


def _of_test(path: str, marks: _Marks, test: _Test, functions: dict[str, _Test]) -> Iterator[Trace]:
    why = marks.skip and f"the test is marked {marks.skip}"
    if not why and _gives_up(test):
        why = "the test skips itself"
    if not why and not _asserts(test, functions, set()):
        why = "the test asserts nothing"
    for clause, line in marks.clauses:
        yield Trace(clause, path, line, why, test.name)


def _gives_up(test: _Test) -> bool:
    """Says whether the test calls `pytest.skip` or `pytest.xfail` on its way, without a condition."""
    calls = (node.value for node in test.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return any(_called(call) in ("skip", "xfail", "skipTest") for call in calls)


def _asserts(test: ast.AST, functions: dict[str, _Test], seen: set[str]) -> bool:
    """Says whether a test can fail: an assertion about something, or a call of a function of the file that has one."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call):
            name = _called(node)
            if name in _CALLS or name.lower().startswith(("assert", "expect", "check_", "verify_")):
                return True
            if name in functions and name not in seen and _asserts(functions[name], functions, seen | {name}):
                return True
    return False


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
