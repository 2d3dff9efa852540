"""Workflow files: jobs, steps and scripts with their lines."""

from __future__ import annotations

import pytest

from hee_governance.document import Unreadable
from hee_governance.workflow import Workflow, parse

TEXT = b"""\
name: CI
on: [push]
permissions: {}
defaults:
  run:
    shell: bash
    working-directory: app
jobs:
  one:
    name: First
    runs-on: [self-hosted, Windows]
    needs: zero
    if: always()
    timeout-minutes: 5
    permissions: {contents: read}
    continue-on-error: true   # why
    steps:
      # above
      # the step
      - uses: actions/checkout@v4
        with: {path: sub}
      - name: Test
        id: t
        if: success()
        run: |
          first
          second
        continue-on-error: ${{ true }}
      - run: echo one
        shell: sh
        working-directory: lib
      - run: >
          folded
          text
      - run: print(1)
        shell: python
  two:
    needs: [one, three]
    runs-on: ubuntu-latest
    continue-on-error: ${{ matrix.odd }}
    steps: [{run: x, shell: "bash {0}"}, {run: 5}]
  three:
    uses: ./.github/workflows/other.yml
"""


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    found = parse(".github/workflows/ci.yml", TEXT)
    assert isinstance(found, Workflow)
    return found


def test_jobs_are_read_with_their_lines(workflow):
    one, two, three = workflow.jobs
    assert [(job.id, job.line) for job in workflow.jobs] == [("one", 9), ("two", 37), ("three", 42)]
    assert (one.name, one.needs, one.condition) == ("First", ("zero",), "always()")
    assert (one.timeout, one.permissions, one.windows) == (True, True, True)
    assert (two.needs, two.timeout, two.windows, two.lenient) == (("one", "three"), False, False, None)
    assert one.lenient.line == 16
    assert (three.uses.text, three.steps) == ("./.github/workflows/other.yml", ())
    assert (workflow.name, workflow.permissions, workflow.line) == ("CI", True, 8)


def test_steps_are_read_with_their_lines(workflow):
    checkout, test, echo, folded, python = workflow.jobs[0].steps
    assert (checkout.line, checkout.label, checkout.input("path"), checkout.input("ref")) == (
        20,
        "actions/checkout@v4",
        "sub",
        "",
    )
    assert (test.number, test.line, test.label, test.id, test.condition) == (2, 22, "Test", "t", "success()")
    assert test.lenient.line == 28
    assert test.input("path") == ""
    assert (echo.label, echo.directory.text) == ("step 3", "lib")
    assert workflow.jobs[0].directory.text == "app"
    assert [c.words for c in folded.commands] == [("folded", "text")]
    assert python.commands == checkout.commands == ()


def test_a_scripts_lines_are_those_of_the_file(workflow):
    _, test, echo, folded, _ = workflow.jobs[0].steps
    assert [test.script.line(c.line) for c in test.commands] == [26, 27]
    assert echo.script.line(0) == 29
    assert folded.script.line(3) == 32


def test_the_shells_flags_are_known(workflow):
    _, test, echo, *_ = workflow.jobs[0].steps
    template, number = workflow.jobs[1].steps
    assert (test.shell, test.errexit, test.pipefail) == ("bash", True, True)
    assert (echo.shell, echo.errexit, echo.pipefail) == ("sh", True, False)
    assert (template.errexit, template.pipefail) == (False, False)
    assert number.script is None
    assert number.commands == ()


@pytest.mark.parametrize(
    ("shell", "errexit", "pipefail"),
    [
        (b"", True, False),
        (b"\n        shell: bash -euo pipefail {0}", True, True),
        (b"\n        shell: bash -x {0}", False, False),
    ],
)
def test_the_platforms_default_shell_stops_at_errors_but_not_in_pipes(shell, errexit, pipefail):
    found = parse("w", b"jobs:\n  a:\n    steps:\n      - run: x" + shell)
    assert isinstance(found, Workflow)
    assert (found.jobs[0].steps[0].errexit, found.jobs[0].steps[0].pipefail) == (errexit, pipefail)


def test_comments_are_collected_at_a_line_and_above_it(workflow):
    assert workflow.comment(20) == "above the step"
    assert workflow.comment(16) == "why"
    assert workflow.comment(16, 20, 16) == "why above the step"
    assert workflow.comment(1, 26) == ""


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"on: push\n", 1, "no jobs"),
        (b"on: push\njobs: []\n", 2, "no jobs"),
        (b"jobs: {}\n", 1, "no jobs"),
        (b"- a\n", 1, "no jobs"),
        (b"jobs:\n  a: x\n", 2, "'a' is not a mapping"),
        (b"jobs:\n  a: {}\n", 2, "'a' has no steps"),
        (b"jobs:\n  a:\n    steps: x\n", 3, "not a list"),
        (b"jobs:\n  a:\n    steps:\n      - name: x\n", 4, "neither"),
        (b"jobs:\n  a:\n    steps:\n      - x\n", 4, "neither"),
        (b"jobs:\n  a: [\n", 3, "expected"),
    ],
)
def test_what_is_no_workflow_says_why_and_where(data, line, says):
    found = parse("w", data)
    assert isinstance(found, Unreadable)
    assert (found.line, says in found.message) == (line, True), found
