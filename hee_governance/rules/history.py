"""HGV-CI-002 and HGV-CI-008: a job that asks history has it, and another repository's tooling is pinned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding
    from hee_governance.workflow import Job, Step, Workflow

_ASKS = re.compile(r"log|merge-base|describe|rev-list|blame|diff|merge|cherry|shortlog")
_FIXED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|stable|v?\d+(\.\d+)*|refs/tags/.+|\$\{\{.*\}\}")
_SPANS = re.compile(r"\.\.|origin/|main|master|HEAD[~^]|@\{|--since|--all")


def _check_history(rule: Rule, _: Context, subject: tuple[Workflow, Job]) -> Iterator[Finding]:
    workflow, job = subject
    checkout = next((step for step in job.steps if _is_checkout(step) and not step.input("repository")), None)
    if checkout is None or checkout.input("fetch-depth") == "0":
        return
    for step in job.steps:
        for command in step.commands:
            words = command.program
            if words[:1] == ("git",) and len(words) > 1 and words[1] in ("fetch", "pull"):
                return  # it brings what it needs itself
            asks = words[:1] == ("git",) and any(_ASKS.fullmatch(word) for word in words[1:3])
            spans = any(_SPANS.search(word) for word in words[1:]) or (
                len(words) > 1 and words[1] in ("describe", "merge-base")
            )
            if asks and spans and step.script:
                message = f"`{' '.join(words[:4])}` asks history, and the checkout brings one commit"
                yield rule.finding(
                    workflow.path, step.script.line(command.line), message, subject=f"{job.id}/{words[1]}"
                )


def _check_tooling(rule: Rule, _: Context, subject: tuple[Workflow, Job]) -> Iterator[Finding]:
    workflow, job = subject
    for step in job.steps:
        name = step.input("repository")
        if not _is_checkout(step) or not name or "${{" in name:
            continue
        if not _FIXED.fullmatch(step.input("ref")):
            said = f"at {step.input('ref')}" if step.input("ref") else "at its default branch"
            message = f"{name} is checked out {said}: a change there turns this job red or green"
            yield rule.finding(workflow.path, step.line, message, subject=f"checkout/{name}")


def _is_checkout(step: Step) -> bool:
    return bool(step.uses and step.uses.text.startswith("actions/checkout@"))


def _jobs(context: Context) -> Iterable[tuple[Workflow, Job]]:
    return tuple((workflow, job) for workflow in context.workflows for job in workflow.jobs)


RULES = (
    Rule(
        id="HGV-CI-002",
        clause="A job that asks history checks it out whole.",
        source="HEE CI/CD governance 2",
        severity="ERROR",
        looks_at="jobs whose scripts ask git about more than one commit",
        remedy="Set `fetch-depth: 0` at the checkout, or fetch what the command needs.",
        subjects=_jobs,
        check=_check_history,
        valid_from="2027-01-01",
    ),
    Rule(
        id="HGV-CI-008",
        clause="Tooling of another repository is checked out at a commit, a tag or `stable`.",
        source="HEE prompting rules 16, stable.yaml",
        severity="WARNING",
        looks_at="checkouts of other repositories in workflow files",
        remedy="Name a commit, a tag or `stable` as `ref`.",
        subjects=_jobs,
        check=_check_tooling,
        valid_from="2027-01-01",
    ),
)
