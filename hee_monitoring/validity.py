"""What GitHub certainly refuses to start, with the place of each fault.

Responsible for the rules of the workflow syntax that hold for sure: required keys, misspelled ones, identifiers, needs.
A key that is merely unknown may be newer than this program: `unknown_key` names it, and it is no fault.

Invariant: a fault is reported only where GitHub's own validation is certain to fail; in doubt there is none.
"""

from __future__ import annotations

import difflib
import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from hee_monitoring.yamltree import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ID = re.compile(r"[A-Za-z_][\w-]*")
_TOP = frozenset({"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"})
_JOB = frozenset(
    {
        "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults", "steps",
        "timeout-minutes", "strategy", "continue-on-error", "container", "services", "uses", "with", "secrets", "snapshot",
    }
)  # fmt: skip
_STEP = frozenset(
    {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error", "timeout-minutes"}
)  # fmt: skip


def faults(root: Node) -> Iterator[tuple[int, int, str]]:
    """Line, column and message of what GitHub certainly refuses."""
    if root.table is None:
        yield root.line, root.column, "Unexpected value; a workflow is a table with 'on' and 'jobs'"
        return
    yield from _unexpected(root, _TOP)
    for key in ("on", "jobs"):
        if root.get(key) is None:
            yield root.line, root.column, f"Required property is missing: {key}"
    jobs = root.get("jobs")
    if jobs is None:
        return
    if not jobs.table:
        yield jobs.line, jobs.column, "A mapping of jobs was expected"
        return
    for job_id, job in jobs.table.items():
        if not _ID.fullmatch(job_id):
            line, column = jobs.keys[job_id]
            yield (
                line,
                column,
                f"The identifier '{job_id}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'.",
            )
        yield from _job_faults(job_id, job, jobs)
    yield from _cycles(jobs)


def _job_faults(job_id: str, job: Node, jobs: Node) -> Iterator[tuple[int, int, str]]:
    if job.table is None:
        yield job.line, job.column, f"Unexpected value; job '{job_id}' is a table"
        return
    yield from _unexpected(job, _JOB)
    if job.get("runs-on") is None and job.get("uses") is None:
        yield job.line, job.column, "Required property is missing: runs-on"
    for needed in needs(job, jobs.table or {}):
        if needed not in (jobs.table or {}):
            yield job.keys["needs"][0], job.keys["needs"][1], f"Job '{job_id}' depends on unknown job '{needed}'."
    steps = job.get("steps")
    if steps is None:
        if job.get("uses") is None:
            yield job.line, job.column, "Required property is missing: steps"
        return
    if steps.items is None:
        yield steps.line, steps.column, "A sequence of steps was expected"
        return
    seen: set[str] = set()
    for step in steps.items:
        if step.table is None:
            yield step.line, step.column, "Unexpected value; a step is a table"
            continue
        yield from _unexpected(step, _STEP)
        if ("run" in step.table) == ("uses" in step.table):
            yield step.line, step.column, "Every step must define one of 'uses' and 'run'"
        if (step_id := step.word("id")) and step_id.lower() in seen:
            yield (
                step.line,
                step.column,
                f"The identifier '{step_id}' may not be used more than once within the same scope.",
            )
        seen.add(step_id.lower())


def _unexpected(node: Node, known: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Keys that are misspellings of known ones; other unknown keys may be newer than this program."""
    for key, (line, column) in node.keys.items():
        close = (
            difflib.get_close_matches(key.replace("_", "-").lower(), known - node.keys.keys(), 1, 0.8)
            if key not in known
            else []
        )
        if close:
            yield line, column, f"Unexpected value '{key}' (did you mean '{close[0]}'?)"


def _cycles(jobs: Node) -> Iterator[tuple[int, int, str]]:
    table = jobs.table or {}
    try:
        TopologicalSorter({job_id: needs(body, table) for job_id, body in table.items()}).prepare()
    except CycleError as error:
        circle = [job_id for job_id in error.args[1] if job_id in table]
        line, column = jobs.keys[min(circle, key=list(table).index)]
        yield line, column, f"The jobs {', '.join(sorted(set(circle)))} wait for each other"


def needs(job: Node, jobs: Mapping[str, Node]) -> tuple[str, ...]:
    """The ids of the jobs that a job waits for, spelled as they are defined: GitHub does not mind the case."""
    node = job.get("needs")
    spelled = {job_id.lower(): job_id for job_id in jobs}
    return tuple(dict.fromkeys(spelled.get(word.lower(), word) for word in node.words())) if node is not None else ()


def unknown_key(root: Node, body: Node) -> str:
    """Names a key that this program does not know; it may mean anything, so a job with one is not judged."""
    steps = (body.get("steps") or Node(1, 1)).items or ()
    for node, known in ((root, _TOP), (body, _JOB), *((step, _STEP) for step in steps)):
        for key in node.keys.keys() - known:
            return f"the key {key!r} (line {node.keys[key][0]}) is not known here"
    return ""
