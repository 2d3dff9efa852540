"""Every byte of a log counts: whichever is changed, by damage or by somebody who can sign commits, is found and placed."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

import hee_core
from hee_core import gitobjects, sshsig
from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = EphemeralSigner()
FIRSTS = [0, 1, 2, 4, 5, 6]
KINDS = {
    "events.jsonl": {
        "event",
        "signature",
        "key",
        "foreign-event",
        "duplicate",
        "cause",
        "refused",
        "transition",
        "unknown",
    },
    "signatures": {"signature"},
    "capsule.json": {"capsule", "unknown"},
    "checkpoint": {"checkpoint"},
    "message": {"trailer", "unknown"},
    "person": {"trailer", "object"},
}


@dataclass(frozen=True)
class Append:
    """One commit as its parts."""

    files: dict[str, bytes]
    message: bytes
    person: bytes


def original() -> list[Append]:
    """Seven events in six appends: 0 | 1 | 2 3 | 4 | 5 | 6."""
    log = Log(MemoryStore(), signer=OWNER, clock=FixedClock())
    log.create("for a test")
    first = log.append([Event.new("note.recorded", {"text": "one"}, subject="release")]).event
    change = {"from": "operational", "to": "degraded", "trigger": "t"}
    log.append([Event.new("note.recorded", {"text": "two"}, causes=(first.id,)), Event.new("state.changed", change)])
    log.append([Event.new("decision.recorded", {"key": "k", "statement": "s"})])
    log.append([Event.new("note.recorded", {"text": "five"})])
    hee_core.rollback(log, to=1, reason="a mistake")
    appends = []
    for commit in log.store.commits(log.head):
        parsed = gitobjects.parse_commit(log.store.objects[commit][1])
        entries = gitobjects.parse_tree(log.store.objects[parsed.tree][1], "sha1")
        files = {name: log.store.objects[blob][1] for _, name, blob in entries}
        appends.append(Append(files, parsed.message.encode(), parsed.committer.encode()))
    return appends


def rebuilt(appends: list[Append]) -> Log:
    """The appends as a history that holds in itself for git, every commit signed by the log's own key."""
    store = MemoryStore()
    for append in appends:
        blobs = {name: gitobjects.make("blob", data, "sha1") for name, data in append.files.items()}
        tree = gitobjects.tree([(name, blob.id) for name, blob in blobs.items()], "sha1")
        head = b"tree %s\n" % tree.id.encode() + (b"parent %s\n" % store.ref.encode() if store.ref else b"")
        head += b"author %s\ncommitter %s\n" % (append.person, append.person)
        body = b"\n" + append.message
        signed = sshsig.commit_signature_header(OWNER.sign(head + body, sshsig.COMMIT_NAMESPACE), "sha1")
        commit = gitobjects.make("commit", head + signed + body, "sha1")
        store.publish((*blobs.values(), tree, commit), commit.id, store.ref)
    return Log(store, signer=OWNER)


def judged(log: Log) -> list[tuple[int, str]]:
    report = hee_core.verify(log)
    assert report.ok == (not report.findings and not report.unknown)
    return [(found.index, found.kind) for found in (*report.findings, *report.unknown)]


APPENDS = original()


def bytes_of() -> Iterator[tuple[int, str, int, int]]:
    """Every byte that says something: the append, the part, the place in it, and the event that it belongs to."""
    for number, append in enumerate(APPENDS):
        parts = append.files | {"message": append.message, "person": append.person}
        for part, data in parts.items():
            for at in range(len(data)):
                line = data.count(b"\n", 0, at) if part in ("events.jsonl", "signatures") else 0
                yield number, part, at, FIRSTS[number] + line


EVERY = [place for place in bytes_of() if place[1] != "README.md"]
SOME = EVERY if os.environ.get("HEE_SOAK") else random.Random(7).sample(EVERY, 260)


def test_the_history_as_it_is_finds_nothing_however_often_it_is_built():
    assert judged(rebuilt(APPENDS)) == []
    assert {part for _, part, _, _ in SOME} == set(KINDS)


@pytest.mark.slow
@pytest.mark.spec("SEED-215")
@pytest.mark.parametrize("part", KINDS)
def test_a_byte_that_somebody_changes_who_may_sign_commits_is_found_at_its_event(part):
    choose = random.Random(part)
    for number, _, at, index in (place for place in SOME if place[1] == part):
        append = APPENDS[number]
        data = bytearray(append.files.get(part) or (append.message if part == "message" else append.person))
        data[at] ^= 1 << choose.randrange(8)
        changed = replace(append, **{part: bytes(data)}) if part in ("message", "person") else replace(
            append, files=append.files | {part: bytes(data)}
        )  # fmt: skip
        found = judged(rebuilt([*APPENDS[:number], changed, *APPENDS[number + 1 :]]))
        assert found, (part, number, at, bytes(data))
        assert min(found)[0] in {index, FIRSTS[number]}, (part, number, at, found)
        assert {kind for place, kind in found if place in (index, FIRSTS[number])} & KINDS[part], (part, at, found)


@pytest.mark.parametrize(
    "time", ["2026-01-24T12:00:81Z", "2026-02-30T12:00:00Z", "0000-01-01T00:00:00Z", "1812-01-01T00:00:00Z"]
)
def test_a_time_that_no_clock_shows_is_neither_an_error_nor_a_forgery(time):
    """It is its author's claim, and order is by index: found, skipped where times are compared, and nothing breaks."""

    class Odd(FixedClock):
        def now(self) -> str:
            return time

    log = Log(MemoryStore(), signer=OWNER, clock=FixedClock())
    log.create()
    log.append([Event.new("note.recorded", {"text": "odd"}, clock=Odd(seed=10))])
    log.append([Event.new("note.recorded", {"text": "plain"}, clock=FixedClock(seed=20))])
    assert hee_core.verify(log).ok
    assert hee_core.history.resolve(log, "2026-01-25") == 2
    with pytest.raises(hee_core.NotFound):
        hee_core.history.resolve(log, "1700-01-01")
