"""Contradictions between imported facts: two that cannot both be true, side by side with their lines.

Nothing is resolved. Invariant: both sides of a contradiction are quoted as they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.importing.model import Fact, Imported

MAX_PAIRS = 200


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What two places say differently about one subject; each claim is (path, line, text)."""

    kind: str
    subject: str
    message: str
    claims: tuple[tuple[str, int, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The contradiction as `hee capsule import --json` prints it."""
        claims = [{"path": path, "line": line, "text": text} for path, line, text in self.claims]
        return {"kind": self.kind, "subject": self.subject, "message": self.message, "claims": claims}


def contradictions(imported: Iterable[Imported]) -> tuple[Contradiction, ...]:
    """Every contradiction within and between files."""
    files = sorted(
        {(file.path, file.digest): file for file in imported}.values(), key=lambda file: (file.path, file.digest)
    )
    found = [*_done(files), *_claims(files), *_points(files), *_decisions(files)]
    return tuple(sorted(found, key=lambda each: (each.subject, each.kind, each.claims)))


def _done(files: list[Imported]) -> Iterator[Contradiction]:
    for file in files:
        if file.done.verdict == "contradiction":
            issue = next(issue for issue in file.issues if issue.code in ("D5", "D6"))
            yield Contradiction("done", file.subject, issue.message, ((file.path, issue.line, issue.message),))


def _claims(files: list[Imported]) -> Iterator[Contradiction]:
    """The same claim about the same subject, true in one place and false in another."""
    said: dict[tuple[str, str], list[tuple[Imported, Fact]]] = {}
    for file in files:
        for fact in file.facts:
            if fact.kind == "claim" and fact.text in ("true", "false"):
                said.setdefault((_about(file), fact.key.rpartition("/")[2]), []).append((file, fact))
    for (subject, key), entries in sorted(said.items(), key=lambda entry: entry[0]):
        yes = [entry for entry in entries if entry[1].text == "true"]
        no = [entry for entry in entries if entry[1].text == "false"]
        if yes and no:
            message = f"{subject}: {key} is claimed and denied"
            yield Contradiction("claim", subject, message, (_claim(yes[0], key), _claim(no[-1], key)))


def _points(files: list[Imported]) -> Iterator[Contradiction]:
    """Different totals of violation points, the first of each file."""
    totals: dict[str, tuple[Imported, Fact]] = {}
    for file in files:
        for fact in file.facts:
            if fact.kind == "claim" and fact.key == "violation points":
                totals.setdefault(fact.text, (file, fact))
                break
    if len(totals) > 1:
        words = ", ".join(f"{entry[1].text} ({entry[0].date[:10] or 'no date'})" for entry in totals.values())
        claims = tuple(_claim(entry, "violation points") for entry in totals.values())
        yield Contradiction("totals", "violation points", f"the totals of violation points differ: {words}", claims)


def _decisions(files: list[Imported]) -> Iterator[Contradiction]:
    """One decision with different grounds, in one file or in two versions of it."""
    grouped: dict[str, list[tuple[Imported, Fact, tuple[str, ...]]]] = {}
    for file in files:
        for title, grounds in _with_grounds(file):
            grouped.setdefault(re.sub(r"\W+", " ", title.text).strip().lower(), []).append((file, title, grounds))
    for subject, entries in sorted(grouped.items()):
        for one, other in islice(combinations(entries, 2), MAX_PAIRS):
            if one[2] != other[2]:
                message = f"one decision with different grounds: {one[1].text[:80]}"
                claims = tuple(
                    (file.path, title.line, "; ".join(grounds)[:300]) for file, title, grounds in (one, other)
                )
                yield Contradiction("decision", subject[:80], message, claims)
                break


def _with_grounds(file: Imported) -> Iterator[tuple[Fact, tuple[str, ...]]]:
    """Each decision with what stands below it, as far as both are told apart."""
    title: Fact | None = None
    grounds: list[str] = []
    for fact in file.facts:
        if fact.kind != "decision":
            continue
        name = fact.key.rpartition("/")[2].lower()
        if name == "decision" or name.startswith("decision (") or name.isdigit():
            if title:
                yield title, tuple(grounds)
            title, grounds = fact, []
        elif title:
            grounds.append(f"{fact.key.rpartition('/')[2]}: {fact.text}")
    if title:
        yield title, tuple(grounds)


def _about(file: Imported) -> str:
    """What a claim of the file is about: an addendum speaks of its parent."""
    parent = file.values.get("/artifact/parent_capsule")
    if parent is None:
        return file.subject
    return re.sub(r"^20\d\d-\d\d-\d\d-", "", parent.text.rpartition("/")[2].lower()).partition(".")[0]


def _claim(entry: tuple[Imported, Fact], key: str) -> tuple[str, int, str]:
    file, fact = entry
    return file.path, fact.line, f"{key}: {fact.text}"
