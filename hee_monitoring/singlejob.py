"""Writes a workflow that holds one job and nothing else, so that `act` runs that job and none of those it needs.

Responsible for the text: the jobs before it stand in as results and outputs that are already known; each script gets the
shell that GitHub would use, behind `sources/step.py`; a checkout becomes a copy of the tree that is judged. Everything
else of the job stays as it was written.

Invariant: pure; the same job, results and place give the same text.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hee_monitoring import screening
from hee_monitoring.yamltree import Node, emit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.workflow import PlannedJob

RUNNER = "ubuntu-latest"
# What GitHub runs for `shell:`, and the ending of the script. `@SCRIPT@` is put in by `sources/step.py`.
_SHELLS = {
    "": (("bash", "-e", "@SCRIPT@"), ".sh"),
    "bash": (("bash", "--noprofile", "--norc", "-eo", "pipefail", "@SCRIPT@"), ".sh"),
    "sh": (("sh", "-e", "@SCRIPT@"), ".sh"),
    "python": (("python", "@SCRIPT@"), ".py"),
}
_INPUT = re.compile(r"[A-Za-z_][\w-]*")
_KEPT = ("if", "env", "outputs", "defaults")
_STEP_KEPT = ("id", "if", "env", "continue-on-error", "timeout-minutes")
_CHECKOUT = """\
case "$HEE_PATH" in /*|*..*) echo "::error::path '$HEE_PATH' is not below the workspace"; exit 1;; esac
mkdir -p "$GITHUB_WORKSPACE/$HEE_PATH"
cd "$GITHUB_WORKSPACE/$HEE_PATH"
cp -a "$HEE_TREE/." .
git update-index -q --refresh || :
echo "HEAD is now at $GITHUB_SHA"
echo "commit=$GITHUB_SHA" >> "$GITHUB_OUTPUT"
echo "ref=$GITHUB_REF" >> "$GITHUB_OUTPUT"
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a job that another one needs ended: `success`, `failure` or `skipped`, and what it handed on."""

    result: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """What a job finds while it runs: the tree to copy, a folder for the steps' logs, the wrapper's command line, and the
    variable in which the wrapper finds the number of a step that act starts by itself; the program that stands in for
    published actions, and the folder for artifacts.
    """

    tree: str
    logs: str
    wrapper: tuple[str, ...]
    number: str
    published: tuple[str, ...]
    artifacts: str


def write(job: PlannedJob, needs: Mapping[str, Result], place: Place, *, outputs: bool) -> tuple[str, str]:
    """The workflow's text and the id of the job to start; with `outputs` a second job writes the first one's outputs."""
    body: dict[str, Any] = {key: job.body.table[key] for key in _KEPT if job.body.table and key in job.body.table}
    body |= {"name": job.job_id, "runs-on": RUNNER, "needs": list(job.needs)}
    if job.row:
        body["strategy"] = {"matrix": {key: [value] for key, value in job.row.items()}}
    steps = job.body.get("steps")
    body["steps"] = [
        _step(number, step, job, place) for number, step in enumerate((steps.items or ()) if steps else ())
    ]
    jobs: dict[str, Any] = {name: _stand_in(needs[name]) for name in job.needs}
    jobs[job.job_id] = body
    start = job.job_id
    if outputs:
        start = "hee-outputs"
        while start in jobs:
            start += "_"
        jobs[start] = {
            "needs": [job.job_id],
            "if": "always()",
            "runs-on": RUNNER,
            "env": {
                "HEE_OUTPUTS": f"${{{{ toJSON(needs['{job.job_id}'].outputs) }}}}",
                "HEE_FILE": f"{place.logs}/outputs.json",
            },
            "steps": [{"name": "outputs", "run": 'printf %s "$HEE_OUTPUTS" > "$HEE_FILE"', "shell": "sh -e {0}"}],
        }
    root = {key: job.root.table[key] for key in ("env", "defaults") if job.root.table and key in job.root.table}
    return emit({"name": job.workflow_name, "on": "push", **root, "jobs": jobs}) + "\n", start


def _stand_in(result: Result) -> dict[str, Any]:
    """A job that does nothing and ends as the real one did."""
    shell = "false {0}" if result.result == "failure" else "true {0}"
    body: dict[str, Any] = {"runs-on": RUNNER, "steps": [{"run": "true", "shell": shell}]}
    if result.result == "skipped":
        body["if"] = False
    if result.outputs:
        # An expression in an output is text here, not to be computed again.
        body["outputs"] = {name: value.replace("${{", "${{ '${{' }}") for name, value in result.outputs.items()}
    return body


def _step(number: int, step: Node, job: PlannedJob, place: Place) -> dict[str, Any]:
    """A step under its number as name, since act repeats the name with every line; the stand-ins read it too."""
    table = step.table or {}
    name = {"name": str(number)}
    if screening.is_checkout(step):
        kept: dict[str, Any] = {key: table[key] for key in _STEP_KEPT if key in table}
        own = {"HEE_TREE": place.tree, "HEE_PATH": step.word("with", "path")}
        env = {**(kept["env"].table or {}), **own} if "env" in kept else own
        return (
            name
            | kept
            | {"env": env, "run": _CHECKOUT, "shell": _wrapped(number, "sh", place), "working-directory": "."}
        )
    if verb := screening.stand_in(step):
        return name | _published(number, step, verb, place)
    whole: dict[str, Any] = {**table, **name}
    if "run" in table:
        shell = _wrapped(number, _shell(step, job), place)
        if shell:
            return whole | {"shell": shell}
    given: Mapping[str, Any] | None = table["env"].table if "env" in table else {}
    return whole if given is None else whole | {"env": {**given, place.number: str(number)}}


def _published(number: int, step: Node, verb: str, place: Place) -> dict[str, Any]:
    """A step that runs our program in the place of a published action, with the inputs in its environment."""
    table = step.table or {}
    inputs = (step.get("with") or Node(1, 1)).table or {}
    given = {
        f"HEE_INPUT_{key.upper().replace('-', '_')}": value for key, value in inputs.items() if _INPUT.fullmatch(key)
    }
    own = table["env"].table if "env" in table else {}
    return {
        **{key: table[key] for key in _STEP_KEPT if key in table},
        "env": {**(own or {}), **given},
        "run": shlex.join([*place.published, step.word("uses"), verb, place.artifacts]),
        "shell": _wrapped(number, "sh", place),
        "working-directory": ".",
    }


def _shell(step: Node, job: PlannedJob) -> str:
    """The shell that is in force for a step."""
    return step.word("shell") or job.body.word("defaults", "run", "shell") or job.root.word("defaults", "run", "shell")


def _wrapped(number: int, shell: str, place: Place) -> str:
    """The template for act of a shell behind the wrapper; nothing for a shell that only act knows how to start."""
    if shell in _SHELLS:
        command, ending = _SHELLS[shell]
        words = shlex.join(command)
    elif "{0}" in shell and "${{" not in shell:
        words, ending = shell.replace("{0}", "@SCRIPT@"), ""
    else:
        return ""
    return f'{shlex.join([*place.wrapper, f"{place.logs}/{number}.log", ending])} "{{0}}" {words}'
