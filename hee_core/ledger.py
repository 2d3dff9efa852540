"""The ledger: what no rollback takes back. Decisions, attempts, approvals, the freeze, and totals over everything.

It holds the records and the two measures of decision-keeping; who writes into it is the projection. Invariant: a
recorded decision is active until an event ends it, so recorded = active + ended, always.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from hee_core.remembered import last

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from hee_core.record import Record

ENDED_KEPT = 100
FIXES_KEPT = 100
ATTEMPTS_KEPT = 500
SUGGESTIONS_KEPT = 100
APPROVALS_KEPT = 100
CHECKPOINTS_KEPT = 50
ROLLBACKS_KEPT = 20
VERDICTS_KEPT = 20
WINDOW = timedelta(days=30)
COOL_OFF = timedelta(days=7)
_NONE: dict[str, Any] = {}  # shared by every empty field; the fold copies a map before it writes


class Ledger(NamedTuple):
    """Everything that only grows or is ended by an event; maps are by id, oldest first.

    `decisions` are the active ones, `ended` the last of the others. `fixes` are the last attempts with one record
    each from start to end (`outcome` is empty while it runs); earlier ones are a number and a chained digest.
    `verdicts` are those of the rules over a fix that has not started yet.
    `attempts` counts tries by fingerprint. `seals` are the points that people sealed, `stops` the fingerprints that
    nothing repairs any more until a person approves, `suggestions` the last ones of a command. `alerts` are
    those that a channel was told of and not yet of their end, `channels` when each took messages. `learned` are patterns that people accepted, in force or retired, by
    id; `proposals` and `refusals` are candidates for more. `counts` has the folded events by
    type; an event that was not folded is in `unknown`, `malformed` or `refused`.
    """

    decisions: Mapping[str, Record] = _NONE
    ended: Mapping[str, Record] = _NONE
    ended_count: int = 0
    fixes: Mapping[str, Record] = _NONE
    fixes_earlier: int = 0
    fixes_digest: str = ""
    verdicts: Mapping[str, Record] = _NONE
    attempts: Mapping[str, Record] = _NONE
    approvals: Mapping[str, Record] = _NONE
    checkpoints: Mapping[str, Record] = _NONE
    rollbacks: Mapping[str, Record] = _NONE
    seals: Mapping[str, Record] = _NONE
    stops: Mapping[str, Record] = _NONE
    suggestions: Mapping[str, Record] = _NONE
    alerts: Mapping[str, Record] = _NONE
    channels: Mapping[str, Record] = _NONE
    frozen: bool = False
    frozen_reason: str = ""
    config: Mapping[str, Any] = _NONE
    patterns: Mapping[str, Any] = _NONE
    proposals: Mapping[str, Record] = _NONE
    refusals: Mapping[str, Record] = _NONE
    learned: Mapping[str, Record] = _NONE
    counts: Mapping[str, int] = _NONE
    unknown: int = 0
    malformed: int = 0
    refused: int = 0

    @property
    def lost(self) -> int:
        """Decisions that were recorded and are neither active nor ended; anything but 0 is a fault of ours."""
        return int(self.counts.get("decision.recorded", 0)) - len(self.decisions) - self.ended_count


def decision_id(event_id: str, taken: Container[str], also_taken: Container[str]) -> str:
    """`HEE-DEC-` and the first 8 digits of the event's id, in steps of 4 more while that name is taken."""
    digits = 8
    while (name := f"HEE-DEC-{event_id[:digits]}") in taken or name in also_taken:
        digits += 4
    return name


def of_a_person(record: Record) -> bool:
    """Says whether a decision stands until a person ends it: a person's own, and not about one issue."""
    return bool(record["kind"] == "standing" and record["decided_by"].startswith("human:"))


def decision_continuity(ledger: Ledger) -> int | None:
    """Basis points of all recorded decisions that are active or were ended by an event; None before the first one."""
    recorded = int(ledger.counts.get("decision.recorded", 0))
    return max(0, 10000 * (recorded - abs(ledger.lost)) // recorded) if recorded else None


def continuity_between(before: Ledger, after: Ledger) -> int | None:
    """Basis points of the decisions active in `before` that are unchanged or ended in `after`; None if there were none.

    Ended decisions are known by name while `after` remembers them (the last 100).
    """
    if not before.decisions:
        return None
    kept = sum(
        1 for name, record in before.decisions.items() if after.decisions.get(name) == record or name in after.ended
    )
    return 10000 * kept // len(before.decisions)


def decision_stability(ledger: Ledger, as_of: str) -> int | None:
    """Basis points of the decisions of the last 30 days that stood: not reversed, not lost, not in conflict.

    Reversed is one superseded within seven days by another value under the same key; in conflict are two active ones
    under one key with different values and a common scope. None if no decision was active in the window. Ended
    decisions count while the ledger remembers them (the last 100).
    """
    stood, total = decisions_stood(ledger, as_of)
    return 10000 * stood // total if total else None


def decisions_stood(ledger: Ledger, as_of: str) -> tuple[int, int]:
    """How many of the decisions of the last 30 days stood, and of how many; see `decision_stability`."""
    if not as_of:
        return 0, 0
    since = _window_start(as_of)
    ended = [record for record in ledger.ended.values() if record["ended_at"] >= since]
    total = len(ledger.decisions) + len(ended)
    faults = sum(map(_reversed, ended)) + abs(ledger.lost) + _conflicts(ledger.decisions)
    return max(0, total - faults), total


def _reversed(record: Record) -> bool:
    return bool(record["contrary"]) and _when(record["ended_at"]) - _when(record["decided_at"]) <= COOL_OFF


@last
def _conflicts(decisions: Mapping[str, Record]) -> int:
    """Subjects under which two active decisions are contrary; linear in their number."""
    subjects: dict[tuple[str, str], list[Record]] = {}
    for record in decisions.values():
        subjects.setdefault((record["key"], record["issue_id"]), []).append(record)
    return sum(1 for rivals in subjects.values() if len(rivals) > 1 and _in_conflict(rivals))


def _in_conflict(rivals: list[Record]) -> bool:
    said_of: dict[str, set[tuple[str, str]]] = {}
    everywhere, anywhere = set[tuple[str, str]](), set[tuple[str, str]]()
    for record in rivals:
        said = (record["value"], record["action"])
        anywhere.add(said)
        if not record["scope"]:
            everywhere.add(said)
        for part in record["scope"]:
            said_of.setdefault(part, set()).add(said)
    return (bool(everywhere) and len(anywhere) > 1) or any(len(said) > 1 for said in said_of.values())


def contrary(one: Record, other: Record) -> bool:
    """Says whether two decisions under one key cannot both hold: other values, and a scope in common."""
    if one["key"] != other["key"] or one["issue_id"] != other["issue_id"]:
        return False
    if (one["value"], one["action"]) == (other["value"], other["action"]):
        return False
    return not one["scope"] or not other["scope"] or not set(one["scope"]).isdisjoint(other["scope"])


def _window_start(as_of: str) -> str:
    try:
        return (_when(as_of) - WINDOW).isoformat()[:19]  # times are UTC, so text order is time order
    except OverflowError:  # a clock that stands before the year 1's February
        return ""


def _when(time: str) -> datetime:
    return datetime.fromisoformat(f"{time[:19]}+00:00")
