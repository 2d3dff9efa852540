"""HGV-CI-006: who says that everything passed has asked everything.

A message such as "all checks passed" is a claim. It is true by construction where the step only runs after success;
under `if: always()` or in a job that waits for nothing it must look at the results itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule
from hee_governance.rules.tools import gate_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding
    from hee_governance.workflow import Job, Step, Workflow

_CLAIM = re.compile(
    r"\b(all|every)\b[^\n]{0,60}\b(checks?|tests?|gates?|jobs?|validations?)\b[^\n]{0,30}"
    r"\b(pass(?:ed|es)?|green|succe(?:eded|ss\w*)|ok)\b",
    re.IGNORECASE,
)
_ANYWAY = re.compile(r"\balways\(\)|!\s*cancelled\(\)")
_ASKS = re.compile(
    r"\bneeds\.|needs\[|\bsteps\.|\bjob\.status\b|\b(?:success|failure)\(\)|toJSON\(needs\)", re.IGNORECASE
)
_FETCH = re.compile(r"actions/(checkout|setup-|cache|download-artifact)")


def _check(rule: Rule, _context: Context, workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs:
        for step in job.steps:
            why = _baseless(workflow, job, step)
            for line, claim in _claims(step) if why else ():
                subject = f"{workflow.path}#{job.id}/{step.label}"
                yield rule.finding(workflow.path, line, f"says {claim!r}, but {why}", subject=subject)


def _claims(step: Step) -> Iterator[tuple[int, str]]:
    if step.script is None:
        return
    for command in step.commands:
        match = (
            _CLAIM.search(" ".join(command.program[1:])) if command.program[:1] in (("echo",), ("printf",)) else None
        )
        if match:
            yield step.script.line(command.line), match[0][:80]


def _baseless(workflow: Workflow, job: Job, step: Step) -> str:
    """Why a claim of this step does not depend on results; empty if it does."""
    if _ASKS.search(step.text) or _asked_in(job.condition):
        return ""
    if _ANYWAY.search(step.condition):
        return "the step runs whatever happened and looks at no result"
    others = [other.id for other in workflow.jobs if other.id != job.id]
    if job.needs:
        lenient = [other.id for other in workflow.jobs if other.id in job.needs and other.lenient]
        if not _ANYWAY.search(job.condition):
            return f"job {lenient[0]!r} counts as passed whatever it finds" if lenient else ""
        asked = any(_ASKS.search(earlier.text) for earlier in job.steps[: step.number - 1])
        return "" if asked else "the job runs whatever became of the jobs it needs and looks at no result"
    earlier = job.steps[: step.number - 1]
    if any(gate_step(other) or not (other.uses and _FETCH.match(other.uses.text)) for other in earlier):
        return ""
    return f"nothing ran before it and it waits for none of the other jobs ({', '.join(others[:3])})" if others else ""


def _asked_in(condition: str) -> bool:
    return bool(_ASKS.search(condition))


def _readable(context: Context) -> Iterable[Workflow]:
    return context.workflows


RULES = (
    Rule(
        id="HGV-CI-006",
        clause="A step that says everything passed depends on the results it speaks of.",
        source="HEE CI pipeline, final validation: it printed success unconditionally",
        severity="ERROR",
        looks_at="steps that print a claim of success, in workflow files",
        remedy="Let the job need the jobs it speaks of and test `needs.*.result`, or drop `always()`.",
        subjects=_readable,
        check=_check,
    ),
)
