"""What a configuration may say about rules: the version it pins, what does not block and why, and rules of its own.

One source of truth for reading, defaults and the schema for editors, as in `config`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from hee_governance.predicates import WORDS, Predicate, parse
from hee_governance.settings import Choice, Entry, Many, Read, Rows, Table, Text

if TYPE_CHECKING:
    from hee_governance.rules import Severity

GLOB = Text(
    r"[^\s\\][^\\\n]*",
    "a path or glob with forward slashes",
    lambda text: "leaves the repository" if ".." in text.split("/") else "",
)


@dataclass(frozen=True, slots=True)
class Advisory:
    """A rule that does not block here: exempted, or only advisory until a day; `line` is the entry's."""

    rule: str
    reason: str
    until: str
    paths: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """A rule of the project's own: which files, what must hold, and what to do otherwise."""

    id: str
    clause: str
    severity: Severity
    files: str
    check: Predicate
    remedy: str
    valid_from: str
    valid_to: str


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What a repository says about rules: the version it pins, what does not block, and its own."""

    ruleset: str = ""
    strict_from: str = ""
    exempt: tuple[Advisory, ...] = ()
    advisory: tuple[Advisory, ...] = ()
    project: tuple[ProjectRule, ...] = ()


def _day(text: str) -> str:
    """Why a text is no day; empty if it is one."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return "is no day that exists"
    return ""


_WORDS = Text(r"[^\s](.*[^\s])?", "text")
_DAY = Text(r"\d{4}-\d{2}-\d{2}", "a day, as 2026-12-31", _day)
_RULE_ID = Text(r"[A-Z]{2,5}(-[A-Z]{1,8})*-[0-9]{3}", "a rule id, as HGV-CI-005")
_RULE = Entry(_RULE_ID, "", "Which rule.", required=True)
_REASON = Entry(_WORDS, "", "Why.", required=True)
_WHERE = Entry(Many(GLOB), (), "Globs of the files it is for; empty means all.")
_EXEMPT = {"rule": _RULE, "reason": _REASON, "paths": _WHERE, "until": Entry(_DAY, "", "The last day it holds.")}
_ADVISORY = {**_EXEMPT, "until": Entry(_DAY, "", "The last day before it blocks.", required=True)}
PROJECT = {
    "id": Entry(_RULE_ID, "", "Its id.", required=True),
    "clause": Entry(_WORDS, "", "What must be so.", required=True),
    "severity": Entry(Choice(("critical", "error", "warning", "info")), "error", "How bad breaking it is."),
    "files": Entry(GLOB, "", "A glob of the files it looks at; empty is the repository."),
    "check": Entry(
        Read(parse, {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": list(WORDS)}}),
        None, "What must hold, in the closed language.", required=True,
    ),
    "remedy": Entry(_WORDS, "", "What to do where it does not hold.", required=True),
    "valid_from": Entry(_DAY, "", "The first day it holds."),
    "valid_to": Entry(_DAY, "", "The first day it holds no more."),
}  # fmt: skip
RULES = {
    "ruleset": Entry(Text(r"\d+(\.\d+){0,2}", "a version of the ruleset, as 1.1"), "", "The version to pin; empty follows the day."),
    "strict_from": Entry(_DAY, "", "The day from which `warn` is strict."),
    "exempt": Entry(Rows(Table(_EXEMPT), lambda values, line: Advisory(**values, line=line)), (), "Rules that do not hold here."),
    "advisory": Entry(Rows(Table(_ADVISORY), lambda values, line: Advisory(**values, line=line)), (), "Rules that only warn until a day."),
    "project": Entry(
        Rows(Table(PROJECT), lambda values, _: ProjectRule(**{**values, "severity": values["severity"].upper()})),
        (), "Rules of this project.",
    ),
}  # fmt: skip
