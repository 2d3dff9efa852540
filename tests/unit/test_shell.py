"""Shell scripts as simple commands."""

from __future__ import annotations

import pytest

from hee_governance.shell import commands, opaque


def words(script: str) -> list[tuple[str, ...]]:
    return [command.words for command in commands(script)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("# only a comment\n\n", []),
        ("a b # c\nd#e", [("a", "b"), ("d#e",)]),
        ("a 'b c' \"d $e\" f\\ g", [("a", "b c", "d $e", "f g")]),
        ('a "b \\" c" \'\'', [("a", 'b " c', "")]),
        ("a \\\n  b", [("a", "b")]),
        ("a | b || c && d; e & f", [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]),
        (
            "a $(b | c) `d || e` ${f:-x y} ${{ g || 'h' }}",
            [("a", "$(b | c)", "`d || e`", "${f:-x y}", "${{ g || 'h' }}")],
        ),
        ('a "$(b "c d")" e', [("a", '$(b "c d")', "e")]),
        ("a 2>/dev/null >>b <c 2>&1 &>d", [("a", ">", "/dev/null", ">>", "b", "<", "c", ">&", "1", "&>", "d")]),
        ("cat <<EOF > x\na || b\n  EOF\nEOF\nc", [("cat", "<<", "EOF", ">", "x"), ("c",)]),
        ("cat <<-'EOF'\n\ta || b\n\tEOF\nc", [("cat", "<<-", "EOF"), ("c",)]),
        ("cat <<EOF\nnever closed", [("cat", "<<", "EOF")]),
        ("cat <<<word\na", [("cat", "<<<", "word"), ("a",)]),
        ("x=(a 'b' c)\nd", [("x=(a 'b' c)",), ("d",)]),
        ("(a; b) || c", [("(",), ("a",), ("b",), (")",), ("c",)]),
        ("f() { a; }", [("f",), ("(",), (")",), ("{", "a"), ("}",)]),
        ("case x in a) b ;; esac", [("case", "x", "in", "a"), (")",), ("b",), ("esac",)]),
        ("a 'never closed", [("a", "never closed")]),
        ("a $(never closed", [("a", "$(never closed")]),
        ("a `never", [("a", "`never")]),
        ("a\r\nb\r\n", [("a",), ("b",)]),
        ("a \\", [("a", "")]),
    ],
)
def test_a_script_is_split_as_a_shell_splits_it(script, expected):
    assert words(script) == expected


def test_each_command_knows_its_line_and_what_follows():
    script = 'a &&\n  b\n\necho "x\ny" \\\n  z\ncat <<E\nq\nE\nlast'
    assert [(c.words[0], c.line, c.after) for c in commands(script)] == [
        ("a", 0, "&&"),
        ("b", 1, "\n"),
        ("echo", 3, "\n"),
        ("cat", 6, "\n"),
        ("last", 9, ""),
    ]


def test_an_operator_after_a_group_belongs_to_it():
    assert [(c.words[0], c.after) for c in commands("(a) || { b; } && c")][2:] == [
        (")", "||"),
        ("{", ";"),
        ("}", "&&"),
        ("c", ""),
    ]


def test_blocks_nest():
    script = "a\nfor x in 1 2; do\n  if b; then c; fi\ndone\nd\ncase y in z) e;; esac\nf\n}\ng"
    depths = {c.words[-1]: c.depth for c in commands(script) if c.words[-1] in "abcdefg"}
    assert depths == {"a": 0, "b": 1, "c": 2, "d": 0, "e": 1, "f": 0, "g": 0}


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("FOO=1 BAR+=2 pytest -q", ("pytest", "-q")),
        ("sudo -E env A=1 pytest", ("pytest",)),
        ("uv run --frozen pytest a > log 2>&1", ("pytest", "a")),
        ("poetry run pytest", ("pytest",)),
        ("python3.11 -m pytest -x", ("pytest", "-x")),
        ("timeout -k 5 60 pytest", ("60", "pytest")),
        ("timeout 60 pytest", ("pytest",)),
        ("! pytest", ("pytest",)),
        ("if ! ruff check .; then :; fi", ("ruff", "check", ".")),
        ("time npx eslint .", ("eslint", ".")),
        ("bundle exec rspec", ("rspec",)),
        ("sudo", ("sudo",)),
        ("x=1", ()),
    ],
)
def test_the_program_is_found_behind_wrappers_and_assignments(script, program):
    assert commands(script)[0].program == program


@pytest.mark.parametrize(
    ("script", "condition"),
    [("if a; then", True), ("do if a", True), ("while ! a", True), ("! a", True), ("a if", False), ("then a", False)],
)
def test_a_condition_is_recognized(script, condition):
    assert commands(script)[0].condition is condition


def test_the_files_a_command_writes_are_its_targets():
    assert commands("a > x >> y &> z < w 2>/dev/null")[0].targets == ("x", "y", "z", "/dev/null")


def test_a_word_that_expands_is_opaque_and_a_quoted_one_is_not_taken_for_a_path():
    script = "a $b c* '$d' \"$e\" ${{ f }} g"
    assert [opaque(word) for word in commands(script)[0].words] == [False, True, True, True, True, True, False]
