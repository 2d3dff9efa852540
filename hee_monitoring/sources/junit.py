"""JUnit reports as text that reads like a test runner's summary.

Responsible for recognizing a report and for listing its failures with file and line. Document types and entities are
refused outright: no report needs them, and they are how XML takes memory or reads files.

Invariant: memory is bounded by the report's size and by the limits on failures and their text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from hee_core import canonical
from hee_core.errors import SourceError
from hee_monitoring.evidence import Annotation

LARGEST = 100 * 1024 * 1024
_MOST_FAILURES = 500
_MOST_TEXT = 64 * 1024
_SAMPLE = 64 * 1024
_ROOT = re.compile(rb"<testsuites?[\s>/]")
_PLACE = re.compile(
    r"(?:^|[\s(\"'])((?:[\w.@+-]+/)*[\w.@+-]+\.[A-Za-z]{1,5})[\":]+(?:,? line )?(\d{1,7})\b", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Report:
    """The failures as text, one annotation each, and for each line of the text the line of the report."""

    text: bytes
    annotations: tuple[Annotation, ...]
    lines: tuple[int, ...]


def is_report(data: bytes) -> bool:
    """Whether the document's first element is one of a JUnit report."""
    text = data[:_SAMPLE].removeprefix(b"\xef\xbb\xbf").lstrip()
    for begin, end in ((b"<?", b"?>"), (b"<!--", b"-->")) * 8:
        if text.startswith(begin):
            text = text.partition(end)[2].lstrip()
    if text.startswith(b"<!DOCTYPE"):
        return b"<testsuite" in text  # to be refused with a reason
    return _ROOT.match(text) is not None


def read(data: bytes) -> Report:
    """Lists the failures and errors; raises SourceError for broken XML, document types, entities or too much of it."""
    if len(data) > LARGEST:
        raise SourceError(f"the JUnit report has more than {LARGEST // 1024**2} MB", hint="split it")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise SourceError(f"the JUnit report is not well-formed XML: {error}") from None
    return reader.report()


@dataclass(slots=True)
class _Case:
    name: str
    owner: str
    file: str
    line: str


@dataclass(slots=True)
class _Failure:
    case: _Case
    title: str
    at: int
    text: list[str] = field(default_factory=list)
    size: int = 0


class _Reader:
    """What the parser has seen so far."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self._tests = 0
        self._case: _Case | None = None
        self._failure: _Failure | None = None
        self._failures: list[_Failure] = []
        self._suite_file = ""

    def _refuse(self, *_: object) -> None:
        raise SourceError(
            "the JUnit report declares a document type or an entity, which no report needs",
            hint="remove the <!DOCTYPE …>",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentLineNumber
        if name == "testsuite":
            self._suite_file = attributes.get("file", "")
        elif name == "testcase":
            self._tests += 1
            file, owner = attributes.get("file") or self._suite_file, attributes.get("classname", "")
            self._case = _Case(attributes.get("name", ""), owner, file, attributes.get("line", ""))
        elif name in ("failure", "error") and len(self._failures) < _MOST_FAILURES:
            case = self._case or _Case("", "", self._suite_file, "")
            kind, message = attributes.get("type", ""), attributes.get("message", "").strip()
            title = message if not kind or kind in message else f"{kind}: {message}" if message else kind
            self._failure = _Failure(case, title, at)
            self._failures.append(self._failure)

    def _end(self, name: str) -> None:
        if name in ("failure", "error"):
            self._failure = None
        elif name == "testcase":
            self._case = None

    def _characters(self, text: str) -> None:
        if self._failure is not None and self._failure.size < _MOST_TEXT:
            self._failure.text.append(text)
            self._failure.size += len(text)

    def report(self) -> Report:
        """What was found, as text."""
        rows: list[tuple[str, int]] = []
        annotations: list[Annotation] = []
        for failure in self._failures:
            case, body = failure.case, "".join(failure.text)
            title = _line(failure.title or next((line for line in body.splitlines() if line.strip()), "failed"))
            path, line = _place(case, body)
            rows.append((f"FAILED {_line(case.file or case.owner)}::{_line(case.name)} - {title}", failure.at))
            first = failure.at + (1 if failure.title else 0)
            rows += [(_line(text), first + number) for number, text in enumerate(body.strip("\n").splitlines())]
            annotations.append(
                Annotation(canonical.clean(f"{case.name}: {title}", limit=2000), path=canonical.clean(path), line=line)
            )
        rows.append((f"{self._tests} tests, {len(self._failures)} failures", 1))
        return Report(
            "".join(f"{text}\n" for text, _ in rows).encode("utf-8", "replace"),
            tuple(annotations),
            tuple(at for _, at in rows),
        )


def _place(case: _Case, body: str) -> tuple[str, int]:
    """File and line of a failure: the last place in its text that fits, else what the report says (some count from 0)."""
    named = [(path, int(line)) for path, line in _PLACE.findall(body)]
    fitting = [
        place for place in named if not case.file or place[0].endswith(case.file) or case.file.endswith(place[0])
    ]
    if fitting:
        return case.file or fitting[-1][0], fitting[-1][1]
    return case.file, int(case.line) if case.line.isdecimal() and len(case.line) < 9 else 0


def _line(text: str) -> str:
    return canonical.clean(" ".join(text.split("\n")), limit=1000)
