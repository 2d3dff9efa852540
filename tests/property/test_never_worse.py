"""An innocent diff in which one forbidden thing hides is refused, wherever it hides and whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.fixes.changes import EXECUTABLE, SUBMODULE, SYMLINK, FileChange
from hee_monitoring.fixes.diffpolicy import MAX_BYTES, Policy, check
from hee_monitoring.fixes.meaning import Keeps

pytestmark = pytest.mark.spec("SEED-096", "SEED-098")
# As generous as any strategy may be, and more: what is forbidden is forbidden whatever the strategy declares.
GENEROUS = Policy((("**",),), creates=("**",), keeps=Keeps.NOTHING)
LOOK_AWAY = {
    "tests/test_a.py": (
        "raise unittest.SkipTest('x')", "import pytest; pytest.xfail('x')", "@unittest.skipUnless(0,'')\ndef f(): ...",
        "@pytest.mark.skip(reason='x')\ndef f(): ...", "    raise SkipTest", "pytest.exit('x', 0)", "import sys; sys.exit(0)", "os._exit(0)",
        "def pytest_collection_modifyitems(items): items.clear()", "@pytest.mark.flaky(reruns=5)\ndef f(): ...", "pytestmark = pytest.mark.slow",
        "@pytest.mark.usefixtures('x')\n@nottest\ndef f(): ...",
    ),
    "a.py": (
        "# noinspection PyUnresolvedReferences", "# type: ignore", "# pyright: basic", "# pytype: disable=x", "# sourcery skip", "# codespell:ignore",
        "# lint: ignore", "# NOQA", "#: noqa", "# docformatter: off", "# cspell:disable", "# autopep8: off", "@typing.no_type_check\ndef f(): ...",
        "# pycln: skip", "warnings.filterwarnings('ignore')", "warnings.simplefilter('ignore')", "# skipcq",
    ),
    "a.ts": (
        "// tslint:disable", "/* jshint ignore:start */", "// @ts-nocheck", "/* c8 ignore start */", "// deno-lint-ignore no-explicit-any",
        "/* oxlint-disable */", "// standard-disable", "/* eslint no-console: 0 */", "/* eslint-env node */", "/* global foo */", "// dprint-ignore",
        "// cspell:disable-line", "// codeql[js/x]", "// lgtm[js/x]",
    ),
    "a.test.ts": (
        "it.skip('a',()=>{})", "xdescribe('a',()=>{})", "describe.skip('a',()=>{})", "test.failing('a',()=>{})", "it.todo('a')", "this.skip()",
        "it.concurrent.skip('a',f)", "test.skip.each([])('a',f)", "test.fixme('x', f)", "test.describe.skip('a', f)", "test.each.skip([])('x', f)",
        "it['skip']('x', f)", "pending()", "expect(true).toBe(true)", "vi.skip()", "jest.retryTimes(3)", "test.slow()", "ctx.skip()",
    ),
    "a_test.go": (
        "func TestB(t *testing.T){ t.SkipNow() }", "//go:build ignore", "// +build ignore", "//lint:ignore SA1000 x", "b.Skip()", "//#nosec",
        "// #nosec G101", "if testing.Short() { return }", "os.Exit(0)", "//exhaustive:ignore", "//revive:disable", "//gosec:disable",
        "//gocyclo:ignore",
    ),
    "a.rs": (
        '#[ignore = "x"]', "#[cfg_attr(any(), test)]", "#![allow(clippy::all)]", "#[cfg(any())]", "#[expect(dead_code)]", "#[should_panic]",
        "#[clippy::allow(x)]", "#[coverage(off)]", "#[cfg_attr(test, ignore)]", "#[tarpaulin::skip]",
    ),
    "a_spec.rb": (
        "skip 'x'", "pending 'x'", "xit 'a' do", "xdescribe 'a' do", "it 'a', skip: true do", "it 'a', :skip do", "# rubocop:disable Metrics",
        "# :nocov:", "# standard:disable", "# steep:ignore", "fit 'a' do", "# typed: false", "# reek:ignore",
    ),
    "ATest.java": (
        "@Ignore", '@Disabled("x")', '@EnabledIf("false")', "@Test(enabled = false)", "Assume.assumeTrue(false);", "Assumptions.assumeFalse(true);",
        "@DisabledOnOs(OS.LINUX)", "@Generated", "// CHECKSTYLE:OFF", "@SuppressFBWarnings", "// spotless:off", "// CPD-OFF", "//noinspection x",
        '@Suppress("x")', '@Ignore("x") @Test', "// @formatter:off",
    ),
    "ci.sh": (
        "pytest || true", "pytest ||true", "pytest || exit 0", "pytest | cat", "set +e", "set +o pipefail", "trap 'exit 0' EXIT", "exit 0",
        "pytest || echo failed", "true || pytest", "pytest -k 'not slow'", "pytest -m 'not slow'", "pytest --ignore tests/x",
        "pytest --ignore-glob='*'", "pytest -x --maxfail=100", "pytest --lf", "pytest -p no:x", "pytest --co", "go test -short ./...",
        "go test -skip X ./...", "npm test -- --testPathIgnorePatterns=x", "cargo test -- --skip x", "mypy --ignore-missing-imports",
        "mypy --no-strict-optional", "ruff check --ignore E501", "flake8 --extend-ignore=E1", "eslint --quiet", "eslint --no-eslintrc",
        "eslint --rule 'x: 0'", "black --exclude x", "SKIP=black pre-commit run", "HUSKY=0 git commit", "git -c core.hooksPath=/dev/null commit",
        "git commit -n", "pytest; true", "pytest;:", "pytest || return 0", "pytest || /usr/bin/true", "pytest || (exit 0)", "pytest || { true; }",
        "timeout 1 pytest || true", "bandit --skip B101", "shellcheck -e SC2086 x", "coverage report --fail-under=0", "make -k", "make -i test",
    ),
    "x.yml": (
        "continue-on-error: true", "allow-failure: true", "if: false", "if: ${{ false }}", "allow_failure: yes", "failFast: false",
        "ignore_errors: yes", "ignoreFailures: true", "continueOnError: true", "fail_ci_if_error: false", "exit-code: 0", "soft_fail: true",
    ),
    "a.sql": (
        "-- noqa",
    ),
    "a.scss": (
        "/* stylelint-disable */",
    ),
    "Dockerfile": (
        "# hadolint ignore=DL3008",
    ),
    "a.php": (
        "// phpcs:ignore", "@codeCoverageIgnore", "$this->markTestSkipped();", "$this->markTestIncomplete();", "/** @group skip */",
        " @psalm-suppress X",
    ),
    "a.cs": (
        '[Fact(Skip="x")]', "[Ignore]", "#pragma warning disable", '[Theory(Skip = "x")]', '[SuppressMessage("x")]', "[ExcludeFromCodeCoverage]",
        "Assert.Inconclusive();",
    ),
    "a.c": (
        "// NOLINTNEXTLINE", '#pragma GCC diagnostic ignored "-Wall"', "// clang-format off", "/* LCOV_EXCL_LINE */", "GTEST_SKIP();",
        "TEST(A, DISABLED_b) {}", "// cppcheck-suppress x", "__attribute__((no_sanitize))", "// GCOVR_EXCL_START",
    ),
    "a.kt": (
        '@Suppress("x")', "@Ignore", '@file:Suppress("x")',
    ),
    "a.swift": (
        "// swiftlint:disable all", 'XCTSkip("x")', "throw XCTSkip()", "func xtestA() {}",
    ),
    "a.ex": (
        "@tag :skip", "@moduletag :skip", "# credo:disable-for-this-file",
    ),
    "a.bats": (
        "skip 'x'", "  skip",
    ),
    "a.md": (
        "<!-- prettier-ignore -->", "<!-- vale off -->", "<!-- markdownlint-disable-file -->", "<!-- textlint-disable -->",
        "<!-- spellchecker:disable -->",
    ),
    "a.pl": (
        "## no critic",
    ),
    "a.lua": (
        "-- luacheck: ignore",
    ),
    "a.scala": (
        "// scalastyle:off", "// scalafix:off", 'ignore("x") {}',
    ),
    "a.tf": (
        "# checkov:skip=x", "# tflint-ignore: x", "#trivy:ignore:x",
    ),
}  # fmt: skip
SUPPRESSIONS = [(path, text) for path, texts in LOOK_AWAY.items() for text in texts]
TEST_PY = "import a\n\n\ndef test_a():\n    assert a.f() == 1\n\n\ndef test_b():\n    assert a.f() > 0\n"


def edit(path: str, old: str | bytes | None, new: str | bytes | None, **modes: str) -> FileChange:
    sides = [side.encode() if isinstance(side, str) else side for side in (old, new)]
    return FileChange(path, *sides, **modes)


FORBIDDEN = [
    edit("tests/test_a.py", TEST_PY, None), edit("src/a.py", "x = 1\n", None), edit("tests/test_a.py", TEST_PY, TEST_PY.partition("def test_b")[0]),
    edit("tests/test_a.py", TEST_PY, TEST_PY.replace("assert a.f() == 1", "assert True")), edit("tests/test_a.py", TEST_PY, TEST_PY.replace("    assert a.f() == 1", "    a.f()")),
    edit("tests/test_a.py", TEST_PY, TEST_PY.replace("== 1", ">= 1")), edit("tests/test_a.py", TEST_PY, TEST_PY.replace("def test_b", "def check_b")),
    edit("a.test.ts", "it('a', () => { expect(f()).toBe(1) })\n", "it('a', () => { f() })\n"), edit("a_test.go", "func TestA(t *testing.T) { t.Fatal(1) }\n", "\n"),
    edit("cov.cfg", "fail_under = 90\n", "fail_under = 89\n"), edit("run.sh", "eslint --max-warnings 0 .\n", "eslint --max-warnings 9 .\n"), edit("x.cfg", "max-complexity = 5\n", "max-complexity = 50\n"),
    edit(".github/workflows/ci.yml", "on: push\n", "on: workflow_dispatch\n"), edit(".gitlab-ci.yml", "a: 1\n", "a: 2\n"), edit("pyproject.toml", "[tool.ruff]\nselect = ['ALL']\n", "[tool.ruff]\nselect = []\n"),
    edit(".eslintignore", "", "src\n"), edit(".prettierignore", None, "**\n"), edit("ruff.toml", None, "exclude = ['**']\n"), edit("package.json", '{"scripts": {"test": "jest"}}', '{"scripts": {"test": "true"}}'),
    edit("conftest.py", None, "collect_ignore_glob = ['*']\n"), edit("sub/pytest.ini", None, "[pytest]\naddopts = -x\n"), edit("hee.yaml", "a: 1\n", "a: 2\n"), edit("CODEOWNERS", "* @a\n", "* @b\n"),
    edit(".env", None, "TOKEN=1\n"), edit("deploy/id_ed25519", None, "key\n"), edit("prod.tfstate", "{}\n", "{ }\n"), edit("link", None, "/etc/passwd", new_mode=SYMLINK), edit("a.txt", "a\n", "../x", new_mode=SYMLINK),
    edit("sub", None, "0" * 40, new_mode=SUBMODULE), edit(".gitmodules", None, "[submodule]\n"), edit(".gitattributes", None, "* filter=x\n"), edit(".gitignore", "", "tests\n"), edit(".git/config", None, "[core]\n"),
    edit("a/.GIT/hooks/pre-commit", None, "#!/bin/sh\n"), edit("a.sh", "#!/bin/sh\n", "#!/bin/sh\n", new_mode=EXECUTABLE), edit("new.sh", None, "#!/bin/sh\n", new_mode=EXECUTABLE),
    edit("a.sh", "x\n", "x\n", old_mode=EXECUTABLE), edit("a.png", b"\0a", b"\0b"), edit("a.txt", "a\n", b"\xff\xfe\n"), edit("big.txt", "a\n", b"a" * (MAX_BYTES + 1)), edit("long.txt", "", "x\n" * 2001),
    edit("../a.py", None, "x\n"), edit("/etc/passwd", None, "x\n"), edit("a/../../b", None, "x\n"), edit("a\nb", None, "x\n"), edit("a.py", "if a:\n", "if a:  # \u202e\n"),
]  # fmt: skip
INNOCENT = st.lists(
    st.builds(
        lambda number, count: edit(f"src/inno{number}.txt", "line  \n" * count, "line\n" * count),
        st.integers(0, 40),
        st.integers(1, 30),
    ),
    max_size=8,
    unique_by=lambda change: change.path,
)


@given(INNOCENT)
def test_what_is_innocent_passes(changes: list[FileChange]) -> None:
    assert check(changes, GENEROUS) == ()


@given(INNOCENT, st.sampled_from(FORBIDDEN), st.integers(0, 8))
def test_one_forbidden_file_in_an_innocent_diff_is_refused(changes: list[FileChange], bad: FileChange, at: int) -> None:
    assert check([*changes[:at], bad, *changes[at:]], GENEROUS)


@pytest.mark.parametrize("bad", FORBIDDEN, ids=lambda bad: f"{bad.path!r}"[:30])
def test_each_forbidden_file_is_refused_alone(bad: FileChange) -> None:
    assert check([bad], GENEROUS)


@pytest.mark.parametrize(("path", "text"), SUPPRESSIONS)
def test_each_way_of_looking_away_is_refused(path: str, text: str) -> None:
    assert check([edit(path, "x = 1\n", f"x = 1\n{text}\n")], GENEROUS)
    assert not check([edit(path, f"x = 1 \n{text}\n", f"x = 1\n{text}\n")], GENEROUS)  # what was there stays


@given(
    INNOCENT,
    st.sampled_from(SUPPRESSIONS),
    st.lists(st.sampled_from(["a = 1", "", "  b", "}"]), max_size=30),
    st.integers(0, 30),
)
def test_one_line_that_looks_away_is_found_between_others(
    changes: list[FileChange], bad: tuple[str, str], lines: list[str], at: int
) -> None:
    path, text = bad
    new = "\n".join([*lines[:at], text, *lines[at:], ""])
    assert check([*changes, edit(path, "\n".join([*(f"{line}  " for line in lines), ""]), new)], GENEROUS)
