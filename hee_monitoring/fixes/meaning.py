"""Whether a file means the same after a repair as before.

Responsible for comparing the two texts under the promise that a strategy makes (`Keeps`); which promise it makes is
the strategy's, what follows from a broken one is `diffpolicy`'s. Pure.

Invariant: Python, JSON and TOML that cannot be compared are not called equal; of other languages nothing is claimed, and
the gates alone judge them.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
import warnings
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hee_monitoring.fixes import locks

if TYPE_CHECKING:
    from collections.abc import Collection

    from hee_monitoring.fixes.changes import FileChange

_WORD = re.compile(rb"[\w\x80-\xff]+")
_PATH = re.compile(rb"(?<![\w\x80-\xff./-])(?:\.{1,2}/)*[\w\x80-\xff.-]*[\w\x80-\xff](?:[/.][\w\x80-\xff.-]+)+/?")


class Keeps(StrEnum):
    """What a strategy promises to leave as it is."""

    BYTES = "bytes"  # only the mode changes
    LINES = "lines"  # only blanks at line ends and empty lines at the end of the file go
    CODE = "code"  # the same program, laid out differently
    IMPORTS = "imports"  # the same program but for the order of its imports
    WORDS = "words"  # the same words; what stands between them is laid out differently
    SYNTAX = "syntax"  # what parsed still parses
    PATHS = "paths"  # the same lines but for words that are paths
    PINS = "pins"  # a lock file: no package gets another version but those that may move
    NOTHING = "nothing"  # a derived file: a new file


def difference(change: FileChange, keeps: Keeps, may_move: Collection[str] = ()) -> str:
    """Says in a few words how the meaning changed, or nothing when the promise is kept; `may_move` is for `PINS`."""
    if change.old is None or change.new is None or keeps is Keeps.NOTHING:
        return ""
    if keeps is Keeps.BYTES:
        return "" if change.old == change.new else "the content changed, not only the mode"
    if keeps is Keeps.LINES:
        return "" if same_lines(change.old, change.new) else "more changed than blanks at line ends"
    if keeps is Keeps.PINS:
        return next(locks.moved(change.path, change.old, change.new, may_move), "")
    if keeps is Keeps.PATHS:
        return "" if _pathless(change.old) == _pathless(change.new) else "more changed than words that are paths"
    if keeps is Keeps.WORDS:
        return "" if _WORD.findall(change.old) == _WORD.findall(change.new) else "the words of the file changed"
    if change.path.endswith((".py", ".pyi")):
        return _python(change.old, change.new, keeps)
    if keeps in (Keeps.CODE, Keeps.IMPORTS) and change.path.endswith((".json", ".toml")):
        return "" if same_data(change.path, change.old, change.new) else "the data in the file changed"
    return ""


def _pathless(data: bytes) -> list[bytes]:
    return [_PATH.sub(b"path", line) for line in data.split(b"\n")]


def same_lines(old: bytes, new: bytes) -> bool:
    """Says whether two texts differ only in blanks and carriage returns at line ends and in empty lines at the end."""
    return [line.rstrip() for line in old.rstrip().split(b"\n")] == [
        line.rstrip() for line in new.rstrip().split(b"\n")
    ]


def same_data(path: str, old: bytes, new: bytes) -> bool:
    """Says whether two TOML or JSON texts hold the same values in the same types; False when either cannot be read."""
    try:
        return bool(_typed(_load(path, old)) == _typed(_load(path, new)))
    except (ValueError, RecursionError):
        return False


def _load(path: str, data: bytes) -> Any:
    text = data.decode("utf-8")
    return tomllib.loads(text) if path.endswith(".toml") else json.loads(text)


def _typed(value: Any) -> Any:
    """The value in a form where 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return (type(value).__name__, str(value))


def parse(source: bytes | str) -> ast.Module | None:
    """The syntax tree of Python source, or None when it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _python(old: bytes, new: bytes, keeps: Keeps) -> str:
    before, after = parse(old), parse(new)
    if after is None:
        return "" if before is None and keeps is Keeps.SYNTAX else "the file does not parse as Python after the repair"
    if keeps is Keeps.SYNTAX:
        return ""
    if before is None:
        return "the file did not parse as Python before, so nothing can be compared"
    imports = keeps is Keeps.IMPORTS
    return "" if _shape(before, imports=imports) == _shape(after, imports=imports) else "the program is not the same"


def _shape(tree: ast.Module, *, imports: bool) -> str:
    """The tree as text, without positions, with docstrings freed of layout and, if asked, imports in sorted order."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            _free_docstring(body[0])
        if imports:
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list):
                    setattr(node, name, _sorted_imports(block))
        for target in body:  # `del (a, b)` and `del a, b` are one program; formatters choose
            if isinstance(target, ast.Delete) and len(target.targets) == 1 and isinstance(target.targets[0], ast.Tuple):
                target.targets = target.targets[0].elts
    return ast.dump(tree)


def _free_docstring(statement: ast.stmt) -> None:
    if (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ):
        lines = [line.strip() for line in statement.value.value.expandtabs().split("\n")]
        statement.value.value = "\n".join(lines).strip()


def _sorted_imports(block: list[ast.stmt]) -> list[ast.stmt]:
    """Gives each run of neighboring imports one order, one name a statement."""
    result: list[ast.stmt] = []
    run: dict[tuple[int, str, str, str], ast.stmt] = {}
    for statement in block:
        if isinstance(statement, ast.Import):
            for name in statement.names:
                run[-1, name.name, "", name.asname or ""] = ast.Import(names=[name])
        elif isinstance(statement, ast.ImportFrom):
            for name in statement.names:
                key = (statement.level, statement.module or "", name.name, name.asname or "")
                run[key] = ast.ImportFrom(module=statement.module, names=[name], level=statement.level)
        else:
            result += [run[key] for key in sorted(run)] + [statement]
            run = {}
    return result + [run[key] for key in sorted(run)]
