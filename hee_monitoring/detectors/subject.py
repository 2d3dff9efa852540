"""What detectors know besides the files, and how a finding of theirs gets a name that outlives moved lines.

Invariant: a fingerprint depends on pattern, sub-rule and subject alone, and evidence text is redacted and clean.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hee_core.canonical import clean
from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from hee_governance.config import Config
    from hee_governance.decisions import Decision
    from hee_governance.rules import Report

BOUND = 20
VERSION = "d1"


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of a detector before it is a diagnosis; `rule` is the letter of the sub-rule, or a word for several.

    `fingerprint` is set where the finding is an issue that the log knows; otherwise it follows from the subject.
    """

    pattern_id: str
    category: str
    rule: str
    subject: str
    title: str
    confidence: int
    evidence: tuple[Evidence, ...]
    captures: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """The fingerprint."""
        return self.fingerprint or named(self.pattern_id, self.rule, self.subject)

    @property
    def diagnosis(self) -> Diagnosis:
        """The finding as the pipeline takes it."""
        return Diagnosis(
            pattern_id=self.pattern_id,
            category=self.category,
            title=publishable(self.title, limit=200),
            fingerprint=self.name,
            confidence=self.confidence,
            evidence=self.evidence,
            captures={"rule": self.rule, **{name: clean(text, limit=1900) for name, text in self.captures.items()}},
        )


@dataclass(frozen=True, slots=True)
class Known:
    """The facts. `attempts` counts failed repairs in a row by fingerprint, `history` the values of a context key in order.

    `ended` are ids of decisions that are no longer active; `ended_complete` says whether these are all there were.
    `open` are the open issues that detectors found before: one that cannot be looked at again stays open.
    """

    config: Config
    report: Report
    decisions: tuple[Decision, ...] = ()
    ended: frozenset[str] = frozenset()
    ended_complete: bool = True
    attempts: Mapping[str, int] = field(default_factory=dict)
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open: tuple[Found, ...] = ()

    def kept(self, pattern_id: str, found: Collection[Found], unjudged: Callable[[Found], bool]) -> Iterator[Found]:
        """The open issues of a pattern that were not found again because nobody could look: silence resolves nothing."""
        seen = {entry.name for entry in found}
        for entry in self.open:
            if entry.pattern_id == pattern_id and entry.name not in seen and unjudged(entry):
                yield entry

    def is_open(self, entry: Found) -> bool:
        """Says whether a finding has an open issue already."""
        return any(other.name == entry.name for other in self.open)


def named(pattern_id: str, rule: str, subject: str) -> str:
    """The fingerprint of a subject under a sub-rule: 16 hexadecimal digits."""
    text = f"{VERSION}\0{pattern_id}\0{rule}\0{subject}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def line(where: str, number: int, text: str) -> Evidence:
    """A line of a file as evidence."""
    return Evidence(Channel.FILE, publishable(text.strip(), limit=500), number, publishable(where, limit=300))
