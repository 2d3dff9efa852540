"""One log in several repositories: fetch, verify, put in order, push. Nothing acknowledged is lost, nobody is overwritten.

Everything new of the remote is verified before any ref that matters moves, and it must go on from what was last seen of
it. Where both went on, the events that only this repository has come after the remote's, in commits of their own that
whoever syncs signs; authors' bytes and signatures stay. What may not stand there any more is reported and kept under
`refs/hee/unsynced/`. Each step is durable before the next, so a sync that was cut off is finished by the next one.
Invariant: the branch only ever moves to a verified history with every event that it had, or that is kept aside.
"""

from __future__ import annotations

import base64
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from hee_core import anchors, audit, chain, merkle
from hee_core.errors import Conflict, GitError, LogError, LogNotFound
from hee_core.events import Event
from hee_core.gitstore import GitStore
from hee_core.inspection import Finding
from hee_core.remote import INCOMING, Remote
from hee_core.resequence import Pending, Refused, resequence
from hee_core.store import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hee_core.chain import Append, Head
    from hee_core.clock import Clock
    from hee_core.git import Repository
    from hee_core.inspection import Inspection
    from hee_core.log import Log
    from hee_core.merkle import Frontier

__all__ = ["Refused", "Synced", "adopt", "sync"]

UNSYNCED = "refs/hee/unsynced/"
TRIES = 10
_MOST_FINDINGS = 20


@dataclass(frozen=True)
class Synced:
    """What a sync did. With `findings` the remote is not to be believed, and nothing was changed.

    `fetched` counts the events that are new here, `pushed` those that are new there, `resequenced` those of ours that
    got another place; `refused` may not stand there; `unsynced` are the refs that keep such events, also older ones.
    """

    remote: str
    fetched: int = 0
    pushed: int = 0
    resequenced: int = 0
    refused: tuple[Refused, ...] = ()
    findings: tuple[Finding, ...] = ()
    unsynced: tuple[str, ...] = ()
    head: str | None = None
    events: int = 0

    @property
    def ok(self) -> bool:
        """Whether both sides have every event of both."""
        return not self.refused and not self.findings


def sync(log: Log, remote: str = "", *, fetch: bool = True, push: bool = True) -> Synced:
    """Brings the log of this repository and that of a remote together; safe to run again, whatever happened.

    Raises GitError when the remote is not reached, Conflict when others were faster every time, KeyFault when events
    must be put in order and this key may not. In every case nothing is lost and nothing is half done.
    """
    store = _git(log)
    where = Remote.find(store.repository, remote)
    done = Synced(where.shown)
    with store.syncing():
        for attempt in range(TRIES):
            try:
                done = _receive(log, store, where, done, fetch=fetch)
                if push and not done.findings:
                    done = _send(log, store, where, done)
                break
            except Conflict:
                if not fetch or attempt == TRIES - 1:
                    raise
                jitter = int(log.clock.nonce()[:4], 16) / 65536
                log.clock.sleep(min(2.0, 0.05 * 2**attempt) * (0.5 + jitter))
        kept = _kept_aside(store, log.head, drop=push and not done.findings)
    return replace(done, unsynced=kept, head=log.head, events=len(log))


def adopt(log: Log, ref: str) -> Synced:
    """Makes the log under a ref of this repository (a remote-tracking branch) the log, once it is verified, if none is here."""
    store = _git(log)
    with store.syncing():
        theirs = store.repository.ref(ref)
        if theirs is None:
            raise LogNotFound(f"there is no {ref} here", hint="`git fetch` brings it")
        done = _reconcile(log, store, Synced(ref), theirs, None)
    return replace(done, head=log.head, events=len(log))


class _At(GitStore):
    """The store as if a commit were the branch's: reading what was fetched needs no ref."""

    def __init__(self, repository: Repository, commit: str, *, clock: Clock) -> None:
        super().__init__(repository, clock=clock)
        self._commit = commit

    def tip(self) -> str | None:
        return self._commit


def _git(log: Log) -> GitStore:
    if not isinstance(log.store, GitStore):
        raise LogError("a log in memory has no remote", hint="open the log of a repository")
    return log.store


def _receive(log: Log, store: GitStore, where: Remote, done: Synced, *, fetch: bool) -> Synced:
    """Fetches, verifies and brings the branch to a history that holds theirs and everything of ours."""
    known = where.known()
    incoming = f"{INCOMING}{log.clock.nonce()[:16]}"  # a git that was killed may have left a lock on any other
    theirs = where.fetch(incoming) if fetch else known
    if theirs is None:
        if known:
            return _refuse(done, "rolled-back", 0, "it had a log when it was last seen, and has none now")
        if log.head is None:
            raise LogNotFound(f"neither {where.shown} nor this repository has a log", hint="run `hee init`")
        return done
    try:
        done = _reconcile(log, store, done, theirs, known)
    finally:
        store.drop_refs(INCOMING)
    tracked = store.repository.ref(where.tracking)
    if not done.findings and theirs != tracked:
        store.set_ref(where.tracking, theirs, tracked)
    return done


def _send(log: Log, store: GitStore, where: Remote, done: Synced) -> Synced:
    """Pushes what the remote does not have; raises Conflict when it went on meanwhile."""
    tip, there = log.head, store.repository.ref(where.tracking)
    if tip is None or tip == there:
        return done
    where.push(tip)
    store.set_ref(where.tracking, tip, there)
    return replace(done, pushed=sum(1 for _ in _events(store, tip, there)))


def _refuse(done: Synced, kind: str, index: int, detail: str) -> Synced:
    return replace(done, findings=(Finding(index, kind, detail),))


def _reconcile(log: Log, store: GitStore, done: Synced, theirs: str, known: str | None) -> Synced:
    ours = log.head
    went_back = known is not None and not store.descends(theirs, known)
    if known is not None and went_back and store.descends(known, theirs):
        had, has = (sum(1 for _ in _events(store, commit, None)) for commit in (known, theirs))
        return _refuse(done, "rolled-back", has, f"it had {had} events when it was last seen, and has {has} now")
    if ours and not went_back and store.descends(ours, theirs):
        return done  # nothing new there
    base = None
    if ours:
        base = store.repository.attempt("merge-base", ours, theirs).stdout.decode("ascii").strip() or None
        _not_before_an_anchor(store, ours, theirs, base)
    with closing(_At(store.repository, theirs, clock=log.clock)) as incoming:
        inspection = audit.inspect(incoming, theirs, trusted=base, seen=None if ours else log.seen)
        unjudged = inspection.unknown if inspection.blind else []
        findings = (
            inspection.settled() or unjudged or [*_contradictions(log, store, inspection, known if went_back else None)]
        )
        if findings:
            return replace(done, findings=tuple(findings[:_MOST_FINDINGS]))
        return _Merge(log, store, inspection, base).run(done)


def _not_before_an_anchor(store: GitStore, ours: str, theirs: str, base: str | None) -> None:
    """Raises LogError where theirs are the commits of before a rewriting that was taken over here."""
    anchored = {event.id for event in _events(store, ours, base) if event.type == anchors.TYPE}
    if anchored and not anchored <= {event.id for event in _events(store, theirs, base)}:
        raise LogError(
            "this log was anchored again after its commits were rewritten, and the remote still has those of before",
            hint="push it as the rewritten branches: `git push --force origin hee/log`; then `hee sync`",
        )


def _contradictions(log: Log, store: GitStore, inspection: Inspection, known: str | None) -> Iterator[Finding]:
    """What a history that holds in itself has against it: another log, or not what was seen before."""
    head = inspection.head
    wanted = log.pin or (log.id if log.head else "")
    if wanted and head.log_id != wanted:
        yield Finding(0, "foreign-log", f"it is log {head.log_id[:12]}, expected {wanted[:12]}")
    elif known:
        before = [event.id for event in _events(store, known, None)]
        now = [inspection.event_id(index) for index in range(len(before))]
        index = next((n for n, (one, two) in enumerate(zip(before, now, strict=True)) if one != two), len(before))
        if index == len(before) and any(anchor.events >= index for anchor in inspection.anchors):
            return  # the same events in other commits, and an event says so
        yield Finding(index, "rewritten", f"it is not what was seen of it before (commit {known[:12]})")
    elif log.seen is not None and not log.head:
        fault = audit.not_as_seen(log.seen, inspection, store, head.commit or "")
        if fault:
            yield fault


class _Merge:
    """The move of the branch from ours to theirs with everything of ours on top."""

    def __init__(self, log: Log, store: GitStore, inspection: Inspection, base: str | None) -> None:
        self.log = log
        self.store = store
        self.theirs = inspection.head
        self.past = inspection
        self.base = base

    def run(self, done: Synced) -> Synced:
        log, store, theirs = self.log, self.store, self.theirs
        with store.exclusive():
            ours = log.refresh()
            start = self.past.trusted
            ids = [self.past.event_id(index) for index in range(start.size, theirs.size)]
            appends = list(_appends(store, ours.commit, self.base, start.size)) if ours.commit else []
            mine = [one.event for append in appends for one in append]
            there, here = set(ids), {event.id for event in mine}
            only = [kept for append in appends if (kept := [one for one in append if one.event.id not in there])]
            both = takewhile(lambda pair: pair[0].id == pair[1], zip(mine, ids, strict=False))
            common = start.frontier.extend(merkle.leaf_hash(event.to_bytes()) for event, _ in both)
            made, refused = resequence(
                theirs, only, log.signer, past=self.past, theirs=there - here, shared=common.size,
                object_format=store.object_format,
            ) if only else ([], [])  # fmt: skip
            new = made[-1].head if made else theirs
            if mine:
                self._announce(ours, new, [one.event.id for one in refused])
            self._lower(ours, common, mine[common.size - start.size :])
            self._store(made, ours.commit)
            log.take(new, reordered=bool(mine))
            if log.seen is not None and log.seen.stands_at(replace(new, frontier=common)):
                log.seen.keep(new)
        log.save_snapshot()
        return replace(
            done,
            fetched=done.fetched + len(there - here),
            resequenced=sum(len(append.events) for append in made),
            refused=(*done.refused, *refused),
        )

    def _announce(self, ours: Head, new: Head, aside: list[str]) -> None:
        """Keeps the old end within reach, and notes what replaces it, before it is replaced."""
        old = cast("str", ours.commit)
        name = f"{UNSYNCED}{old[:16]}"
        if self.store.repository.ref(name) != old:
            self.store.set_ref(name, old, None)
        self.store.lineage.add(self.log.signer, log_id=ours.log_id, old=old, new=cast("str", new.commit), aside=aside)

    def _lower(self, ours: Head, common: Frontier, after: Sequence[Event]) -> None:
        """Takes back the memory outside of the repository to what both orders begin with, if it is of our order."""
        seen = self.log.seen
        size = seen.size(ours.log_id) if seen is not None else 0
        if seen is None or not common.size < size <= ours.size:
            return
        then = common.extend(merkle.leaf_hash(event.to_bytes()) for event in after[: size - common.size])
        if seen.stands_at(replace(ours, frontier=then)):
            seen.keep(replace(ours, frontier=common))
            if seen.size(ours.log_id) != common.size:
                raise GitError(
                    f"cannot write {seen.path(ours.log_id)}", hint="make it writable; nothing was changed in the log"
                )

    def _store(self, made: Sequence[Append], old: str | None) -> None:
        theirs, store = cast("str", self.theirs.commit), self.store
        if not made:
            store.adopt(theirs, old)
            return
        store.settle(theirs, old)
        store.publish([item for append in made for item in append.objects], cast("str", made[-1].head.commit), old)


def _appends(store: GitStore, tip: str, after: str | None, index: int) -> Iterator[list[Pending]]:
    """The appends of a history after a commit, each event with its signature and its index."""
    signed = store.steps(tip, after, SIGNATURES)
    for step, signatures in zip(store.steps(tip, after), signed, strict=True):
        lines, blobs = chain.lines(step), (signatures.content or b"").splitlines()
        pairs = enumerate(zip(lines, blobs, strict=True), index)
        yield [Pending(Event.from_bytes(line), base64.b64decode(blob), number) for number, (line, blob) in pairs]
        index += len(lines)


def _events(store: GitStore, tip: str, after: str | None) -> Iterator[Event]:
    return (Event.from_bytes(line) for step in store.steps(tip, after) for line in chain.lines(step))


def _kept_aside(store: GitStore, tip: str | None, *, drop: bool) -> tuple[str, ...]:
    """The refs with events that are not in the log; with `drop`, those of which everything is there are removed."""
    kept = []
    listed = store.repository.text("for-each-ref", "--format=%(refname) %(objectname)", UNSYNCED)
    for name, commit in (line.split() for line in listed.splitlines()):
        there = {event.id for event in _events(store, tip, commit)} if tip else set()
        if any(event.id not in there for event in _events(store, commit, tip)):
            kept.append(name)
        elif drop:
            store.drop_refs(name)
    return tuple(kept)
