"""All promises of a log under their names, and the one call that holds a log to them."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

from hee_core.log import Log
from hee_core.testing import properties, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from hee_core.testing.properties import Entries, Violation

# What events alone can break.
OF_EVENTS: Mapping[str, Callable[[Entries], tuple[Violation, ...]]] = {
    "append-only": properties.append_only,
    "legal-transitions": properties.legal_transitions,
    "decision-continuity": properties.decision_continuity,
    "replay-equal": properties.replay_equal,
}
PROMISES: Mapping[str, Callable[[Log], tuple[Violation, ...]]] = {
    **OF_EVENTS,
    "verified": stored.verified,
    "capsule-follows": stored.capsule_follows,
    "idempotent-append": stored.idempotent_append,
    "tamper-evident": stored.tamper_evident,
}


def audit(source: Entries | str | os.PathLike[str]) -> tuple[Violation, ...]:
    """What a log breaks: a `Log` or the path of a repository is held to every promise, bare pairs to those of events."""
    if not isinstance(source, (str, os.PathLike, Log)):
        known = list(source)
        return tuple(one for promise in OF_EVENTS.values() for one in promise(known))
    with opened(source) as log:
        return tuple(one for promise in PROMISES.values() for one in promise(log))


def check(source: Entries | str | os.PathLike[str]) -> None:
    """Raises AssertionError with every violation: the promise, the index, and how it is broken."""
    found = audit(source)
    if found:
        raise AssertionError(told(found))


def told(found: tuple[Violation, ...]) -> str:
    """Violations as text, one a line."""
    return "\n".join(f"{one.promise} at {one.index}: {one.detail}" for one in found)


def opened(source: Log | str | os.PathLike[str]) -> AbstractContextManager[Log]:
    """The log of a repository; one that is open already stays open."""
    from hee_core.gitstore import open_log

    return nullcontext(source) if isinstance(source, Log) else open_log(source)
