"""Capsules that lie in a directory or a repository, read by `hee_governance.importing` and recorded as what they say.

Responsible for finding files, for what only a repository knows (dates of commits, cited commits that do not exist) and
for the events. Never opens a file for writing. Invariant: a file with the same bytes at the same path is recorded once.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hee_core.errors import CapsuleError, Conflict
from hee_governance import importing
from hee_governance.importing import Imported, Issue, Rejected
from hee_monitoring import facts
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hee_core.clock import Clock
    from hee_core.events import Event
    from hee_core.git import Repository
    from hee_core.log import Log

MOST_FILES = 5000
FACTS_RECORDED = 60
_SUFFIXES = (".md", ".md.done", ".yaml", ".yml", ".json", ".kv", ".txt")


@dataclass(frozen=True)
class Imports:
    """What was read, what could not be, and what contradicts itself."""

    imported: tuple[Imported, ...]
    contradictions: tuple[importing.Contradiction, ...]
    rejected: tuple[Rejected, ...]

    def to_json(self) -> dict[str, Any]:
        """The import as `hee capsule import --json` prints it."""
        return {
            "imported": [file.to_json() for file in self.imported],
            "contradictions": [each.to_json() for each in self.contradictions],
            "rejected": [each.to_json() for each in self.rejected],
        }


def gather(paths: Sequence[Path]) -> list[tuple[Path, bytes | None]]:
    """Every named file, and the files below a directory that may be capsules; None for one that cannot be read."""
    found: dict[Path, bytes | None] = {}
    for path in paths:
        for file in _below(path) if path.is_dir() else (path,):
            if len(found) >= MOST_FILES:
                raise CapsuleError(f"{path}: more than {MOST_FILES} files", hint="name a smaller directory")
            found[file] = _bytes(file)
    return list(found.items())


def _bytes(file: Path) -> bytes | None:
    """The content of a regular file, and of a large one only as much as shows that it is too large; a pipe is not read."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(importing.MAX_BYTES + 1)
    except OSError:
        return None


def _below(place: Path) -> Iterable[Path]:
    for folder, names, files in os.walk(place):  # links to directories are not followed
        names[:] = sorted(name for name in names if name != ".git")
        for name in sorted(files):
            file = place.__class__(folder) / name
            if name.lower().endswith(_SUFFIXES) and not file.is_symlink():
                yield file


def read(files: Iterable[tuple[str, bytes | None]], repository: Repository | None = None) -> Imports:
    """Reads files by name; with a repository, dates and cited commits are looked up in its history."""
    imported, rejected = [], []
    for path, data in files:
        found = importing.read(path, data) if data is not None else Rejected(path, 0, "cannot be read")
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            imported.append(found)
    if repository is not None:
        missing = _missing(repository, {fact.text for file in imported for fact in file.facts if fact.kind == "commit"})
        imported = [_known(repository, file, missing) for file in imported]
    imported.sort(key=lambda file: (file.date or "9999", file.path))  # what has no date comes last
    return Imports(tuple(imported), importing.contradictions(imported), tuple(rejected))


def _known(repository: Repository, file: Imported, missing: set[str]) -> Imported:
    issues = [
        Issue("D11", fact.line, f"cites commit {fact.text}, which is not in this repository (was history rewritten?)")
        for fact in file.facts
        if fact.kind == "commit" and fact.text in missing
    ]
    file = replace(file, issues=tuple(sorted((*file.issues, *issues), key=lambda issue: issue.line)))
    if file.date or file.path.startswith(("/", "..")):
        return file
    done = repository.attempt("log", "-1", "--format=%aI", "--", file.path)
    date = done.stdout.decode().strip()
    return replace(file, date=date, date_from="commit") if date else file


def _missing(repository: Repository, names: set[str]) -> set[str]:
    if not names or repository.is_shallow():
        return set()
    asked = "".join(f"{name}\n" for name in sorted(names)).encode()
    rows = repository.run("cat-file", "--batch-check=%(objecttype)", stdin=asked).decode().splitlines()
    return {row.partition(" ")[0] for row in rows if row.endswith(" missing")}


def record(log: Log, found: Imports, *, clock: Clock) -> int:
    """Records every file that is not in the log yet; says how many events that were."""
    while True:
        head = log.head
        known = {
            (entry.event.data.get("path"), entry.event.data.get("file"))
            for entry in log.read()
            if entry.event.type == "capsule.imported" and entry.event.fits
        }
        events = [
            _event(file, found, clock)
            for file in found.imported
            if (publishable(file.path, limit=500), file.digest) not in known
        ]
        if not events:
            return 0
        try:
            log.append(events, expected=head)
        except Conflict:
            continue
        return len(events)


def _event(file: Imported, found: Imports, clock: Clock) -> Event:
    said = [each.message for each in found.contradictions if any(path == file.path for path, _, _ in each.claims)]
    data: Mapping[str, Any] = {
        "path": publishable(file.path, limit=500),
        "file": file.digest,
        "format": file.format,
        "confidence": file.confidence * 100,
        "date": file.date,
        "lossless": file.lossless,
        "facts": [
            {"kind": fact.kind, "key": publishable(fact.key, limit=200), "text": publishable(fact.text, limit=300), "line": fact.line}
            for fact in file.facts[:FACTS_RECORDED]
        ],
        "facts_total": len(file.facts),
        "issues": [publishable(f"{issue.code} line {issue.line}: {issue.message}", limit=300) for issue in file.issues[:20]],
        "contradictions": [publishable(text, limit=300) for text in said[:10]],
    }  # fmt: skip
    return facts.event("capsule.imported", data, subject=f"capsule/{_plain(file.subject)}", clock=clock)


def index(found: Imports) -> str:
    """An index of capsules in Markdown: by date, those without one last, with what they are and whether they are done."""
    rows = ["# Capsules", "", f"{len(found.imported)} capsules, {len(found.rejected)} files that are none.", ""]
    for file in found.imported:
        date = file.date[:10] or "no date"
        faults = f", {len(file.issues)} faults" if file.issues else ""
        rows.append(f"- {date} · `{_plain(file.path)}` · {file.form.replace('`', '')} · {file.done.verdict}{faults}")
    return "\n".join(rows) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"[^\w./ -]+", "-", text)[:200]
