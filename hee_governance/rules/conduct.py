"""HGV-CI-007, HGV-CI-012 and HGV-DOC-004: names claim what is so, a commit is judged once, and templates are filled in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.document import Unreadable, read
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding
    from hee_governance.workflow import Job, Workflow

_ORGANIZATION = re.compile(r"\bHEE\b")
_PLACEHOLDER = re.compile(
    r"HEE-PLACEHOLDER|\[(?:Insert|Your|TODO)\b[^\]\n]{0,60}\](?!\()|<placeholder>|^\s*(?:[-*]\s+)?(?:\*\*)?[A-Z][\w ]{0,30}(?:\*\*)?:\s*TBD\s*$",
    re.IGNORECASE,
)
_TOLD = ("README.md", "CODEOWNERS", ".github/CODEOWNERS", "SECURITY.md", "CONTRIBUTING.md", "docs/CODEOWNERS")


def _provenance(rule: Rule, _: Context, subject: tuple[Workflow, Job]) -> Iterator[Finding]:
    workflow, job = subject
    foreign = job.uses is not None or any(
        (step.uses is not None and not step.uses.text.startswith(("actions/", "./"))) or step.input("repository")
        for step in job.steps
    )
    own = next(
        (
            word
            for step in job.steps
            for command in step.commands
            for word in command.program
            if word.startswith(("scripts/", "./scripts/", "tools/", "ci/"))
        ),
        "",
    )
    if _ORGANIZATION.search(job.name) and own and not foreign:
        message = f"job {job.name!r} claims the organization's tooling and runs this repository's {own}"
        yield rule.finding(workflow.path, job.line, message, subject=f"provenance/{job.id}")


def _twice(rule: Rule, context: Context, workflow: Workflow) -> Iterator[Finding]:
    tree = read(context.tree[workflow.path])
    triggers = None if isinstance(tree, Unreadable) or tree.get("concurrency") else tree.get("on")
    if triggers is None:
        return
    push, pull = _trigger(triggers, "push"), _trigger(triggers, "pull_request")
    if (
        push is None
        or pull is None
        or any(push.get(word) is not None for word in ("branches", "tags", "branches-ignore"))
    ):
        return
    message = "a push to a branch with a pull request runs this twice, and nothing cancels the older run"
    yield rule.finding(workflow.path, triggers.line, message, subject="triggers")


def _trigger(triggers: Node, name: str) -> Node | None:
    """What a workflow says about one event; None if it does not listen to it."""
    if isinstance(triggers.value, list):
        return next((entry for entry in triggers.value if entry.text == name), None)
    return triggers.get(name) or (triggers if triggers.text == name else None)


def _unfilled(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    fenced = False
    for number, row in enumerate(context.tree[path].decode("utf-8", "replace").splitlines(), 1):
        fenced ^= row.lstrip().startswith(("```", "~~~"))
        found = None if fenced else _PLACEHOLDER.search(re.sub(r"`[^`]*`", "", row))
        if found:
            yield rule.finding(path, number, f"`{found[0].strip()[:60]}` was never filled in", subject=found[0].strip())


def _jobs(context: Context) -> Iterable[tuple[Workflow, Job]]:
    return tuple((workflow, job) for workflow in context.workflows for job in workflow.jobs)


RULES = (
    Rule(
        id="HGV-CI-007",
        clause="A job's name does not claim the organization's tooling for what this repository wrote.",
        source="HEE prompting rules 16",
        severity="WARNING",
        looks_at="names of jobs in workflow files",
        remedy="Name the job after what it runs, or check out the organization's tooling and run that.",
        subjects=_jobs,
        check=_provenance,
        valid_from="2027-01-01",
    ),
    Rule(
        id="HGV-CI-012",
        clause="A commit is judged once: a workflow for pushes and pull requests names branches or a concurrency group.",
        source="HEE CI history: every push ran twice",
        severity="WARNING",
        looks_at="triggers of workflow files",
        remedy="Name the branches of `push`, or set `concurrency` with `cancel-in-progress: true`.",
        subjects=lambda context: context.workflows,
        check=_twice,
        valid_from="2027-01-01",
    ),
    Rule(
        id="HGV-DOC-004",
        clause="No placeholder is left in what readers are told first.",
        source="HEE documentation policy 4",
        severity="ERROR",
        looks_at="README, CODEOWNERS, SECURITY and CONTRIBUTING",
        remedy="Write what belongs there, or restore the text that a template replaced.",
        subjects=lambda context: tuple(path for path in _TOLD if path in context.tree),
        check=_unfilled,
        valid_from="2027-01-01",
    ),
)
