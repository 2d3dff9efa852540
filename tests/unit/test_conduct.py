"""The rules of 2027-01-01 about scripts, names, triggers and placeholders: what breaks them, and what only looks like it."""

from __future__ import annotations

import pytest

from hee_governance.rules import check

CI = ".github/workflows/ci.yml"
HEAD = (
    "on: {on}\npermissions: {{}}\njobs:\n  a:\n    name: {name}\n    runs-on: u\n    timeout-minutes: 1\n    steps:\n"
)
DAY = "2027-01-01"
NEW = ("HGV-CI-001", "HGV-CI-007", "HGV-CI-012", "HGV-CMD-001", "HGV-DOC-004", "WC-003")


def step(script, on="push", name="a"):
    rows = "".join(f"          {row}\n" for row in script.splitlines())
    return HEAD.format(on=on, name=name) + f"      - run: |\n{rows}"


def told(tree, day=DAY):
    files = {path: text.encode() for path, text in tree.items()}
    return [(each.rule, each.path, each.line) for each in check(files, as_of=day).findings if each.rule in NEW]


@pytest.mark.parametrize(
    ("script", "rule", "line"),
    [
        ("echo look for conflicts\ngit diff --exit-code origin/main...HEAD", "HGV-CI-001", 11),
        ("if git diff origin/main; then echo no conflict; fi", "HGV-CI-001", 10),
        ("./a.sh\ncode=$?\nexit $code", "HGV-CMD-001", 11),
        ('./a.sh; test "$?" = 1', "HGV-CMD-001", 10),
        ("set +e\nset -e\n./a.sh\n[ $? -ne 0 ]", "HGV-CMD-001", 13),
        ("set +o errexit\nset -o errexit\n./a.sh\nrc=$?", "HGV-CMD-001", 13),
        ("git commit --no-verify -m x", "WC-003", 10),
    ],
)
def test_a_script_that_concludes_what_it_cannot_know(script, rule, line):
    assert told({CI: step(script), "a.sh": ""}) == [(rule, CI, line)]
    assert told({CI: step(script), "a.sh": ""}, "2026-12-31") == []


@pytest.mark.parametrize(
    "script",
    [
        "git merge --no-commit origin/main || echo conflict\ngit diff --exit-code",
        "git diff --exit-code  # generated files are current",
        "echo conflict\ngit diff --stat",
        "./a.sh || code=$?\nexit $code",
        "set +e\n./a.sh\ncode=$?",
        "set +o errexit\n./a.sh\ncode=$?",
        "if ./a.sh; then code=$?; fi",
        "./a.sh && code=$?",
        "./a.sh\necho $code",
        "git commit -m --verify",
        "git status --no-verify",
    ],
)
def test_a_script_that_looks_like_it_and_is_right(script):
    assert told({CI: step(script), "a.sh": ""}) == []


@pytest.mark.parametrize("on", ["[push, pull_request]", "{push: {}, pull_request: {}}", "{push: , pull_request: }"])
def test_what_runs_twice_for_one_commit(on):
    assert told({CI: step("x", on)}) == [("HGV-CI-012", CI, 1)]
    assert told({CI: "concurrency: a\n" + step("x", on)}) == []


@pytest.mark.parametrize("on", ["push", "[push]", "pull_request", "{push: {branches: [main]}, pull_request: {}}"])
def test_what_runs_once(on):
    assert told({CI: step("x", on)}) == []


def test_a_name_claims_only_what_is_so():
    own = step("scripts/scan.py --all", name="HEE Security Scan")
    assert told({CI: own, "scripts/scan.py": ""}) == [("HGV-CI-007", CI, 4)]
    assert told({CI: own.replace("HEE ", ""), "scripts/scan.py": ""}) == []
    foreign = own + "      - uses: actions/checkout@v4\n        with: {repository: a/b, ref: stable}\n"
    assert told({CI: foreign, "scripts/scan.py": ""}) == []


@pytest.mark.parametrize(
    "row",
    ["[Insert a text]", "* @[your-team]", "HEE-PLACEHOLDER", "Contact: TBD", "- **Owner**: TBD", "See <placeholder>."],
)
def test_a_placeholder_that_was_left(row):
    assert told({"README.md": f"# a\n\n{row}\n", CI: step("x")}) == [("HGV-DOC-004", "README.md", 3)]
    assert told({"docs/guide.md": row, CI: step("x")}) == []


@pytest.mark.parametrize(
    "row", ["`[Insert a text]`", "```\n[Insert a text]\n```", "[Insert](docs/insert.md)", "what is TBD"]
)
def test_what_only_looks_like_a_placeholder(row):
    assert told({"README.md": f"# a\n\n{row}\n", CI: step("x")}) == []
