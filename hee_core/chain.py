"""The one place where bytes become the log: what an append must hold, how one is made, how one is followed. Pure.

1. An append is one commit on the previous one: one parent, none for the first.
2. Its tree holds exactly README.md, capsule.json, checkpoint, events.jsonl and signatures.
3. Every line of events.jsonl is an event in canonical bytes whose `source` is this log; the first event of all is
   `log.created`, and its id is the log's id.
4. Line n of signatures is its author's signature over line n of events.jsonl.
5. Capsule, checkpoint and trailers follow from the events alone.

`follow` holds 1, 3 and 4, which is what acting on a log needs; `hee_core.audit` holds all five.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from hee_core import anchors, capsule, checkpoint, gitobjects, merkle, projection, recipients, render, sshsig, story
from hee_core.errors import EventError, IntegrityError
from hee_core.events import GENESIS_SOURCE, Event
from hee_core.keyring import KeyRing, makes_another_ring
from hee_core.projection import State
from hee_core.rfc3339 import is_date_time
from hee_core.vouching import vouch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_core.clock import Clock
    from hee_core.gitobjects import GitObject
    from hee_core.gitread import Step
    from hee_core.keys import Signer
    from hee_core.merkle import Frontier

# Events that the rules judge by the event alone, and that change nothing by which another one is judged.
PLAIN = frozenset({
    "access.denied", "alert.delivered", "alert.raised", "alert.undelivered", "capsule.imported", "checkpoint.cosigned",
    "ci.branch_cleared", "ci.cursor_moved", "ci.failure_classified", "ci.failure_detected", "ci.failure_triaged",
    "ci.impact_assessed", "ci.issue_resolved", "ci.polled", "ci.rerun_requested", "config.loaded", "coverage.measured",
    "gate.evaluated", "governance.evaluated",
    "maintenance.recorded", "monitor.blinded", "monitor.completed", "monitor.heartbeat", "monitor.recovered",
    "monitor.started", "note.recorded", "patterns.extended", "patterns.loaded", "state.checkpointed", "token.registered", "token.rotated",
})  # fmt: skip
FILES = ("README.md", "capsule.json", "checkpoint", "events.jsonl", "signatures")


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands: what follows from its first `size` events, and the commit that holds the last of them."""

    log_id: str
    commit: str | None
    frontier: Frontier
    state: State
    keyring: KeyRing | None

    @property
    def size(self) -> int:
        """The number of events."""
        return self.frontier.size


EMPTY = Head("", None, merkle.Frontier(), projection.INITIAL, None)


class Past(Protocol):
    """What came before, for the one kind of event that reaches back: a rollback."""

    def state_after(self, index: int) -> State:
        """The projection after an earlier event."""
        ...

    def event_id(self, index: int) -> str:
        """The id of an earlier event."""
        ...


@dataclass(frozen=True, slots=True)
class Append:
    """A finished append: the objects to store, the commit to publish, and the head that it makes."""

    events: tuple[Event, ...]
    signatures: tuple[bytes, ...]
    objects: tuple[GitObject, ...]
    head: Head


def origin(log_id: str) -> str:
    """The name that checkpoints of a log carry."""
    return f"hee-log/{log_id}"


def who(actor: str) -> str:
    """An actor as git writes people; the address can reach nobody (RFC 2606)."""
    role, _, name = actor.partition(":")
    return f"{name.replace('<', '').replace('>', '')} <{role}.{name.replace('@', '.')}@hee.invalid>"


def genesis(
    signer: Signer, clock: Clock, note: str = "", *, roots: Sequence[tuple[str, str]] = (), threshold: int = 1
) -> Event:
    """The first event of a log: its root keys are the signer's and `roots`, each a public key and its actor."""
    keys = [
        {"public_key": key, "actor": actor, "role": actor.partition(":")[0]}
        for key, actor in ((signer.public_key, signer.actor), *roots)
    ]
    return Event.new("log.created", {"root_keys": keys, "threshold": threshold, "note": note}, clock=clock)


def bind(head: Head, event: Event, signer: Signer) -> Event:
    """Gives a draft its log, its actor and its key; refuses an event that another log has bound."""
    source = f"urn:hee:{head.log_id}" if head.log_id else GENESIS_SOURCE
    if event.source and event.source != source and event.id != head.log_id:
        raise EventError("the event is bound to another log", hint="make it anew with Event.new")
    return event.bound(source=source, actor=signer.actor, key_id=signer.key_id)


def grow(head: Head, events: Sequence[Event], past: Past) -> Head:
    """The head after some more events; the commit stays as it was."""
    first = head.size
    ring = head.keyring
    for index, event in enumerate(events, first):
        if index == 0:
            ring = KeyRing.of(event)
        elif ring is not None and makes_another_ring(event.type):
            ring = ring.fold(index, event)
    return Head(
        head.log_id or (events[0].id if events else ""),
        head.commit,
        head.frontier.extend(merkle.leaf_hash(event.to_bytes()) for event in events),
        projection.fold_all(head.state, first, events, restore=past.state_after),
        ring,
    )


def skip(head: Head, line: bytes) -> Head:
    """The head after a line that may not count: its place is taken, and nothing follows from it."""
    frontier = head.frontier.append(merkle.leaf_hash(line))
    state = State(head.state.operational, head.state.ledger, frontier.size, head.state.time)
    return replace(head, frontier=frontier, state=state)


def guard(head: Head, event: Event, past: Past, *, index: int = -1) -> None:
    """Raises what the state machine, a freeze or the keyring has against an event; otherwise does nothing.

    `index` is where it will stand, if plain events that are not in the head yet come before it.
    """
    index = head.size if index < 0 else index
    if index == 0:
        if event.type != "log.created":
            raise EventError("a log begins with log.created")
        return
    if event.type == "log.created":
        raise EventError("a log is created once")
    if head.keyring is None:
        raise IntegrityError("there is no first event that could say whose keys count")
    ring = head.keyring
    fault = ring.refusal(index, event) or recipients.refusal(ring, index, event) or anchors.refusal(ring, event)
    if fault:
        raise IntegrityError(f"{event.type}: {fault}", hint="`hee keys list` shows who may sign")
    projection.guard(head.state, event, restore=past.state_after, event_id=past.event_id)


def make(head: Head, drafts: Sequence[Event], signer: Signer, *, past: Past, object_format: str) -> Append:
    """Makes the append of some events; raises before anything is signed if one of them may not be written."""
    events: list[Event] = []
    after = head
    plain: list[Event] = []  # events that change nothing by which the next one is judged, not yet in `after`
    for draft in drafts:
        event = bind(after, draft, signer)
        if plain and event.type not in PLAIN:
            after, plain = grow(after, plain, past), []
        guard(after, event, past, index=after.size + len(plain))
        if event.type in PLAIN:
            plain.append(event)
        else:
            after = grow(after, (event,), past)
        events.append(event)
    after = grow(after, plain, past)
    signatures = tuple(signer.sign(event.to_bytes(), sshsig.EVENT_NAMESPACE) for event in events)
    return seal(head, after, events, signatures, signer, object_format=object_format)


def seal(
    before: Head,
    after: Head,
    events: Sequence[Event],
    signatures: Sequence[bytes],
    signer: Signer,
    *,
    object_format: str,
) -> Append:
    """Makes the append of events that their authors signed and that were judged; `signer` is who puts them in order.

    The commit's author is the last event's, its committer the signer: nobody else's key is needed to order them anew.
    """
    files = _files(after, events, signatures, signer)
    for name, data in files.items():
        if len(data) > gitobjects.LARGEST:
            raise EventError(
                f"{name} would have {len(data)} bytes, of {gitobjects.LARGEST} at most", hint="append fewer at once"
            )
    blobs = {name: gitobjects.make("blob", data, object_format) for name, data in files.items()}
    tree = gitobjects.tree([(name, blob.id) for name, blob in blobs.items()], object_format)
    commit = gitobjects.commit(
        tree_id=tree.id,
        parents=(before.commit,) if before.commit else (),
        who=who(events[-1].actor),
        committer=who(signer.actor),
        seconds=seconds(events[-1].time),
        message=message(before.size, after, events),
        object_format=object_format,
        sign=lambda data: sshsig.commit_signature_header(signer.sign(data, sshsig.COMMIT_NAMESPACE), object_format),
    )
    return Append(tuple(events), tuple(signatures), (*blobs.values(), tree, commit), replace(after, commit=commit.id))


def message(first: int, after: Head, events: Sequence[Event]) -> str:
    """The commit message that follows from an append's events."""
    root = base64.b64encode(after.frontier.root()).decode()
    return story.message(
        events, first=first, root=root, state=projection.digest(after.state), projection=projection.VERSION
    )


def seconds(time: str) -> int:
    """An event's time as git counts it: whole seconds since 1970, UTC; 0 for what is before, or no time that exists."""
    from datetime import datetime

    return max(0, int(datetime.fromisoformat(time).timestamp())) if is_date_time(time) else 0


def capsule_bytes(head: Head) -> bytes:
    """The state capsule after the head's last event."""
    return capsule.write(head.state, log_id=head.log_id)


def _page(head: Head, document: bytes) -> bytes:
    """The capsule for people; its data is in the file beside it."""
    root = base64.b64encode(head.frontier.root()).decode()
    page = render.to_markdown(json.loads(document), log_id=head.log_id, head=root, index=head.size - 1, data=False)
    return page.encode()


def _files(head: Head, events: Sequence[Event], signatures: Sequence[bytes], signer: Signer) -> dict[str, bytes]:
    document = capsule_bytes(head)
    return {
        "README.md": _page(head, document),
        "capsule.json": document,
        "checkpoint": checkpoint.write(origin(head.log_id), head.size, head.frontier.root(), signer),
        "events.jsonl": b"".join(event.to_bytes() + b"\n" for event in events),
        "signatures": b"".join(base64.b64encode(signature) + b"\n" for signature in signatures),
    }


def lines(step: Step) -> list[bytes]:
    """The lines of a commit's events.jsonl; raises IntegrityError when it is missing, empty or torn."""
    if step.content is None:
        raise IntegrityError(f"commit {step.commit} has no events.jsonl", hint="run `hee verify`")
    if not step.content.endswith(b"\n"):
        raise IntegrityError(f"events.jsonl of commit {step.commit} is empty or torn", hint="run `hee verify`")
    return step.content[:-1].split(b"\n")


def follow(head: Head, step: Step, past: Past, signatures: bytes) -> Head:
    """Reads one append on top of a head, checking chain and authors; raises IntegrityError naming the event's index."""
    if step.parents != ((head.commit,) if head.commit else ()) and step.content is not None:
        raise IntegrityError(
            f"commit {step.commit} does not follow {head.commit or 'nothing'}", hint="run `hee verify`"
        )
    events: list[Event] = []
    source = f"urn:hee:{head.log_id}" if head.size else GENESIS_SOURCE
    for index, line in enumerate(lines(step), head.size):
        try:
            event = Event.from_bytes(line)
        except EventError as error:
            raise IntegrityError(f"event {index}: {error}", hint="run `hee verify`") from None
        if event.source != source or (index == 0 and event.type != "log.created"):
            raise IntegrityError(f"event {index} belongs to another log", hint="run `hee verify`")
        if index == 0:
            source = f"urn:hee:{event.id}"
        events.append(event)
    vouch(head.keyring, head.size, events, signatures)
    return replace(grow(head, events, past), commit=step.commit)


def files_of(tree: Mapping[str, bytes]) -> tuple[str, ...]:
    """What is missing from or foreign to an append's tree, as sentences."""
    return (
        *(f"{name} is missing" for name in FILES if name not in tree),
        *(f"{name} does not belong here" for name in tree if name not in FILES),
    )
