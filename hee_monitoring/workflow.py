"""Reads GitHub Actions workflow files and says which jobs a push starts and which of them can be run here.

Responsible for validity (as far as GitHub's own rules are certain), triggers, the jobs with their matrices, and the order
that `needs` asks for. Why a job can't be run on this machine is left to `screening`; running it to `sources.act`.

Invariant: pure; every job of a valid workflow is in the plan exactly once for each combination of its matrix, and one
that isn't runnable has a reason. A file that is certainly invalid has a problem with a line, and no jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from hee_monitoring import matrix, screening, triggers, validity
from hee_monitoring.yamltree import Node, YamlError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PLACE = ".github/workflows/"
_FILE = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_LONGEST_MINUTES = 360
_OFF = re.compile(r"(?:\$\{\{\s*)?false(?:\s*\}\})?")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why GitHub would refuse to start a workflow, in its own words where they are known."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step as written. `title` is what GitHub shows; `secrets` are those it uses, all of which are empty here.

    `stand_in` says as what a program of ours runs in the place of a published action; a checkout is `checkout`.
    """

    title: str
    script: str
    stand_in: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job that a push starts, or one combination of its matrix. `needs` are ids of jobs of the same workflow.

    `skipped` says that GitHub would not run it either; `reason` says in one sentence why it is not runnable.
    """

    key: str
    workflow: str
    workflow_name: str
    job_id: str
    name: str
    needs: tuple[str, ...]
    runnable: bool
    reason: str
    timeout_minutes: int
    skipped: bool = False
    may_fail: bool = False
    steps: tuple[PlannedStep, ...] = ()
    row: Mapping[str, Node] = field(default_factory=dict)
    body: Node = field(default_factory=lambda: Node(1, 1))
    root: Node = field(default_factory=lambda: Node(1, 1))

    @property
    def uses_needs(self) -> bool:
        """Whether an expression of the job reads what the jobs before it said."""
        texts = (
            (key, text)
            for key, value in (self.body.table or {}).items()
            if key != "needs"
            for key, text in _keyed(key, value)
        )
        return any(re.search(r"\bneeds\b", text) and ("${{" in text or key == "if") for key, text in texts)


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs in an order in which every job stands after those it needs, and the workflows that can't start."""

    jobs: tuple[PlannedJob, ...]
    problems: tuple[Problem, ...]

    def job(self, key: str) -> PlannedJob | None:
        """The job with this key."""
        return next((job for job in self.jobs if job.key == key), None)


def plan(files: Mapping[str, bytes], event: str = "push", *, branch: str = "") -> Plan:
    """Plans what `event` starts; `files` are those of `.github/` and of local actions, `branch` is empty when unknown.

    Filters on changed paths are not applied: the question is whether the commit passes.
    """
    jobs: list[PlannedJob] = []
    problems: list[Problem] = []
    for path in sorted(path for path in files if _FILE.fullmatch(path)):
        try:
            root = parse(files[path])
        except YamlError as fault:
            problems.append(
                Problem(path, fault.line, f"You have an error in your yaml syntax on line {fault.line}: {fault}")
            )
            continue
        found = [Problem(path, line, f"The workflow is not valid. {path} (Line: {line}, Col: {column}): {message}")
                 for line, column, message in validity.faults(root)]  # fmt: skip
        problems += found
        if not found:
            jobs += _Source(path, root, files, triggers.not_triggered(root, event, branch)).jobs()
    return Plan(tuple(jobs), tuple(problems))


def local_actions(files: Mapping[str, bytes]) -> frozenset[str]:
    """The folders of local actions that workflows (and the actions given) use, whether or not they are among the files."""
    found: set[str] = set()
    for path, data in files.items():
        if _FILE.fullmatch(path) or path.endswith(("action.yml", "action.yaml")):
            try:
                texts = list(parse(data).texts())
            except YamlError:
                continue
            found |= {
                folder for key, text in texts if key == "uses" and (folder := screening.local_path(text)) is not None
            }
    return frozenset(found)


def _keyed(key: str, value: Node) -> Iterator[tuple[str, str]]:
    return ((below or key, text) for below, text in value.texts())


@dataclass(frozen=True, slots=True)
class _Source:
    """One valid workflow file while its jobs are planned; `skip` says why no job of it would run."""

    path: str
    root: Node
    files: Mapping[str, bytes]
    skip: str

    def jobs(self) -> Iterator[PlannedJob]:
        """Every job for each combination of its matrix, after those it needs."""
        table = _table(self.root, "jobs")
        order = TopologicalSorter({job_id: validity.needs(body, table) for job_id, body in table.items()})
        seen: set[str] = set()
        for job_id in order.static_order():
            rows, refused = _rows(table[job_id])
            for row in rows:
                job = self._job(job_id, table[job_id], row, refused)
                if job.key in seen:  # two combinations that read the same
                    job = replace(job, key=f"{job.key} #{len(seen)}")
                seen.add(job.key)
                yield job

    def _job(self, job_id: str, body: Node, row: Mapping[str, Node], refused: str) -> PlannedJob:
        steps = _steps(body)
        off = _OFF.fullmatch(body.word("if").strip())
        skip = self.skip or ("its condition is false" if off else "")
        reason = (
            skip
            or screening.of_job(body)
            or refused
            or screening.of_runner(body, row)
            or screening.of_steps(steps, self.files)
            or validity.unknown_key(self.root, body)
        )
        label = f" ({matrix.label(row)})" if row else ""
        name = body.word("name")
        minutes = body.word("timeout-minutes")
        limited = minutes.isdecimal() and 0 < int(minutes) <= _LONGEST_MINUTES
        shared = {**_table(self.root, "env"), **_table(body, "env")}
        return PlannedJob(
            key=f"{self.path}#{job_id}{label}",
            workflow=self.path,
            workflow_name=self.root.word("name") or self.path,
            job_id=job_id,
            name=matrix.fill(name, row) if "matrix" in name else f"{name or job_id}{label}",
            needs=validity.needs(body, _table(self.root, "jobs")),
            runnable=not reason,
            reason=reason,
            timeout_minutes=int(minutes) if limited else _LONGEST_MINUTES,
            skipped=bool(skip),
            may_fail=matrix.fill(body.word("continue-on-error"), row) == "true",
            steps=tuple(_step(step, shared) for step in steps),
            row=row,
            body=body,
            root=self.root,
        )


def _rows(body: Node) -> tuple[tuple[Mapping[str, Node], ...], str]:
    """The combinations of a job's matrix (one without values when there is none), and why it can't be expanded."""
    described = body.get("strategy", "matrix")
    if described is None:
        return ({},), ""
    try:
        return matrix.expand(described), ""
    except matrix.MatrixError as error:
        return ({},), str(error)


def _table(node: Node, key: str) -> Mapping[str, Node]:
    below = node.get(key)
    return (below.table or {}) if below is not None else {}


def _steps(body: Node) -> Sequence[Node]:
    below = body.get("steps")
    return (below.items or ()) if below is not None else ()


def _step(step: Node, shared: Mapping[str, Node]) -> PlannedStep:
    script, uses = step.word("run"), step.word("uses")
    named = [value for variable, value in shared.items() if re.search(rf"\b{re.escape(variable)}\b", script)]
    return PlannedStep(
        title=step.word("name") or f"Run {uses or script.strip().partition(chr(10))[0]}",
        script=script,
        stand_in="checkout" if screening.is_checkout(step) else screening.stand_in(step),
        secrets=tuple(sorted({secret for node in (step, *named) for secret in screening.secrets(node)})),
    )
