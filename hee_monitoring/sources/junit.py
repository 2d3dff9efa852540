"""JUnit reports as text that reads like the output of the tests themselves.

Responsible for recognizing a report and for listing its failures with file and line. Document types and entities are
refused outright: no report needs them, and they are how XML takes memory or reads files.

Invariant: memory is bounded by the report's size and by the limits on failures and their text, every line of the text
is the report's own, and a report that no test took part in says so.
"""

from __future__ import annotations

import codecs
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
_ROOT = re.compile(rb"<testsuites?(?:[\s>/]|$)")
_PLACE = re.compile(
    r"(?:^|[\s(\"'])((?:[\w.@+-]+/)*[\w.@+-]+\.[A-Za-z]{1,5})[\":]+(?:,? line )?(\d{1,7})\b", re.MULTILINE
)
# How pytest would mark such a line; in a report it stands alone, and nothing else says that it is one.
PYTEST = "E   "
_OF_PYTEST = re.compile(r"assert \S|[A-Z]\w*(?:Error|Exception|Warning|Interrupt)$")


@dataclass(frozen=True, slots=True)
class Failed:
    """One failure: the test, its text as a log of its own that states the failure last, and the report's line of each line."""

    test: str
    title: str
    text: bytes
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The failures, one annotation each; `blind` says why a report without failures proves nothing, if it does not."""

    failures: tuple[Failed, ...]
    annotations: tuple[Annotation, ...]
    tests: int
    blind: str

    @property
    def text(self) -> bytes:
        """All failures as one log."""
        return b"".join(failure.text for failure in self.failures)


def is_report(data: bytes) -> bool:
    """Whether the document's first element is one of a JUnit report."""
    text = data[:_SAMPLE]
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = text.decode("utf-16", "replace").encode()
    text = text.removeprefix(codecs.BOM_UTF8).lstrip()
    for begin, end in ((b"<?", b"?>"), (b"<!--", b"-->")) * 8:
        if text.startswith(begin):
            text = text.partition(end)[2].lstrip()
    if text.startswith(b"<!DOCTYPE"):
        return b"<testsuite" in text  # to be refused with a reason
    return _ROOT.match(text) is not None


def read(data: bytes, name: str = "the JUnit report") -> Report:
    """Lists the failures and errors; raises SourceError for broken XML, document types, entities or too much of it."""
    if len(data) > LARGEST:
        raise SourceError(f"{name} has more than {LARGEST // 1024**2} MB", hint="split it, or name the test run's log")
    reader = _Reader(name)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise SourceError(
            f"{name} is not well-formed XML: {error}",
            hint="the report was cut off or is damaged: write it again, or name the test run's log",
        ) from None
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
    text_at: int = 0
    size: int = 0


class _Reader:
    """What the parser has seen so far."""

    def __init__(self, name: str) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self._name = name
        self._tests = self._skipped = self._counted = 0
        self._case: _Case | None = None
        self._failure: _Failure | None = None
        self._failures: list[_Failure] = []
        self._suite_file = ""

    def _refuse(self, *_: object) -> None:
        raise SourceError(
            f"{self._name} declares a document type or an entity, which no report needs",
            hint="remove the <!DOCTYPE …>",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentLineNumber
        if name in ("testsuite", "testsuites"):
            counts = (attributes.get(count, "") for count in ("failures", "errors"))
            self._counted = max(self._counted, *(int(each) for each in counts if re.fullmatch(r"[0-9]{1,9}", each)), 0)
            self._suite_file = attributes.get("file", "")
        elif name == "testcase":
            self._tests += 1
            file, owner = attributes.get("file") or self._suite_file, attributes.get("classname", "")
            self._case = _Case(attributes.get("name", ""), owner, file, attributes.get("line", ""))
        elif name == "skipped":
            self._skipped += 1
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
            self._failure.text_at = self._failure.text_at or self.parser.CurrentLineNumber
            self._failure.text.append(text)
            self._failure.size += len(text)

    def report(self) -> Report:
        """What was found."""
        failures: list[Failed] = []
        annotations: list[Annotation] = []
        for failure in self._failures:
            case, rows = failure.case, list(enumerate("".join(failure.text).split("\n"), failure.text_at))
            said = [(_line(text), at) for at, text in rows if text.strip()]
            title = _line(failure.title) or (said[0][0].strip() if said else "")
            path, line = _place(case, "".join(failure.text))
            test = canonical.clean("::".join(part for part in (case.file or case.owner, case.name) if part), limit=300)
            last = f"{PYTEST}{title}" if _OF_PYTEST.match(title) else title or f"{test or 'a test'} failed"
            said.append((f"##[error]{last}", failure.at))
            text = "".join(f"{text}\n" for text, _ in said).encode("utf-8", "replace")
            failures.append(Failed(test, title or "failed", text, tuple(at for _, at in said)))
            annotations.append(
                Annotation(
                    canonical.clean(f"{case.name}: {title or 'failed'}", limit=2000),
                    path=canonical.clean(path),
                    line=line,
                )
            )
        return Report(tuple(failures), tuple(annotations), self._tests, "" if failures else self._blind())

    def _blind(self) -> str:
        """Why this report proves nothing although it lists no failure, if so."""
        if self._counted:
            return f"The report counts {self._counted} failure(s) and lists none"
        if not self._tests:
            return "The report holds no test, which proves nothing"
        return "Every test of the report was skipped, which proves nothing" if self._skipped >= self._tests else ""


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
    return canonical.clean(" ".join(text.split("\n")), limit=4000)
