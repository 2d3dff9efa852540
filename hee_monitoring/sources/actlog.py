"""Reads what `act --json` said about one job, with the logs of its steps, as GitHub would have shown it.

Responsible for telling apart how the steps ended, what the job printed, and what act itself could not do. The log has, for
each step that ran, `##[group]Run …` with the script and `##[endgroup]`, then the output with `::error …::x` as `##[error]x`,
and `##[error]Process completed with exit code N.` where it failed; there are no timestamps and no prefixes.

Invariant: a job is a FAILURE only if a step's own command failed; whatever act was unable to do is UNKNOWN with a reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hee_monitoring.evidence import Annotation, Conclusion, Step
from hee_monitoring.redact import publishable
from hee_monitoring.screening import PREINSTALLED
from hee_monitoring.sources import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hee_monitoring.workflow import PlannedJob, PlannedStep

_EXIT = re.compile(r"exit status (\d+)|exit with `FAILURE`: (\d+)")
_LATE = re.compile(r"cancelled|deadline exceeded")
_MISSING = re.compile(
    rb"(?:^|[:\s])([\w.+-]+): (?:command )?not found\s*$|make: ([\w.+-]+): No such file", re.MULTILINE
)
_LAST = 16 * 1024
_MOST_ANNOTATIONS = 50
_OUTSIDE = (
    (re.compile(rb"No space left on device|\bENOSPC\b"), "ran out of disk space on this machine"),
    (
        re.compile(rb"Read-only file system|\bEROFS\b"),
        "writes outside its own directory, which the sandbox keeps read-only",
    ),
    (
        re.compile(rb"Cannot connect to the Docker daemon|[Dd]ocker\.sock"),
        "needs Docker, which is kept from reaching your machine",
    ),
    (
        re.compile(rb"sudo: .*(?:no new privileges|effective uid is not 0|must be owned by uid 0)"),
        "runs sudo, which does nothing here",
    ),
)


@dataclass(slots=True)
class _Seen:
    """What act said of one step."""

    started: bool = False
    result: str = ""
    forgiven: bool = False
    errors: list[str] = field(default_factory=list)
    output: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Spoken:
    """What act said of one job: its steps by number, how it ended, and act's own complaints."""

    steps: dict[int, _Seen] = field(default_factory=dict)
    result: str = ""
    heard: bool = False
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StepLog:
    """What a step printed; `code` is None when it did not come to its end, or when only act knows (not `wrapped`)."""

    text: bytes
    code: int | None
    wrapped: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended, in the words of the evidence."""

    conclusion: Conclusion
    reason: str
    log: bytes
    steps: tuple[Step, ...]
    annotations: tuple[Annotation, ...]


def listen(output: bytes, job_id: str) -> Spoken:
    """Sorts act's lines; lines that are not JSON are act's complaints."""
    spoken = Spoken()
    for line in output.split(b"\n"):
        if not line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            spoken.complaints.append(line.decode("utf-8", "replace"))
            continue
        if isinstance(event, dict) and event.get("jobID") == job_id:
            spoken.heard = True
            _hear(spoken, event)
        elif isinstance(event, dict) and event.get("level") in ("error", "fatal", "panic"):
            spoken.complaints.append(str(event.get("msg", "")))
    return spoken


def _hear(spoken: Spoken, event: Mapping[str, Any]) -> None:
    spoken.result = str(event.get("jobResult") or spoken.result)
    message, number = str(event.get("msg", "")), str(event.get("step", ""))
    inner = len(event.get("stepID") or ()) > 1
    if not number.isdecimal():
        if event.get("level") == "error":
            spoken.complaints.append(message)
        return
    step = spoken.steps.setdefault(int(number), _Seen())
    step.started = True
    if event.get("raw_output"):
        step.output.append(message.encode("utf-8", "surrogateescape"))
    elif "raw" in event:
        step.output.append(str(event["raw"]).encode("utf-8", "surrogateescape"))
    elif "command" in event:
        return
    elif event.get("stepResult") and not inner:
        # The stages of an action (Pre, Main, Post) each have a result; one failure is the step's.
        step.result = "failure" if step.result == "failure" else str(event["stepResult"])
    elif message == "Failed but continue next step" and not inner:
        step.forgiven = True
    elif event.get("level") == "error":
        step.errors.append(message)


def judge(
    job: PlannedJob, spoken: Spoken, logs: Mapping[int, StepLog], installed: Callable[[str], bool], *, ended: bool
) -> Outcome:
    """Puts the job together; `logs` are of the steps that ran behind the wrapper, by number from 0.

    `ended` says that act came to its own end; if it did and never spoke of the job, the job's condition was not met.
    """
    if ended and not spoken.heard and not complaint(spoken):
        return Outcome(Conclusion.SKIPPED, "its condition was not met", b"", (), ())
    parts: list[bytes] = []
    steps: list[Step] = []
    annotations: list[Annotation] = []
    masks: list[bytes] = []
    blame: str | None = None
    lacking = ""
    for number, planned in enumerate(job.steps):
        seen = spoken.steps.get(number, _Seen())
        said = b"".join(seen.output)  # what the log could not take, or all of it where there is none
        log = (
            replace(logs[number], text=logs[number].text + said)
            if number in logs
            else StepLog(said, None, wrapped=False)
        )
        conclusion = _concluded(seen)
        if seen.started:
            shown, noted = commands.shown(log.text, masks)
            ending = _ending(seen, planned, log)
            parts += [_heading(planned), shown, b"" if not shown or shown.endswith(b"\n") else b"\n", ending]
            annotations += noted
            annotations += [Annotation(ending.decode().removeprefix("##[error]").strip())] if ending else []
        if conclusion is Conclusion.FAILURE and blame is None:
            blame = lacking or _why_not_judged(planned, seen, log, installed)
        if seen.forgiven and planned.stand_in and any(not later.stand_in for later in job.steps[number + 1 :]):
            # What comes after an action that was not had here says nothing, whether it passes or not.
            lacking = lacking or _why_not_judged(planned, seen, log, installed)
        steps.append(Step(publishable(planned.title, limit=200), number + 1, conclusion))
    conclusion, reason = _verdict(spoken, blame, lacking)
    text = b"".join(parts)
    for mask in masks:
        text = text.replace(mask, b"***")
    return Outcome(conclusion, reason, text, tuple(steps), tuple(annotations[:_MOST_ANNOTATIONS]))


def _verdict(spoken: Spoken, blame: str | None, lacking: str) -> tuple[Conclusion, str]:
    """How the job ended; `blame` is why its first failed step says nothing, empty when it does, None when none failed.

    `lacking` is what a step that may fail could not have here, and that steps after it did without.
    """
    if spoken.result == "success":
        return (Conclusion.UNKNOWN, lacking) if lacking else (Conclusion.SUCCESS, "")
    if spoken.result == "failure":
        if blame == "":
            return Conclusion.FAILURE, ""
        return Conclusion.UNKNOWN, blame or complaint(spoken) or "act says that it failed, and names no step"
    return Conclusion.UNKNOWN, complaint(spoken) or "act ended without saying how the job ended"


def complaint(spoken: Spoken) -> str:
    """The first thing that act itself complained of, in one clean line, or nothing."""
    said = [
        *spoken.complaints,
        *(error for step in spoken.steps.values() for error in step.errors if not _EXIT.search(error)),
    ]
    told = [text.removeprefix("Error: ").strip() for text in said if "docker connection" not in text and text.strip()]
    told = [text for text in told if not re.fullmatch(r"Job '.*' failed", text, re.DOTALL)]
    return f"act could not run it: {publishable(' '.join(told[0].split()), limit=300)}" if told else ""


def _concluded(seen: _Seen) -> Conclusion:
    if not seen.started:
        return Conclusion.SKIPPED
    if seen.result == "failure" and seen.forgiven:
        return Conclusion.SUCCESS
    return Conclusion.of(seen.result) if seen.result else Conclusion.UNKNOWN


def _why_not_judged(planned: PlannedStep, seen: _Seen, log: StepLog, installed: Callable[[str], bool]) -> str:
    """Why a failed step says nothing about the commit; nothing when it does."""
    name = publishable(planned.title, limit=80)
    ended = log.code is not None or (not log.wrapped and any(_EXIT.search(error) for error in seen.errors))
    if not ended and not any(_LATE.search(error) for error in seen.errors):
        words = publishable(" ".join((seen.errors or ["it says no more"])[0].split()), limit=200)
        return f"act could not run {name!r}: {words}"
    last = log.text[-_LAST:]
    words = last.decode("utf-8", "replace").strip().rpartition("\n")[2]
    if planned.stand_in == "checkout":  # what stands in for the action is ours, so its failure is
        return f"the commit could not be copied for {name!r}: {publishable(words, limit=200)}"
    if planned.stand_in and log.code != 1:
        missing = words.removeprefix("[hee: not here: ").removesuffix("]")
        return f"{name!r} needs {publishable(missing, limit=200)}"
    for pattern, what in _OUTSIDE:
        if pattern.search(last):
            return f"{name!r} {what}"
    unknown = [(found[1] or found[2]).decode() for found in _MISSING.finditer(last)]
    for program in unknown:
        if program in PREINSTALLED and not installed(program):
            return f"{name!r} needs {program}, which GitHub's machines have and this one has not"
    if planned.secrets:
        return f"{name!r} failed, and it uses {', '.join(planned.secrets)}, which is empty here"
    return ""


def _heading(planned: PlannedStep) -> bytes:
    if not planned.script:
        return f"##[group]{planned.title}\n##[endgroup]\n".encode()
    first, *_ = lines = planned.script.rstrip("\n").split("\n")
    return "\n".join([f"##[group]Run {first}", *lines, "##[endgroup]", ""]).encode()


def _ending(seen: _Seen, planned: PlannedStep, log: StepLog) -> bytes:
    """The line with which GitHub ends a failed step."""
    if seen.result != "failure":
        return b""
    if log.code is None and any(_LATE.search(error) for error in seen.errors):
        return f"##[error]The action '{publishable(planned.title, limit=200)}' has timed out.\n".encode()
    codes = [found[1] or found[2] for error in seen.errors if (found := _EXIT.search(error))]
    code = log.code if log.code is not None else next(iter(codes), None)
    return b"" if code is None else f"##[error]Process completed with exit code {code}.\n".encode()


def worst(conclusions: Sequence[Conclusion]) -> Conclusion:
    """How a run ended whose jobs ended like this: red if one is, else unknown if one is, else green."""
    for conclusion in (Conclusion.FAILURE, Conclusion.TIMED_OUT, Conclusion.UNKNOWN, Conclusion.SUCCESS):
        if conclusion in conclusions:
            return conclusion
    return Conclusion.SKIPPED


def late(outcome: Outcome, limit: float, minutes: int) -> Outcome:
    """A job that was ended because time was up: its own limit is a verdict, the local one is not."""
    if limit < minutes * 60:
        return replace(
            outcome,
            conclusion=Conclusion.UNKNOWN,
            reason=f"it did not end within {limit:g} s, the limit for a local run",
        )
    hours, rest = divmod(minutes, 60)
    message = f"The job has exceeded the maximum execution time of {f'{hours}h' if hours else ''}{rest}m0s"
    return replace(
        outcome,
        conclusion=Conclusion.TIMED_OUT,
        reason="",
        log=outcome.log + f"##[error]{message}\n".encode(),
        annotations=(*outcome.annotations, Annotation(message)),
    )
