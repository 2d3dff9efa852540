"""Finds every pattern of the database in a log, in one linear pass, and where the log says that something failed.

Responsible for the engine (RE2 sets over a whole segment name the candidates, which are then found and confirmed line by
line), for the steps of a job and for how the log says it ended. Which hit is the cause is left to `classify`.

Invariant: a hit's line is a line of the file given, the pattern matches that line alone, and hits are bounded in number
however large or hostile the log is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from hee_monitoring.database import Pattern, PatternDB
    from hee_monitoring.joblog import JobLog, Segment

LINE_LIMIT = 2000
HITS_PER_STEP = 20
HITS = 4000
BELOW = 60
_MEMORY = 256 << 20

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


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern on a line; `step` counts the steps of the log from 0; `head` is the line that led to this one, if another."""

    pattern: Pattern
    line: int
    text: str
    captures: dict[str, str]
    step: int
    head: tuple[int, str] | None = None


@dataclass(slots=True)
class Step:
    """A stretch of the log between two step boundaries; `failures` are the lines that state its failure."""

    line: int
    job: str
    name: str
    failures: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """What one pass over a log has found: `errors` are the lines that state a failure, `guesses` those that only look like one."""

    steps: list[Step]
    hits: list[Hit] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    guesses: dict[int, str] = field(default_factory=dict)
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
        groups: dict[str, list[tuple[Pattern | None, str, str]]] = {}
        for pattern in patterns:
            for regex, gate in zip(pattern.regexes, pattern.gates, strict=True):
                groups.setdefault(gate[:2], []).append((pattern, regex, gate))
        for regex in (*FAILED, *SUCCEEDED, GUESS):
            groups.setdefault("^", []).append((None, regex, regex))
        # Anchored, free and case-blind expressions each have an automaton of their own: three small ones are several
        # times as fast as one in which every state of the one kind meets every state of the others.
        kinds: dict[str, list[tuple[Pattern | None, str, str]]] = {}
        for start, entries in groups.items():
            kinds.setdefault("^" if start.startswith("^") else start, []).extend(entries)
        self._sets = [(_compiled_set([gate for _, _, gate in entries]), entries) for entries in kinds.values()]

    def find(self, text: bytes) -> list[tuple[Pattern | None, str]]:
        """The patterns with their expressions that may occur in the text; without a pattern it is an ending."""
        return [entries[number][:2] for each, entries in self._sets for number in sorted(each.Match(text) or ())]


def _compiled_set(expressions: list[str]) -> Any:
    import re2

    whole = re2.Set.SearchSet(_options())
    for expression in expressions:
        whole.Add(b"(?m)" + expression.encode())
    whole.Compile()
    return whole


@lru_cache(maxsize=4)
def engine(database: PatternDB) -> Engine:
    """The engine of a database, built once."""
    return Engine(pattern for pattern in database if pattern.channel in ("log", "annotation"))


@cache
def compiled(regex: str) -> re.Pattern[bytes]:
    """An expression over bytes, as all engines read it; raises ValueError if RE2 refuses it."""
    import re2

    try:
        pattern: re.Pattern[bytes] = re2.compile(b"(?m)" + regex.encode(), _options())
    except re2.error as error:
        raise ValueError(f"{regex}: {error}") from None
    return pattern


def matches(pattern: Pattern, line: str) -> bool:
    """Says whether a line alone is a hit of the pattern."""
    data = line.encode()
    vetoed = any(compiled(veto).search(data) for veto in pattern.vetoes)
    return not vetoed and any(compiled(regex).search(data) for regex in pattern.regexes)


def _options() -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip()


def _captures(match: re.Match[bytes]) -> dict[str, str]:
    """The named groups; RE2 names the groups of an expression over bytes in bytes."""
    return {_decode(name): _decode(value).strip() for name, value in match.groupdict().items() if value}  # type: ignore[arg-type]


def scan(log: JobLog, database: PatternDB) -> Scan:
    """Reads the log once."""
    found, searcher = Scan([Step(0, "", "")]), engine(database)
    for segment in log.segments():
        first_step = len(found.steps) - 1
        found.steps += (Step(mark.line, mark.job, mark.step) for mark in segment.marks)
        finder = _Finder(segment, found, first_step)
        for line in segment.errors:
            finder.failure(line)
        for pattern, regex in searcher.find(segment.text):
            if pattern is not None:
                found.hits += finder.hits(pattern, compiled(regex))
            elif regex == GUESS:
                found.guesses |= {line: finder.text(line) for line in finder.lines(compiled(regex))} if len(found.guesses) < HITS else {}
            elif regex in FAILED:
                for line in finder.lines(compiled(regex)):
                    finder.failure(line)
            else:
                found.succeeded += 1
        found.lines = segment.first_line + segment.text.count(b"\n")
        if len(found.hits) > HITS:
            _prune(found)
    found.hits.sort(key=lambda hit: (hit.line, -hit.pattern.priority, hit.pattern.pattern_id))
    return found


def _prune(found: Scan) -> None:
    """Forgets hits of finished steps that did not fail; whatever is still too much is cut."""
    last = len(found.steps) - 1
    found.hits = [hit for hit in found.hits if hit.step == last or found.steps[hit.step].failures][:HITS]


class _Finder:
    """Finds an expression's lines in one segment."""

    def __init__(self, segment: Segment, found: Scan, first_step: int) -> None:
        self._text = segment.text
        self._first = segment.first_line
        self._found = found
        self._first_step = first_step
        self._step_lines = [step.line for step in found.steps]
        self._breaks: array[int] | None = None

    def _line_breaks(self) -> array[int]:
        if self._breaks is None:
            lengths = map(len, self._text.split(b"\n"))
            self._breaks = array("q", (end + number for number, end in enumerate(accumulate(lengths))))
        return self._breaks

    def failure(self, line: int) -> None:
        """Notes that the runner states a failure on this line."""
        step = self._found.steps[bisect_right(self._step_lines, line) - 1]
        step.failures.append(line)
        if len(self._found.errors) < HITS:
            self._found.errors[line] = self.text(line)

    def text(self, line: int) -> str:
        """A line of the segment."""
        breaks, number = self._line_breaks(), line - self._first
        start = breaks[number - 1] + 1 if number else 0
        return self._text[start : min(breaks[number], start + LINE_LIMIT)].decode("utf-8", "replace")

    def lines(self, regex: re.Pattern[bytes]) -> Iterator[int]:
        """Line numbers, at most a bounded number for each step."""
        for line, _ in self._matches(regex):
            yield line

    def hits(self, pattern: Pattern, regex: re.Pattern[bytes]) -> Iterator[Hit]:
        """Confirmed hits."""
        vetoes = [compiled(veto) for veto in pattern.vetoes]
        follow = compiled(pattern.then) if pattern.then else None
        for line, match in self._matches(regex):
            if any(veto.search(match.string) for veto in vetoes):
                continue
            step = bisect_right(self._step_lines, line) - 1
            hit = Hit(pattern, line, _decode(match.string), _captures(match), step)
            better = self._below(line, follow, regex) if follow is not None else None
            if better is not None:
                at, found = better
                hit = Hit(pattern, at, _decode(found.string), hit.captures | _captures(found), step, (line, hit.text))
            yield hit

    def _below(self, line: int, follow: re.Pattern[bytes], stop: re.Pattern[bytes]) -> tuple[int, re.Match[bytes]] | None:
        """The first line below that proves more, before the next hit of the same kind."""
        breaks, number = self._line_breaks(), line - self._first
        for below in range(number + 1, min(number + 1 + BELOW, len(breaks))):
            start = breaks[below - 1] + 1
            text = self._text[start : min(breaks[below], start + LINE_LIMIT)]
            if (found := follow.search(text)) is not None:
                return self._first + below, found
            if stop.search(text) is not None:
                return None
        return None

    def _matches(self, regex: re.Pattern[bytes]) -> Iterator[tuple[int, re.Match[bytes]]]:
        """Matches within one line; after enough of them in a step it goes on in the next step."""
        breaks, position, step, count = self._line_breaks(), 0, -1, 0
        while position < len(self._text) and (rough := regex.search(self._text, position)) is not None:
            number = bisect_right(breaks, rough.start() - 1) if rough.start() else 0
            start = breaks[number - 1] + 1 if number else 0
            exact = regex.search(self._text[start : min(breaks[number], start + LINE_LIMIT)])
            position = breaks[number] + 1
            if exact is None:
                continue
            line = self._first + number
            here = bisect_right(self._step_lines, line) - 1
            count = count + 1 if here == step else 1
            step = here
            yield line, exact
            if count >= HITS_PER_STEP:
                if here + 1 >= len(self._step_lines):
                    return
                position = breaks[self._step_lines[here + 1] - self._first - 1] + 1


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
