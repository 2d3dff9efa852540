"""The workflow that act is given: one job, with everything before it standing in."""

from __future__ import annotations

from typing import Any

import pytest

from hee_monitoring.singlejob import Place, Result, write
from hee_monitoring.workflow import plan
from hee_monitoring.yamltree import Node, parse

PATH = ".github/workflows/ci.yml"
PLACE = Place(
    "/room/tree",
    "/room/job 1/logs",
    ("/usr/bin/python3", "-I", "/lib/step.py"),
    "HEE_STEP",
    ("/usr/bin/python3", "/lib/published.py"),
    "/room/artifacts",
)


def data(node: Node) -> Any:
    """A tree as plain data."""
    if node.table is not None:
        return {key: data(value) for key, value in node.table.items()}
    return [data(item) for item in node.items] if node.items is not None else node.text


def written(
    text: str, job_id: str = "a", needs: dict[str, Result] | None = None, *, outputs: bool = False
) -> tuple[Any, str]:
    job = next(job for job in plan({PATH: text.encode()}).jobs if job.job_id == job_id)
    document, start = write(job, needs or {}, PLACE, outputs=outputs)
    return data(parse(document.encode())), start


def steps(*lines: str, more: str = "") -> list[Any]:
    text = f"on: push\n{more}\njobs:\n  a:\n    runs-on: ubuntu-22.04\n    steps:\n" + "".join(
        f"      - {line}\n" for line in lines
    )
    found: list[Any] = written(text)[0]["jobs"]["a"]["steps"]
    return found


def test_a_job_keeps_what_matters_and_loses_what_act_must_not_see() -> None:
    text = """
name: CI
on: push
env: {A: 1}
concurrency: x
jobs:
  a:
    name: Long name
    runs-on: ubuntu-22.04
    timeout-minutes: 5
    continue-on-error: true
    permissions: {contents: read}
    if: github.ref == 'x'
    env: {B: 2}
    outputs: {o: "${{ steps.s.outputs.o }}"}
    steps: [{id: s, run: make, working-directory: sub, timeout-minutes: 3, continue-on-error: true}]
  b: {runs-on: ubuntu-latest, steps: [{run: other}]}
"""
    found, start = written(text)
    assert start == "a"
    assert set(found) == {"name", "on", "env", "jobs"}
    assert set(found["jobs"]) == {"a"}
    job = found["jobs"]["a"]
    assert set(job) == {"name", "runs-on", "needs", "if", "env", "outputs", "steps"}
    assert (job["name"], job["runs-on"], job["needs"]) == ("a", "ubuntu-latest", [])
    step = job["steps"][0]
    assert (step["id"], step["name"], step["working-directory"], step["timeout-minutes"]) == ("s", "0", "sub", "3")


@pytest.mark.parametrize(
    ("step", "shell"),
    [
        ("run: x", '.sh "{0}" bash -e @SCRIPT@'),
        ("{run: x, shell: bash}", '.sh "{0}" bash --noprofile --norc -eo pipefail @SCRIPT@'),
        ("{run: x, shell: sh}", '.sh "{0}" sh -e @SCRIPT@'),
        ("{run: x, shell: python}", '.py "{0}" python @SCRIPT@'),
        ("{run: x, shell: 'perl {0}'}", '\'\' "{0}" perl @SCRIPT@'),
    ],
)  # fmt: skip
def test_every_script_runs_behind_the_wrapper_with_github_s_shell(step: str, shell: str) -> None:
    assert steps(step)[0]["shell"] == f"/usr/bin/python3 -I /lib/step.py '/room/job 1/logs/0.log' {shell}"


def test_shells_are_taken_from_the_job_and_the_workflow() -> None:
    assert "pipefail" in steps("run: x", more="defaults: {run: {shell: bash}}")[0]["shell"]
    text = "on: push\ndefaults: {run: {shell: bash}}\njobs: {a: {runs-on: ubuntu-latest, defaults: {run: {shell: sh}}, steps: [{run: x}]}}"
    assert " sh -e @SCRIPT@" in written(text)[0]["jobs"]["a"]["steps"][0]["shell"]


@pytest.mark.parametrize("shell", ["pwsh", "${{ env.S }} {0}"])
def test_a_shell_that_only_act_can_start_is_left_to_it(shell: str) -> None:
    assert steps(f"{{run: x, shell: '{shell}'}}")[0]["shell"] == shell


def test_a_checkout_becomes_a_copy_of_the_tree() -> None:
    step = steps("{uses: actions/checkout@v4, id: co, if: always(), env: {A: b}, with: {path: sub, fetch-depth: 0}}")[0]
    assert (step["id"], step["if"], step["env"]) == (
        "co",
        "always()",
        {"A": "b", "HEE_TREE": "/room/tree", "HEE_PATH": "sub"},
    )
    assert step["working-directory"] == "."
    assert "uses" not in step
    assert "with" not in step
    assert 'cp -a "$HEE_TREE/." .' in step["run"]
    assert steps("uses: actions/checkout@v4")[0]["env"] == {"HEE_TREE": "/room/tree", "HEE_PATH": ""}


def test_a_local_action_stays_as_it_is_but_for_its_number() -> None:
    assert steps("{name: Long, uses: ./x, with: {a: b}}")[0] == {
        "name": "0",
        "uses": "./x",
        "with": {"a": "b"},
        "env": {"HEE_STEP": "0"},
    }
    assert steps("{uses: ./x, env: {A: b}}")[0]["env"] == {"A": "b", "HEE_STEP": "0"}
    computed = "${{ fromJSON(vars.X) }}"
    assert steps(f"{{uses: ./x, env: '{computed}'}}")[0]["env"] == computed


def test_a_published_action_becomes_a_program_of_ours_with_its_inputs() -> None:
    found = steps(
        "{id: py, if: always(), name: Long, uses: actions/setup-python@v5, env: {A: b}, with: {python-version: 3.11, 'x y': 1}}"
    )[0]
    assert found["run"] == "/usr/bin/python3 /lib/published.py actions/setup-python@v5 python /room/artifacts"
    assert found["env"] == {"A": "b", "HEE_INPUT_PYTHON_VERSION": "3.11"}
    assert (found["id"], found["if"], found["name"]) == ("py", "always()", "0")
    assert "uses" not in found
    assert steps("{uses: a/b@v1}")[0]["run"].endswith(" a/b@v1 unavailable /room/artifacts")


NEEDING = "on: push\njobs:\n  b: {runs-on: ubuntu-latest, steps: [{run: x}]}\n  a: {runs-on: ubuntu-latest, needs: b, steps: [{run: x}]}\n"


@pytest.mark.parametrize(
    ("result", "stand_in"),
    [
        (Result("success"), {"runs-on": "ubuntu-latest", "steps": [{"run": "true", "shell": "true {0}"}]}),
        (Result("failure"), {"runs-on": "ubuntu-latest", "steps": [{"run": "true", "shell": "false {0}"}]}),
        (
            Result("skipped"),
            {"runs-on": "ubuntu-latest", "if": "false", "steps": [{"run": "true", "shell": "true {0}"}]},
        ),
    ],
)
def test_the_jobs_before_it_stand_in_with_their_results(result: Result, stand_in: dict[str, Any]) -> None:
    assert written(NEEDING, needs={"b": result})[0]["jobs"]["b"] == stand_in


def test_an_expression_in_an_output_is_not_computed_again() -> None:
    found, _ = written(NEEDING, needs={"b": Result("success", {"x": "a ${{ github.token }}"})})
    assert found["jobs"]["b"]["outputs"] == {"x": "a ${{ '${{' }} github.token }}"}


def test_one_combination_of_a_matrix_is_left() -> None:
    text = (
        "on: push\njobs: {a: {runs-on: ubuntu-latest, strategy: {matrix: {v: [{w: 1}], x: ['2']}}, steps: [{run: x}]}}"
    )
    assert written(text)[0]["jobs"]["a"]["strategy"] == {"matrix": {"v": [{"w": "1"}], "x": ["2"]}}


def test_outputs_are_written_by_a_second_job_of_another_name() -> None:
    text = "on: push\njobs: {hee-outputs: {runs-on: ubuntu-latest, outputs: {o: x}, steps: [{run: x}]}}"
    found, start = written(text, "hee-outputs", outputs=True)
    assert start == "hee-outputs_"
    assert found["jobs"][start]["env"]["HEE_OUTPUTS"] == "${{ toJSON(needs['hee-outputs'].outputs) }}"
    assert found["jobs"][start]["if"] == "always()"
