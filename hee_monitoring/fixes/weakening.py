"""Whether a change makes a gate easier to pass: fewer tests, more suppressions, lower thresholds.

Responsible for comparing two texts of one file; which files a repair may touch at all is left to `diffpolicy`. Pure.

Invariant: everything is counted on both sides and only a difference is reported, so that what a repository already
has is no finding, and what a repair adds, widens or takes away is one.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from hee_monitoring.fixes.lookaway import PIECES
from hee_monitoring.fixes.meaning import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_monitoring.fixes.changes import FileChange


@cache
def _suppression_pattern() -> Any:
    """One pattern of all pieces: RE2, since it reads whole lockfiles and whatever a hostile repository holds."""
    import re2

    return re2.compile("(?mi)" + "|".join(PIECES))


# Numbers that a gate compares with: for a floor a smaller one is weaker, for a ceiling a larger one is.
_FLOOR = re.compile(
    r"\b((?:cov[_-])?fail[_-]under|min(?:imum)?[_-]?(?:coverage|score|grade|msi|covered_msi)|coverage[_-]?(?:threshold|minimum|min)"
    r"|lineCoverage|branchCoverage)\b[\"']?[^\S\n]{0,4}[:=\s][^\S\n]{0,4}[\"']?(\d{1,6}(?:\.\d{1,6})?)",
    re.IGNORECASE,
)
_FLOOR_PART = re.compile(
    r"\b(branches|functions|lines|statements|target|threshold)\b[\"']?[^\S\n]{0,4}[:=][^\S\n]{0,4}[\"']?(\d{1,6}(?:\.\d{1,6})?)"
)
_HAS_PARTS = re.compile(r"coverageThreshold|check-coverage|thresholds?\b|\bcoverage\b", re.IGNORECASE)
_CEILING = re.compile(
    r"(?:--|\b)(max[_-](?:warnings|complexity|line[_-]length|doc[_-]length|args|branches|statements|returns|lines|depth|issues|failures|violations)"
    r"|line[_-]length|allowed[_-]failures|retries|reruns)\b[\"']?[^\S\n]{0,4}[:=\s][^\S\n]{0,4}[\"']?(\d{1,6}(?:\.\d{1,6})?)",
    re.IGNORECASE,
)

_COMMENTS = {
    "slash": re.compile(r"//|/\*"),
    "hash": re.compile(r"^[^\S\n]*#[^\n]*", re.MULTILINE),
}
# suffixes -> (how comments look, what a test looks like, what an assertion looks like)
_LANGUAGES: tuple[tuple[tuple[str, ...], str, re.Pattern[str], re.Pattern[str]], ...] = (
    ((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte"), "slash",
     re.compile(r"\b(?:it|test|describe|bench)(?:\.each\b[^\n]{0,999})?[^\S\n]*[(`]"), re.compile(r"\b(?:expect|assert)\w*[^\S\n]*[.(]")),
    ((".go",), "slash", re.compile(r"\bfunc[^\S\n]+(?:Test|Benchmark|Fuzz|Example)\w*|\bt\.Run\("),
     re.compile(r"\bt\.(?:Error|Fatal|Fail)\w*\(|\b(?:assert|require)\.\w+\(")),
    ((".rs",), "slash", re.compile(r"#\[(?:\w+::)*test\b"), re.compile(r"\b(?:debug_)?assert\w*!|\bpanic!")),
    ((".java", ".kt", ".scala", ".groovy", ".cs", ".swift", ".dart"), "slash",
     re.compile(r"@(?:Test|ParameterizedTest|RepeatedTest)\b|\[(?:Test|Fact|Theory)\b|\bfunc[^\S\n]+test\w*"),
     re.compile(r"\b(?:XCT)?[Aa]ssert\w*[^\S\n]*[.(]|\bverify\(|\bshould\w*")),
    ((".c", ".cc", ".cpp", ".cxx", ".h", ".hpp"), "slash", re.compile(r"\b(?:TEST|TEST_F|TEST_P|TEST_CASE|BOOST_AUTO_TEST_CASE)\b"),
     re.compile(r"\b(?:assert|ASSERT\w*|EXPECT\w*|CHECK\w*|REQUIRE\w*)[^\S\n]*\(")),
    ((".rb", ".ex", ".exs", ".cr"), "hash", re.compile(r"\b(?:it|describe|specify|test|context)\b[^\S\n]*[\"'(]|\bdef[^\S\n]+test_\w+"),
     re.compile(r"\b(?:expect|assert\w*|refute\w*)\b")),
    ((".sh", ".bash", ".bats"), "hash", re.compile(r"^@test\b|^(?:function[^\S\n]+)?test_\w+[^\S\n]*\(\)", re.MULTILINE),
     re.compile(r"\bassert\w*\b|^[^\S\n]*\[\[?[^\S\n]", re.MULTILINE)),
    ((".py", ".pyi"), "hash", re.compile(r"\bdef[^\S\n]+test\w*"), re.compile(r"\bassert\b|\bself\.assert\w+\(")),  # where it does not parse
    ((".php",), "slash", re.compile(r"\bfunction[^\S\n]+test\w*|@test\b|#\[Test\]"), re.compile(r"->assert\w*\(|\bexpect\(")),
)  # fmt: skip
_ASSERTING = ("assert", "fail", "expect")


def differing_lines(old: str, new: str) -> tuple[str, str]:
    """The lines that only one side has, each as often as it has them more; every pattern here is about one line."""
    before, after = Counter(old.split("\n")), Counter(new.split("\n"))
    return "\n".join((before - after).elements()), "\n".join((after - before).elements())


def suppressions(old: str, new: str) -> Iterator[str]:
    """Names each suppression that the new text has more often than the old one."""
    before, after = (_suppressions(text) for text in differing_lines(old, new))
    for key, found in sorted(after.items()):
        if len(found) > len(before.get(key, ())):
            yield found[0][:80]


def _suppressions(text: str) -> dict[str, list[str]]:
    """Each suppression as it stands, by its text without blanks and what closes a command: formatters choose those."""
    found: dict[str, list[str]] = {}
    for match in _suppression_pattern().finditer(text.encode("utf-8", "replace")):
        words = match.group().decode("utf-8", "replace")
        found.setdefault("".join(words.split()).rstrip(";\"')"), []).append(words.strip())
    return found


def thresholds(old: str, new: str) -> Iterator[str]:
    """Names each threshold that the new text lowers, raises the wrong way, no longer has, or newly allows."""
    for pattern, floor in ((_FLOOR, True), (_FLOOR_PART, True), (_CEILING, False)):
        if pattern is _FLOOR_PART and not _HAS_PARTS.search(old):
            continue
        before, after = (_numbers(pattern, text) for text in differing_lines(old, new))
        for key, values in sorted(before.items()):
            now = after.get(key, [])
            if len(now) < len(values):
                yield f"{key} is gone"
            elif any((b < a) if floor else (b > a) for a, b in zip(values, now, strict=False)):
                yield f"{key} went from {_plain(values)} to {_plain(now)}"
        if not floor:
            yield from (f"{key} is new" for key in sorted(after.keys() - before.keys()))


def _numbers(pattern: re.Pattern[str], text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for match in pattern.finditer(text):
        found.setdefault(match.group(1).lower().replace("-", "_"), []).append(float(match.group(2)))
    return found


def _plain(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values[:4])


def lost_tests(change: FileChange) -> Iterator[str]:
    """Says which tests and assertions the file has no longer, and which look at less than before."""
    if change.path.endswith((".py", ".pyi")):
        before, after = parse(change.old or b""), parse(change.new or b"")
        if before is not None and after is not None:
            yield from _lost_in_python(before, after)
            return
    for suffixes, comments, test, assertion in _LANGUAGES:
        if change.path.endswith(suffixes):
            was, now = (_uncommented(text, comments) for text in (change.old_text, change.new_text))
            for pattern, name in ((test, "tests"), (assertion, "assertions")):
                count, left = len(pattern.findall(was)), len(pattern.findall(now))
                if left < count:
                    yield f"{name}: {count} before, {left} after"


def _uncommented(text: str, comments: str) -> str:
    """The text without its comments, in linear time; what opens a comment that nothing closes is text."""
    pattern = _COMMENTS[comments]
    if comments == "hash":
        return pattern.sub("", text)
    kept, at, closed = [], 0, text.rfind("*/")
    while found := pattern.search(text, at):
        start, after = found.span()
        if found[0] == "//":
            end = text.find("\n", after)
        elif after <= closed:
            end = text.find("*/", after) + 2
        else:
            start = end = after - 1
        kept.append(text[at:start])
        at = end if end >= 0 else len(text)
    return "".join((*kept, text[at:]))


def _lost_in_python(before: ast.Module, after: ast.Module) -> Iterator[str]:
    for name in sorted((_python_tests(before) - _python_tests(after)).elements()):
        yield f"{name} is gone"
    was, now = _python_assertions(before), _python_assertions(after)
    for kind in sorted(was.keys() | now.keys()):
        more_is_worse = kind in ("assertions that cannot fail", "returns inside tests")
        if (now[kind] > was[kind]) if more_is_worse else (now[kind] < was[kind]):
            yield f"{kind}: {was[kind]} before, {now[kind]} after"


def _python_tests(tree: ast.Module) -> Counter[str]:
    """Each test that a runner would collect, by qualified name; one that a condition guards is another one."""
    names: Counter[str] = Counter()

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.lower().startswith("test"):
                names[prefix + node.name] = 1
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, (ast.If, ast.Try, ast.With)):
                visit(node.body, f"{prefix}{type(node).__name__.lower()} … ")

    visit(tree.body, "")
    return names


def _python_assertions(tree: ast.Module) -> Counter[str]:
    """Counts what looks at results, by its shape, and what would let a test pass without looking."""
    counts: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            counts[f"assertions ({_shape(node.test)})"] += 1
            counts["assertions that cannot fail"] += isinstance(node.test, (ast.Constant, ast.Tuple))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.lower().startswith("test"):
            counts["returns inside tests"] += sum(isinstance(inner, ast.Return) for inner in ast.walk(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            counts["assertions (call)"] += name.lower().startswith(_ASSERTING) or name in ("raises", "warns")
            if (
                name == "parametrize"
                and len(node.args) > 1
                and isinstance(node.args[1], (ast.List, ast.Tuple, ast.Set))
            ):
                counts["parametrized cases"] += len(node.args[1].elts)
    return counts


def _shape(test: ast.expr) -> str:
    if isinstance(test, ast.Compare):
        return " ".join(type(operator).__name__ for operator in test.ops)
    return type(test).__name__
