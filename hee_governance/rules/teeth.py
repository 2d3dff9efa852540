"""HGV-CI-005: a gate that cannot fail is no gate.

Reads steps with bash's own rules for `-e`, `pipefail` and and-or lists, so that a finding is true when tried by hand:
`pytest; exit 0` fails under the platform's `bash -e`, while `pytest | tee log` does not, because only an explicit
`shell: bash` sets pipefail. A comment that gives a reason and says when the gate gets its teeth back is accepted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule
from hee_governance.rules.tools import check_tool, gate_step, promises
from hee_governance.shell import commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding, Severity
    from hee_governance.shell import Command
    from hee_governance.workflow import Job, Step, Workflow

_FLIP = re.compile(
    r"\b(until|once|when|after|flip\w*|remove\w*|expires?|revisit\w*)\b|\d{4}-\d\d-\d\d|#\d+|https?://", re.IGNORECASE
)
_BAD_NEWS = re.compile(
    r"\u274c|\u26a0|\u2717|\b(fail(ed|ure|s)?|missing|errors?|violations?|not found|invalid|potential)\b", re.IGNORECASE
)
_SILENCED = re.compile(r"--(exit-zero|no-fail|soft-fail|(issues-exit-code|exit-code)=0)")
_PRINTS = ("echo", "printf", "true", ":", "cat")
_FILTERS = ("tee", "cat", "tail", "head", "sed", "awk", "sort", "uniq", "ts", "less", "column", "tr", "cut")
_RECORDS = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE")


def _check(rule: Rule, _context: Context, workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs:
        where = f"{workflow.path}#{job.id}"
        if job.lenient and any(gate_step(step) for step in job.steps):
            yield from _lenient(rule, workflow, (job.lenient.line, job.line), f"job {job.id!r}", where)
        for step in job.steps:
            subject = f"{where}/{step.label}"
            if step.lenient and not _outcome_used(job, step):
                severity: Severity = "ERROR" if gate_step(step) else "WARNING"
                lines = (step.lenient.line, step.line)
                yield from _lenient(rule, workflow, lines, f"step {step.label!r}", subject, severity=severity)
            yield from _script(rule, workflow, step, subject)


def _lenient(
    rule: Rule, workflow: Workflow, lines: tuple[int, int], told: str, subject: str, *, severity: Severity = "ERROR"
) -> Iterator[Finding]:
    """A `continue-on-error` at the first of the lines; a comment counts there and at the second, the step or job."""
    excuse = _excuse(workflow.comment(*lines))
    if excuse != "":
        what = "checks something, but" if severity == "ERROR" else "may fail unseen:"
        message = f"{told} {what} `continue-on-error: true` keeps it green" + (f" ({excuse})" if excuse else "")
        yield rule.finding(workflow.path, lines[0], message, subject=subject, severity=severity)


def _script(rule: Rule, workflow: Workflow, step: Step, subject: str) -> Iterator[Finding]:
    if step.script is None:
        return
    listed = step.commands
    found = list(toothless(listed, errexit=step.errexit, pipefail=step.pipefail))
    if not found and promises(step.name) and (spoken := mute(listed, pipefail=step.pipefail)):
        found = [(spoken[0], step.name, f"it only prints {spoken[1]!r} and has no command that could")]
    for offset, tool, why in found:
        line = step.script.line(offset)
        excuse = _excuse(workflow.comment(line, step.line))
        if excuse != "":
            said = f" ({excuse})" if excuse else ""
            message = f"`{tool}` cannot fail this step: {why}{said}"
            yield rule.finding(workflow.path, line, message, subject=f"{subject}: {tool}")


def mute(listed: tuple[Command, ...], *, pipefail: bool = False) -> tuple[int, str] | None:
    """Line and words of the first bad news of a script that can only print; None if something in it can fail.

    What stands in a condition, or before a pipe that does not keep its status, decides nothing.
    """
    spoken = None
    asking = False
    pipefail = pipefail or any("pipefail" in command.words for command in listed)
    for command in listed:
        program = command.program
        asking = command.condition or (asking and command.words[0] not in ("then", "do"))
        if asking or not program or program[0] in ("for", "fi", "done", "}", "continue", "set"):
            continue
        if command.after in ("|", "|&") and not pipefail:
            continue
        if not _harmless(command):
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


def toothless(listed: tuple[Command, ...], *, errexit: bool, pipefail: bool) -> Iterator[tuple[int, str, str]]:
    """The check tools of a script whose failure cannot fail it: line from 0, the tool's words, why."""
    trapped = False
    for at, command in enumerate(listed):
        program = command.program
        if program[:1] == ("set",):
            errexit, pipefail = _set(program, errexit=errexit, pipefail=pipefail)
        trapped = trapped or (program[:1] == ("trap",) and _ends_well(program))
        if script := _handed_on(program):
            inner = toothless(commands(script), errexit=program[1:2] == ("-ec",), pipefail=False)
            yield from ((command.line, tool, why) for _, tool, why in inner)
        for tool in _inside(program):
            yield command.line, tool, f"its status is lost among the words of `{program[0]}`"
        tool = check_tool(program)
        if not tool:
            continue
        why = "a `trap` ends the script with 0" if trapped else _silent(listed, at, errexit=errexit, pipefail=pipefail)
        if why:
            yield command.line, tool, why


def _ends_well(program: tuple[str, ...]) -> bool:
    """Says whether a `trap` turns every end of the script into success."""
    return bool(re.search(r"\bexit 0\b", program[1] if program[1:] else "")) and bool(
        {"EXIT", "ERR", "0"} & {*program[2:]}
    )


def _handed_on(program: tuple[str, ...]) -> str:
    """The script that a command hands to another shell, or to `eval`, word for word."""
    if program[:1] == ("eval",):
        return " ".join(program[1:])
    shell = program[:1] and program[0].rpartition("/")[2] in ("bash", "sh")
    return program[2] if shell and len(program) > 2 and program[1] in ("-c", "-ec") else ""


def _inside(program: tuple[str, ...]) -> Iterator[str]:
    """The check tools whose output a command that only prints has among its words."""
    if program[:1] and program[0] in _PRINTS:
        for inner in (inner for word in program[1:] for inner in re.findall(r"\$\(([^()]{1,200})\)", word)):
            yield from filter(None, (check_tool(command.program) for command in commands(inner)))


def _silent(listed: tuple[Command, ...], at: int, *, errexit: bool, pipefail: bool) -> str:
    command = listed[at]
    if match := _SILENCED.search(" ".join(command.program).replace("exit-code 0", "exit-code=0")):
        return f"`{match[0]}` makes it succeed whatever it finds"
    if command.program[:2] == ("make", "-i") or "--ignore-errors" in command.program:
        return "it is told to ignore errors"
    if command.words[0] == "!" and command.program[0] != "git":
        return "`!` turns its failure into success"
    if command.condition:
        return "" if _acts(listed, at) else "its result is only printed"
    last = _pipeline_end(listed, at)
    rest = listed[last + 1 :]
    if last > at and not pipefail and listed[last].program[:1] and listed[last].program[0] in _FILTERS:
        if any("PIPESTATUS" in word for later in rest for word in later.words):
            return ""
        return f"the pipe keeps only the status of `{listed[last].program[0]}` (`shell: bash` would set pipefail)"
    return _in_list(listed, last, errexit=errexit)


def _in_list(listed: tuple[Command, ...], at: int, *, errexit: bool) -> str:
    """Follows the and-or list that a pipeline stands in."""
    chained = False
    position = at
    while position < len(listed) - 1 and listed[position].after in ("&&", "|", "|&"):
        chained = chained or listed[position].after == "&&"
        position += 1
    while position < len(listed) - 1 and listed[position + 1].words[0] in (")", "}"):
        position += 1  # the last of a group speaks for the group
    command = listed[position]
    if command.after == "&" and not any(
        later.program[:1] == ("wait",) and later.program[1:] for later in listed[position:]
    ):
        return "it runs in the background, and nobody asks how it ended"
    if command.after == "||":
        alternative = _alternative(listed, position + 1) or _kept(listed, position + 1)
        return f"`|| {alternative}` turns its failure into success" if alternative else ""
    last = position == len(listed) - 1
    if (
        command.after == "&"
        or command.depth
        or last
        or any("$?" in word or "PIPESTATUS" in word for word in listed[position + 1].words)
    ):
        return ""
    if not errexit:
        return "`set -e` is off, and later commands decide how the step ends"
    return "bash does not stop where the first part of an `&&` list fails, and the step goes on" if chained else ""


def _alternative(listed: tuple[Command, ...], at: int) -> str:
    """What runs instead of a failed tool, where that always succeeds; empty text where it may not."""
    group = [listed[at]] if at < len(listed) else []
    if group and group[0].words[0] in ("{", "("):
        closing = {"{": "}", "(": ")"}[group[0].words[0]]
        end = next((n for n in range(at + 1, len(listed)) if listed[n].words[0] == closing), len(listed) - 1)
        group = list(listed[at : end + 1])
    harmless = [_harmless(command) for command in group if command.program not in ((), ("}",), ("(",), (")",))]
    follows = group[-1].after if group else ""
    if not harmless or not all(harmless) or follows in ("&&", "|"):
        return ""
    return " ".join(group[0].words[:3]) if len(group) == 1 else "{ … }"


def _kept(listed: tuple[Command, ...], at: int) -> str:
    """The assignment that keeps a failed tool's status where nobody asks for it any more; empty text elsewhere."""
    name, equals, value = listed[at].words[0].partition("=") if at < len(listed) else ("", "", "")
    if not equals or value != "$?" or len(listed[at].words) > 1:
        return ""
    asked = re.compile(rf"\$\{{?{re.escape(name)}\b|\b{re.escape(name)}\b")
    heard = any(asked.search(" ".join(later.words)) for later in listed[at + 1 :] if not _only_prints(later))
    return "" if heard else listed[at].words[0]


def _only_prints(command: Command) -> bool:
    return bool(command.program) and not command.condition and _harmless(command)


def _harmless(command: Command) -> bool:
    """Says whether a command always succeeds and tells nobody who could act on it."""
    program = command.program
    if program == ("exit", "0"):
        return True
    recorded = any(name in word for word in command.words for name in _RECORDS)
    return program[0].removeprefix("/usr").removeprefix("/bin/") in _PRINTS and not recorded


def _acts(listed: tuple[Command, ...], at: int) -> bool:
    """Says whether an `if` over a tool does anything but print; a loop's condition counts as acting."""
    if "if" not in listed[at].words[:3] or listed[at].after in ("&&", "||", "|"):
        return True
    depth = listed[at].depth
    for later in listed[at + 1 :]:
        if later.words[0] == "fi" and later.depth == depth:
            return False
        if later.program and not _harmless(later):
            return True
    return True


def _pipeline_end(listed: tuple[Command, ...], at: int) -> int:
    while at < len(listed) - 1 and listed[at].after in ("|", "|&"):
        at += 1
    return at


def _set(words: tuple[str, ...], *, errexit: bool, pipefail: bool) -> tuple[bool, bool]:
    for number, word in enumerate(words):
        on = word.startswith("-")
        if re.fullmatch(r"[-+][a-z]*e[a-z]*", word):
            errexit = on
        if re.fullmatch(r"[-+][a-z]*o", word):
            name = words[number + 1] if number + 1 < len(words) else ""
            errexit = on if name == "errexit" else errexit
            pipefail = on if name == "pipefail" else pipefail
    return errexit, pipefail


def _readable(context: Context) -> Iterable[Workflow]:
    return context.workflows


RULES = (
    Rule(
        id="HGV-CI-005",
        clause="A gate can fail. What is advisory carries a reason and the condition under which it blocks again.",
        source="HEE prompting rules, rule 16: a permanent green over nothing is the worst outcome",
        severity="ERROR",
        looks_at="steps and jobs that check something, in workflow files",
        remedy="Let the tool's exit status end the step; or write beside it why it is advisory and until when (date or issue).",
        subjects=_readable,
        check=_check,
    ),
)
