"""Finds every pattern of the database in a log, in one linear pass, and where the log says that something failed.

Responsible for the engine (RE2 sets over a whole segment name the candidates, which are then found and confirmed line by
line), for the steps of a job and for how the log says it ended. Which hit is the cause is left to `classify`.

Invariant: a hit's line is a line of the file given, the pattern matches that line alone, and hits are bounded in number
however large or hostile the log is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hee_monitoring.finder import Finder, Hit, Step, compiled, options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hee_monitoring.database import Pattern, PatternDB
    from hee_monitoring.joblog import JobLog

HITS = 4000
STEPS = 5000
STATEMENTS = 100
_COUNTED = re.compile(r"(?<!\\)\{(\d+),?\d*\}")
_OPEN = ("^.", r"^\S", "^[^", r"^\s*", "^(?:.", "^(?P<path>", "^ *", r"^(?:\S")

# How runners say that a job failed or succeeded; a line that starts like this is a statement about the whole job.
FAILED = (
    r"^(?:Error: )?Process completed with exit code [1-9]",
    r"^Finished: (?:FAILURE|ABORTED|UNSTABLE|NOT_BUILT)\b",
    r"^Build step '[^'\n]*' (?:marked build as failure|changed build result to (?:FAILURE|UNSTABLE))",
    r'^The command "[^\n]*" (?:failed and )?exited with [1-9]',
    r"^Done\. Your build exited with [1-9]",
    r"^ERROR: Job failed",
    r"^Exited with code exit status [1-9]",
    r"Unsuccessful task run with exit code: [1-9]",
    r"^(?:Task aborted - |Task not successful due to following exception|Aborting task)",
    r"^(?:🏁  Job failed|❌  Failure - )",
    r"^# TBPL (?:FAILURE|EXCEPTION|RETRY|WARNING) #",
    r"^(?:Bash|PowerShell|Cmd\.exe) exited with code '?[1-9]",
)
GUESS = r"^\s?(?:[A-Za-z_][\w.]*\.)?(?:[A-Z]\w*(?:Error|Exception)|Error|error|ERROR|fatal|FATAL|panic|Fatal error|\[ERROR\])\b:? \S"
SUCCEEDED = (
    r"^Finished: SUCCESS\b",
    r"^Job succeeded$",
    r"^🏁  Job succeeded",
    r"^Done\. Your build exited with 0\b",
    r"Successful task run with exit code: 0 ",
    r"^# TBPL SUCCESS #",
    r"^Cleaning up orphan processes",
    r"^Post job cleanup\.$",
)


@dataclass(slots=True)
class Scan:
    """What one pass over a log has found: `errors` are the lines that state a failure, `guesses` those that only look like one.

    `last` are the words above each stated failure, with their line.
    """

    steps: list[Step]
    hits: list[Hit] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    guesses: dict[int, str] = field(default_factory=dict)
    last: dict[int, tuple[int, str]] = field(default_factory=dict)
    succeeded: int = 0
    lines: int = 0

    @property
    def failed(self) -> bool:
        """Says whether the runner states a failure."""
        return any(step.failures for step in self.steps)


class Engine:
    """The compiled form of a database; building it takes a few milliseconds for each hundred patterns."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Takes the patterns that read text."""
        kinds: dict[str, list[tuple[Pattern | None, str]]] = {}
        for pattern in patterns:
            for regex in pattern.regexes:
                kinds.setdefault(_kind(regex), []).append((pattern, regex))
        for regex in (*FAILED, *SUCCEEDED, GUESS):
            kinds.setdefault(_kind(regex), []).append((None, regex))
        self._sets = [(_compiled_set(regex for _, regex in entries), entries) for entries in kinds.values()]

    def find(self, text: bytes) -> list[tuple[Pattern | None, str]]:
        """The patterns with their expressions that may occur in the text; without a pattern it is an ending."""
        return [entries[number] for each, entries in self._sets for number in sorted(each.Match(text) or ())]


def _kind(regex: str) -> str:
    """Sorts expressions into automata: in one alone, states of every kind would meet those of all others (40 MB/s, not 100)."""
    if "(?i)" in regex:
        return "blind"
    if not regex.startswith("^"):
        return "free"
    return "open" if regex.startswith(_OPEN) else "anchored"


def relaxed(regex: str) -> str:
    """An expression that matches wherever `regex` does, without counted repetitions, which multiply an automaton's states."""
    return _COUNTED.sub(lambda found: "*" if found.group(1) == "0" else "+", regex)


def _compiled_set(regexes: Iterable[str]) -> Any:
    import re2

    whole = re2.Set.SearchSet(options())
    for regex in regexes:
        whole.Add(b"(?m)" + relaxed(regex).encode())
    whole.Compile()
    return whole


@lru_cache(maxsize=4)
def engine(database: PatternDB) -> Engine:
    """The engine of a database, built once."""
    return Engine(pattern for pattern in database if pattern.channel in ("log", "annotation"))


def scan(log: JobLog, database: PatternDB) -> Scan:
    """Reads the log once."""
    found, searcher = Scan([Step(0, "", "")]), engine(database)
    for segment in log.segments():
        room = STEPS - len(found.steps)
        found.steps += (Step(mark.line, mark.job, mark.step) for mark in segment.marks[: max(room, 0)])
        finder = Finder(segment, [step.line for step in found.steps])
        for line in segment.errors:
            _state(found, finder, line)
        for pattern, regex in searcher.find(segment.text):
            if pattern is not None:
                found.hits += finder.hits(pattern, compiled(regex))
            else:
                _ending(found, finder, regex)
        found.lines = segment.first_line + segment.text.count(b"\n")
        if len(found.hits) > HITS:
            _prune(found)
    found.hits.sort(key=lambda hit: (hit.line, -hit.pattern.priority, hit.pattern.pattern_id))
    return found


def states_end(text: str) -> bool:
    """Says whether a line is only the runner's word that a job failed."""
    return any(compiled(regex).search(text.encode()) for regex in FAILED)


def _ending(found: Scan, finder: Finder, regex: str) -> None:
    """Notes what a line says about the whole job, or that it looks like an error."""
    if regex in SUCCEEDED:
        found.succeeded += 1
        return
    for line in finder.lines(compiled(regex)):
        if regex != GUESS:
            _state(found, finder, line)
        elif len(found.guesses) < HITS:
            found.guesses[line] = finder.text(line)


def _state(found: Scan, finder: Finder, line: int) -> None:
    """Notes that the runner states a failure on this line; of many only the first and the last are kept."""
    failures = found.steps[finder.step(line)].failures
    if len(failures) >= STATEMENTS:
        failures.pop()
    failures.append(line)
    if len(found.errors) < HITS:
        found.errors[line] = finder.text(line)
        if (last := finder.before(line)) is not None:
            found.last[line] = last


def _prune(found: Scan) -> None:
    """Forgets hits of finished steps that did not fail; whatever is still too much is cut."""
    last = len(found.steps) - 1
    found.hits = [hit for hit in found.hits if hit.step == last or found.steps[hit.step].failures][:HITS]
