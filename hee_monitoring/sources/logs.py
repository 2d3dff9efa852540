"""Log files that a person has: one file, a stream, a compressed file, an archive, a directory, a JUnit report.

Responsible for turning what was named into bytes with a name, within limits that hold before anything is read whole.
What the bytes say is left to `joblog` and the classifier, how a job ended is never guessed from here.

Invariant: nothing is written, no name from an archive becomes a path, and no input takes more memory than the limit.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from hee_core.errors import HeeError, SourceError
from hee_monitoring import joblog
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run
from hee_monitoring.redact import publishable
from hee_monitoring.sources import junit, reported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hee_monitoring.database import PatternDB
    from hee_monitoring.evidence import Diagnosis

LARGEST = 512 * 1024 * 1024
MOST_FILES = 2000
_CHUNK = 1 << 20
_LOG_NAME = re.compile(
    r"[^.].*\.(?:log|txt|out|err|xml)(?:\.gz)?|[^.].*\.log\.\d+|console|output|build|stdout|stderr", re.IGNORECASE
)
# In GitHub's archive the whole log of a job lies at the top, and its steps once more in a folder.
_WHOLE_JOB = re.compile(r"-?\d+_[^/]+\.txt")


_NAMED = "files named *.log, *.txt, *.out or *.xml are taken for logs"
_AGAIN = "fetch or pack it again: text, gzip, zip, tar and tar.gz can be read"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log. For a report, `data` is the text of its failures."""

    name: str
    data: bytes
    annotations: tuple[Annotation, ...] = ()
    report: junit.Report | None = None

    @property
    def fault(self) -> str:
        """Why nothing at all can be read from this log; empty if something can."""
        if self.report is not None:
            return ""
        log = joblog.read(self.data)
        return "is empty, which proves nothing" if log.empty else "is not text" if log.binary else ""

    def explain(self, patterns: PatternDB) -> Diagnosis:
        """Why this log is red, with lines of the file that was given."""
        from hee_monitoring.classify import explain_log

        return explain_log(self.data, patterns) if self.report is None else reported.explain(self.report, patterns)


def read_input(path: Path | None, stdin: bytes | None = None) -> tuple[LogFile, ...]:
    """Reads what was named, or the bytes given for `-`; raises SourceError for what is missing, unreadable or too large."""
    if path is None or str(path) == "-":
        if stdin is None:
            raise SourceError(
                "no log was given", hint="name a file or a directory, or pipe a log in: `… | hee explain -`"
            )
        return _opened("standard input", stdin)
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            return _directory(path)
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISFIFO(facts.st_mode)):
            raise SourceError(f"{path} is neither a file nor a directory", hint="name a log file")
        with path.open("rb") as file:
            return _opened(str(path), _all_of(file, str(path), LARGEST))
    except FileNotFoundError:
        raise SourceError(
            f"{path} does not exist", hint="name a log file or a directory of logs, or `-` for standard input"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{path} can't be read: {error.strerror}",
            hint="name a log that you may read, or pipe it in: `… | hee explain -`",
        ) from None


class LogSource:
    """A source over logs: one run whose jobs are the files. A log can show a failure; it never proves that all is well."""

    name = "logs"

    def __init__(self, files: Sequence[LogFile | Path], patterns: PatternDB) -> None:
        """Takes files as `read_input` gives them, or paths that are read when asked for."""
        self._files = tuple(files)
        self._patterns = patterns

    def runs(self, commit: str) -> tuple[Run, ...]:
        """One run with a job for each log, said to be of this commit."""
        logs = [log for file in self._files for log in ((file,) if isinstance(file, LogFile) else read_input(file))]
        jobs = tuple(self._job(log) for log in logs)
        red = any(job.conclusion is Conclusion.FAILURE for job in jobs)
        return (Run(self.name, Conclusion.FAILURE if red else Conclusion.UNKNOWN, jobs, commit=commit or None),)

    def _job(self, log: LogFile) -> Job:
        found = log.explain(self._patterns)
        # A failure that no pattern explains still has a line; an empty or unreadable log has none.
        red = found.category != "none" and (found.category != "unknown" or found.line > 0)
        shown = "the log shows no failure, which does not prove success" if found.category == "none" else found.title
        return Job(
            key=f"log#{log.name}",
            name=log.name,
            conclusion=Conclusion.FAILURE if red else Conclusion.UNKNOWN,
            log=log.data,
            annotations=log.annotations,
            reason="" if red else shown,
        )


def _opened(name: str, data: bytes) -> tuple[LogFile, ...]:
    """Unpacks by content, whatever the name says."""
    data = _unpacked(name, data, LARGEST)
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archive(name, data)
    if data[257:262] == b"ustar":
        return _tape(name, data)
    return (_file(name, data),)


def _file(name: str, data: bytes) -> LogFile:
    shown = publishable(name.replace("\n", " "), limit=300)
    if not junit.is_report(data):
        return LogFile(shown, data)
    report = junit.read(data, f"the JUnit report {shown}")
    return LogFile(shown, report.text, report.annotations, report)


def _all_of(file: _Readable, name: str, limit: int) -> bytes:
    """Reads to the end, or raises when there is more than the limit."""
    parts: list[bytes] = []
    left = limit
    while chunk := file.read(min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise SourceError(
                f"{name} has more than {LARGEST // 1024**2} MB",
                hint="cut out the part around the failure, and explain that",
            )
        parts.append(chunk)
    return b"".join(parts)


def _unpacked(name: str, data: bytes, limit: int) -> bytes:
    """What a gzip file holds; anything else as it is."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _all_of(file, f"{name}, unpacked,", limit)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name} is a damaged gzip file: {error}", hint=_AGAIN) from None


def _archive(name: str, data: bytes) -> tuple[LogFile, ...]:
    """The logs in a zip archive; member names are labels only, and sizes hold while unpacking, whatever the archive says."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES:
                raise SourceError(
                    f"{name} holds {len(members)} files, more than {MOST_FILES}", hint="unpack the logs that matter"
                )
            if any(member.flag_bits & 1 for member in members):
                raise SourceError(f"{name} is encrypted", hint="unpack it first")
            chosen = set(_chosen([member.filename for member in members]))
            members = [member for member in members if member.filename in chosen]
            if sum(member.file_size for member in members) > LARGEST:
                raise SourceError(
                    f"{name}, unpacked, has more than {LARGEST // 1024**2} MB", hint="unpack the logs that matter"
                )
            found, left = [], LARGEST
            for member in sorted(members, key=lambda member: _order(member.filename)):
                with archive.open(member) as file:
                    content = _all_of(file, f"{name}, unpacked,", left)
                content = _unpacked(f"{name}: {member.filename}", content, left)
                left -= len(content)
                found.append(_file(member.filename, content))
    except HeeError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise SourceError(f"{name} is a damaged zip archive: {error}", hint=_AGAIN) from None
    return _some(name, found)


def _tape(name: str, data: bytes) -> tuple[LogFile, ...]:
    """The logs in a tar archive, as in a zip archive; links, devices and sparse files are no logs."""
    members: dict[str, tarfile.TarInfo] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            at = -1
            while (member := archive.next()) is not None:
                if len(members) >= MOST_FILES:
                    raise SourceError(f"{name} holds more than {MOST_FILES} files", hint="unpack the logs that matter")
                # A size below zero would lead back to the same member for ever.
                if member.size < 0 or archive.offset <= at:
                    raise tarfile.ReadError("a member has no end")
                at = archive.offset
                if member.isreg() and not member.issparse():
                    members[member.name] = member
            left = LARGEST
            found = []
            for label in sorted(_chosen(list(members)), key=_order):
                file = archive.extractfile(members[label])
                content = _all_of(file, f"{name}, unpacked,", left) if file else b""
                content = _unpacked(f"{name}: {label}", content, left)
                left -= len(content)
                found.append(_file(label, content))
    except HeeError:
        raise
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise SourceError(f"{name} is a damaged tar archive: {error}", hint=_AGAIN) from None
    return _some(name, found)


def _some(name: str, found: list[LogFile]) -> tuple[LogFile, ...]:
    if not found:
        raise SourceError(f"{name} holds no logs", hint=_NAMED)
    return tuple(found)


def _directory(path: Path) -> tuple[LogFile, ...]:
    """The logs in a directory and below it, in the order of their names; links are not followed."""
    chosen = sorted(_chosen(list(islice(_walk(path), 10 * MOST_FILES))), key=_order)
    if not chosen:
        raise SourceError(f"{path} holds no logs", hint=_NAMED)
    if len(chosen) > MOST_FILES:
        raise SourceError(f"{path} holds more than {MOST_FILES} logs", hint="name the directory of one run, or one log")
    found: list[LogFile] = []
    left = LARGEST
    for name in chosen:
        with (path / name).open("rb") as file:
            data = _all_of(file, str(path), left)
        data = _unpacked(str(path), data, left)
        left -= len(data)
        found.append(_file(name, data))
    return tuple(found)


def _walk(root: Path) -> Iterator[str]:
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in sorted((root / folder).iterdir()):
            name = f"{folder}{entry.name}"
            if entry.is_symlink() or entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(f"{name}/")
            elif entry.is_file():
                yield name


def _chosen(names: list[str]) -> list[str]:
    """The names that are logs; where whole jobs lie at the top, the logs of their steps are left out."""
    whole = [name for name in names if _WHOLE_JOB.fullmatch(name)]
    return whole or [name for name in names if _LOG_NAME.fullmatch(name.rpartition("/")[2])]


def _order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `10_test.txt` after `9_build.txt`."""
    parts = re.findall(r"(\d{1,9})|(\D+)", name)
    return tuple((0, int(digits), "") if digits else (1, 0, rest) for digits, rest in parts)
