"""The promises that need a log's stored bytes, each as a function of a `Log` that returns what breaks it.

Nothing here writes to the log that it judges: retries and forgeries are tried on a copy in memory. Invariant: an
honest log breaks none, and a log that says OK to a forgery breaks one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hee_core import capsule, chain, gitobjects
from hee_core.audit import verify
from hee_core.errors import HeeError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryStore
from hee_core.replay import Replay
from hee_core.store import SIGNATURES
from hee_core.testing.properties import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RETRIED = 64  # events, evenly spread, that are appended once more
FORGED = 16  # appends, from the first, that are forged: every forgery is verified anew


class _Append(NamedTuple):
    """One commit as it is, and the files of its tree; `first` is the index of its first event, `last` of its last."""

    raw: bytes
    files: dict[str, bytes]
    first: int
    last: int


def verified(log: Log) -> tuple[Violation, ...]:
    """Objects, chain, signatures, keys, checkpoints and trailers hold: what `hee verify` finds."""
    report = verify(log)
    found = tuple(
        Violation("verified", one.index, f"{one.kind}: {one.detail}") for one in (*report.findings, *report.unknown)
    )
    return found if found or report.events else (Violation("verified", 0, "no event was evaluated"),)


def capsule_follows(log: Log) -> tuple[Violation, ...]:
    """The capsule of every append is what its events give: folded here by a replay, not by the log's own reading."""
    tip = log.store.tip() or ""
    known: list[Event] = []
    replay = Replay(lambda start, stop: known[start:stop])
    found: list[Violation] = []
    for events, page in zip(log.store.steps(tip, None), log.store.steps(tip, None, "capsule.json"), strict=True):
        first = len(known)
        known += map(Event.from_bytes, chain.lines(events))
        if page.content != capsule.write(replay.state_after(len(known) - 1), log_id=known[0].id):
            found.append(Violation("capsule-follows", first, f"capsule.json of commit {page.commit[:12]} is another"))
    return tuple(found)


def idempotent_append(log: Log) -> tuple[Violation, ...]:
    """Appending an event that is in the log already answers with its place, and adds nothing."""
    copy = _log(_store(log, _appends(log)))
    size, head = len(copy), copy.head
    entries = list(copy.read())
    found: list[Violation] = []
    for entry in entries[:: max(1, len(entries) // RETRIED)]:
        try:
            again = copy.append([entry.event])
        except HeeError as error:
            found.append(Violation("idempotent-append", entry.index, f"is refused when it comes again: {error}"))
            continue
        if (again.index, len(copy), copy.head) != (entry.index, size, head):
            found.append(Violation("idempotent-append", entry.index, f"comes again as event {again.index}"))
    return tuple(found)


def _judged(log: Log) -> list[int]:
    return [one.index for one in verify(log).findings]


def tamper_evident(log: Log, *, judge: Callable[[Log], Sequence[int]] = _judged) -> tuple[Violation, ...]:
    """Whatever somebody without a key changes is found, and not after its place; tried on the log's first appends.

    Each forgery is made of sound objects, as a push would bring them. `judge` gives the indexes of its findings.
    """
    appends = _appends(log)[:FORGED]
    found: list[Violation] = []
    for number, (name, forge) in enumerate(_FORGERIES.items()):
        at = 7 * number % len(appends)
        forged = forge(appends, at)
        if forged is None:
            continue
        indexes = judge(_log(_store(log, forged)))
        first, last = appends[at].first, appends[at].last
        if not indexes or min(indexes) > last + 1:
            found.append(
                Violation("tamper-evident", first, f"{name}: {f'found at {min(indexes)}' if indexes else 'OK'}")
            )
    return tuple(found)


def _appends(log: Log) -> list[_Append]:
    tip = log.store.tip() or ""
    made: list[_Append] = []
    size = 0
    for step in log.store.steps(tip, None):
        last = size + len(chain.lines(step)) - 1
        files = {name: log.store.file(step.commit, name) for name in chain.FILES}
        ((_, raw),) = (item for item in log.store.read(step.commit) if item)
        made.append(_Append(raw, files, size, last))
        size = last + 1
    return made


def _store(log: Log, appends: Sequence[_Append]) -> MemoryStore:
    """These appends as a history: each commit as it was, but for its tree and its parent."""
    store = MemoryStore()
    store.object_format = log.store.object_format
    for append in appends:
        blobs = {name: gitobjects.make("blob", data, store.object_format) for name, data in append.files.items()}
        tree = gitobjects.tree([(name, blob.id) for name, blob in blobs.items()], store.object_format)
        parent = f"parent {store.ref}\n".encode() if store.ref else b""
        rest = append.raw[append.raw.index(b"author ") :]
        commit = gitobjects.make("commit", f"tree {tree.id}\n".encode() + parent + rest, store.object_format)
        store.publish([*blobs.values(), tree, commit], commit.id, store.ref)
    return store


def _log(store: MemoryStore) -> Log:
    return Log(store, signer=EphemeralSigner())


def _flip(name: str) -> Callable[[Sequence[_Append], int], list[_Append]]:
    def forge(appends: Sequence[_Append], at: int) -> list[_Append]:
        data = bytearray(appends[at].files[name])
        data[len(data) // 2] ^= 1
        changed = appends[at]._replace(files={**appends[at].files, name: bytes(data)})
        return [*appends[:at], changed, *appends[at + 1 :]]

    return forge


def _gone(appends: Sequence[_Append], at: int) -> list[_Append] | None:
    """An append taken out; the last one is not tried, since only who saw it can miss it."""
    return [*appends[:at], *appends[at + 1 :]] if at + 1 < len(appends) else None


def _last_event_gone(appends: Sequence[_Append], at: int) -> list[_Append] | None:
    files = dict(appends[at].files)
    for name in ("events.jsonl", SIGNATURES):
        files[name] = b"".join(files[name].splitlines(keepends=True)[:-1])
    return [*appends[:at], appends[at]._replace(files=files), *appends[at + 1 :]]


def _twice(appends: Sequence[_Append], at: int) -> list[_Append]:
    return [*appends[: at + 1], *appends[at:]]


def _exchanged(appends: Sequence[_Append], at: int) -> list[_Append] | None:
    return [*appends[:at], appends[at + 1], appends[at], *appends[at + 2 :]] if at + 1 < len(appends) else None


def _reworded(appends: Sequence[_Append], at: int) -> list[_Append]:
    changed = appends[at]._replace(raw=appends[at].raw.replace(b"\nHEE-Root: ", b"\nHEE-Soot: "))
    return [*appends[:at], changed, *appends[at + 1 :]]


_FORGERIES: dict[str, Callable[[Sequence[_Append], int], list[_Append] | None]] = {
    **{f"a changed byte in {name}": _flip(name) for name in chain.FILES if name != "README.md"},
    "an append taken out": _gone,
    "the last event of an append taken out": _last_event_gone,
    "an append that comes twice": _twice,
    "two appends exchanged": _exchanged,
    "another commit message": _reworded,
}
