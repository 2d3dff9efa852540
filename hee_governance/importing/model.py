"""What an import gives: facts with the line they stand at, what is wrong with the file, and what a reader makes of it.

Invariant: a fact is unverified. Only events verify, so nothing here becomes a decision or a state by being imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["field", "decision", "task", "claim", "commit"]
MAX_FACTS = 400
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a file says. `key` is a pointer or a name, `line` counts from 1."""

    kind: Kind
    key: str
    text: str
    line: int

    def to_json(self, path: str, digest: str) -> dict[str, Any]:
        """The fact with its provenance."""
        where = f"{path}@{digest[:12]}:{self.line}"
        return {
            "kind": self.kind,
            "key": self.key,
            "text": self.text,
            "line": self.line,
            "trust": "unverified",
            "from": where,
        }


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: a code, the line, and what is seen."""

    code: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """Whether the work is done: what the name, the status line and the boxes say (None: nothing)."""

    marker: bool
    status: bool | None
    open_boxes: int
    boxes: int

    @property
    def verdict(self) -> str:
        """`done`, `open`, `unknown`, or `contradiction` where the signs disagree."""
        signs = {sign for sign in (self.marker or None, self.status, self._boxes) if sign is not None}
        if len(signs) > 1:
            return "contradiction"
        return {True: "done", False: "open"}[signs.pop()] if signs else "unknown"

    @property
    def _boxes(self) -> bool | None:
        return self.open_boxes == 0 if self.boxes else None


@dataclass(frozen=True)
class Imported:
    """One file as it was understood. `confidence` is percent; `lossless` says that every value of it is among the facts."""

    path: str
    digest: str
    format: str
    form: str
    confidence: int
    date: str
    date_from: str
    done: Done
    facts: tuple[Fact, ...]
    issues: tuple[Issue, ...] = ()
    lossless: bool = False
    subject: str = ""
    values: dict[str, Fact] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The import as `hee capsule import --json` prints it."""
        return {
            "path": self.path,
            "digest": self.digest,
            "format": self.format,
            "form": self.form,
            "confidence": self.confidence,
            "date": self.date or None,
            "date_from": self.date_from or None,
            "done": self.done.verdict,
            "lossless": self.lossless,
            "facts": [fact.to_json(self.path, self.digest) for fact in self.facts],
            "issues": [{"code": issue.code, "line": issue.line, "message": issue.message} for issue in self.issues],
        }


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that nothing here can read as a capsule, and why."""

    path: str
    line: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The refusal as `hee capsule import --json` prints it."""
        return {"path": self.path, "line": self.line, "reason": self.reason}
