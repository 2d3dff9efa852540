"""The rules over workflows and trees: true findings at exact lines, and silence where nothing is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from hee_governance.config import dump_default, load
from hee_governance.rules import ALL, RULES, SEVERITIES, Report, check
from hee_governance.rules.model import Context

PATH = ".github/workflows/ci.yml"
HEAD = """\
on: push
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789
"""
BEFORE = HEAD.count("\n")


def tree_of(steps: str, **files: str) -> dict[str, bytes]:
    body = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return {PATH: (HEAD + body).encode(), **{path: text.encode() for path, text in files.items()}}


def found(tree: dict[str, bytes], *rules: str) -> list[tuple[str, int, str]]:
    report = check(tree)
    return [
        (f.rule, f.line - BEFORE, f.message)
        for f in report.findings
        if f.path == PATH and (not rules or f.rule in rules)
    ]


def lines(tree: dict[str, bytes], rule: str) -> list[int]:
    return [line for _, line, _ in found(tree, rule)]


def script(text: str, extra: str = "") -> str:
    rows = "".join(f"    {row}\n" for row in text.split("\n"))
    return f"- name: Step\n{extra}  run: |\n{rows}"


def test_a_workflow_in_order_passes_and_says_what_was_looked_at():
    report = check(tree_of("- run: pytest"))
    assert (report.verdict, report.findings, report.allows) == ("pass", (), True)
    assert report.looked_at["HGV-CI-005"] == 1
    assert report.evaluated == sum(report.looked_at.values()) == 6
    assert report.detail == "pass: 6 evaluations, no findings"


def test_a_tree_with_nothing_to_look_at_is_unknown_and_strict_lets_nothing_through():
    report = check({"README.md": b"x"})
    assert (report.verdict, report.evaluated, report.allows) == ("unknown", 0, False)
    assert "nothing to evaluate" in report.detail


@pytest.mark.spec("SEED-033")
def test_the_modes_decide_what_a_verdict_allows():
    tree = tree_of("- run: pytest || true")
    strict = check(tree, load(dump_default()))
    warn = check(tree, load(dump_default().replace(b'"strict"', b'"warn"')))
    off = check(tree, load(dump_default().replace(b'"strict"', b'"off"')))
    assert (strict.verdict, strict.mode, strict.allows) == ("fail", "strict", False)
    assert (warn.verdict, warn.mode, warn.allows) == ("fail", "warn", True)
    assert (off.verdict, off.mode, off.allows, off.evaluated) == ("unknown", "off", True, 0)
    assert "off" in off.detail


def test_the_report_prints_as_the_architecture_says():
    printed = json.loads(json.dumps(check(tree_of("- run: pytest || true")).to_json()))
    assert printed["verdict"] == "fail"
    assert printed["evaluated"] == 6
    assert set(printed["findings"][0]) == {"rule", "severity", "path", "line", "message", "remedy"}
    assert len(check(tree_of("- run: pytest || true")).blocking) == 1


def test_every_rule_is_whole_and_named_once():
    assert len({rule.id for rule in RULES}) == len(RULES) == 16
    assert len({(rule.id, rule.valid_from) for rule in ALL}) == len(ALL) == 28
    for rule in ALL:
        assert rule.severity in SEVERITIES
        assert all(text.endswith(".") for text in (rule.clause, rule.remedy))


# ------------------------------------------------------------------ HGV-CI-000: what cannot be read


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"on: push\njobs:\n  a: [\n", 4),
        (b"on: push\n", 1),
        (b"\xff", 1),
        (b"jobs:\n  a:\n    steps:\n      - {}\n", 4),
    ],
)
def test_an_unreadable_workflow_is_unknown_and_never_a_pass(text, line):
    report = check({PATH: text})
    assert report.verdict == "unknown"
    assert [(f.rule, f.severity, f.line) for f in report.findings] == [("HGV-CI-000", "UNKNOWN", line)]
    assert not report.allows
    assert report.looked_at["HGV-CI-005"] == 0


def test_an_unreadable_workflow_beside_a_failing_one_fails():
    report = check({**tree_of("- run: pytest || true"), ".github/workflows/b.yaml": b"["})
    assert report.verdict == "fail"
    assert "1 error, 1 unknown" in report.detail


def test_files_that_are_no_workflows_are_not_looked_at():
    assert (
        check(
            {".github/workflows/sub/x.yml": b"[", ".github/x.yml": b"[", ".github/workflows/README.md": b"["}
        ).evaluated
        == 0
    )


# ------------------------------------------------------------------ HGV-CI-005: gates that cannot fail

TOOTHLESS = [
    ("pytest || true", 0, "`|| true`"),
    ("echo hi\npytest -q || :", 1, "`|| :`"),
    ("pytest || echo failed", 0, "`|| echo failed`"),
    ("pytest || exit 0", 0, "`|| exit 0`"),
    ("pytest && echo fine || true", 0, "`|| true`"),
    ("pytest || { echo failed; true; }", 0, "`|| { … }`"),
    ("pytest || (echo failed)", 0, "`|| { … }`"),
    ("for p in a b; do\n  mypy $p || true\ndone", 1, "`|| true`"),
    ("cd x && ruff check . || true", 0, "`|| true`"),
    ("uv run ruff check --exit-zero .", 0, "--exit-zero"),
    ("trivy fs --exit-code 0 .", 0, "--exit-code=0"),
    ("pytest | tee log", 0, "the pipe keeps only the status of `tee`"),
    ("pytest 2>&1 | grep -v x | tail -5", 0, "`tail`"),
    ("set +e\npytest\necho done", 1, "`set -e` is off"),
    ("set +o errexit\npytest; exit 0", 1, "`set -e` is off"),
    ("pytest && echo fine\necho done", 0, "first part of an `&&` list"),
    ("if pytest; then\n  echo fine\nelse\n  echo bad\nfi", 0, "only printed"),
    ("if ! ./scripts/check_all.sh; then echo bad; fi\necho done", 0, "only printed"),
    ("npm run lint || true", 0, "`|| true`"),
    ("sudo make test || true", 0, "`|| true`"),
    ("python tools/validate_docs.py || true", 0, "`|| true`"),
]


@pytest.mark.parametrize(("text", "offset", "why"), TOOTHLESS)
def test_a_check_that_cannot_fail_its_step_is_found_at_its_line(text, offset, why):
    (entry,) = found(tree_of(script(text), **{"tools/validate_docs.py": "", "scripts/check_all.sh": ""}), "HGV-CI-005")
    assert entry[1] == 3 + offset
    assert why in entry[2]


WITH_TEETH = [
    "pytest",
    "pytest; exit 0",
    "pytest && echo fine",
    "pytest || exit 1",
    "pytest || { echo failed; exit 1; }",
    "pytest || { echo failed; false; }",
    "pytest || echo failed && exit 1",
    "pytest || echo 'failed=true' >> $GITHUB_OUTPUT",
    "pytest || notify-team",
    "pytest || {",
    "pytest | grep -q passed",
    "set -o pipefail\npytest | tee log",
    "set -euo pipefail\npytest | tee log",
    "pytest | tee log\ntest ${PIPESTATUS[0]} -eq 0",
    "set +e\npytest\nrc=$?\nexit $rc",
    "set +e\npytest",
    "set +e\nset -e\npytest\necho done",
    "if ! pytest; then\n  echo bad\n  exit 1\nfi",
    "if pytest && true; then echo x; fi",
    "while ! pytest; do sleep 1; done",
    "if pytest; then",
    "if x; then pytest && echo fine; fi\necho done",
    "cat x || true",
    "ruff format . || true",
    "pytest --version || true",
    "python -c 'import x' || true",
    "python setup.py || true",
    "$CHECK || true",
    "# pytest || true",
    "cat <<EOF\npytest || true\nEOF",
    "echo 'pytest || true'",
]


@pytest.mark.parametrize("text", WITH_TEETH)
def test_a_check_that_can_fail_its_step_is_left_alone(text):
    assert lines(tree_of(script(text)), "HGV-CI-005") == []


@pytest.mark.parametrize(
    ("shell", "teeth"),
    [("bash", True), ("sh", False), ("bash -eo pipefail {0}", True), ("python", True), ("pwsh", True)],
)
def test_the_shell_decides_whether_a_pipe_has_teeth(shell, teeth):
    assert bool(lines(tree_of(script("pytest | tee log", f"  shell: {shell}\n")), "HGV-CI-005")) is not teeth


def test_a_shell_without_errexit_has_no_teeth_before_its_last_command():
    assert lines(tree_of(script("pytest\necho done", "  shell: bash {0}\n")), "HGV-CI-005") == [4]


LENIENT = [
    ("- name: Lint\n  run: ruff check .\n  continue-on-error: true", 3, "ERROR"),
    ("- name: Enforce admission\n  continue-on-error: ${{ true }}\n  run: ./x", 2, "ERROR"),
    ("- uses: golangci/golangci-lint-action@v6\n  continue-on-error: true", 2, "ERROR"),
    ("- name: Deploy preview\n  run: ./deploy\n  continue-on-error: true", 3, "WARNING"),
    ("- name: Upload test results\n  uses: actions/upload-artifact@v4\n  continue-on-error: true", 3, "WARNING"),
]


@pytest.mark.parametrize(("steps", "line", "severity"), LENIENT)
def test_a_step_that_continues_on_error_is_found_and_weighed(steps, line, severity):
    findings = [f for f in check(tree_of(steps, x="", deploy="")).findings if f.rule == "HGV-CI-005"]
    assert [(f.line - BEFORE, f.severity) for f in findings] == [(line, severity)]


@pytest.mark.parametrize(
    "steps",
    [
        "- run: pytest\n  continue-on-error: ${{ matrix.experimental }}",
        "- run: pytest\n  continue-on-error: false",
        "- run: pytest\n  # flaky on the nightly interpreter, remove when 3.15 is released\n  continue-on-error: true",
        "# advisory while the backlog is cleaned up, until 2026-09-01\n- run: pytest\n  continue-on-error: true",
        "- run: pytest\n  continue-on-error: true  # slow service upstream, see #123",
        "- id: t\n  run: pytest\n  continue-on-error: true\n- if: steps.t.outcome == 'failure'\n  run: exit 1",
        "- id: t\n  run: pytest\n  continue-on-error: true\n- run: test ${{ steps['t'].outcome }} = success",
    ],
)
def test_leniency_with_a_reason_and_an_end_or_with_a_consequence_is_accepted(steps):
    assert lines(tree_of(steps), "HGV-CI-005") == []


@pytest.mark.parametrize(
    ("comment", "lack"),
    [("# known to be flaky on some machines", "no condition"), ("# until 2027", "no reason"), ("#", "keeps it green")],
)
def test_a_comment_that_lacks_something_is_told_what(comment, lack):
    ((_, _, message),) = found(tree_of(f"- run: pytest\n  {comment}\n  continue-on-error: true"), "HGV-CI-005")
    assert lack in message


def test_a_comment_in_the_script_excuses_the_line_below_it():
    steps = script("# the baseline has old findings, flip after 2026-12-01\npip-audit || true\nmypy . || true")
    assert lines(tree_of(steps), "HGV-CI-005") == [5]
    (entry,) = found(
        tree_of(script("pytest || true # needed until we know better\nmypy . || true  # noisy tool on this code")),
        "HGV-CI-005",
    )
    assert "no condition" in entry[2]


def test_an_outcome_asked_for_before_it_exists_gives_no_teeth():
    steps = "- if: steps.t.outcome\n  run: x\n- id: t\n  run: pytest\n  continue-on-error: true\n- run: y"
    assert lines(tree_of(steps), "HGV-CI-005") == [5]


def test_a_job_that_continues_on_error_and_checks_something_is_found():
    text = HEAD.replace("    timeout-minutes: 5\n", "    timeout-minutes: 5\n    continue-on-error: true\n")
    tree = {PATH: (text + "      - run: pytest\n").encode()}
    assert [(f.rule, f.line) for f in check(tree).findings] == [("HGV-CI-005", 7)]
    assert check({PATH: (text + "      - run: ls\n").encode()}).verdict == "pass"


MUTE = """\
echo "checking"
if [ -f docs/HEE.md ]; then
  echo "found"
else
  echo "⚠️ HEE.md missing"
  true
fi
for x in a b; do
  echo "$x"
done"""


def test_a_named_check_that_only_prints_is_found_where_it_prints():
    steps = script(MUTE).replace("name: Step", "name: Validate documentation")
    ((_, line, message),) = found(tree_of(steps), "HGV-CI-005")
    assert line == 7
    assert "HEE.md missing" in message
    assert lines(tree_of(script(MUTE)), "HGV-CI-005") == []


@pytest.mark.parametrize(
    "change", [("  true", "  exit 1"), ("⚠️ HEE.md missing", "HEE.md absent"), ('echo "checking"', "grep x y")]
)
def test_a_named_check_that_can_fail_or_brings_no_bad_news_is_left_alone(change):
    steps = script(MUTE.replace(*change)).replace("name: Step", "name: Validate documentation")
    assert lines(tree_of(steps), "HGV-CI-005") == []


# ------------------------------------------------------------------ HGV-CI-006: claims

CLAIM = "- run: |\n    echo start\n    echo '✅ All HEE compliance checks passed!'"
FAN_IN = """\
on: push
permissions: {}
jobs:
  one: {runs-on: u, timeout-minutes: 1, steps: [{run: pytest}], LENIENT}
  all:
    runs-on: u
    timeout-minutes: 1
    NEEDS
    IF
    steps:
      - run: echo "all jobs succeeded"
"""


def fan_in(needs: str = "x-a: 1", condition: str = "x-b: 1", lenient: str = "x-c: 1") -> list[int]:
    text = FAN_IN.replace("NEEDS", needs).replace("IF", condition).replace("LENIENT", lenient)
    return [f.line for f in check({PATH: text.encode()}).findings if f.rule == "HGV-CI-006"]


def test_a_claim_under_always_that_looks_at_nothing_is_found():
    assert lines(tree_of(f"- run: pytest\n{CLAIM}\n  if: always()"), "HGV-CI-006") == [4]
    assert lines(tree_of(f"- run: pytest\n{CLAIM}\n  if: ${{{{ !cancelled() }}}}"), "HGV-CI-006") == [4]


@pytest.mark.parametrize(
    "steps",
    [
        f"- run: pytest\n{CLAIM}",
        f"- run: pytest\n{CLAIM}\n  if: success()",
        f"- run: pytest\n{CLAIM}\n  if: always() && job.status == 'success'",
        "- run: echo All tests were run",
        "- run: echo Formatting ok\n  if: always()",
        "- run: ./all-tests-passed\n  if: always()",
        CLAIM,
    ],
)
def test_a_claim_that_follows_from_results_is_left_alone(steps):
    assert lines(tree_of(steps, **{"all-tests-passed": ""}), "HGV-CI-006") == []


@pytest.mark.parametrize(
    ("needs", "condition", "lenient", "expected"),
    [
        ("needs: one", "if: always()", "x: 1", [11]),
        ("needs: [one]", "if: ${{ !cancelled() }}", "x: 1", [11]),
        ("needs: one", "x: 1", "x: 1", []),
        ("needs: one", "x: 1", "continue-on-error: true", [11]),
        ("needs: one", "if: always() && needs.one.result == 'success'", "x: 1", []),
        ("needs: one", "if: always() && !failure()", "x: 1", []),
        ("x-a: 1", "x: 1", "x: 1", [11]),
    ],
)
def test_a_fan_in_job_has_to_look_at_what_it_speaks_of(needs, condition, lenient, expected):
    assert fan_in(needs, condition, lenient) == expected


def test_a_fan_in_job_whose_earlier_step_asks_is_left_alone():
    text = FAN_IN.replace("NEEDS", "needs: one").replace("IF", "if: always()").replace("LENIENT", "x: 1")
    asks = "steps:\n      - run: test ${{ needs.one.result }} = success"
    assert [
        f.rule
        for f in check(
            {PATH: text.replace("steps:\n      - run: echo", f"{asks}\n      - run: echo").encode()}
        ).findings
    ] == []


def test_a_claim_after_a_mere_checkout_is_over_nothing():
    text = FAN_IN.replace("NEEDS", "x-a: 1").replace("IF", "x-b: 1").replace("LENIENT", "x-c: 1")
    checkout = "steps:\n      - uses: actions/checkout@0123456789012345678901234567890123456789"
    tree = {PATH: text.replace("    steps:\n      - run: echo", f"    {checkout}\n      - run: echo").encode()}
    assert [f.rule for f in check(tree).findings] == ["HGV-CI-006"]


# ------------------------------------------------------------------ HGV-CI-009: pins, rights, limits


@pytest.mark.spec("SEED-124")
@pytest.mark.parametrize(
    ("used", "pinned"),
    [
        ("actions/setup-python@v5", False),
        ("actions/setup-python@main", False),
        ("actions/setup-python@0123456", False),
        ("actions/setup-python@0123456789012345678901234567890123456789", True),
        ("actions/setup-python@0123456789012345678901234567890123456789 # v5", True),
        ("docker://alpine:3", False),
        (f"docker://alpine@sha256:{'a' * 64}", True),
        ("./local", True),
    ],
)
def test_what_is_used_is_pinned_to_its_content(used, pinned):
    tree = tree_of(f"- uses: {used}", **{"local/action.yml": ""})
    assert lines(tree, "HGV-CI-009") == ([] if pinned else [1])
    assert check(tree).verdict == "pass"


@pytest.mark.spec("SEED-124")
def test_missing_rights_and_limits_are_warnings_at_their_lines():
    text = HEAD.replace("permissions: {}\n", "").replace("    timeout-minutes: 5\n", "")
    report = check({PATH: text.encode()})
    assert [(f.line, f.severity, f.subject) for f in report.findings] == [
        (2, "WARNING", "permissions"),
        (3, "WARNING", "timeout/build"),
    ]
    assert report.verdict == "pass"


def test_rights_may_be_declared_by_every_job():
    text = HEAD.replace("permissions: {}\n", "").replace("    timeout", "    permissions: {}\n    timeout")
    assert check({PATH: text.encode()}).findings == ()


def test_a_job_that_calls_a_workflow_needs_a_pin_and_no_timeout():
    text = b"on: push\npermissions: {}\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@main\n"
    assert [(f.rule, f.line) for f in check({PATH: text}).findings] == [("HGV-CI-009", 5)]


# ------------------------------------------------------------------ HGV-CI-010: references

MISSING = [
    ("- run: ./scripts/x.sh", 1, "scripts/x.sh"),
    ("- run: scripts/x.sh --flag", 1, "scripts/x.sh"),
    ("- run: |\n    set -e\n    python tools/y.py arg", 3, "tools/y.py"),
    ("- run: bash -x ci/z.sh", 1, "ci/z.sh"),
    ("- run: source ci/env.sh", 1, "ci/env.sh"),
    ("- run: uv run python tools/y.py", 1, "tools/y.py"),
    ("- run: chmod +x ci/z.sh", 1, "ci/z.sh"),
    ("- run: pip install -r requirements-dev.txt", 1, "requirements-dev.txt"),
    ("- run: ./tool", 1, "tool"),
    ("- run: ./y.py\n  working-directory: app", 1, "app/y.py"),
    ("- run: |\n    cd app\n    python y.py", 3, "app/y.py"),
    ("- run: ls\n  working-directory: nowhere/at/all", 2, "nowhere/at/all"),
    ("- uses: ./actions/mine", 1, "./actions/mine"),
    ("- uses: actions/setup-python@v5\n  with:\n    python-version-file: .python-version", 3, ".python-version"),
    ("- run: |\n    curl -o other.sh https://x\n    bash ci/z.sh", 3, "ci/z.sh"),
    ("- uses: actions/cache@v4\n  with: {path: ~/.cache/pip}\n- run: ./scripts/x.sh", 3, "scripts/x.sh"),
    ("- uses: actions/download-artifact@v4\n  with: {path: in}\n- run: ./scripts/x.sh", 3, "scripts/x.sh"),
]


@pytest.mark.parametrize(("steps", "line", "path"), MISSING)
def test_a_path_that_does_not_exist_is_found_at_its_line(steps, line, path):
    tree = tree_of(steps, **{"app/main.py": "", "scripts/other.sh": ""})
    ((_, at, message),) = found(tree, "HGV-CI-010")
    assert (at, repr(path) in message) == (line, True), message


THERE = [
    "- run: ./scripts/other.sh",
    "- run: python app/main.py",
    "- run: python -m tools.y",
    "- run: python -c 'x.py'",
    "- run: python $SCRIPT.py",
    "- run: ${{ matrix.tool }}/x.sh",
    "- run: /usr/local/bin/x.sh",
    "- run: bash ~/x.sh",
    "- run: ./main.py\n  working-directory: app",
    "- run: |\n    cd app\n    ./main.py\n    cd $HOME\n    ./gone.sh",
    "- run: |\n    cd app && cd ../..\n    ./gone.sh",
    "- run: |\n    (cd app; ./main.py)\n    ./gone.sh",
    "- run: |\n    pushd app\n    ./gone.sh",
    "- run: |\n    curl -fsSL https://x/get.sh -o get.sh\n    bash get.sh",
    "- run: |\n    wget https://x/get.sh\n    bash get.sh",
    "- run: |\n    echo x > gen.py\n    python gen.py",
    "- run: git clone https://x/other.git\n- run: ./other/x.sh",
    "- run: make\n- run: ./program",
    "- run: |\n    go build -o program .\n    ./program",
    "- run: ./build/x.sh",
    "- run: python dist/x.py",
    "- run: ./generated/x.sh",
    "- run: |\n    if [ -f ci/z.sh ]; then\n      bash ci/z.sh\n    fi",
    "- run: |\n    test -x ./configure || autoreconf\n    ./configure",
    "- run: bash ci/z.sh\n  if: hashFiles('ci/z.sh') != ''",
    "- run: ls\n  working-directory: ${{ matrix.dir }}",
    "- run: ls\n  working-directory: ./",
    "- run: ls\n  working-directory: build/x",
    "- run: bash ../x.sh",
    "- run: pip install -r https://x/requirements.txt",
    "- run: pip install -e .",
    "- run: chmod -R x.sh",
    "- run: chmod +x program",
    "- run: bash",
    "- uses: ./actions/there",
    "- uses: ./actions/${{ matrix.x }}",
    "- uses: actions/setup-node@v4\n  with: {node-version-file: app/main.py, cache: pip}",
    "- uses: actions/setup-node@v4\n  with: {node-version-file: '${{ x }}'}",
    "- uses: actions/download-artifact@v4\n- run: ./gone.sh",
    "- uses: actions/download-artifact@v4\n  with: {path: in}\n- run: ./in/x.sh",
    "- uses: actions/checkout@v4\n  with: {repository: a/b, path: tools}\n- run: ./tools/x.sh",
    "- uses: actions/cache@v4\n  with:\n    path: |\n      ~/.x\n      gen\n- run: ./gen/x.sh",
    "- run: x\n  shell: python\n- run: ./gone.sh",
    "- run: ./sub/module/x.sh",
    "- run: ./link",
]


@pytest.mark.parametrize("steps", THERE)
def test_what_exists_or_may_exist_by_then_is_left_alone(steps):
    class Tree(dict[str, bytes]):
        modes = MappingProxyType({"link": "120000", "sub": "160000"})

    tree = Tree(
        tree_of(
            steps,
            **{
                "app/main.py": "",
                "scripts/other.sh": "",
                "actions/there/action.yaml": "",
                ".gitignore": "/generated/\n",
            },
        )
    )
    assert [message for _, _, message in found(tree, "HGV-CI-010")] == []


@pytest.mark.parametrize(
    "change",
    [
        ("actions/checkout", "actions/other"),
        ("runs-on: ubuntu-latest", "runs-on: windows-latest"),
        ("timeout-minutes: 5", "timeout-minutes: 5\n    if: hashFiles('x')"),
    ],
)
def test_a_job_whose_files_cannot_be_told_is_not_accused(change):
    tree = tree_of("- run: ./gone.sh")
    tree[PATH] = tree[PATH].decode().replace(*change).encode()
    assert [f for f in check(tree).findings if f.rule == "HGV-CI-010"] == []


def test_a_checkout_elsewhere_is_not_the_root():
    tree = tree_of("- run: ./gone.sh")
    tree[PATH] += b"      - uses: actions/checkout@v4\n        with: {repository: a/b, path: .}\n"
    assert [f for f in check(tree).findings if f.rule == "HGV-CI-010"] == []
    text = HEAD + "        with: {path: sub}\n      - run: ./gone.sh\n"
    assert [f for f in check({PATH: text.encode()}).findings if f.rule == "HGV-CI-010"] == []


def test_a_local_workflow_that_does_not_exist_is_found():
    text = b"on: push\npermissions: {}\njobs:\n  a:\n    uses: ./.github/workflows/gone.yml\n"
    assert [(f.rule, f.line) for f in check({PATH: text}).findings] == [("HGV-CI-010", 5)]
    there = {PATH: text, ".github/workflows/gone.yml": text.replace(b"gone", b"ci")}
    assert check(there).verdict == "pass"


def test_a_default_working_directory_is_looked_up_too():
    text = HEAD.replace("jobs:\n", "defaults: {run: {working-directory: gone}}\njobs:\n") + "      - run: ls\n"
    assert [(f.rule, f.line) for f in check({PATH: text.encode()}).findings] == [("HGV-CI-010", 3)]


# ------------------------------------------------------------------ the shape of an HEE repository

HEE = {
    "docs/doctrine/HEE.md": b"x",
    "ci/governance/rules.sh": b"x",
    "prompts/a.md": b"# Authority\n## Scope of it\n### invariants\n",
    **tree_of("- run: x"),
}


def test_an_hee_repository_in_order_passes():
    report = check(HEE)
    assert report.verdict == "pass"
    assert report.looked_at["GOV-PROMPT-001"] == 1


@pytest.mark.parametrize(
    ("without", "rule", "path"),
    [
        ("prompts/a.md", "GOV-STRUCT-001", "prompts/"),
        (PATH, "GOV-STRUCT-001", ".github/workflows/"),
        ("docs/doctrine/HEE.md", "GOV-DOC-001", "docs/doctrine/"),
    ],
)
def test_an_hee_repository_without_its_parts_fails(without, rule, path):
    tree = {name: data for name, data in HEE.items() if name != without}
    assert (rule, path) in [(f.rule, f.path) for f in check(tree).findings]
    assert check(tree).verdict == "fail"


def test_a_prompt_without_its_headings_is_told_which():
    report = check({**HEE, "prompts/b.md": b"# Scope\nAuthority\n"})
    ((finding),) = report.findings
    assert (finding.rule, finding.path) == ("GOV-PROMPT-001", "prompts/b.md")
    assert "no heading Authority and no heading Invariant" in finding.message


def test_a_repository_that_is_merely_watched_is_not_held_to_the_shape_of_an_hee_repository():
    tree = {**tree_of("- run: x"), "hee.yaml": b"x", "prompts/b.md": b"no headings"}
    report = check(tree)
    assert report.verdict == "pass"
    assert report.looked_at["GOV-STRUCT-001"] == report.looked_at["GOV-PROMPT-001"] == 0


# ------------------------------------------------------------------ capsules

CAPSULE = "docs/STATE_CAPSULES/2026-01-24/X.md"
SIX = "chat: c\npurpose: p\ncontext: x\ndecisions: []\nopen_threads: []\nnext_chat_bootstrap: n\n"


def capsule(text: str | bytes, path: str = CAPSULE) -> list[tuple[str, str, int, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(f.rule, f.severity, f.line, f.message) for f in check({path: data}).findings]


@pytest.mark.parametrize("text", ["# X\n\nplain, ünïcode, tab\there\r\nend\n", SIX, ""])
def test_a_clean_capsule_passes(text):
    assert capsule(text) == []
    assert check({CAPSULE: text.encode()}).evaluated == 3


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a\nb\u200bc\n", 2, "U+200B"),
        ("a\n\ufeffb", 2, "U+FEFF"),
        ("\u202ea", 1, "U+202E"),
        ("a\rb", 1, "U+000D"),
        ("a\x1b[31m", 1, "U+001B"),
        ("e\u0301", 1, "not NFC"),
        (b"ok\n\xff\n", 2, "not UTF-8"),
        (b"x" * 512_001, 0, "512001 bytes"),
    ],
)
def test_hidden_or_broken_text_in_a_capsule_is_critical(text, line, says):
    (entry,) = [entry for entry in capsule(text) if entry[0] == "HGV-SEC-001"]
    assert entry[1:3] == ("CRITICAL", line)
    assert says in entry[3]


def test_each_missing_or_empty_key_is_told_at_its_line():
    text = "# X\n```yaml\nchat: c\npurpose:\ncontext: ' '\ndecisions: []\n```\n"
    assert [(line, message) for _, _, line, message in capsule(text)] == [
        (3, "the capsule's 'next_chat_bootstrap' is missing"),
        (3, "the capsule's 'open_threads' is missing"),
        (4, "the capsule's 'purpose' is empty"),
        (5, "the capsule's 'context' is empty"),
    ]
    assert {severity for _, severity, _, _ in capsule(text)} == {"WARNING"}


def test_in_a_capsule_of_our_own_form_the_keys_are_required():
    text = '```yaml\nchat: c\n```\n\n```json\n{"hee_monitoring_state": 1}\n```\n'
    assert {severity for _, severity, _, _ in capsule(text)} == {"ERROR"}


def test_yaml_that_cannot_be_read_is_told_at_its_line():
    assert capsule("# X\n~~~yml\nchat: c\nchat: d\n~~~\n") == [
        ("HGV-CAPS-001", "WARNING", 4, "the YAML has the key 'chat' twice")
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (CAPSULE, "```yaml\nother: 1\n```\n"),
        (CAPSULE, "```python\nchat: 1\n```\n"),
        (CAPSULE.replace(".md", ".yaml"), "pill: {id: 1}\n"),
        (CAPSULE.replace(".md", ".json"), "{}"),
        ("docs/STATE_CAPSULES/README.md", "```yaml\nchat: c\n```\n"),
        ("docs/other/x.md", "chat: c\n"),
    ],
)
def test_files_of_another_form_are_not_held_to_the_six_keys(path, text):
    assert capsule(text, path) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("x.md.done", "# X\n- [x] a\n- [ ] b\n", 3),
        ("done.x.md", "status: In Progress\n", 1),
        ("X-Done.md", "* [ ] a\n", 1),
        ("X-Complete.md", "**Status**: 🟡 Blocked by review\n", 1),
        ("X.md", "**Status**: ✅ Completed\n## Tasks\n- [ ] open\n", 3),
        ("X.yaml", "status: done\ntasks: |\n  - [ ] open\n", 3),
    ],
)
def test_done_with_something_open_is_a_contradiction(path, text, line):
    (entry,) = [e for e in capsule(text, f"docs/STATE_CAPSULES/2026-01-24/{path}") if e[0] == "HGV-CAPS-002"]
    assert entry[1:3] == ("WARNING", line)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.md.done", "- [x] a\n"),
        ("X.md", "- [ ] a\n**Status**: In progress\n"),
        ("X.md", "# X\n## One\n**Status**: done\n## Two\n- [ ] a\n"),
        ("X-Done.md", "```\n- [ ] a\n```\n"),
        ("Phase-Completion.md", "- [ ] a\n"),
        ("X-Done.md", "Status: unclear\n"),
    ],
)
def test_capsules_that_agree_with_themselves_are_left_alone(path, text):
    assert [e for e in capsule(text, f"docs/STATE_CAPSULES/2026-01-24/{path}") if e[0] == "HGV-CAPS-002"] == []


# ------------------------------------------------------------------ the engine


def test_only_the_files_a_rule_looks_at_are_read():
    class Lazy(dict[str, bytes]):
        def __getitem__(self, path: str) -> bytes:
            asked.append(path)
            return super().__getitem__(path)

    asked: list[str] = []
    check(Lazy({**tree_of("- run: ./x.sh", **{"x.sh": "", "big.bin": "x"}), CAPSULE: b""}))
    assert set(asked) == {PATH, CAPSULE}


def test_a_workflow_is_read_once_for_all_rules():
    context = Context(tree_of("- run: x"))
    assert context.workflow(PATH) is context.workflow(PATH)


def test_findings_come_in_the_order_of_a_reader():
    tree = {**tree_of("- run: mypy . || true\n- run: pytest || true"), CAPSULE: b"\xff"}
    report = check(tree)
    assert [(f.path, f.line) for f in report.findings] == sorted((f.path, f.line) for f in report.findings)


def test_rules_can_be_chosen():
    report = check(tree_of("- run: pytest || true"), rules=tuple(rule for rule in RULES if rule.id == "HGV-CI-009"))
    assert (report.verdict, report.evaluated) == ("pass", 1)


def test_a_report_can_be_compared_and_copied():
    report = check(tree_of("- run: x"))
    assert replace(report) == report
    assert isinstance(report, Report)


@pytest.mark.parametrize(
    ("script", "mute"),
    [
        ("if [ -d a ] && [ -d b ]; then echo ok; else echo '❌ missing'; fi", True),
        ("set -eu\nif grep -r x . | head -1; then echo '⚠️ found'; fi", True),
        ('grep -o x a | while read -r link; do echo "❌ broken $link"; done', True),
        ('set -o pipefail\ngrep -o x a | while read -r link; do echo "❌ broken $link"; done', False),
        ("if [ -d a ]; then echo ok; else echo '❌ missing'; exit 1; fi", False),
        ("if [ -d a ] && [ -d b ]; then echo '❌ missing'; ./fail; fi", False),
        ("grep -q x a | tee b\necho '❌ missing'\ntest -d a", False),
        ("grep -q x a && echo '❌ missing'", False),
    ],
)
def test_a_step_named_as_a_check_that_can_only_print_is_no_gate(script: str, mute: bool) -> None:
    body = "\n".join(f"    {line}" for line in script.splitlines())
    tree = tree_of(f"- name: Check the links\n  run: |\n{body}")
    found = [finding.message for finding in check(tree).findings if finding.rule == "HGV-CI-005"]
    assert ("it only prints" in " ".join(found)) is mute


EVASIONS = [
    "pytest || /bin/true",
    "pytest || rc=$?",
    "pytest || rc=$?\necho $rc",
    "pytest &\nwait",
    "pytest &",
    "! pytest || true",
    "! pytest",
    "(pytest) || true",
    "{ pytest; } || true",
    "trap 'exit 0' EXIT\npytest",
    "trap 'exit 0' ERR\npytest",
    'echo "$(pytest)"',
    "bash -c 'pytest || true'",
    'sh -c "pytest; exit 0"',
    "eval 'pytest || true'",
    "ls | xargs pytest || true",
]
EVASIONS += [
    "t() { pytest; }\nt || true",
    "t() { pytest; echo done; }\nt || exit 1",
    "function t { pytest; }\nt || true",
    "t() { pytest || true; }\nt",
    "t() { pytest; }\necho nobody",
    "bash <<EOF\npytest\necho done\nEOF",
    "bash -e <<'EOF' || true\npytest\nEOF",
    "bash -s <<-EOF\n\tpytest || true\n\tEOF\necho x",
    "bash -c 'pytest' || true",
    "eval 'pytest' || :",
    "x=$(pytest) || true",
    "x=`pytest` || :",
    "x=$(pytest) || rc=$?",
    "export x=$(pytest)",
    "find /dev/null -exec pytest {} \\;",
    "find /dev/null -exec pytest {} + || true",
    "python3 -c \"import subprocess; subprocess.run(['pytest'])\"",
    "python3 -c \"import os; os.system('pytest')\"",
    "python3 -c \"import subprocess; subprocess.run(['pytest'], check=True)\" || true",
    "python3 - <<EOF\nimport subprocess\nsubprocess.call('pytest')\nEOF",
    "while ! pytest; do break; done",
    "until pytest; do break; done",
    "n=0\nuntil pytest; do\n  n=$((n+1))\n  [ $n -lt 2 ] || break\ndone",
]
HONEST = [
    "t() { pytest; }\nt",
    "t() { pytest; echo done; }\nt",
    "function t { pytest; }\nt || exit 1",
    "bash <<EOF\npytest\nEOF",
    "bash -e <<EOF\npytest\necho done\nEOF",
    "eval 'pytest; echo x'",
    "cat <<EOF\npytest || true\nEOF\nexit 1",
    "x=$(pytest)",
    "x=$(pytest) || exit 1",
    "find /dev/null -exec pytest {} +",
    "python3 -c \"import subprocess; subprocess.run(['pytest'], check=True)\"",
    "python3 -c \"import subprocess, sys; sys.exit(subprocess.call(['pytest']))\"",
    "until pytest; do exit 1; done",
    "n=0\nuntil pytest; do\n  n=$((n+1))\n  [ $n -lt 2 ] || break\ndone\n[ $n -lt 2 ]",
    "pytest || rc=$?\nexit $rc",
    "pytest || rc=$?\n[ $rc = 0 ]",
    "pytest || rc=$?\nif [ $rc != 0 ]; then exit 1; fi",
    "pytest &\nwait $!",
    "(pytest)",
    "{ pytest; } || exit 1",
    "(pytest; echo x)",
    "trap 'echo bye' EXIT\npytest",
    "trap 'exit 0' TERM\npytest",
    "bash -c 'pytest'",
    "bash -ec 'pytest; echo x'",
    "eval 'pytest'",
    "ls | xargs pytest",
]


@pytest.mark.parametrize(
    ("script", "silent"), [*((each, True) for each in EVASIONS), *((each, False) for each in HONEST)]
)
def test_a_gate_is_told_to_have_no_teeth_exactly_where_bash_ends_with_0(script: str, silent: bool) -> None:
    """Bash itself is asked, with a tool that fails in the place of the gate's."""
    ended = subprocess.run(["bash", "-ec", script.replace("pytest", "false")], capture_output=True, check=False)
    body = "\n".join(f"    {line}" for line in script.splitlines())
    found = lines(tree_of(f"- run: |\n{body}"), "HGV-CI-005")
    assert (ended.returncode == 0, bool(found)) == (silent, silent)


@pytest.mark.parametrize(("least", "silent"), [("0", True), ("0.0", True), ("100", False)])
def test_a_coverage_gate_of_nothing_is_none(tmp_path: Path, least: str, silent: bool) -> None:
    """coverage.py itself is asked, over a file of which a half never runs."""
    (tmp_path / "a.py").write_text("if __name__ != '__main__':\n    print()\n")
    ran = ["coverage", "run", "a.py"], ["coverage", "report", f"--fail-under={least}"]
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "COVERAGE_"))}
    ended = [
        subprocess.run([sys.executable, "-m", *words], check=False, cwd=tmp_path, env=plain, capture_output=True)
        for words in ran
    ]
    assert (ended[-1].returncode == 0) is silent
    assert bool(lines(tree_of(f"- run: coverage report --fail-under={least}"), "HGV-CI-005")) is silent
    assert bool(lines(tree_of(f"- run: pytest --cov-fail-under={least} tests"), "HGV-CI-005")) is silent


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("Documentation health validation", True),
        ("Comprehensive link check", True),
        ("Unit tests (fast)", False),  # no verb, and something else at its end
        ("Record check results", False),
        ("Print the audit", False),
        ("Final summary", False),
    ],
)
def test_a_name_that_ends_with_a_check_promises_one(name: str, gate: bool) -> None:
    mute_tree = tree_of(f"- name: {name}\n  run: if [ -d a ]; then echo ok; else echo '❌ missing'; fi")
    assert bool([f for f in check(mute_tree).findings if "only prints" in f.message]) is gate
