"""The closed language in which projects write rules of their own: all, any, not, compare, match, count.

Three-valued (Kleene): what cannot be read is unknown, `not` of unknown is unknown, one failure fails `all`, one pass
passes `any`. Each failure says what was expected and what was got. Nothing is executed, patterns are RE2, and reading
a rule names every fault with its place.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hee_governance.document import Node, Unreadable, read
from hee_governance.paths import matches
from hee_governance.settings import Fault, escaped, near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Truth = Literal["pass", "fail", "unknown"]
WORDS = ("all", "any", "not", "compare", "match", "count")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MAX_DEPTH = 8
_NOTHING = "nothing"
_PLACE = re.compile(r"[0-9]{1,9}")
_STRUCTURED = (".json", ".yaml", ".yml", ".toml")


@dataclass(frozen=True, slots=True)
class Result:
    """What a predicate came to; `line` is where, 0 where it has no place."""

    truth: Truth
    expected: str
    got: str
    line: int = 0

    @property
    def said(self) -> str:
        """The result in words."""
        return f"expected {self.expected}, got {self.got}"


@dataclass
class Subject:
    """What a predicate looks at: one file of a tree, or the tree where `path` is empty. A file is parsed once."""

    tree: Mapping[str, bytes]
    path: str = ""
    _parsed: Node | Unreadable | None = None

    @property
    def text(self) -> str | Unreadable:
        """The file's text."""
        try:
            return self.tree[self.path].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return Unreadable(self.tree[self.path].count(b"\n", 0, error.start) + 1, "is not UTF-8")

    def data(self) -> Node | Unreadable:
        """The file as data: JSON, YAML or TOML by its ending."""
        if self._parsed is None:
            self._parsed = _data(self.path, self.tree[self.path])
        return self._parsed


@dataclass(frozen=True, slots=True)
class Predicate:
    """One word of the language with what it needs; `parts` are the predicates inside."""

    word: str
    parts: tuple[Predicate, ...] = ()
    at: str = ""
    op: str = "=="
    value: Any = None
    pattern: str = ""
    files: str = ""

    def evaluate(self, subject: Subject) -> Result:
        """What it comes to for one file, or for the tree."""
        if self.word in ("all", "any"):
            return _joined(self.word, [part.evaluate(subject) for part in self.parts])
        if self.word == "not":
            inner = self.parts[0].evaluate(subject)
            truth: Truth = {"pass": "fail", "fail": "pass", "unknown": "unknown"}[inner.truth]  # type: ignore[assignment]
            return Result(truth, f"not ({inner.expected})", inner.got, inner.line)
        if self.word == "count":
            return self._count(subject)
        return self._compare(subject) if self.word == "compare" else self._match(subject)

    def _compare(self, subject: Subject) -> Result:
        expected = f"{self.at} {self.op} {self.value!r}"
        found = subject.data()
        if isinstance(found, Unreadable):
            return Result("unknown", expected, f"a file that {found.message}", found.line)
        node = _at(found, self.at)
        if node is None:
            return Result("pass" if self.op == "!=" else "fail", expected, _NOTHING)
        return _held(node.plain, self.op, self.value, expected, node.line)

    def _match(self, subject: Subject) -> Result:
        import re2

        expected = f"{self.at or 'the text'} to match {self.pattern!r}"
        line = 0
        text: str | Unreadable
        if self.at:
            found = subject.data()
            if isinstance(found, Unreadable):
                return Result("unknown", expected, f"a file that {found.message}", found.line)
            node = _at(found, self.at)
            if node is None:
                return Result("fail", expected, _NOTHING)
            text, line = node.text, node.line
        else:
            text = subject.text
        if isinstance(text, Unreadable):
            return Result("unknown", expected, f"a file that {text.message}", text.line)
        hit = re2.search(self.pattern, text)
        if hit:
            return Result("pass", expected, repr(hit.group()[:80]), line or text.count("\n", 0, hit.start()) + 1)
        return Result("fail", expected, repr(text[:60]) if self.at else "no match", line)

    def _count(self, subject: Subject) -> Result:
        import re2

        if self.files:
            what, number, line = f"files {self.files}", sum(matches(self.files, path) for path in subject.tree), 0
        elif self.pattern:
            what = f"matches of {self.pattern!r}"
            text = subject.text
            if isinstance(text, Unreadable):
                return Result("unknown", f"{what} {self.op} {self.value}", f"a file that {text.message}", text.line)
            number, line = sum(1 for _ in re2.finditer(self.pattern, text)), 0
        else:
            what, found = f"entries of {self.at or '/'}", subject.data()
            if isinstance(found, Unreadable):
                return Result("unknown", f"{what} {self.op} {self.value}", f"a file that {found.message}", found.line)
            node = _at(found, self.at)
            number = len(node.value) if node and isinstance(node.value, (list, dict)) else 0
            line = node.line if node else 0
        return _held(number, self.op, self.value, f"{what} {self.op} {self.value}", line)


def parse(node: Node, pointer: str, faults: list[Fault], depth: int = 0) -> Predicate | None:
    """Reads a predicate; adds a fault for everything that is none."""
    if depth > MAX_DEPTH:
        faults.append(Fault(pointer, node.line, f"is nested more than {MAX_DEPTH} deep"))
        return None
    entries = list(node.items())
    if len(entries) != 1:
        faults.append(Fault(pointer, node.line, f"is one of {', '.join(WORDS)} with what it needs"))
        return None
    word, inner = entries[0]
    place = f"{pointer}/{escaped(word)}"
    if word not in WORDS:
        faults.append(Fault(place, inner.line, f"{word!r} is no word of the language{near(word, WORDS)}"))
        return None
    if word in ("all", "any"):
        if not isinstance(inner.value, list) or not inner.value:
            faults.append(Fault(place, inner.line, "is a list of at least one"))
            return None
        parts = [parse(item, f"{place}/{number}", faults, depth + 1) for number, item in enumerate(inner.value)]
        return None if None in parts else Predicate(word, tuple(part for part in parts if part))
    if word == "not":
        part = parse(inner, place, faults, depth + 1)
        return Predicate(word, (part,)) if part else None
    return _leaf(word, inner, place, faults)


def _leaf(word: str, node: Node, place: str, faults: list[Fault]) -> Predicate | None:
    before = len(faults)
    needs = {"compare": ("at", "value"), "match": ("pattern",), "count": ("value",)}[word]
    may = {
        "compare": ("at", "op", "value"),
        "match": ("at", "pattern"),
        "count": ("at", "files", "pattern", "op", "value"),
    }[word]
    values = {key: item.plain for key, item in node.items()}
    for key, item in node.items():
        if key not in may:
            faults.append(Fault(f"{place}/{escaped(key)}", item.line, f"{key!r} is not known{near(key, may)}"))
    for key in needs:
        if key not in values:
            faults.append(Fault(f"{place}/{key}", node.line, "is missing"))
    op, pattern, at = values.get("op", "=="), values.get("pattern", ""), values.get("at", "")
    if op not in OPERATORS:
        faults.append(Fault(f"{place}/op", node.line, f"{op!r} is not one of {' '.join(OPERATORS)}"))
    if at and not str(at).startswith("/"):
        faults.append(Fault(f"{place}/at", node.line, f"{at!r} is no JSON pointer, as /project/name"))
    if pattern and (why := _regex(str(pattern))):
        faults.append(Fault(f"{place}/pattern", node.line, why))
    if word == "count" and type(values.get("value")) is not int:
        faults.append(Fault(f"{place}/value", node.line, "is a whole number"))
    if len(faults) > before:
        return None
    return Predicate(word, (), str(at), op, values.get("value"), str(pattern), str(values.get("files", "")))


def _regex(pattern: str) -> str:
    import re2

    try:
        re2.compile(pattern)
    except re2.error as error:
        return f"is not a regular expression: {error}"
    return ""


def _joined(word: str, results: list[Result]) -> Result:
    """Kleene's `all` and `any`, told by the first result that decides."""
    order: tuple[Truth, ...] = ("fail", "unknown", "pass") if word == "all" else ("pass", "unknown", "fail")
    for truth in order:
        deciding = [result for result in results if result.truth == truth]
        if deciding and (truth != order[-1] or word == "all"):
            return deciding[0]
        if deciding:
            expected = " or ".join(result.expected for result in deciding)
            return Result(truth, expected, "; ".join(result.got for result in deciding), deciding[0].line)
    return results[0]


def _held(got: Any, op: str, wanted: Any, expected: str, line: int) -> Result:
    try:
        holds = OPERATORS[op](got, wanted)
    except TypeError:
        return Result("fail", expected, f"{got!r}, which cannot be compared", line)
    return Result("pass" if holds else "fail", expected, repr(got)[:100], line)


def _at(node: Node, pointer: str) -> Node | None:
    """The node at a JSON pointer, or None where there is none."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node.value, dict) and key in node.value:
            node = node.value[key]
        elif isinstance(node.value, list) and _PLACE.fullmatch(key) and int(key) < len(node.value):
            node = node.value[int(key)]
        else:
            return None
    return node


def _data(path: str, data: bytes) -> Node | Unreadable:
    if not path.endswith(_STRUCTURED):
        return Unreadable(0, f"is not data ({', '.join(_STRUCTURED)})")
    if path.endswith(".toml"):
        import tomllib

        try:
            return _placed(tomllib.loads(data.decode("utf-8")))
        except (ValueError, RecursionError) as error:
            return Unreadable(0, f"is not TOML: {error}")
    return read(data)


def _placed(value: Any) -> Node:
    """A value of a reader that keeps no lines."""
    if isinstance(value, dict):
        value = {key: _placed(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_placed(item) for item in value]
    return Node(value, 0, 0, 0)
