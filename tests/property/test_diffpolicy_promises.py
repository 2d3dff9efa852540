"""What the diff policy promises for any diff."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hee_monitoring.fixes.changes import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, FileChange, count_lines
from hee_monitoring.fixes.diffpolicy import Policy, Violation, check
from hee_monitoring.fixes.meaning import Keeps, difference, same_lines

pytestmark = pytest.mark.spec("SEED-096", "SEED-098")
LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c \n", b"\n", b"d\r\n", b"e"]), max_size=30)
DATA = st.none() | st.binary(max_size=200) | LINES.map(b"".join)
PATHS = st.text(max_size=30) | st.sampled_from(
    ["a.py", "tests/test_a.py", "pyproject.toml", "a.json", ".env", "a.ts", "../x", ".github/x"]
)
MODES = st.sampled_from([REGULAR, EXECUTABLE, SYMLINK, SUBMODULE, "000000"])
CHANGES = st.builds(FileChange, PATHS, DATA, DATA, MODES, MODES)
POLICIES = st.builds(
    Policy, st.lists(st.lists(st.sampled_from(["**", "*.py", "src/**"]), max_size=2).map(tuple), max_size=2).map(tuple),
    st.just(()), st.integers(0, 5), st.integers(0, 50), st.just(("**",)) | st.just(()), st.booleans(), st.booleans(), st.sampled_from(list(Keeps)),
)  # fmt: skip


@given(st.lists(CHANGES, max_size=6), POLICIES)
def test_any_diff_is_judged_without_raising(changes, policy):
    found = check(changes, policy)
    assert all(isinstance(violation, Violation) and violation.rule and violation.detail for violation in found)
    assert found == check(changes, policy)


@given(CHANGES)
def test_a_policy_that_allows_nothing_lets_nothing_pass(change):
    assert check([change], Policy(allowed=((),)))


@given(
    st.text(max_size=60),
    st.sampled_from(["  # noqa", "  # type: ignore", "  # pragma: no cover", " || true", "  // eslint-disable-line"]),
)
def test_a_suppression_appended_to_any_line_is_found(text, mark):
    text = text.replace("\n", " ").replace("\0", " ")
    found = {
        violation.rule
        for violation in check(
            [FileChange("a.txt", f"{text}\n".encode(), f"{text}\n{text}{mark}\n".encode())], Policy((("**",),))
        )
    }
    assert "suppression" in found


def in_common(old, new):
    """The most lines that two texts have in common in one order, counted in full."""
    row = [0] * (len(new) + 1)
    for line in old:
        above, row = row, [0]
        for at, other in enumerate(new):
            row.append(above[at] + 1 if line == other else max(above[at + 1], row[at]))
    return row[-1]


# git (2.39, seen here) leaves lines that are often there out of the comparison, even with --minimal: for the example it says 8 and 4 lines
# where 7 and 3 do. So the promise is about the smallest diff, which git's is not always, and git's own count holds to it as well.
@given(LINES, LINES)
@example([b"a\n"] * 4, [b"b\n", b"a\n", *[b"b\n"] * 6])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_line_counts_are_never_below_the_smallest_diff(tmp_path, old, new):
    (tmp_path / "old").write_bytes(b"".join(old))
    (tmp_path / "new").write_bytes(b"".join(new))
    answer = subprocess.run(
        ["git", "diff", "--no-index", "--minimal", "--numstat", "old", "new"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    ).stdout.split()
    gits = (int(answer[0]), int(answer[1])) if answer else (0, 0)
    change = FileChange("a", b"".join(old), b"".join(new))
    before, after = (side.splitlines(keepends=True) for side in (change.old, change.new))
    same = in_common(before, after)
    smallest = (len(after) - same, len(before) - same)
    for counted in (change.lines, gits):
        assert counted[0] >= smallest[0]
        assert counted[0] - counted[1] == smallest[0] - smallest[1]


@given(st.integers(0, 2**32), st.integers(700, 1200), st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_large_edits_are_counted_within_reason(seed, size, edits):
    import random

    choose = random.Random(seed)
    old = [b"%d\n" % choose.randrange(size) for _ in range(size)]
    new = list(old)
    for _ in range(edits):
        new[choose.randrange(len(new))] = b"edited %d\n" % choose.randrange(1000)
    inserted, deleted = count_lines(old, new)
    assert inserted == deleted
    assert bool(inserted) == (old != new)
    assert inserted <= size


@given(LINES)
def test_stripping_line_ends_keeps_the_lines(lines):
    data = b"".join(lines)
    stripped = b"\n".join(line.rstrip() for line in data.split(b"\n"))
    assert same_lines(data, stripped)
    assert difference(FileChange("a.txt", data, stripped), Keeps.LINES) == ""


@given(LINES, st.sampled_from([b"x", b" x", b"0"]))
def test_anything_more_than_line_ends_breaks_that_promise(lines, more):
    data = b"".join(lines)
    assert difference(FileChange("a.txt", data, data.rstrip() + more), Keeps.LINES)
