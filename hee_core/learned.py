"""Patterns that a repository learned: proposed by anybody, accepted, refused and retired by people. Handlers and rules.

A candidate is data of an event, never code; whether its expression is a good one is judged before it is proposed and again
before it is used (`hee_monitoring.candidates`). Invariant: only a person's event brings a pattern into force or takes it
out again, and an id that a pattern once had never names another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.errors import EventError, HeeError
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

FIRST, LAST = 940, 998  # the numbers of learned patterns; no shipped one has them
PROPOSALS_KEPT = 100
REFUSALS_KEPT = 500
IN_FORCE, RETIRED = "in force", "retired"
_PROPOSED = ("candidate", "regex", "template", "category", "support", "repositories")
_ACCEPTED = ("candidate", "pattern_id", "version", "category", "title", "what", "remedy")


def proposed(draft: Draft, event: Any, data: Data) -> None:
    """Keeps a candidate with its newest support; one that was refused is a proposal again."""
    record = Record(
        {name: data[name] for name in _PROPOSED}, examples=data["examples"], time=draft.time, actor=event.actor
    )
    if data["candidate"] in draft.refusals:
        del draft.own("refusals")[data["candidate"]]
    draft.put("proposals", record, data["candidate"], keep=PROPOSALS_KEPT)


def accepted(draft: Draft, event: Any, data: Data) -> None:
    """Brings a candidate into force under its id."""
    proposal = draft.own("proposals").pop(data["candidate"])
    record = Record(
        {name: data[name] for name in _ACCEPTED},
        regex=proposal["regex"], template=proposal["template"], examples=proposal["examples"], support=proposal["support"],
        status=IN_FORCE, actor=event.actor, time=draft.time,
    )  # fmt: skip
    draft.put("learned", record, data["pattern_id"])


def refused(draft: Draft, event: Any, data: Data) -> None:
    """Remembers a candidate that a person did not want, with the support that it had then."""
    proposal = draft.own("proposals").pop(data["candidate"])
    record = Record(
        candidate=data["candidate"], template=proposal["template"], support=proposal["support"],
        reason=data["reason"], actor=event.actor, time=draft.time,
    )  # fmt: skip
    draft.put("refusals", record, data["candidate"], keep=REFUSALS_KEPT)


def retired(draft: Draft, event: Any, data: Data) -> None:
    """Takes a pattern out of force; it keeps its id, and its candidate may be proposed again."""
    name = data["pattern_id"]
    ended = {"status": RETIRED, "reason": data["reason"], "retired_by": event.actor, "retired_at": draft.time}
    draft.put("learned", Record(draft.learned[name], **ended), name)


def may_propose(draft: Draft, _: int, event: Any) -> HeeError | None:
    """Says why this candidate may not be proposed."""
    name = holder(draft.learned, event.data["candidate"])
    if name and draft.learned[name]["status"] == IN_FORCE:
        return EventError(f"{event.data['candidate']} is in force already, as {name}")
    return None


def may_accept(draft: Draft, _: int, event: Any) -> HeeError | None:
    """Says why this event may not bring the candidate into force under this id and version."""
    if (objection := may_refuse(draft, _, event)) is not None:
        return objection
    candidate, name = event.data["candidate"], event.data["pattern_id"]
    before = holder(draft.learned, candidate)
    if (before and before != name) or (not before and name in draft.learned):
        return EventError(
            f"{name} is not the id of {candidate}", hint="a candidate keeps its id, and shares it with none"
        )
    if not FIRST <= int(name[-3:]) <= LAST:
        return EventError(f"{name} is no id of a learned pattern", hint=f"they go from {FIRST} to {LAST}")
    if event.data["version"] != (draft.learned[name]["version"] + 1 if before else 1):
        return EventError(f"{name} has another version next than {event.data['version']}")
    return None


def may_refuse(draft: Draft, _: int, event: Any) -> HeeError | None:
    """Says why this event may not settle a proposal."""
    if (objection := _person(event)) is not None:
        return objection
    if event.data["candidate"] not in draft.proposals:
        return EventError(f"{event.data['candidate']} is not proposed", hint="`hee patterns candidates` lists what is")
    return None


def may_retire(draft: Draft, _: int, event: Any) -> HeeError | None:
    """Says why this event may not retire the pattern."""
    if (objection := _person(event)) is not None:
        return objection
    record = draft.learned.get(event.data["pattern_id"])
    if record is None or record["status"] != IN_FORCE:
        return EventError(
            f"{event.data['pattern_id']} is no learned pattern in force", hint="`hee patterns list --own`"
        )
    return None


HANDLERS = {
    "pattern.proposed": proposed,
    "pattern.accepted": accepted,
    "pattern.refused": refused,
    "pattern.retired": retired,
}
RULES = {
    "pattern.proposed": may_propose,
    "pattern.accepted": may_accept,
    "pattern.refused": may_refuse,
    "pattern.retired": may_retire,
}


def holder(learned: Mapping[str, Record], candidate: str) -> str:
    """The id under which a candidate is or was in force; empty if it never was."""
    return next((name for name, record in learned.items() if record["candidate"] == candidate), "")


def _person(event: Any) -> HeeError | None:
    if event.actor.startswith("human:"):
        return None
    return EventError(
        f"{event.actor} cannot settle a proposed pattern: only a person can", hint="sign it with a human's key"
    )
