"""Repository paths and the globs that select them."""

from __future__ import annotations

import pytest

from hee_governance.paths import any_match, escapes, matches, overlap


@pytest.mark.parametrize(
    ("glob", "selected", "passed_over"),
    [
        ("src/a.py", ["src/a.py"], ["a.py", "src/a.pyc", "lib/src/a.py"]),
        ("/hee.yaml", ["hee.yaml"], ["docs/hee.yaml"]),
        ("CODEOWNERS", ["CODEOWNERS", ".github/CODEOWNERS"], ["CODEOWNERS.md"]),
        ("*.py", ["a.py", "x/y/a.py"], ["a.pyi", "py"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py"]),
        ("src/**", ["src/a", "src/x/y"], ["src", "srcs/a"]),
        ("src/", ["src/a", "src/x/y", "lib/src/a"], ["src", "srcs/a"]),
        ("/src/", ["src/a", "src/x/y"], ["src", "lib/src/a"]),
        ("vendor", ["vendor", "x/vendor"], ["vendor/a"]),
        ("vendor/", ["vendor/a"], ["vendors/a"]),
        ("docs/**/index.md", ["docs/index.md", "docs/a/b/index.md"], ["docs/a/index.rst"]),
        ("**/test_*.py", ["test_a.py", "a/b/test_b.py"], ["a/xtest_b.py"]),
        ("a?c/*", ["abc/x"], ["ac/x", "abbc/x"]),
        ("a*b*c", ["abc", "axxbyyc", "abcbc"], ["acb", "abcd"]),
        ("**", ["a", "a/b"], []),
        ("a/**/**/b", ["a/b", "a/x/b"], ["a/x"]),
        ("", [], ["a", ""]),
    ],
)
def test_a_glob_selects_what_people_expect(glob, selected, passed_over):
    assert [path for path in selected if not matches(glob, path)] == []
    assert [path for path in passed_over if matches(glob, path)] == []


def test_the_first_pattern_that_selects_is_named():
    assert any_match(("a/", "*.py"), "b/x.py") == "*.py"
    assert any_match(("a/",), "b/x.py") == ""


def test_a_hostile_glob_cannot_stall_a_decision():
    # Each of these takes longer than the test suite may last where matching backtracks without bound.
    assert not matches("a" + "*a" * 200 + "b", "a" * 4000)
    assert not matches("**/a/" * 50 + "b", "a/" * 500 + "c")
    assert not overlap("a" + "*a" * 60 + "b", "a" * 200 + "c")


@pytest.mark.parametrize("path", ["docs/a.md", "a", ".github/x.yml", "docs/..a/b", "a b/c", "ünï/ç.md", ".gitignore"])
def test_a_path_inside_the_repository_is_accepted(path):
    assert escapes(path) == ""


@pytest.mark.spec("SEED-032")
@pytest.mark.parametrize(
    "path",
    [
        "",
        " a",
        "../a",
        "a/../../b",
        "a/..",
        "/etc/passwd",
        "~/a",
        "C:/a",
        "a\\b",
        ".git/config",
        "a/.GIT/x",
        "a\nb",
        "a\x7f",
    ],
)
def test_a_path_that_leaves_the_repository_is_named_with_its_reason(path):
    assert escapes(path)


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        ("src/", "src/a.py", True),
        ("src/**", "**/a.py", True),
        ("docs/*", "src/*", False),
        ("*.py", "*.md", False),
        ("a*", "*b", True),
        ("a?", "ab", True),
        ("a?", "abc", False),
        ("**", "x", True),
        ("docs/**/a", "docs/a", True),
        ("docs/a", "docs/a/b", False),
        ("main", "main", True),
        ("a*c", "a", False),
    ],
)
def test_globs_overlap_where_a_path_could_match_both(first, second, common):
    assert overlap(first, second) is common
    assert overlap(second, first) is common
