"""Decides why a job is red: the first true cause, the line that proves it, and what failed after it.

Responsible for weighing what a scan found: which step decides, causes before consequences, a tool's verdict over its noise,
and for facts of a job's metadata that beat its text. It finds nothing itself (`scan`) and decides no action (governance).

Invariant: pure; the same bytes and database give the same diagnosis. `none` is said only where a log shows no failure,
`unknown` wherever something failed, or nothing could be read, and no pattern explains it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hee_monitoring.evidence import Channel, Conclusion, Diagnosis, Evidence
from hee_monitoring.excerpt import excerpt
from hee_monitoring.fingerprint import fingerprint
from hee_monitoring.jobfacts import decided, signal_of, words
from hee_monitoring.joblog import read
from hee_monitoring.redact import MARK, publishable
from hee_monitoring.scan import Scan, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_monitoring.database import Pattern, PatternDB
    from hee_monitoring.evidence import Job
    from hee_monitoring.finder import Hit
    from hee_monitoring.joblog import JobLog

UNKNOWN, NONE = "unknown", "none"
TEXT_LIMIT = 500
_VERDICT = 25
_SECONDARY = 10
_NEAR = 40
_END = 15
_PROVING = ("cause", "verdict")
_CAUSES, _LAST = ("cause", "hint", "verdict"), ("consequence",)
_FAILING = (
    Conclusion.FAILURE,
    Conclusion.TIMED_OUT,
    Conclusion.CANCELLED,
    Conclusion.STARTUP_FAILURE,
    Conclusion.UNKNOWN,
)
# Steps that run whatever happened before; they say nothing about whether a failure was survived.
_ALWAYS = re.compile(
    r"(?i)upload|artifact|report|publish|notify|slack|codecov|coveralls|clean|logs?\b|dump|post|comment|summary|cache|collect"
    r"|print|show|\bdf\b|stop|down|kill|cat |find |ls |if \[|always|disk|diagnos|tar |zip|\becho\b|save|record"
)
# Statements about the whole build, printed in whatever step comes last; and those of a runner that goes on after a failure.
_SUMMARY = re.compile(r"Done\. Your build exited with")
_COUNTED = re.compile(r'The command "')
_STATEMENT = re.compile(
    r"(?:Error: )?(?:Process completed with|The process '.*' failed|Finished: |Build step |Done\. |The command |ERROR: Job)"
)


def explain_log(data: bytes, db: PatternDB) -> Diagnosis:
    """Explains a log alone."""
    log = read(data)
    if log.binary or log.empty:
        why = "The log is not text" if log.binary else "The log is empty, which proves nothing"
        return _plain(UNKNOWN, why, why, 0)
    return _conclude(scan(log, db), db, log, failed=False)


def diagnose(job: Job, db: PatternDB) -> Diagnosis:
    """Explains a job by all that is known of it: metadata that beats text, annotations, then the log."""
    if job.conclusion not in _FAILING:
        return _plain(NONE, "The job did not fail", "", 0)
    if (found := _by_annotations(job, db)) is not None and found.confidence >= 9000:
        return found
    from_log = None
    if job.log.strip():
        log = read(job.log)
        if not log.binary:
            from_log = _conclude(decided(scan(log, db), job), db, log, failed=True)
    signal = signal_of(job, silent=from_log is None or from_log.category == UNKNOWN)
    if signal == "cancelled" and found is not None:
        signal = ""  # the platform calls a job that ran out of time, or lost its runner, cancelled as well
    by_signal = db.by_signal(signal) if signal else None
    if by_signal is not None and (from_log is None or from_log.category == UNKNOWN or by_signal.priority >= 95):
        text = words(signal, job)
        evidence = (*_noted(job), Evidence(Channel.JOB, publishable(text, limit=TEXT_LIMIT), 0, _where(job.key)))
        mark = fingerprint(by_signal.pattern_id, {"job": job.key})
        rest = (from_log,) if from_log is not None and from_log.category != UNKNOWN else ()
        return Diagnosis(by_signal.pattern_id, by_signal.category, by_signal.title, mark, 9000, evidence, {}, rest)
    if found is not None and (from_log is None or from_log.confidence < found.confidence):
        return found
    if from_log is not None:
        return from_log
    why = job.reason or "The job failed and left neither a log nor an annotation"
    return _plain(UNKNOWN, why, why, 0, where=job.key, channel=Channel.JOB)


def _by_annotations(job: Job, db: PatternDB) -> Diagnosis | None:
    """Explains by what the platform attached to the job; None if no pattern knows it."""
    messages = [note for note in job.annotations if note.level == "failure"]
    text = "\n".join(" ".join(note.message.split()) for note in messages)
    if not text:
        return None
    log = read(text.encode())
    found = _conclude(scan(log, db), db, log, failed=True)
    if found.category == UNKNOWN:
        return None
    note = messages[found.line - 1]
    evidence = Evidence(Channel.ANNOTATION, found.text, note.line, _where(note.path or job.name))
    return Diagnosis(
        found.pattern_id, found.category, found.title, found.fingerprint, found.confidence, (evidence,), found.captures
    )


def _noted(job: Job) -> tuple[Evidence, ...]:
    """The platform's first word on why a job ended, where it has a place."""
    notes = [note for note in job.annotations if note.level == "failure" and note.path]
    return tuple(
        Evidence(Channel.ANNOTATION, publishable(note.message, limit=TEXT_LIMIT), note.line, _where(note.path))
        for note in notes[:1]
    )


def _conclude(found: Scan, db: PatternDB, log: JobLog, *, failed: bool) -> Diagnosis:
    """Picks the cause; `failed` says that it is known from elsewhere that the job failed."""
    stated = found.failed
    if not failed and not stated and (found.succeeded or not any(_proves(hit, found) for hit in found.hits)):
        return _plain(NONE, "The log shows no failure", "", 0)
    failing, whole = _deciding(found), {*range(len(found.steps))}
    for roles, groups in ((_CAUSES, failing), (_LAST, failing), (_CAUSES, [whole]), (_LAST, [whole])):
        for steps in groups:
            hits = [hit for hit in found.hits if hit.step in steps and _counts(hit, found)]
            if any(hit.pattern.role in roles for hit in hits):
                return _diagnosis(hits, found, db, sure=stated or failed)
    return _unknown(found, log)


def _proves(hit: Hit, found: Scan) -> bool:
    """Says whether a hit proves a failure in a log that does not state its end: by itself, or because the log ends with it."""
    return hit.pattern.role in _PROVING or (hit.pattern.role != "count" and found.lines - hit.line <= _END)


def _counts(hit: Hit, found: Scan) -> bool:
    """Says whether a hit comes before the step's last statement of failure; what follows is clean-up."""
    failures = found.steps[hit.step].failures
    return hit.pattern.role != "count" and (not failures or hit.line <= failures[-1])


def _deciding(found: Scan) -> list[set[int]]:
    """The steps that state a failure, each a set of its own, from the most to the least telling."""
    failing = [number for number, step in enumerate(found.steps) if step.failures]
    failing = [number for number in failing if not _says(_SUMMARY, number, found)] or failing
    soft = {number for number in failing if _survived(number, found)}
    return [
        {number}
        for number in (
            *(each for each in failing if each not in soft),
            *(each for each in reversed(failing) if each in soft),
        )
    ]


def _survived(number: int, found: Scan) -> bool:
    """Says whether ordinary steps of the same job ran after this one failed, as after `continue-on-error`."""
    if _says(_COUNTED, number, found):
        return False
    job = found.steps[number].job
    later = [step for step in found.steps[number + 1 :] if step.job == job]
    return sum(not _ALWAYS.search(step.name) for step in later) >= 2


def _says(statement: re.Pattern[str], number: int, found: Scan) -> bool:
    """Says whether all that states the failure of a step is of one kind."""
    return all(statement.match(found.errors.get(line, "")) for line in found.steps[number].failures)


def _diagnosis(hits: Sequence[Hit], found: Scan, db: PatternDB, *, sure: bool) -> Diagnosis:
    """Builds the diagnosis of the best hit, with what belongs to it and what failed beside it."""
    verdicts = {hit.pattern.category for hit in hits if hit.pattern.role == "verdict"}
    ranked = sorted(hits, key=lambda hit: (-_score(hit, verdicts, found), hit.line))
    best = ranked[0]
    pattern = _refined(best, found, db)
    related = [
        hit
        for hit in hits
        if hit.line != best.line
        and hit.pattern.category == best.pattern.category
        and (hit.pattern.role == "verdict" or 0 < hit.line - best.line <= _NEAR)
    ]
    evidence = [_evidence(best, found)]
    if best.head is not None:
        evidence.append(
            Evidence(Channel.LOG, publishable(best.head[1], limit=TEXT_LIMIT), best.head[0], evidence[0].where)
        )
    for hit in related[:4]:
        if hit.line not in {item.line for item in evidence}:
            evidence.append(_evidence(hit, found))
    captures = _named(best, hits)
    mark = fingerprint(pattern.pattern_id, captures, best.head[1] if best.head and best.pattern.above else best.text)
    seen, secondary = {mark}, list[Diagnosis]()
    for hit in hits:
        other = fingerprint(hit.pattern.pattern_id, hit.captures, hit.text)
        if hit.line > best.line and hit.pattern.role == "cause" and other not in seen and len(secondary) < _SECONDARY:
            seen.add(other)
            secondary.append(
                Diagnosis(
                    hit.pattern.pattern_id, hit.pattern.category, hit.pattern.title, other, _confidence(hit, verdicts, sure=sure),
                    (_evidence(hit, found),), _safe(hit, hit.captures),
                )
            )  # fmt: skip
    return Diagnosis(
        pattern.pattern_id, pattern.category, pattern.title, mark, _confidence(best, verdicts, sure=sure), tuple(evidence),
        _safe(best, captures), tuple(secondary),
    )  # fmt: skip


def _score(hit: Hit, verdicts: set[str], found: Scan) -> int:
    """Priority, raised where a tool's own verdict names the category; a verdict never beats the line it sums up."""
    failures = found.steps[hit.step].failures
    if hit.pattern.near and failures and failures[-1] - hit.line > hit.pattern.near:
        return hit.pattern.priority - 100
    if hit.pattern.role == "consequence":
        return hit.pattern.priority - 200
    if hit.pattern.role == "hint":
        return hit.pattern.priority + (_VERDICT - 8 if hit.pattern.category in verdicts else -100)
    return hit.pattern.priority + (_VERDICT if hit.pattern.category in verdicts else 0)


def _confidence(hit: Hit, verdicts: set[str], *, sure: bool) -> int:
    """Basis points: what the role is worth, less where nothing else confirms it."""
    base = {"cause": 8500, "verdict": 8000, "hint": 5000, "consequence": 3000}[hit.pattern.role]
    if hit.pattern.category in verdicts:  # the tool's own summary says the same
        base += {"cause": 1000, "hint": 3000}.get(hit.pattern.role, 0)
    return base - (0 if sure else 1000)


def _named(best: Hit, hits: Sequence[Hit]) -> dict[str, str]:
    """The captures, with the test's name where another line of the step has it: equal assertions of two tests are two failures."""
    if best.pattern.category != "test" or "test" in best.captures:
        return best.captures
    names = (hit.captures["test"] for hit in hits if hit.pattern.category == "test" and "test" in hit.captures)
    name = next(names, "")
    return best.captures | {"test": name} if name else best.captures


def _refined(hit: Hit, found: Scan, db: PatternDB) -> Pattern:
    """The more special pattern that counts elsewhere in the step prove, if there is one."""
    for pattern in db:
        if pattern.refines == hit.pattern.pattern_id and pattern.requires:
            values = [
                {
                    other.captures.get(capture, "")
                    for other in found.hits
                    if other.pattern.pattern_id == name and other.step == hit.step
                }
                for name, capture in pattern.requires
            ]
            if all(len(value) == 1 for value in values) and len(set.union(*values)) == 1 and "" not in values[0]:
                return pattern
    return hit.pattern


def _evidence(hit: Hit, found: Scan) -> Evidence:
    step = found.steps[hit.step]
    return Evidence(
        Channel.LOG,
        publishable(hit.text, limit=TEXT_LIMIT),
        hit.line,
        _where(step.job or step.name, limit=120),
    )


def _where(text: str, limit: int = 300) -> str:
    return publishable(text, limit=limit)


def _safe(hit: Hit, captures: dict[str, str]) -> dict[str, str]:
    """Captures without secrets: one that is a part of a secret is known as such only in its line."""
    safe = {name: publishable(value, limit=TEXT_LIMIT) for name, value in captures.items()}
    for line in (hit.text, hit.head[1] if hit.head else ""):
        shown = publishable(line)
        for name, value in captures.items():
            if value and value in line and publishable(value) not in shown:
                safe[name] = MARK
    return safe


def _unknown(found: Scan, log: JobLog) -> Diagnosis:
    """Points at the last words before the failure is stated, without guessing a cause, and keeps what may tell one later."""
    stated = sorted(found.errors)
    telling = [at for at in stated if not _STATEMENT.match(found.errors[at])]
    steps = next(iter(_deciding(found)), {0})
    spans = [(found.steps[number].line, max(found.steps[number].failures, default=found.lines)) for number in steps]
    guesses = [at for at in sorted(found.guesses) if any(first <= at <= last for first, last in spans)]
    line = next(iter([*telling, *guesses[:1], *stated]), 0)
    text = found.errors.get(line) or found.guesses.get(line, "")
    plain = _plain(UNKNOWN, "It failed, and no pattern explains it", text, line)
    if not plain.evidence:
        return plain
    last = found.last.get(line) if line not in (*telling, *guesses) else None
    words = (Evidence(Channel.LOG, publishable(last[1], limit=TEXT_LIMIT), last[0]),) if last else ()
    looking = {at: found.guesses[at] for at in guesses} | {at: found.errors[at] for at in telling}
    stop = next((found.steps[number].failures[0] for number in steps if found.steps[number].failures), found.lines + 1)
    mute = {line} | {at for at in stated if at not in telling} | {each.line for each in words}
    kept = tuple(Evidence(Channel.LOG, text, at) for at, text in excerpt(log, looking, stop, without=mute))
    return replace(plain, evidence=(*words, *plain.evidence, *kept))


def _plain(
    category: str, title: str, text: str, line: int, *, where: str = "", channel: Channel = Channel.LOG
) -> Diagnosis:
    """A diagnosis without a pattern."""
    text = publishable(text, limit=TEXT_LIMIT)
    evidence = (Evidence(channel, text, line, _where(where)),) if text else ()
    return Diagnosis("", category, publishable(title, limit=TEXT_LIMIT), fingerprint(category, {}, text), 0, evidence)
