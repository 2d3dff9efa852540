"""HGV-CI-005: a gate that cannot fail is no gate.

Responsible for steps and jobs, for what excuses them and for the days; how bash lets a failure go is left to `silence`.
A comment that gives a reason and says when the gate gets its teeth back is accepted. What only the finer reading finds is
told from 2026-11-24 and blocks from 2027-01-01, so that no repository that passed fails from one day to the next.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule
from hee_governance.rules.silence import Silence, harmless, silences
from hee_governance.rules.tools import gate_step, promises

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding, Severity
    from hee_governance.shell import Command
    from hee_governance.workflow import Job, Step, Workflow

_FLIP = re.compile(
    r"\b(until|once|when|after|flip\w*|remove\w*|expires?|revisit\w*)\b|\d{4}-\d\d-\d\d|#\d+|https?://", re.IGNORECASE
)
_BAD_NEWS = re.compile(
    r"\u274c|\u26a0|\u2717|\b(fail(ed|ure|s)?|missing|errors?|violations?|not found|invalid|potential)\b", re.IGNORECASE
)


def _check(rule: Rule, _context: Context, workflow: Workflow, *, finer: Severity | None) -> Iterator[Finding]:
    """The findings of the first reading, and with the severity `finer` those that only the finer one makes."""
    for job in workflow.jobs:
        where = f"{workflow.path}#{job.id}"
        if job.lenient and any(gate_step(step) for step in job.steps) and (finer or not _negated(job.lenient)):
            severity: Severity = finer if finer and _negated(job.lenient) else "ERROR"
            lines = (job.lenient.line, job.line)
            yield from _lenient(rule, workflow, lines, f"job {job.id!r}", where, severity=severity)
        for step in job.steps:
            subject = f"{where}/{step.label}"
            if step.lenient and not _outcome_used(job, step) and (finer or not _negated(step.lenient)):
                severity = (finer if finer and _negated(step.lenient) else "ERROR") if gate_step(step) else "WARNING"
                lines = (step.lenient.line, step.line)
                yield from _lenient(rule, workflow, lines, f"step {step.label!r}", subject, severity=severity)
            yield from _script(rule, workflow, step, subject, finer)


def _negated(lenient: Node) -> bool:
    """Says whether a `continue-on-error` is `${{ !false }}`, which the first reading took for an expression."""
    return "!" in lenient.text


def _lenient(
    rule: Rule, workflow: Workflow, lines: tuple[int, int], told: str, subject: str, *, severity: Severity = "ERROR"
) -> Iterator[Finding]:
    """A `continue-on-error` at the first of the lines; a comment counts there and at the second, the step or job."""
    excuse = _excuse(workflow.comment(*lines))
    if excuse != "":
        what = "checks something, but" if severity == "ERROR" else "may fail unseen:"
        message = f"{told} {what} `continue-on-error: true` keeps it green" + (f" ({excuse})" if excuse else "")
        yield rule.finding(workflow.path, lines[0], message, subject=subject, severity=severity)


def _script(rule: Rule, workflow: Workflow, step: Step, subject: str, finer: Severity | None) -> Iterator[Finding]:
    if step.script is None:
        return
    first = _told(step, fine=False)
    known = {(silence.line, silence.tool) for silence in first}
    rest = [each for each in _told(step, fine=True) if (each.line, each.tool) not in known] if finer else []
    for silence in (*first, *dict.fromkeys(rest)):
        line = step.script.line(silence.line)
        excuse = _excuse(workflow.comment(line, step.line))
        if excuse != "":
            said = f" ({excuse})" if excuse else ""
            message = f"`{silence.tool}` cannot fail this step: {silence.why}{said}"
            severity = finer if silence in rest else None
            yield rule.finding(workflow.path, line, message, subject=f"{subject}: {silence.tool}", severity=severity)


def _told(step: Step, *, fine: bool) -> list[Silence]:
    listed = step.commands
    found = list(silences(listed, errexit=step.errexit, pipefail=step.pipefail, fine=fine))
    if not found and promises(step.name, fine=fine) and (spoken := mute(listed, pipefail=step.pipefail, fine=fine)):
        found = [Silence(spoken[0], step.name, f"it only prints {spoken[1]!r} and has no command that could")]
    return found


def mute(listed: tuple[Command, ...], *, pipefail: bool, fine: bool) -> tuple[int, str] | None:
    """Line and words of the first bad news of a script that can only print; None if something in it can fail.

    What stands in a condition, or before a pipe that does not keep its status, decides nothing.
    """
    spoken = None
    asking = False
    pipefail = pipefail or any("pipefail" in command.words for command in listed)
    for command in listed:
        program = command.program
        asking = command.condition or (fine and asking and command.words[0] not in ("then", "do"))
        if asking or not program or program[0] in ("for", "fi", "done", "}", "continue"):
            continue
        if fine and (program[0] == "set" or (command.after in ("|", "|&") and not pipefail)):
            continue
        if not harmless(command, fine=fine):
            return None
        match = _BAD_NEWS.search(" ".join(program[1:]))
        spoken = spoken or (match and (command.line, " ".join(program[1:])[:60].strip()))
    return spoken or None


def _excuse(comment: str) -> str | None:
    """Empty text where the comment gives reason and condition; otherwise what it lacks, None if there is no comment."""
    if not comment:
        return None
    words = re.findall(r"[A-Za-z]{2,}", comment)
    if not _FLIP.search(comment):
        return "its comment says no condition under which the gate is made to fail again"
    return "" if len(words) >= 4 else "its comment gives no reason"


def _outcome_used(job: Job, step: Step) -> bool:
    """Says whether a later step asks how this one ended, which gives it its teeth back."""
    if not step.id:
        return False
    asked = re.compile(rf"steps\.{re.escape(step.id)}\.outcome|steps\[['\"]{re.escape(step.id)}['\"]\]\.outcome")
    return any(asked.search(later.text) for later in job.steps[step.number :])


def _readable(context: Context) -> Iterable[Workflow]:
    return context.workflows


def _version(valid_from: str, valid_to: str, finer: Severity | None) -> Rule:
    return Rule(
        id="HGV-CI-005",
        clause="A gate can fail. What is advisory carries a reason and the condition under which it blocks again.",
        source="HEE prompting rules, rule 16: a permanent green over nothing is the worst outcome",
        severity="ERROR",
        looks_at="steps and jobs that check something, in workflow files",
        remedy="Let the tool's exit status end the step; or write beside it why it is advisory and until when (date or issue).",
        subjects=_readable,
        check=partial(_check, finer=finer),
        valid_from=valid_from,
        valid_to=valid_to,
    )


RULES = (
    _version("2026-01-24", "2026-11-24", None),
    _version("2026-11-24", "2027-01-01", "WARNING"),
    _version("2027-01-01", "", "ERROR"),
)
