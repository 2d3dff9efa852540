"""A repository's own patterns: those of its file `.hee/patterns.yaml`, and those that people accepted.

Responsible for reading the file (each fault with line and pointer), for its JSON Schema, and for the database that is in
force: the shipped one with both added. Where the file is read from is `workspace`'s business.

Invariant: an own pattern has a number that no shipped one has, so it replaces none; without own patterns the database and
its digest are the shipped ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hee_core import canonical, learned
from hee_core.errors import ConfigError
from hee_governance.document import Unreadable, read
from hee_governance.settings import Choice, Entry, Fault, Many, Rows, Table, Text, Whole
from hee_monitoring import candidates
from hee_monitoring.database import PatternDB
from hee_monitoring.finder import compiled
from hee_monitoring.pattern_sources import CATEGORIES, check_examples, pattern_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.record import Record
    from hee_monitoring.database import Pattern

PATH = ".hee/patterns.yaml"
FIRST, LAST = 915, 939  # their numbers
_LINE = Text(r"[^\n]+", "one line of text")


def _regex(text: str) -> str:
    try:
        matcher = compiled(text)
    except ValueError as error:
        return f"is no expression of RE2: {error}"
    return "matches lines that are in every log" if candidates.says_nothing(matcher) else ""


_REGEX = Text(r"[^\n]+", "an expression (RE2)", _regex)
_FIELDS: dict[str, Entry] = {
    "id": Entry(Text(r"HEE-PAT-9(1[5-9]|[23][0-9])", f"an id from HEE-PAT-{FIRST} to HEE-PAT-{LAST}"), "", "Its id, for good.", required=True),
    "title": Entry(_LINE, "", "What happened, in a few words.", required=True),
    "category": Entry(Choice(tuple(name for name in CATEGORIES if candidates.learnable(name))), "", "Its kind; it decides the row of the matrix.", required=True),
    "what": Entry(_LINE, "", "What it means, in a sentence.", required=True),
    "remedy": Entry(_LINE, "", "What to do, in a sentence.", required=True),
    "match": Entry(Many(_REGEX, 1), (), "Expressions of one line; a named group names the thing.", required=True),
    "unless": Entry(Many(_REGEX), (), "A line that one of these matches is no hit."),
    "then": Entry(Text(r"[^\n]*", "an expression (RE2)", lambda text: _regex(text) if text else ""), "", "Finds the line below that proves more."),
    "role": Entry(Choice(("cause", "hint", "consequence")), "hint", "`cause` proves a failure; `hint` names it only in a log that failed."),
    "priority": Entry(Whole(0, 80), 60, "Which of several causes is shown."),
    "examples": Entry(Many(_LINE, 2), (), "Lines that it finds.", required=True),
    "not": Entry(Many(_LINE, 1), (), "Lines that it does not find.", required=True),
}  # fmt: skip
_TOP = Table({
    "patterns": Entry(Rows(Table(_FIELDS), lambda values, line: (values, line)), (), "The patterns of this project.", required=True)
})  # fmt: skip


def load(data: bytes, path: str = PATH) -> tuple[Pattern, ...]:
    """Reads a project's patterns; raises ConfigError that names every fault with its line and JSON pointer."""
    tree = read(data)
    if isinstance(tree, Unreadable):
        raise ConfigError(f"{path}:{tree.line}: / {tree.message}", hint="docs/writing-a-pattern.md shows one")
    faults: list[Fault] = []
    rows = _TOP.read(tree, "", faults)["patterns"]
    found: dict[str, Pattern] = {}
    for number, (values, line) in enumerate(rows if not faults else ()):
        pattern = pattern_of(values)
        said = check_examples(pattern)
        if pattern.pattern_id in found:
            said.append(f"the id {pattern.pattern_id} stands here twice")
        faults += (Fault(f"/patterns/{number}", line, text) for text in said)
        found[pattern.pattern_id] = pattern
    if faults:
        shown = "; ".join(f"{path}:{fault.line}: {fault.pointer or '/'} {fault.message}" for fault in faults[:5])
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ConfigError(shown + more, hint="hee_monitoring/schemas/patterns.json describes the file")
    return tuple(found.values())


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Failure patterns of a project"}
    return {**head, **_TOP.schema()}


def extended(shipped: PatternDB, file: Iterable[Pattern], accepted: Mapping[str, Record]) -> PatternDB:
    """The database in force: the shipped one with a project's file and what is accepted and not retired."""
    usable = (each for each in accepted.values() if each["status"] == learned.IN_FORCE and not unusable(each))
    own = sorted((*file, *map(candidates.pattern_of, usable)), key=lambda pattern: pattern.pattern_id)
    if not own:
        return shipped
    content = [shipped.digest, [asdict(pattern) for pattern in own]]
    mark = hashlib.sha256(canonical.encode(content)).hexdigest()
    return PatternDB((*shipped, *own), version=f"{shipped.version}-own.{len(own)}", digest=mark)


def is_own(pattern: Pattern) -> bool:
    """Says whether a pattern is a repository's own."""
    return FIRST <= int(pattern.pattern_id[-3:]) <= learned.LAST


def count(database: PatternDB) -> int:
    """How many patterns of a database come from a project's file."""
    return sum(FIRST <= int(pattern.pattern_id[-3:]) <= LAST for pattern in database)


def unusable(record: Mapping[str, Any]) -> str:
    """Why an accepted pattern is left out: its event was not written by `hee patterns accept`, which holds these rules."""
    if not candidates.learnable(record["category"]):
        return f"{record['category']!r} is no category of a learned pattern"
    return "; ".join(candidates.faults(record["template"], record["regex"]))
