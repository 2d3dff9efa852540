"""HGV-CI-009: a workflow runs what it names, with the rights it declares, for as long as it says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding
    from hee_governance.workflow import Workflow

_PINNED = re.compile(r".+@([0-9a-f]{40}|[0-9a-f]{64})")
_IMAGE = re.compile(r"docker://.+@sha256:[0-9a-f]{64}")


def _check(rule: Rule, _context: Context, workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs:
        used = [*(step.uses for step in job.steps if step.uses), *([job.uses] if job.uses else [])]
        for node in used:
            yield from _pin(rule, workflow, node)
    bare = [job for job in workflow.jobs if not job.permissions]
    if bare and not workflow.permissions:
        named = ", ".join(job.id for job in bare[:5])
        message = f"no `permissions`: the token of {named} has the repository's default rights"
        remedy = "Declare `permissions: {contents: read}` for the workflow, and more only in the job that needs it."
        yield rule.finding(workflow.path, workflow.line, message, subject="permissions", remedy=remedy)
    for job in workflow.jobs:
        if not job.timeout and job.uses is None:
            message = f"job {job.id!r} has no `timeout-minutes`: a hang holds its runner for six hours"
            remedy = "Set `timeout-minutes` to a few times what the job usually takes."
            yield rule.finding(workflow.path, job.line, message, subject=f"timeout/{job.id}", remedy=remedy)


def _pin(rule: Rule, workflow: Workflow, node: Node) -> Iterator[Finding]:
    name = node.text
    if name.startswith("./") or _PINNED.fullmatch(name) or _IMAGE.fullmatch(name):
        return
    what = "image" if name.startswith("docker://") else "action"
    message = f"{what} {name} is not pinned: its content can change without a commit here"
    remedy = "Pin it to the full commit SHA, with the version in a comment."
    if what == "image":
        remedy = "Pin it to its digest (`@sha256:…`), with the tag in a comment."
    yield rule.finding(workflow.path, node.line, message, subject=f"uses/{name}", remedy=remedy)


def _readable(context: Context) -> Iterable[Workflow]:
    return context.workflows


_TODAY = Rule(
    id="HGV-CI-009",
    clause="Actions are pinned to a commit, permissions are declared, every job has a timeout.",
    source="HEE CI/CD governance; measured on its own workflows",
    severity="WARNING",
    looks_at="`uses`, `permissions` and `timeout-minutes` in workflow files",
    remedy="Pin to the full commit SHA with the version in a comment; declare `permissions`; set `timeout-minutes`.",
    subjects=_readable,
    check=_check,
    valid_to="2027-01-01",
)
RULES = (_TODAY, replace(_TODAY, severity="ERROR", valid_from="2027-01-01", valid_to=""))
