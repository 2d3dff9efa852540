r"""Turns the bytes of a CI log into clean segments whose lines keep the numbers they have in the file given.

Responsible for decoding (UTF-8, UTF-16, byte-order marks, CRLF, progress written over with `\r`, binary), for stripping
what runners put around a line (timestamps, ANSI, `gh` and `act` prefixes), and for blanking what a runner merely
echoed (step scripts, commands, debug output) or a tool showed as expected. What a line means is left to `scan` and `classify`.

Invariant: cleaning never adds or removes a line break, so line n of the clean text is line n of the file; a line ends at
`\n`, `\r\n` or a lone `\r`, as in Python's universal newlines and in the labels of published corpora. Memory is bounded
by the segment, not by the log: a log is cleaned segment by segment as it is iterated, and nothing is kept.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENT = 8 * 1024 * 1024
_SAMPLE = 64 * 1024
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r\x1b\x0c\x08"
_CONTROL = bytes(c for c in range(0x20) if c not in b"\t\n") + b"\x7f"

_ANSI = re.compile(
    rb"\x1b\[8mha:[^\x1b\n]*\x1b\[0m|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)
_STAMP = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_HARNESS = rb"\d\d:\d\d:\d\d +(?:INFO|ERROR|WARNING|CRITICAL|FATAL|DEBUG) - {1,3}"  # mozharness
# What is written before a tool's own text, each with words that say it may be there: the first four by runners, on all
# lines, so that a sample of a segment tells; the others by tools, on some. Every expression starts with
# the literal line break, which `re` finds ten times faster than `^`.
_RUNNERS = 4
_PREFIXES = tuple(
    (number < _RUNNERS, hints, re.compile(rb"\n" + prefix))
    for number, (hints, prefix) in enumerate(
        (
            ((b"\n20",), _STAMP + rb" (?:\d\d[OE][+ ]? ?)?"),  # GitHub Actions, GitLab
            ((b"\n[20",), rb"\[" + _STAMP + rb"\] ?"),  # Jenkins
            (
                (b"\n[task", b"\n[vcs 2", b"\n[fetches 2", b"\n[setup 2"),
                rb"\[(?:(?:task|vcs|fetches|setup|taskcluster) \d{4}-[^\]\n]{10,30}|taskcluster:\w+)\] ?(?:"
                + _HARNESS
                + rb")?",
            ),
            ((b" INFO - ",), _HARNESS),
            ((b"\n#",), rb"#\d{1,4} (?:\[[^\]\n]{1,80}\] )?\d{1,6}\.\d{1,3} ?"),  # BuildKit
            ((b" [INFO] ",), rb"\d{1,8} (?=\[(?:ERROR|INFO|WARNING)\])"),  # Maven with relative times
            ((b"1  | ", b"1 | "), rb"[\w.-]{1,40}[_-]\d{1,2} +\| "),  # docker compose
        )
    )
)
_GH = re.compile(rb"^([^\t\n]{1,200})\t([^\t\n]{1,200})\t(?=\xef?\xbb?\xbf?\d{4}-\d\d-\d\dT)", re.MULTILINE)
_ACT_LOG = re.compile(rb"^\[[^\]\n]{1,200}\] (?:\xe2\xad\x90|\xf0\x9f|  \xe2|  \| |\xe2\x9d|\xe2\x9c)", re.MULTILINE)
_ACT = re.compile(rb"^\[([^\]\n]{1,200})\] {1,4}(?:\| ?)?", re.MULTILINE)
_ACT_STEP = re.compile(rb"\xe2\xad\x90 Run (?:Main|Pre|Post|Set) ?")

_ECHO, _ECHO_END = b"\n##[group]Run ", b"\n##[endgroup]"
_ECHO_LINE = re.compile(
    rb"\n(?:(?:##)?\[command\]|##\[(?:debug|warning|notice)\]|::(?:debug|warning|notice)|\+{1,4} |\$ |\xf0\x9f\x92\xac|\xe2\x9a\x99)[^\n]*"
)
_ERROR = re.compile(rb"\n(?:##\[error\]|(?:\xe2\x9d\x97 {1,2})?::error(?: [^\n:]*(?::[^:\n]+)*)?::)")
# Errors of tests that are expected to fail, as pytest shows them with --xfail-tb: up to its next heading.
_EXPECTED = re.compile(rb"\n={3,} XFAILURES ={3,}\n.*?(?=\n={3,} [^\n]+ ={3,}\n)", re.DOTALL)
_STARTING = b"\n##[section]Starting: "
_TRAVIS = re.compile(rb"\ntravis_time:start:[^\n]*(?:\n\$ (?P<command>[^\n]*))?")
# What an encoding puts into a file without saying anything: blanks, byte-order marks.
_MARKS = {"utf-8": b" \t\r\n\x0b\x0c\xef\xbb\xbf", "utf-16": b"\0 \t\r\n\xff\xfe"}
_NOT_BREAK = re.compile(rb"[^\n]+")


@dataclass(frozen=True, slots=True)
class Mark:
    """The line on which a step begins; `job` is empty when the log names none."""

    line: int
    job: str
    step: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of whole lines, clean; `errors` are the lines that the runner itself marked as errors."""

    text: bytes
    first_line: int
    marks: tuple[Mark, ...]
    errors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JobLog:
    """A log that can be read once or many times; `encoding` is `utf-8`, `utf-16` or `binary`."""

    data: bytes
    encoding: str

    @property
    def empty(self) -> bool:
        """Says whether there is no text at all, which proves nothing about the job."""
        marks = _MARKS.get(self.encoding, _MARKS["utf-16"])
        return not self.data[:_SAMPLE].strip(marks) and not self.data.strip(marks)

    @property
    def binary(self) -> bool:
        """Says whether this is no text, so that nothing can be read from it."""
        return self.encoding == "binary"

    def segments(self, size: int = SEGMENT) -> Iterator[Segment]:
        """Cleans the log piece by piece; an echo or a step open at a cut is carried into the next piece."""
        if self.binary:
            return
        cleaner = _Cleaner()
        for raw in _raw(self.data, self.encoding, size):
            yield cleaner.clean(raw)


def read(data: bytes) -> JobLog:
    """Recognizes the encoding; cleaning happens while `segments` is iterated."""
    sample = data[:_SAMPLE]
    if sample[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return JobLog(data, "utf-16")
    if sample.count(0) * 3 > len(sample):
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if even * 8 < odd:
            return JobLog(data, "utf-16-le")
        return JobLog(data, "utf-16-be" if odd * 8 < even else "binary")
    if _is_binary(sample):
        return JobLog(data, "binary")
    return JobLog(data, "utf-8")


def _is_binary(sample: bytes) -> bool:
    """Judges by magic numbers, and by control bytes where text would have none."""
    if sample[:4] in (b"PK\x03\x04", b"\x7fELF", b"\x89PNG", b"%PDF") or sample[:2] == b"\x1f\x8b":
        return True
    return len(sample.translate(None, _TEXT + bytes(range(0x80, 0x100)))) * 10 > len(sample)


def _raw(data: bytes, encoding: str, size: int) -> Iterator[bytes]:
    """Cuts at line ends into UTF-8 pieces of about `size` bytes; a line longer than two pieces is cut inside."""
    if encoding == "utf-8":
        start = 0
        while start < len(data):
            cut = data.find(b"\n", start + size - 1, start + 2 * size) + 1 or start + 2 * size
            cut += data[cut - 1 : cut + 1] == b"\r\n"
            yield data[start:cut]
            start = cut
        return
    decoder, rest = codecs.getincrementaldecoder(encoding)("replace"), b""
    for start in range(0, len(data), size):
        text = rest + decoder.decode(data[start : start + size], start + size >= len(data)).encode("utf-8", "replace")
        cut = text.rfind(b"\n") + 1 or len(text)
        rest = text[cut:]
        yield text[:cut]
    if rest:
        yield rest


class _Cleaner:
    """What is carried from one segment to the next: the line, the format, an open echo, the job and step that run."""

    def __init__(self) -> None:
        self._line = 1
        self._act: bool | None = None
        self._echo = False
        self._job = ""
        self._step = ""
        self._job_before = ""

    def clean(self, raw: bytes) -> Segment:
        """Returns a piece as clean lines and the steps that begin in it."""
        text = b"\n" + raw
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = text.count(b"\n") - 1
        if b"\x1b" in text:
            text = _ANSI.sub(b"", text)
        text = text.translate(None, _CONTROL)
        if self._act is None:
            self._act = _ACT_LOG.search(text, 0, _SAMPLE) is not None
        marks: list[Mark] = []
        self._job_before = self._job
        if self._act:
            text = self._act_lines(text, marks)
        elif _GH.search(text, 0, _SAMPLE) is not None:
            text = self._gh_lines(text, marks)
        text = text.replace(b"\n\xef\xbb\xbf", b"\n")
        middle = len(text) // 2
        sample = text if len(text) < 4 * _SAMPLE else text[:_SAMPLE] + text[middle : middle + _SAMPLE] + text[-_SAMPLE:]
        for everywhere, hints, prefix in _PREFIXES:
            if any(hint in (sample if everywhere else text) for hint in hints):
                text = prefix.sub(b"\n", text)
        text = self._blank(text, marks)
        errors, line, at = [], self._line, 0
        for found in _ERROR.finditer(text) if b"##[error]" in text or b"::error" in text else ():
            line += text.count(b"\n", at, found.start())
            at = found.start()
            errors.append(line)
        text = (_ERROR.sub(b"\n", text) if errors else text)[1:]
        first, self._line = self._line, self._line + lines
        return Segment(text, first, tuple(sorted(marks, key=lambda mark: mark.line)), tuple(errors))

    def _gh_lines(self, text: bytes, marks: list[Mark]) -> bytes:
        """Takes job and step out of the prefix of `gh run view --log`."""
        pieces = []
        for number, line in enumerate(text.split(b"\n"), self._line - 1):
            found = _GH.match(line)
            pieces.append(line[found.end() :] if found else line)
            if found and (name := (_text(found.group(1)), _text(found.group(2)))) != (self._job, self._step):
                self._job, self._step = name
                marks.append(Mark(number, *name))
        return b"\n".join(pieces)

    def _act_lines(self, text: bytes, marks: list[Mark]) -> bytes:
        """Takes the job out of act's prefix; act says in a line of its own which step runs."""
        pieces = []
        for number, line in enumerate(text.split(b"\n"), self._line - 1):
            found = _ACT.match(line)
            rest = line[found.end() :] if found else line
            pieces.append(rest)
            job = _text(found.group(1)) if found else self._job
            ran = _ACT_STEP.match(rest)
            if ran or job != self._job:
                self._job, self._step = job, _text(rest[ran.end() :]) if ran else self._step
                marks.append(Mark(number, self._job, self._step))
        return b"\n".join(pieces)

    def _blank(self, text: bytes, marks: list[Mark]) -> bytes:
        """Empties the lines that the runner echoed and notes each step that begins there; the text has a break in front."""
        pieces: list[bytes] = []
        done, line = 0, self._line - 1
        jobs, before = [mark.line for mark in marks], list(marks)
        end = text.find(_ECHO_END)  # looked for again only once passed: else unclosed echoes cost quadratic time
        while self._echo or (start := text.find(_ECHO, done)) >= 0:
            if not self._echo:
                pieces.append(text[done:start])
                line += text.count(b"\n", done, start)
                name = text[start + len(_ECHO) : text.find(b"\n", start + 1) % (len(text) + 1)]
                at = bisect_right(jobs, line + 1) - 1
                marks.append(Mark(line + 1, before[at].job if at >= 0 else self._job_before, _text(name)))
                done = start
            if 0 <= end < done:
                end = text.find(_ECHO_END, done)
            other = text.find(b"\n##[group]", done + 1)
            self._echo = end < 0 and other < 0
            stop = len(text) if self._echo else other if end < 0 or 0 <= other < end else end + len(_ECHO_END)
            pieces.append(_NOT_BREAK.sub(b"", text[done:stop]))
            line += text.count(b"\n", done, stop)
            done = stop
            if self._echo:
                break
        pieces.append(text[done:])
        text = b"".join(pieces)
        if b"= XFAILURES =" in text:
            text = _EXPECTED.sub(lambda found: _NOT_BREAK.sub(b"", found[0]), text)
        at = text.find(_STARTING)
        while at >= 0:
            end = text.find(b"\n", at + 1) % (len(text) + 1)
            marks.append(Mark(self._line + text.count(b"\n", 0, at), "", _text(text[at + len(_STARTING) : end])))
            at = text.find(_STARTING, end)
        if b"travis_time:start:" in text:
            line, at = self._line, 0
            for found in _TRAVIS.finditer(text):
                line, at = line + text.count(b"\n", at, found.start()), found.start()
                marks.append(Mark(line, "", _text(found["command"] or b"")))
        return _ECHO_LINE.sub(b"\n", text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
