"""Taking over a log whose commits were rewritten: nothing but signatures and messages of commits may be missing.

Responsible for looking at everything first, and for comparing it with what this writer and this machine remember from
before; what the event means is `anchors`'. Invariant: what is anchored are exactly the events that were there before.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hee_core import anchors, audit, chain, merkle
from hee_core.errors import EventError, IntegrityError, LogNotFound
from hee_core.events import Event

if TYPE_CHECKING:
    from hee_core.log import Entry, Log


def reanchor(log: Log, *, reason: str, old_head: str = "") -> Entry:
    """Appends the event that takes over a rewritten history; `old_head` is the last commit of before, if nothing here knows it.

    Raises IntegrityError when more is wrong than a rewriting explains, EventError when there is nothing to take over.
    """
    store = log.store
    tip = store.tip()
    if tip is None:
        raise LogNotFound("there is no log here", hint="run `hee sync` or `hee init`")
    inspection = audit.inspect(store, tip, seen=log.seen)
    head = inspection.head
    for finding in inspection.findings or (inspection.unknown if inspection.blind else []):
        raise IntegrityError(
            f"event {finding.index}: {finding.kind}: {finding.detail}",
            hint="a rewriting of commits does not explain this: fetch the log from another clone",
        )
    if not inspection.unsigned:
        raise EventError("every commit of the log is signed: there is nothing to anchor again")
    before = log.remembered()
    if before is not None and before.log_id == head.log_id:
        lines = (line for step in store.steps(tip, None) for line in chain.lines(step))
        root = merkle.root_of(merkle.leaf_hash(line) for line in islice(lines, before.size))
        if before.size > head.size or root != before.frontier.root():
            raise IntegrityError(
                f"the first {before.size} events are not those that were here before",
                hint="fetch the log from another clone",
            )
        old_head = old_head or before.commit or ""
    fault = audit.not_as_seen(log.seen, inspection, store, tip) if log.seen is not None else None
    if fault:
        raise IntegrityError(fault.detail, hint="fetch the log from another clone")
    if not old_head:
        raise EventError(
            "the last commit of before is not known here",
            hint="name it: --old COMMIT (.git/filter-repo/commit-map has it)",
        )
    data = {
        "events": head.size, "root": head.frontier.root().hex(), "old_head": old_head, "new_head": tip, "reason": reason,
    }  # fmt: skip
    log.take(head)
    return log.append([Event.new(anchors.TYPE, data, subject="log", clock=log.clock)], expected=tip)
