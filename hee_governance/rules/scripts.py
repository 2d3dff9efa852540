"""HGV-CI-001, HGV-CMD-001 and WC-003: what a script concludes follows from what it ran.

A difference is no conflict, so only a merge that was tried shows one; and a status that the shell never lets anybody
read is not looked at, however plainly it is written down. A commit that passes its hooks by proves nothing.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding
    from hee_governance.shell import Command
    from hee_governance.workflow import Job, Step, Workflow

_CONFLICT = re.compile(r"\bconflict", re.IGNORECASE)
_QUIET = ("--exit-code", "--quiet")
_TRIES = ("merge", "merge-tree", "rebase", "cherry-pick", "apply", "am", "pull")
_ERREXIT = re.compile(r"[-+][a-z]*e[a-z]*")


def _conflicts(rule: Rule, _: Context, subject: tuple[Workflow, Job, Step]) -> Iterator[Finding]:
    workflow, job, step = subject
    if step.script is None or not _CONFLICT.search(f"{step.name}\n{step.script.text}"):
        return
    asked = [command for command in step.commands if command.program[:1] == ("git",)]
    if any(word in _TRIES for command in asked for word in command.program[1:3]):
        return
    for command in asked:
        if command.program[1:2] == ("diff",) and (command.condition or set(_QUIET) & set(command.program)):
            message = f"`{' '.join(command.program[:4])}` says that files differ, and the step calls it a conflict"
            line = step.script.line(command.line)
            yield rule.finding(workflow.path, line, message, subject=f"{job.id}/{step.label}")


def _statuses(rule: Rule, _: Context, subject: tuple[Workflow, Job, Step]) -> Iterator[Finding]:
    workflow, job, step = subject
    for command, reader in unread(step.commands, errexit=step.errexit) if step.script else ():
        message = f"`{' '.join(reader.words[:3])}` reads a status that is 0 or never reached: `set -e` ends the step at"
        message += f" `{' '.join(command.program[:3])}`"
        line = step.script.line(reader.line) if step.script else 0
        yield rule.finding(workflow.path, line, message, subject=f"{job.id}/{step.label}")


def unread(listed: tuple[Command, ...], *, errexit: bool) -> Iterator[tuple[Command, Command]]:
    """The commands whose status the next one means to read, while the shell ends at a failure: both of them."""
    for command, reader in pairwise(listed):
        if command.program[:1] == ("set",):
            for word, name in zip(command.program[1:], (*command.program[2:], ""), strict=True):
                if _ERREXIT.fullmatch(word) or (word in ("-o", "+o") and name == "errexit"):
                    errexit = word.startswith("-")
        plain = command.after in ("", ";", "\n") and not command.condition and not command.depth and command.program
        reads = any(re.match(r"\w+=\"?\$\?\"?$", word) for word in reader.words[:2]) or (
            reader.program[:1] in (("[",), ("test",), ("[[",)) and any("$?" in word for word in reader.words)
        )
        if errexit and plain and reads and command.program[0] not in ("set", "echo", "true", ":", "printf"):
            yield command, reader


def _bypasses(rule: Rule, _: Context, subject: tuple[Workflow, Job, Step]) -> Iterator[Finding]:
    workflow, job, step = subject
    for command in step.commands if step.script else ():
        words = command.program
        if (
            words[:1] == ("git",)
            and "--no-verify" in words
            and {"commit", "push", "merge"} & set(words)
            and step.script
        ):
            message = f"`{' '.join(words[:4])}` passes the hooks by"
            line = step.script.line(command.line)
            yield rule.finding(workflow.path, line, message, subject=f"{job.id}/{step.label}")


def _steps(context: Context) -> Iterable[tuple[Workflow, Job, Step]]:
    return tuple(
        (workflow, job, step)
        for workflow in context.workflows
        for job in workflow.jobs
        for step in job.steps
        if step.script
    )


RULES = (
    Rule(
        id="HGV-CI-001",
        clause="Who looks for conflicts tries the merge; a difference is no conflict.",
        source="HEE CI/CD governance 1",
        severity="ERROR",
        looks_at="steps that speak of conflicts, in workflow files",
        remedy="Try it: `git merge --no-commit --no-ff`, or `git merge-tree --write-tree` without touching the tree.",
        subjects=_steps,
        check=_conflicts,
        valid_from="2027-01-01",
    ),
    Rule(
        id="HGV-CMD-001",
        clause="A status that a script reads can be other than 0.",
        source="HEE policy, section 6: a discarded status is no negative result",
        severity="ERROR",
        looks_at="scripts of steps that read `$?` under `set -e`",
        remedy="Write `command || code=$?`, or `set +e` before the command and `set -e` after its status is read.",
        subjects=_steps,
        check=_statuses,
        valid_from="2027-01-01",
    ),
    Rule(
        id="WC-003",
        clause="Commits pass the hooks of the repository.",
        source="HEE violation metrics",
        severity="ERROR",
        looks_at="scripts of steps that call git, in workflow files",
        remedy="Let the hooks run; one that is wrong is corrected, or waived with an end.",
        subjects=_steps,
        check=_bypasses,
        valid_from="2027-01-01",
    ),
)
