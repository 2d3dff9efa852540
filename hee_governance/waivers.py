"""Waivers in the upstream grammar: `RULE_ID | SUBJECT_GLOB | YYYY-MM-DD | REASON`, one a line, all four filled.

Responsible for reading them; what a waiver does to a finding is said by the rules. Invariant: a line that is no
comment and no whole waiver is kept with what is wrong with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from hee_core.canonical import clean

PLACES = (".hee/governance/waivers.txt", "hee/governance/waivers.txt")
_RULE = re.compile(r"[A-Z]{2,5}(-[A-Z]{1,8})*-[0-9]{3}")
HORIZON_DAYS = 366


@dataclass(frozen=True, slots=True)
class Waiver:
    """One line. `fault` says what is wrong with it, and such a line waives nothing."""

    rule: str
    glob: str
    until: str
    reason: str
    path: str
    line: int
    fault: str = ""

    def lasts(self, as_of: str) -> bool:
        """Says whether it holds on a day; without a day none does."""
        return not self.fault and bool(as_of) and as_of[:10] <= self.until


def read(path: str, data: bytes) -> tuple[Waiver, ...]:
    """Every waiver of a file."""
    found = []
    for number, row in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if row.strip() and not row.lstrip().startswith("#"):
            found.append(_waiver(path, number, row))
    return tuple(found)


def _waiver(path: str, line: int, row: str) -> Waiver:
    parts = [part.strip() for part in row.split("|", 3)]
    if len(parts) != 4 or not all(parts):
        return Waiver("", "", "", "", path, line, f"is not RULE | GLOB | DATE | REASON: {clean(row, limit=80)}")
    rule, glob, until, reason = parts
    fault = ""
    if not _RULE.fullmatch(rule):
        fault = f"{clean(rule, limit=40)!r} is no rule id"
    elif not re.fullmatch(r"\d{4}-\d{2}-\d{2}", until) or not _exists(until):
        fault = f"{clean(until, limit=40)!r} is no day as 2026-12-31"
    return Waiver(rule, glob, until, reason, path, line, fault)


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True
