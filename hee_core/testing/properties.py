"""The promises that events alone can break, each as a function of a log that returns what breaks it.

A log is a `Log`, or its (index, event) pairs from anywhere. They hold the projection against simpler models of their
own; what needs the stored bytes is `stored`'s business. Invariant: an honest log breaks none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hee_core import machine
from hee_core.errors import EventError
from hee_core.events import Event
from hee_core.projection import INITIAL, ROLLED_BACK, digest, dump, fold, fold_all, load
from hee_core.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hee_core.log import Log
    from hee_core.operational import State

    Entries = Iterable[tuple[int, Event]] | Log

    class Fold(Protocol):
        """A fold like the projection's own; another one can be put to the test."""

        def __call__(self, state: State, index: int, event: Event, *, restore: Callable[[int], State]) -> State: ...


CHECKPOINTS = 8


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: which one, at which index, and how."""

    promise: str
    index: int
    detail: str


def pairs(entries: Entries) -> Iterable[tuple[int, Event]]:
    """The (index, event) pairs of a log."""
    from hee_core.log import Log

    return ((entry.index, entry.event) for entry in entries.read()) if isinstance(entries, Log) else entries


def append_only(entries: Entries, *, earlier: Sequence[tuple[int, Event]] = ()) -> tuple[Violation, ...]:
    """Indexes without gaps from 0, no event twice, bytes that read back; `earlier` is a beginning seen before."""
    found: list[Violation] = []
    seen: dict[str, int] = {}
    last = -1
    for position, (index, event) in enumerate(pairs(entries)):
        last = position
        if index != position:
            found.append(Violation("append-only", index, f"stands at place {position}"))
        try:
            if Event.from_bytes(event.to_bytes()) != event:
                found.append(Violation("append-only", index, "its bytes say something else"))
        except EventError as error:
            found.append(Violation("append-only", index, f"cannot be read back: {error}"))
            continue
        if event.id in seen:
            found.append(Violation("append-only", index, f"is event {seen[event.id]} again"))
        seen.setdefault(event.id, index)
        if position < len(earlier) and earlier[position][1].id != event.id:
            found.append(Violation("append-only", index, "was another event before"))
    found += [Violation("append-only", index, "is gone") for index, _ in earlier[last + 1 :]]
    return tuple(found)


def legal_transitions(entries: Entries, *, fold: Fold = fold) -> tuple[Violation, ...]:
    """Every `state.changed` is an edge of the specification that starts where the state is.

    The model is a list of status words by index; the projection has to agree with it.
    """
    found: list[Violation] = []
    status, states = machine.INITIAL, [INITIAL]
    for index, event, _, after in _steps(entries, fold):
        if event.type == "state.changed":
            from_, to = event.data.get("from"), event.data.get("to")
            if from_ != status or machine.label(str(from_), str(to)) is None:
                found.append(Violation("legal-transitions", index, f"{from_} to {to} while {status}"))
            else:
                status = str(to)
        elif event.type == ROLLED_BACK:
            to_index = event.data.get("to_index")
            status = states[to_index + 1].status if isinstance(to_index, int) and 0 <= to_index < index else status
        if after.status != status:
            found.append(Violation("legal-transitions", index, f"the projection says {after.status}, not {status}"))
            status = after.status
        states.append(after)
    return tuple(found)


def decision_continuity(entries: Entries, *, fold: Fold = fold) -> tuple[Violation, ...]:
    """No event but one that ends a decision takes it from the active ones, and none forgets a failed attempt."""
    found: list[Violation] = []
    for index, event, before, after in _steps(entries, fold):
        gone = {name for name, record in before.decisions.items() if after.decisions.get(name) != record}
        found += [
            Violation("decision-continuity", index, f"{event.type} loses or changes {name}")
            for name in sorted(gone - _ends(before, event))
        ]
        if after.ledger.lost:
            found.append(Violation("decision-continuity", index, f"{after.ledger.lost} decisions are unaccounted for"))
        attempts = after.ledger.attempts
        found += [
            Violation("decision-continuity", index, f"{event.type} forgets a failed attempt at {key}")
            for key, record in before.ledger.attempts.items()
            if attempts.get(key, record)["failed"] < record["failed"]
        ]
        found += [
            Violation("decision-continuity", index, f"{event.type} makes failed {name} a success")
            for name, fix in before.ledger.fixes.items()
            if fix["rollback"] and after.ledger.fixes.get(name, fix)["success"]
        ]
    return tuple(found)


def replay_equal(entries: Entries, *, fold: Fold = fold) -> tuple[Violation, ...]:
    """Folding one by one, in pieces, across a dump and with snapshots gives the same digest at every step tried."""
    steps = list(_steps(entries, fold))
    known = [event for _, event, _, _ in steps]
    at = [INITIAL, *(after for _, _, _, after in steps)]
    replay = Replay(lambda start, stop: known[start:stop])
    found: list[Violation] = []
    for size in sorted({len(known) * part // CHECKPOINTS for part in range(CHECKPOINTS + 1)}):
        read_back = load(json.loads(json.dumps(dump(at[size]))))
        others = {
            "folding all at once": (fold_all(INITIAL, 0, known[:size], restore=lambda n: at[n + 1]), at[size]),
            "the replay with snapshots": (replay.state_after(size - 1), at[size]),
            "a dump": (read_back, at[size]),
            "going on from a dump": (fold_all(read_back, size, known[size:], restore=lambda n: at[n + 1]), at[-1]),
        }
        for name, (other, expected) in others.items():
            if digest(other) != digest(expected) or other != expected:
                found.append(Violation("replay-equal", size, f"{name} gives another state than one event at a time"))
    return tuple(found)


def _steps(entries: Entries, fold: Fold) -> Iterator[tuple[int, Event, State, State]]:
    """Each event with the state before and after it; every earlier state is kept for rollbacks."""
    states = [INITIAL]
    for index, (_, event) in enumerate(pairs(entries)):
        after = fold(states[-1], index, event, restore=lambda to_index: states[to_index + 1])
        yield index, event, states[-1], after
        states.append(after)


def _ends(state: State, event: Event) -> set[str]:
    data = event.data
    if event.type == "decision.ended":
        return {str(data.get("decision_id"))}
    if event.type == "decision.recorded":
        return {str(data.get("supersedes"))}
    if event.type == "ci.issue_resolved":
        return {name for name, record in state.decisions.items() if record["issue_id"] == data.get("issue_id")}
    return set()
