"""The diff policy against a repair that cheats, rule by rule."""

from __future__ import annotations

import pytest

from hee_monitoring.fixes import weakening
from hee_monitoring.fixes.changes import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, FileChange, count_lines
from hee_monitoring.fixes.diffpolicy import Policy, Violation, check
from hee_monitoring.fixes.meaning import Keeps

pytestmark = pytest.mark.spec("SEED-096", "SEED-098", "SEED-233")
ANY = Policy(allowed=(("**",),))
TEST = """import pytest


@pytest.mark.parametrize("n", [1, 2, 3])
def test_add(n):
    assert n + 1 == 1 + n
    with pytest.raises(ValueError):
        int("x")


class TestMore:
    def test_sub(self):
        assert 2 - 1 == 1
"""


def rules(*changes, policy=ANY):
    return {violation.rule for violation in check(changes, policy)}


def edit(path, old, new, **modes):
    return FileChange(
        path, old.encode() if isinstance(old, str) else old, new.encode() if isinstance(new, str) else new, **modes
    )


def test_an_honest_change_passes():
    assert check([edit("src/a.py", "x  =  1\n", "x = 1\n")], ANY) == ()
    assert check([edit("tests/test_a.py", TEST, TEST.replace("n + 1", "(n + 1)"))], ANY) == ()
    assert check([], ANY) == ()


def test_a_violation_reads_as_one_line():
    assert str(Violation("r", "a", "d")) == "a: d (r)"
    assert str(Violation("r", "", "d")) == "d (r)"


@pytest.mark.parametrize(
    "path", ["../a.py", "/etc/passwd", "a/../b", "a//b", "./a", "", "a\\b", "a\nb", "a\0b", "a\u202eb", "a/"]
)
def test_a_path_that_is_not_plain_is_refused(path):
    assert "path-unsafe" in rules(edit(path, "x = 1\n", "x = 2\n"))


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git/hooks/pre-commit",
        ".GIT/config",
        ".git",
        "git~1/config",
        ".git ./x",
        ".git::$INDEX_ALLOCATION/x",
    ],
)
def test_git_s_own_folder_is_out_of_reach_in_every_spelling(path):
    assert "path-unsafe" in rules(edit(path, "x\n", "y\n"))


def test_each_group_of_allowed_paths_must_match_and_no_denied_one():
    policy = Policy(allowed=(("src/**", "docs/**"), ("*.py",)), denied=("src/legacy/**",))
    assert rules(edit("src/a.py", "x  = 1\n", "x = 1\n"), policy=policy) == set()
    assert rules(edit("src/a.md", "x \n", "x\n"), policy=policy) == {"path-outside"}
    assert rules(edit("lib/a.py", "x  = 1\n", "x = 1\n"), policy=policy) == {"path-outside"}
    assert rules(edit("src/legacy/a.py", "x  = 1\n", "x = 1\n"), policy=policy) == {"path-denied"}
    assert rules(edit("src/a.py", "x\n", "y\n"), policy=Policy(allowed=((),))) == {"path-outside"}


@pytest.mark.parametrize(
    "path",
    [".github/workflows/ci.yml", ".github/CODEOWNERS", ".GitHub/workflows/ci.yml", "hee.yaml", "CODEOWNERS", ".gitlab-ci.yml",
     ".circleci/config.yml", ".gitattributes", ".gitignore", "sub/.gitignore", ".gitmodules", "docs/STATE_CAPSULES/2026/x.md", "Jenkinsfile", ".ci/run"],
)  # fmt: skip
def test_ci_governance_and_git_files_are_never_touched_not_even_their_blanks(path):
    assert "protected" in rules(edit(path, "x \n", "x\n"))


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", "conf/prod.env", "server.key", "certs/a.pem", "id_rsa", ".ssh/id_ed25519.pub", ".npmrc", ".netrc", "k8s/secrets.yaml",
     "config/db-credentials.json", "secrets/x.py", "terraform.tfstate", "a.p12", ".aws/config"],
)  # fmt: skip
def test_files_that_may_hold_secrets_are_never_touched(path):
    assert "secret" in rules(edit(path, "x \n", "x\n"))


def test_a_deleted_or_renamed_test_is_found():
    gone = FileChange("tests/test_a.py", TEST.encode(), None)
    moved = FileChange("tests/check_a.py", None, TEST.encode())
    assert rules(gone) == {"test-deleted"}
    assert {"test-deleted", "created"} <= rules(gone, moved)
    assert rules(FileChange("src/a.py", b"x\n", None)) == {"deleted"}
    assert rules(FileChange("src/new.py", None, b"x = 1\n")) == {"created"}
    assert rules(FileChange("src/new.py", None, b"x = 1\n"), policy=Policy((("**",),), creates=("src/*.py",))) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def test_sub", "def check_sub"),
        ("def test_sub", "def _test_sub"),
        ("class TestMore:\n    def test_sub(self):\n        assert 2 - 1 == 1\n", ""),
        ("    assert n + 1 == 1 + n\n", "    pass\n"),
        ("    assert n + 1 == 1 + n\n", "    # assert n + 1 == 1 + n\n"),
        ("assert n + 1 == 1 + n", "assert n + 1"),
        ("assert n + 1 == 1 + n", "assert True"),
        ("assert n + 1 == 1 + n", "assert (n + 1 == 1 + n, 'why')"),
        ('    with pytest.raises(ValueError):\n        int("x")\n', ""),
        ("[1, 2, 3]", "[1]"),
        ("    assert n + 1", "    return\n    assert n + 1"),
        ("class TestMore:", "if False:\n  class TestMore:"),
        ("    def test_sub(self):", "    def test_sub(self:"),
    ],
)
def test_a_test_that_checks_less_is_found(old, new):
    changed = TEST.replace(old, new)
    assert changed != TEST
    found = rules(edit("tests/test_a.py", TEST, changed))
    assert found & {"test-removed", "meaning"}, found


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "a.test.ts",
            "it('a', () => { expect(f()).toBe(1) })\nit('b', () => {})\n",
            "it('a', () => { expect(f()).toBe(1) })\n",
        ),
        ("a.test.ts", "it('a', () => { expect(f()).toBe(1) })\n", "it('a', () => { f() })\n"),
        ("a.test.ts", "it('a', () => { expect(f()).toBe(1) })\n", "// it('a', () => { expect(f()).toBe(1) })\n"),
        ("a.test.ts", "it('a', f)\n", "/* it('a', f) */\n"),
        ("a_test.go", "func TestA(t *testing.T) { t.Fatal(1) }\n", "func testA(t *testing.T) { t.Fatal(1) }\n"),
        ("src/lib.rs", "#[test]\nfn a() { assert_eq!(1, f()); }\n", "fn a() { assert_eq!(1, f()); }\n"),
        ("src/lib.rs", "#[test]\nfn a() { assert_eq!(1, f()); }\n", "#[test]\nfn a() { f(); }\n"),
        ("ATest.java", "@Test void a() { assertEquals(1, f()); }\n", "void a() { assertEquals(1, f()); }\n"),
        ("a_spec.rb", "it 'a' do\n expect(f).to eq 1\nend\n", "it 'a' do\nend\n"),
        ("a.bats", '@test "a" {\n [ 1 = 1 ]\n}\n', "foo() {\n [ 1 = 1 ]\n}\n"),
        ("tests/test_py2.py", "print 1\ndef test_a():\n    assert 1\n", "print 1\n"),
    ],
)
def test_tests_of_other_languages_are_counted_too(path, old, new):
    assert "test-removed" in rules(edit(path, old, new))
    assert rules(edit(path, old, old + "\n")) == set()


@pytest.mark.parametrize(
    ("path", "addition"),
    [
        ("a.py", "x = 1  # noqa"), ("a.py", "x = 1  #noqa"), ("a.py", "x = 1  # NOQA: E501"), ("a.py", "# ruff: noqa"), ("a.py", "# flake8: noqa: E501"),
        ("a.py", "x = 1  # type: ignore"), ("a.py", "x = 1  # type:ignore[x]"), ("a.py", "# mypy: ignore-errors"), ("a.py", "x = 1  # pyright: ignore"),
        ("a.py", "# pylint: disable=all"), ("a.py", "x = 1  # nosec"), ("a.py", "x = 1  # pragma: no cover"), ("a.py", "x = 1  # pragma:no  branch"),
        ("a.py", "# fmt: off"), ("a.py", "# isort: skip_file"), ("a.py", "import pytest\npytest.skip('x', allow_module_level=True)"),
        ("a.py", "from pytest import mark\n@mark.skip\ndef test_b(): assert 0"), ("a.py", "import pytest\npytestmark = pytest.mark.xfail"),
        ("a.py", "import unittest\n@unittest.skipIf(True, '')\ndef f(): ..."), ("conftest.py", "collect_ignore = ['x']"), ("a.py", "__test__ = False"),
        ("a.ts", "// eslint-disable-next-line"), ("a.ts", "/* eslint-disable */"), ("a.ts", "// @ts-ignore"), ("a.ts", "// @ts-expect-error"),
        ("a.ts", "// prettier-ignore"), ("a.ts", "// biome-ignore lint: x"), ("a.ts", "/* istanbul ignore next */"), ("a.test.ts", "it.skip('x', f)"),
        ("a.test.ts", "describe.only('x', f)"), ("a.test.ts", "test.todo('x')"), ("a.test.ts", "xit('x', f)"), ("a.test.ts", "fdescribe('x', f)"),
        ("a.go", "//nolint:all"), ("a_test.go", "func TestB(t *testing.T) { t.Skip() }"), ("a.rs", "#[allow(dead_code)]"), ("a.rs", "#![allow(warnings)]"),
        ("a.rs", "#[rustfmt::skip]"), ("a.rs", "#[ignore]"), ("A.java", '@SuppressWarnings("all")'), ("A.java", "@Disabled"), ("A.java", "// NOSONAR"),
        ("a.rb", "# rubocop:disable all"), ("a.sh", "# shellcheck disable=SC2086"), ("a.sh", "make test || true"), ("a.sh", "make test || :"),
        ("a.sh", "set +e"), ("a.sh", "make test; exit 0"), ("a.sh", "git commit --no-verify"), ("a.sh", "ruff check --exit-zero"),
        ("a.yml", "continue-on-error: true"), ("a.yml", "allow_failure: true"), ("a.md", "<!-- markdownlint-disable -->"), ("a.tf", "#tfsec:ignore:x"),
        ("a.php", "// @phpstan-ignore-next-line"), ("a.sh", "pytest --deselect tests/x"), ("a.sh", "jest --passWithNoTests"), ("a.py", "a = 1 # gitleaks:allow"),
    ],
)  # fmt: skip
def test_every_way_of_telling_a_tool_to_look_away_is_found(path, addition):
    old = "print(1)\n"
    found = check([edit(path, old, f"{old}{addition}\n")], ANY)
    assert any(violation.rule == "suppression" for violation in found), found
    assert rules(edit(path, f"{old}{addition}\n", f"{old}{addition}\n\n")) == set()


def test_widening_a_suppression_is_adding_one_and_moving_it_is_not():
    assert "suppression" in rules(edit("a.py", "x = 1  # noqa: E501\n", "x = 1  # noqa\n"))
    assert "suppression" in rules(edit("a.py", "x = 1  # noqa: E501\n", "x = 1  # noqa: E501, F401\n"))
    assert "suppression" in rules(edit("a.py", "x = 1  # type: ignore[a]\n", "x = 1  # type: ignore\n"))
    assert rules(edit("a.py", "x = 1  # noqa: E501\ny = 2\n", "y = 2\nx = 1  # noqa: E501\n")) == set()
    assert rules(edit("a.py", "x = 1 #noqa\n", "x = 1  # noqa\n")) == set()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("cov.toml", "fail_under = 90\n", "fail_under = 80\n"), ("cov.toml", "fail_under = 90\n", "\n"), ("run.sh", "pytest --cov-fail-under=90\n", "pytest --cov-fail-under=9\n"),
        ("run.sh", "pytest --cov-fail-under=90\n", "pytest\n"), ("run.sh", "eslint --max-warnings 0 .\n", "eslint --max-warnings 10 .\n"),
        ("run.sh", "eslint .\n", "eslint --max-warnings 10 .\n"), ("a.js", "coverageThreshold: {global: {branches: 80}}\n", "coverageThreshold: {global: {branches: 8}}\n"),
        ("lint.ini", "max-line-length = 79\n", "max-line-length = 200\n"), ("x.cfg", "max_complexity = 5\n", "max_complexity = 50\n"),
        ("run.sh", "pytest --reruns 1\n", "pytest --reruns 5\n"), ("x.cfg", "fail_under = 99.5\n", "fail_under = 99.4\n"),
    ],
)  # fmt: skip
def test_a_threshold_that_is_lowered_taken_away_or_newly_allowed_is_found(path, old, new):
    assert "threshold" in rules(edit(path, old, new))


def test_a_threshold_that_is_raised_is_none_of_our_business():
    assert rules(edit("run.sh", "pytest --cov-fail-under=90\n", "pytest --cov-fail-under=91\n")) == set()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", "[tool.ruff]\nselect = ['ALL']\n", "[tool.ruff]\nselect = []\n"),
        ("pyproject.toml", "[tool.ruff]\nselect = ['ALL']\n", "[tool.ruff\n"),
        ("setup.cfg", "[flake8]\nmax = 1\n", "[flake8]\nmax = 1\nignore = E\n"), ("tox.ini", "[tox]\n", "[tox]\nenvlist=\n"),
        (".pre-commit-config.yaml", "repos: [a]\n", "repos: []\n"), ("ruff.toml", "select = ['F']\n", "select = []\n"), ("sub/ruff.toml", "a = 1\n", "a = 2\n"),
        (".eslintrc.json", '{"rules": {"a": 2}}\n', '{"rules": {"a": 0}}\n'), ("package.json", '{"scripts": {"test": "jest"}}\n', '{"scripts": {"test": "true"}}\n'),
        ("tsconfig.json", '{"strict": true}\n', '{"strict": false}\n'), ("tsconfig.json", '{"strict": true}\n', '{"strict": 1}\n'), ("Makefile", "test:\n\tpytest\n", "test:\n\ttrue\n"),
        (".golangci.yml", "a: 1\n", "a: 2\n"), ("codecov.yml", "a: 1\n", "a: 2\n"), (".flake8", "a\n", "b\n"), ("mypy.ini", "strict = true\n", "strict = false\n"),
        ("conftest.py", "x = 1\n", "x = 2\n"), ("noxfile.py", "def f(): a()\n", "def f(): b()\n"), ("Cargo.toml", "[lints]\na = 'deny'\n", "[lints]\na = 'allow'\n"),
    ],
)  # fmt: skip
def test_the_configuration_of_a_gate_is_changed_by_people_only(path, old, new):
    assert "gate-config" in rules(edit(path, old, new), policy=Policy((("**",),), keeps=Keeps.NOTHING))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", "[tool.ruff]\nselect = ['ALL']  \n", "[tool.ruff]\nselect = ['ALL']\n"),
        ("setup.cfg", "[a]\nb = 1  \n\n", "[a]\nb = 1\n"), ("tsconfig.json", '{"strict":true}\n', '{ "strict": true }\n'), ("conftest.py", "x  =  1\n", "x = 1\n"),
    ],
)  # fmt: skip
def test_the_layout_of_a_gates_configuration_may_change(path, old, new):
    assert rules(edit(path, old, new)) == set()


def test_links_submodules_binaries_and_modes_are_refused():
    assert "symlink" in rules(
        edit("a", None, "/etc/passwd", new_mode=SYMLINK), policy=Policy((("**",),), creates=("a",))
    )
    assert "symlink" in rules(edit("a", "x", "/etc/passwd", new_mode=SYMLINK))
    assert "symlink" in rules(edit("a", "b", "c", old_mode=SYMLINK, new_mode=SYMLINK))
    assert "symlink" in rules(edit("a", "b", "b", old_mode=SYMLINK))
    assert "submodule" in rules(edit("a", "x", "y", new_mode=SUBMODULE))
    assert "mode" in rules(edit("a", "x", "y", new_mode="000000"))
    assert "binary" in rules(edit("a.png", b"\0a", b"\0b"))
    assert "binary" in rules(edit("a.txt", "text\n", b"te\0xt\n"))
    assert "binary" in rules(edit("a.txt", "text\n", b"\xff\xfe\n"))
    assert "binary" in rules(edit("a.bin", None, b"\0"), policy=Policy((("**",),), creates=("a.bin",)))
    assert rules(edit("a.txt", b"caf\xe9 \n", b"caf\xe9\n")) == set()
    assert rules(edit("a.txt", "x", b"a" * 8_000_001)) == {"too-large"}


def test_only_a_declared_executable_bit_may_be_set_and_none_taken():
    bit = edit("a.sh", "#!/bin/sh\n", "#!/bin/sh\n", new_mode=EXECUTABLE)
    allowed = Policy((("**",),), executable=True, keeps=Keeps.BYTES)
    assert rules(bit) == {"mode"}
    assert rules(bit, policy=allowed) == set()
    assert rules(edit("a.sh", "#!/bin/sh\n", "x\n", new_mode=EXECUTABLE), policy=allowed) == {"meaning"}
    assert rules(edit("a.sh", "x", "x", old_mode=EXECUTABLE, new_mode=REGULAR), policy=allowed) == {"mode"}
    assert rules(
        edit("a.sh", None, "x", new_mode=EXECUTABLE), policy=Policy((("**",),), creates=("a.sh",), executable=True)
    ) == {"mode"}


def test_the_size_of_a_repair_is_bounded():
    changes = [edit(f"a{n}.txt", "x \n", "x\n") for n in range(3)]
    assert check(changes, Policy((("**",),), max_files=2)) == (
        Violation("too-large", "", "3 files change, 2 are allowed"),
    )
    assert check(changes, Policy((("**",),), max_lines=5)) == (
        Violation("too-large", "", "6 lines change, 5 are allowed"),
    )
    assert check(changes, Policy((("**",),), max_files=3, max_lines=6)) == ()


def test_two_changes_of_one_path_are_refused():
    assert "path-unsafe" in rules(edit("a.txt", "x \n", "x\n"), edit("A.txt", "x \n", "x\n"))


def test_text_that_reads_as_another_is_refused():
    assert rules(edit("a.txt", "x\n", "x\u202e\n")) == {"hidden-text"}
    assert rules(edit("a.txt", "x\u202e \n", "x\u202e\n")) == set()


def keeps(path, old, new, promise):
    return rules(edit(path, old, new), policy=Policy((("**",),), keeps=promise)) & {"meaning"}


def test_a_formatter_may_not_change_the_program():
    for old, new in (
        ("x = 1\n", "x = 2\n"),
        ("f(a)\n", "f(b)\n"),
        ("def f():\n  'Doc'\n", "def f():\n  'Other'\n"),
        ("x = 1\n", "x = (\n"),
        ("x = (\n", "x = 1\n"),
    ):
        assert keeps("a.py", old, new, Keeps.CODE), (old, new)
    for old, new in (
        ("x=  1\n", "x = 1\n"), ("def f():\n  ''' Doc\n    more'''\n", 'def f():\n    """Doc\n    more\n    """\n'), ("del (a, b)\n", "del a, b\n"), ("x = 'a'\n", 'x = "a"\n'),
    ):  # fmt: skip
        assert not keeps("a.py", old, new, Keeps.CODE), (old, new)
    assert keeps("a.json", '{"a": 1}', '{"a": 1.0}', Keeps.CODE)
    assert keeps("a.json", '{"a": 1}', '{"a": ', Keeps.CODE)
    assert not keeps("a.toml", "a=1\n", "a = 1\n", Keeps.CODE)
    assert not keeps("a.rs", "fn a(){}\n", "fn a() {}\n", Keeps.CODE)


def test_an_import_sorter_may_only_reorder_imports():
    old = "import sys\nimport os\nfrom b import d, c\nx = 1\nimport z\n"
    assert not keeps(
        "a.py", old, "import os\nimport sys\n\nfrom b import c\nfrom b import d\n\nx = 1\nimport z\n", Keeps.IMPORTS
    )
    assert not keeps("a.py", "def f():\n  import b, a\n", "def f():\n  import a\n  import b\n", Keeps.IMPORTS)
    for new in (
        old.replace("import os\n", ""),
        old.replace("x = 1", "x = 2"),
        old.replace("d, c", "d as c"),
        old.replace("import z\n", "").replace("import sys", "import sys, z"),
    ):
        assert keeps("a.py", old, new, Keeps.IMPORTS), new
    assert keeps("a.py", old, "from __future__ import annotations\n" + old, Keeps.IMPORTS)


def test_white_space_repairs_may_only_touch_line_ends():
    assert not keeps("a.txt", "a \r\nb\t\n\n\n", "a\nb\n", Keeps.LINES)
    assert not keeps("a.txt", "a", "a\n", Keeps.LINES)
    assert keeps("a.txt", " a\n", "a\n", Keeps.LINES)
    assert keeps("a.txt", "a\n\nb\n", "a\nb\n", Keeps.LINES)


def test_a_new_test_file_may_only_hold_pending_tests():
    policy = Policy((("**",),), creates=("tests/**",), pending_tests=True, keeps=Keeps.NOTHING)
    pending = "import pytest\n\n\n@pytest.mark.xfail(run=False, strict=True, reason='pending')\ndef test_a():\n    raise NotImplementedError\n"
    assert rules(FileChange("tests/test_a.py", None, pending.encode()), policy=policy) == set()
    for text in (
        pending.replace("run=False, ", ""), pending.replace("@pytest", "# @pytest"), pending + "x = 1\n", pending + "def test_b():\n    pass\n", "def test(:\n",
        pending.replace("mark.xfail", "mark.spec"),
    ):  # fmt: skip
        assert rules(FileChange("tests/test_a.py", None, text.encode()), policy=policy) == {"test-not-pending"}, text
    assert "suppression" in rules(edit("tests/test_a.py", "import pytest\n", pending), policy=policy)


@pytest.mark.parametrize(
    "text", ["(" * 5000, "-" * 50_000 + "1", "[" * 100_000, "x = '" + "\\" * 99_999, "\udce9" * 10]
)
def test_hostile_text_is_judged_or_refused_but_never_raises(text):
    data = text.encode("utf-8", "surrogateescape")
    for path in ("a.py", "pyproject.toml", "a.json", "tests/test_a.py", "a.ts"):
        for promise in Keeps:
            check(
                [FileChange(path, b"x = 1\n", data), FileChange(path + "x", data, b"x = 1\n")],
                Policy((("**",),), keeps=promise),
            )


def test_what_cannot_be_judged_is_a_violation():
    class Broken(FileChange):
        @property
        def new_text(self):
            raise RuntimeError("no")

    assert rules(Broken("a.txt", b"x\n", b"y\n")) == {"unjudged"}

    class Shapeless(FileChange):
        @property
        def lines(self):
            raise RuntimeError("no")

    assert rules(Shapeless("a.txt", b"x\n", b"y\n")) == {"unjudged"}


def test_lines_are_counted_as_git_does_for_large_files_too():
    old = [b"line %d\n" % n for n in range(3000)]
    new = [b"first\n", *old[:1500], b"middle\n", *old[1501:], b"last\n"]
    assert count_lines(old, new) == (3, 1)
    same = [b"x\n"] * 2000
    assert count_lines(same, [b"y\n"] * 1000) == (1000, 2000)


def test_a_test_file_made_to_stall_its_reader_is_judged_at_once() -> None:
    """What opens comments and closes none, and what says `it.each` without end, took minutes to hours."""
    for text in ("/* " * 200_000, "it.each" * 20_000):
        change = FileChange("a.test.js", f"{text}\nit('a')".encode(), text.encode())
        assert list(weakening.lost_tests(change)) == ["tests: 1 before, 0 after"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a // it(\nb", "a \nb"), ("a /* it(\n */ b", "a  b"), ("/*/ b", "/*/ b"), ("'/*' it(", "'/*' it("),
        ("a // b */ c\n/*", "a \n/*"), ("/* // */ a", " a"), ("//", ""), ("/**/", ""), ("", ""),
    ],
)  # fmt: skip
def test_comments_are_taken_out_and_nothing_else(text: str, left: str) -> None:
    assert weakening._uncommented(text, "slash") == left
