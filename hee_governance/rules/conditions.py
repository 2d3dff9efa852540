"""HGV-CI-014: what selects can select, and what a hook runs is there.

Reads conditions of jobs and steps, path filters of workflows and the hooks of pre-commit. Reports what follows from the
files alone: an event that does not start the workflow, a result that nobody waits for, a pattern that no file of the
tree matches. An expression that cannot be judged so is passed over.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hee_governance.document import Unreadable, read
from hee_governance.paths import matches
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding
    from hee_governance.workflow import Job, Workflow

HOOKS = ".pre-commit-config.yaml"
_WRAPPED = re.compile(r"\$\{\{((?:(?!\$\{\{|\}\}).)*)\}\}", re.DOTALL)
_EVENT = re.compile(r"github\.event_name\s*==\s*'([^']*)'")
_RESULT = re.compile(r"(needs|steps)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_.-]+\s*==\s*'[^']+'")
_UNLIKE_OURS = frozenset("[]+?!")  # means something else, or nothing, in the globs of GitHub


def _check_workflow(rule: Rule, context: Context, workflow: Workflow) -> Iterator[Finding]:
    for node in workflow.filters:
        globs = [entry.text for entry in node.value if not entry.text.startswith("!")]
        if globs and not any(_UNLIKE_OURS & set(glob) or _selects(context, glob) for glob in globs):
            message = f"`paths: {', '.join(globs[:3])}` matches none of the {len(context.paths)} files of the tree"
            yield rule.finding(workflow.path, node.line, message, subject=f"paths/{globs[0]}")
    for job in workflow.jobs:
        places = [(job.line, f"job {job.id!r}", job.condition, job.id, 0)]
        places += [
            (step.line, f"step {step.label!r}", step.condition, f"{job.id}/{step.label}", step.number)
            for step in job.steps
        ]
        for line, told, condition, subject, number in places:
            if why := _constant(workflow, job, condition, number):
                yield rule.finding(workflow.path, line, f"{told} {why}", subject=f"if/{subject}")


def _constant(workflow: Workflow, job: Job, condition: str, number: int) -> str:
    """Why a condition always comes out the same; empty where it need not. `number` is the step's, 0 is the job."""
    text = condition.strip()
    whole = _WRAPPED.fullmatch(text)
    if not whole and _WRAPPED.search(text):
        return f"runs always: `if: {text[:60]}` has text around `${{{{ }}}}`, and a text is true"
    terms = [term.strip() for term in (whole[1] if whole else text).split("&&")]
    if "false" in terms:
        return "never runs: its condition is `false`"
    earlier = {step.id for step in job.steps if step.id and (not number or step.number < number)}
    for term in terms:
        if (event := _EVENT.fullmatch(term)) and workflow.events and "workflow_call" not in workflow.events:
            if event[1] not in workflow.events:
                return f"never runs: it waits for the event {event[1]!r}, which does not start this workflow"
        elif result := _RESULT.fullmatch(term):
            if result[1] == "needs" and result[2] not in job.needs:
                return f"never runs: it asks for job {result[2]!r}, which is not among the `needs` of {job.id!r}"
            if result[1] == "steps" and number and result[2] not in earlier:
                return f"never runs: it asks for step {result[2]!r}, and no step before it has that id"
    return ""


def _check_hooks(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    tree = read(context.tree[path])
    if isinstance(tree, Unreadable):
        yield rule.finding(path, tree.line, f"the hooks cannot be read: {tree.message}", severity="UNKNOWN")
        return
    for repository in _listed(tree.get("repos")):
        own = repository.get("repo")
        for hook in _listed(repository.get("hooks")):
            name = _text(hook, "id")
            files = hook.get("files")
            if files and _text(hook, "always_run") != "true" and not _finds(context, files.text):
                message = f"`files: {files.text[:80]}` of hook {name!r} matches none of the {len(context.paths)} files"
                yield rule.finding(path, files.line, message, subject=f"hook/{name}/files")
            entry = hook.get("entry")
            if own and own.text == "local" and entry and not _there(context, entry.text):
                message = f"hook {name!r} runs {entry.text.split()[0]!r}, which does not exist"
                yield rule.finding(path, entry.line, message, subject=f"hook/{name}/entry")


def _finds(context: Context, pattern: str) -> bool:
    """Whether a hook's expression finds a file; one that only Python reads counts as one that does."""
    import re2

    try:
        expression = re2.compile(pattern)
    except re2.error:
        return True
    return any(expression.search(path) for path in context.paths)


def _there(context: Context, entry: str) -> bool:
    """Whether what a local hook runs exists, as far as it is a path of the tree."""
    word = entry.split(maxsplit=1)[0] if entry.split() else ""
    if "/" not in word.removeprefix("./") or word.startswith(("/", "~", "../")) or "$" in word:
        return True
    return context.exists(posixpath.normpath(word))


def _selects(context: Context, glob: str) -> bool:
    return any(matches(glob, path) for path in context.paths)


def _listed(node: Node | None) -> list[Node]:
    entries = node.value if node and isinstance(node.value, list) else []
    return [entry for entry in entries if isinstance(entry.value, dict)]


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return str(found.plain).lower() if found and key == "always_run" else found.text if found else ""


def _hooks(context: Context) -> Iterable[str]:
    return (HOOKS,) if HOOKS in context.tree else ()


def _subjects(context: Context) -> Iterable[Workflow | str]:
    return (*context.workflows, *_hooks(context))


def _check(rule: Rule, context: Context, subject: Workflow | str) -> Iterator[Finding]:
    if isinstance(subject, str):
        yield from _check_hooks(rule, context, subject)
    else:
        yield from _check_workflow(rule, context, subject)


_TODAY = Rule(
    id="HGV-CI-014",
    clause="What a condition, a path filter or a hook selects can be there, and so can what a hook runs.",
    source="HEE: a hook whose expression ended in a stray letter was never selected; prompting rules, rule 16",
    severity="WARNING",
    looks_at="`if`, `paths` and hooks in workflow files and .pre-commit-config.yaml",
    remedy="Correct the condition, pattern or path, or take away what can never run.",
    subjects=_subjects,
    check=_check,
    valid_from="2026-11-24",
    valid_to="2027-01-01",
)
RULES = (_TODAY, replace(_TODAY, severity="ERROR", valid_from="2027-01-01", valid_to=""))
