"""Contradictions: decisions against decisions, and a change against the decisions in force.

Responsible for finding and naming; never resolves one. Only standing decisions can conflict: a decision about one
issue is replaced by the next one about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from hee_core.ledger import COOL_OFF
from hee_governance.decisions import Decision, Subject, selectors
from hee_governance.paths import overlap
from hee_governance.values import incompatible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Kind = Literal["incompatible", "denied", "cycle", "unknown-superseded", "superseded-twice", "reversal", "apart"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """One contradiction between the named decisions; `paths` are those a change may not touch."""

    kind: Kind
    key: str
    decisions: tuple[str, ...]
    reason: str
    paths: tuple[str, ...] = ()


def conflicts_of(decisions: Collection[Decision], *, known: Collection[str] = ()) -> tuple[Conflict, ...]:
    """Every contradiction among active decisions; `known` are the ids of those that ended, which may be superseded."""
    standing = sorted((entry for entry in decisions if entry.kind == "standing"), key=lambda entry: entry.decision_id)
    ids = {decision.decision_id for decision in decisions} | set(known)
    return (*_incompatible(standing), *_cycles(standing), *_superseded(standing, ids))


def reversal(new: Decision, old: Decision, *, days: int) -> tuple[Conflict, ...]:
    """A decision that turns around one that is `days` old, inside the cool-off and without new evidence."""
    contrary = incompatible(new.value, old.value) or bool(new.action and old.action and new.action != old.action)
    if not contrary or days > COOL_OFF.days or new.evidence:
        return ()
    when = "today" if days == 0 else f"{days} day{'' if days == 1 else 's'} ago"
    message = f"{new.key}: this turns around {old.decision_id}, which was decided {when}, and brings no new evidence"
    return (Conflict("reversal", new.key, (old.decision_id,), message),)


def apart(ours: Collection[Decision], theirs: Collection[Decision]) -> tuple[Conflict, ...]:
    """What two branches of one log decided about the same thing, each without the other, and differently."""
    known = {decision.decision_id for decision in ours}
    other = {decision.decision_id for decision in theirs}
    new_here = [decision for decision in ours if decision.decision_id not in other]
    new_there = [decision for decision in theirs if decision.decision_id not in known]
    found = []
    for one in new_here:
        for two in new_there:
            pair = [replace(one, supersedes=""), replace(two, supersedes="")]
            for conflict in _incompatible(pair):
                message = f"two branches decided {one.key}: {conflict.reason}"
                found.append(Conflict("apart", one.key, conflict.decisions, message))
    return tuple(sorted(found, key=lambda conflict: (conflict.key, conflict.decisions)))


def denied(decisions: Collection[Decision], subject: Subject) -> tuple[Conflict, ...]:
    """The active decisions that forbid a change to the subject's paths."""
    return tuple(
        Conflict(
            "denied",
            decision.key,
            (decision.decision_id,),
            f"decision {decision.decision_id} ({decision.key}) forbids to change {', '.join(forbidden[:3])}",
            forbidden,
        )
        for decision in decisions
        if decision.applies(subject) and (forbidden := decision.denied(subject.paths))
    )


def scopes_overlap(first: Decision, second: Decision) -> bool:
    """Says whether both decisions could apply to one subject."""
    one, other = selectors(first.scope), selectors(second.scope)
    return all(any(overlap(a, b) for a in one[kind] for b in other[kind]) for kind in one.keys() & other.keys())


def _incompatible(standing: list[Decision]) -> Iterator[Conflict]:
    for first, second in combinations(standing, 2):
        linked = second.decision_id == first.supersedes or first.decision_id == second.supersedes
        if first.key != second.key or linked or not scopes_overlap(first, second):
            continue
        ids = (first.decision_id, second.decision_id)
        actions = bool(first.action and second.action and first.action != second.action)
        for what, one, other, differ in (
            ("value", first.value, second.value, incompatible(first.value, second.value)),
            ("action", first.action, second.action, actions),
        ):
            if differ:
                message = f"{first.key}: {ids[0]} says {what} {one!r}, {ids[1]} says {other!r}, and both are in force"
                yield Conflict("incompatible", first.key, ids, message)
                break


def _cycles(standing: list[Decision]) -> Iterator[Conflict]:
    """Each chain of supersessions is walked once: a decision supersedes at most one other."""
    after = {decision.decision_id: decision for decision in standing}
    settled: set[str] = set()
    for decision in standing:
        walk: list[str] = []
        at = decision.decision_id
        while at in after and at not in settled and at not in walk:
            walk.append(at)
            at = after[at].supersedes
        if at in walk:
            circle = tuple(sorted(walk[walk.index(at) :]))
            message = f"{', '.join(circle)} supersede each other in a circle: none of them is in force"
            yield Conflict("cycle", decision.key, circle, message)
        settled.update(walk)


def _superseded(standing: list[Decision], known: Collection[str]) -> Iterator[Conflict]:
    followers: dict[str, list[Decision]] = {}
    for decision in standing:
        if decision.supersedes:
            followers.setdefault(decision.supersedes, []).append(decision)
    for superseded, decisions in sorted(followers.items()):
        ids = tuple(decision.decision_id for decision in decisions)
        if superseded not in known:
            message = f"{ids[0]} supersedes {superseded}, which the ledger does not know"
            yield Conflict("unknown-superseded", decisions[0].key, ids, message)
        elif len(ids) > 1:
            message = f"{superseded} is superseded by {' and by '.join(ids)}"
            yield Conflict("superseded-twice", decisions[0].key, ids, message)
