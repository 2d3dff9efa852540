"""The judgment of one append after the other: what its events say, and whether everything beside them follows.

Responsible for events, signatures, keys, capsule, checkpoint and trailers; the objects were read and hashed by whoever
calls. `head` is what the events themselves give, never what a file claims. Where events are lost or may not count, what
depends on them is not judged any more, since every later append would only repeat the finding. What a later program
wrote is carried: its bytes, its place and its author are judged, its meaning is `unknown`, and so is what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from hee_core import anchors, capsule, chain, checkpoint, forms, projection, sshsig, story
from hee_core.errors import HeeError, OtherState
from hee_core.events import GENESIS_SOURCE, Event
from hee_core.merkle import Frontier
from hee_core.replay import Replay
from hee_core.vouching import signed_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_core import consistency
    from hee_core.anchors import Anchor
    from hee_core.gitobjects import Commit
    from hee_core.gitread import Step
    from hee_core.projection import State
    from hee_core.seen import Seen
    from hee_core.store import Store

MOST_UNKNOWN = 100
_KINDS = {"integrity": "key", "illegal-transition": "transition"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Damage: the index of the first event that it touches, its kind, and what exactly does not hold."""

    index: int
    kind: str
    detail: str


@dataclass(frozen=True)
class Report:
    """What was verified. `ok` means that `events` events were evaluated, nothing was found, and nothing is unknown."""

    events: int
    head: str | None
    log_id: str
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()  # what is worth a look and breaks no rule
    unknown: tuple[Finding, ...] = ()  # what a later program wrote and this one cannot judge
    checked: dict[str, int] = field(default_factory=dict)
    since: consistency.Since | None = None
    witnessed: consistency.Seen | None = None
    anchors: tuple[Anchor, ...] = ()  # events that answer for rewritten commits before them

    @property
    def ok(self) -> bool:
        """Whether every event was checked and every check held."""
        return not self.findings and not self.unknown and self.events > 0


class Inspection:
    """What is known after the appends so far, and what was found."""

    def __init__(self, store: Store, seen: Seen | None = None) -> None:
        """Starts before the first append; `seen` knows how far the log was the last time."""
        self.head = self.trusted = chain.EMPTY  # `trusted` is where judging began
        self.findings: list[Finding] = []
        self.unsigned: list[Finding] = []  # about commits without a signature: an event may still answer for them
        self.anchors: list[Anchor] = []
        self.warnings: list[Finding] = []
        self.unknown: list[Finding] = []
        self.blind = False  # whose keys count from here on is unknown: nothing more can be judged
        self.checked = dict.fromkeys(
            ("commits", "objects", "event signatures", "commit signatures", "capsules", "checkpoints"), 0
        )
        self.then = Frontier()  # the tree at the size that was verified here before
        self._seen_before = seen
        self._store = store
        self._whole = True  # every event so far was read
        self._bare = False  # the commit that is judged has no signature
        self._by: tuple[Commit | None, dict[str, bytes]] = (None, {})  # that commit and its files
        self._counted = True  # every event so far was folded
        self._replay = Replay(self._read)
        self._ids = bytearray()
        self._seen: set[bytes] = set()
        self._nonces: set[int] = set()

    def found(self, kind: str, detail: str, index: int | None = None) -> None:
        """Notes a finding; without an index it is about the next event."""
        self.findings.append(Finding(self.head.size if index is None else index, kind, detail))

    def _not_known(self, detail: str, index: int) -> None:
        if len(self.unknown) < MOST_UNKNOWN:
            self.unknown.append(Finding(index, "unknown", detail))

    def append(self, commit: str, parsed: Commit | None, raw: bytes, files: dict[str, bytes]) -> None:
        """Judges one commit: taken apart, as it is, and the files of its tree that could be read."""
        self.checked["commits"] += 1
        first = self.head.size
        anchor = anchors.read(self.head, files.get("events.jsonl") or b"", self.checked["commits"] - 1)
        if anchor and self._whole:  # it answers for the unsigned commits so far
            self.anchors.append(anchor)
            self.unsigned.clear()
        self._bare = parsed is not None and not parsed.signature
        expected = (self.head.commit,) if self.head.commit else ()
        if parsed and parsed.parents != expected:
            self.found("chain", f"commit {commit[:12]} does not follow {(self.head.commit or 'nothing')[:12]}")
        for problem in chain.files_of(files) if parsed else ():
            self.found("tree", f"commit {commit[:12]}: {problem}")
        self._by = parsed, files
        events = self._events(files.get("events.jsonl"))
        if events and not self.blind:
            self._signatures(events, files.get("signatures"), first)
        if parsed and self.head.keyring is not None and not self.blind:
            key = self._commit_signature(raw, events, first)
            self._projections(parsed, files, events, first, key)
        self.head = replace(self.head, commit=commit)
        if self._seen_before and self._seen_before.size(self.head.log_id) == self.head.size:
            self.then = self.head.frontier

    def settled(self) -> list[Finding]:
        """All findings by index, with those about unsigned commits that no event answers for."""
        return sorted([*self.findings, *self.unsigned], key=lambda finding: finding.index)

    def trust(self, step: Step) -> None:
        """Takes over an append that was judged when it became part of the log here."""
        events = [Event.trusted(line) for line in chain.lines(step)]
        for event in events:
            self._note(event)
        self.head = replace(chain.grow(self.head, events, self), commit=step.commit)

    # ------------------------------------------------------------------ events

    def _events(self, content: bytes | None) -> list[Event]:
        """Places the events of an append; what is no event, or may not stand here, takes its place and counts for nothing."""
        if not content or not content.endswith(b"\n"):
            if content is not None:
                self.found("event", "events.jsonl is empty or its last line is torn")
            self._whole = self._counted = False
            return []
        events: list[Event] = []
        plain: list[Event] = []  # judged, and not yet folded: `chain.make` says why that is sound
        for line in content[:-1].split(b"\n"):
            index = self.head.size + len(plain)
            try:
                event = Event.from_bytes(line)
            except HeeError as error:
                self._flush(plain)
                self._refuse(line, "event", str(error))
                continue
            events.append(event)
            if forms.newer(event.type, event.version):
                self._not_known(f"{event.type} version {event.version} is newer than this program", index)
                if event.type.startswith("key.") or event.type == "log.created":
                    self._flush(plain)
                    self.blind = True
                    return events
            if plain and event.type not in chain.PLAIN:
                self._flush(plain)
            if self._judge(event, index):
                if event.type in chain.PLAIN:
                    plain.append(event)
                else:
                    self._flush([event])
            else:
                self._flush(plain)
                self._refuse(line)
        self._flush(plain)
        return events

    def _flush(self, events: list[Event]) -> None:
        if events:
            try:
                self.head = chain.grow(self.head, events, self)
            except HeeError as error:  # only the last can be at fault: the others are plain
                self._refuse(events[-1].to_bytes(), _KINDS.get(error.code, "refused"), str(error))
            events.clear()

    def _refuse(self, line: bytes, kind: str = "", detail: str = "") -> None:
        if kind:
            self.found(kind, detail)
        self.head = chain.skip(self.head, line)
        self._counted = False

    def _judge(self, event: Event, index: int) -> bool:
        """Says whether an event may count, having noted it and what is wrong with it."""
        before = len(self.findings)
        raw = bytes.fromhex(event.id)
        expected = f"urn:hee:{self.head.log_id}" if index else GENESIS_SOURCE
        if event.source != expected:
            self.found("foreign-event", f"{event.type} {event.id[:12]} belongs to {event.source[:24]!a}", index)
        if raw[:16] in self._seen:
            self.found("duplicate", f"{event.type} {event.id[:12]} is in the log twice", index)
        elif self.has_nonce(event):
            self.found("duplicate", f"{event.type} {event.id[:12]} repeats the nonce of another event", index)
        unknown = [cause for cause in event.causes if bytes.fromhex(cause)[:16] not in self._seen]
        self._note(event)
        if unknown and self._whole:
            self.found(
                "cause", f"{event.type} {event.id[:12]} names a cause that is not before it: {unknown[0][:12]}", index
            )
        try:
            chain.guard(self.head, event, self, index=index)
        except HeeError as error:
            # Where events do not count, or are not known, the state that it is judged by is not the real one.
            if error.code != "integrity" and self.head.state.ledger.unknown:
                self._not_known(f"{event.type} cannot be judged after an event that is not known: {error}", index)
            elif isinstance(error, OtherState) and (reason := _other_program(*self._by)):
                self._not_known(f"{error}; {reason}", index)
            elif self._counted or error.code == "integrity":
                self.found(_KINDS.get(error.code, "refused"), str(error), index)
        late = self.head.keyring.warning(event) if self.head.keyring else None
        if late:
            self.warnings.append(Finding(index, "key-expiry", late))
        return len(self.findings) == before

    def _note(self, event: Event) -> None:
        raw = bytes.fromhex(event.id)
        self._ids += raw
        self._seen.add(raw[:16])
        self._nonces.add(hash(event.nonce))

    def has_nonce(self, event: Event) -> bool:
        """Says whether an event so far has this one's nonce."""
        return hash(event.nonce) in self._nonces

    def state_after(self, index: int) -> State:
        """The projection after an earlier event, from the events themselves."""
        return self._replay.state_after(index)

    def event_id(self, index: int) -> str:
        """The id of an earlier event; empty where there is none."""
        return self._ids[32 * index : 32 * index + 32].hex()

    def _read(self, start: int, stop: int) -> Iterator[Event]:
        lines = (line for step in self._store.steps(self._store.tip() or "", None) for line in chain.lines(step))
        return (Event.from_bytes(line) for line in islice(lines, start, stop))

    # ------------------------------------------------------------------ signatures

    def _signatures(self, events: list[Event], content: bytes | None, first: int) -> None:
        if content is None:
            return
        lines = content[:-1].split(b"\n") if content.endswith(b"\n") else content.split(b"\n")
        if len(lines) != len(events) or not content.endswith(b"\n"):
            self.found("signature", f"{len(lines)} whole signature(s) for {len(events)} event(s)", first)
        for index, (event, line) in enumerate(zip(events, lines, strict=False), first):
            try:
                key_id = signed_by(event, line)
            except HeeError as error:
                self.found("signature", f"{event.type} {event.id[:12]}: {error}", index)
                continue
            self.checked["event signatures"] += 1
            if key_id != event.key_id:
                self.found(
                    "signature",
                    f"{event.type} {event.id[:12]} names {event.key_id[:60]!a}, another key signed it",
                    index,
                )

    def _commit_signature(self, raw: bytes, events: list[Event], first: int) -> str:
        try:
            signed, blob = sshsig.split_commit(raw, self._store.object_format)
            key = sshsig.verify(blob, signed, sshsig.COMMIT_NAMESPACE)
        except HeeError as error:
            self._of_commit("commit-signature", str(error), first)
            return ""
        self.checked["commit signatures"] += 1
        assert self.head.keyring is not None  # noqa: S101 - whoever calls has seen to it
        held = self.head.keyring.keys.get(sshsig.fingerprint(key))
        fault = self.head.keyring.check(key, max(self.head.size - 1, 0), held.actor if held else "") if events else None
        if fault:
            self.found("commit-signature", fault, first)
        return key

    def _of_commit(self, kind: str, detail: str, first: int) -> None:
        (self.unsigned if self._bare else self.findings).append(Finding(first, kind, detail))

    # ------------------------------------------------------------------ what follows from the events

    def _projections(self, commit: Commit, files: dict[str, bytes], events: list[Event], first: int, key: str) -> None:
        self._checkpoint(files.get("checkpoint"), first, key)
        if not events:
            return
        assert self.head.keyring is not None  # noqa: S101 - whoever calls has seen to it
        sequencer = self.head.keyring.keys.get(sshsig.fingerprint(key)) if key else None
        people = [events[-1].actor, (sequencer or events[-1]).actor]
        when = f"{chain.seconds(events[-1].time)} +0000"
        if [commit.author, commit.committer] != [f"{chain.who(actor)} {when}" for actor in people]:
            self._of_commit(
                "trailer", "the commit names another author, writer or time than its last event and its key", first
            )
        if not self._counted:
            return
        message = chain.message(first, self.head, events)
        same = "capsule.json" not in files or files["capsule.json"] == chain.capsule_bytes(self.head)
        if not (same and commit.message == message) and self._is_foreign(commit, files, first):
            if story.facts(commit.message) != story.facts(message):
                self._of_commit("trailer", "the commit message names other events than it holds", first)
            return
        if not same:
            self.found("capsule", "capsule.json is not what the events up to here give", first)
        self.checked["capsules"] += 1
        if commit.message != message:
            self._of_commit("trailer", "the commit message is not what its events give", first)

    def _is_foreign(self, commit: Commit, files: dict[str, bytes], first: int) -> bool:
        """Says whether state and capsule of a commit are another program's, which folds other events than this one."""
        if not story.other_projection(commit.message, projection.VERSION) and self.head.state.ledger.unknown:
            return True  # said where the first such event stands
        reason = _other_program(commit, files)
        if reason:
            self._not_known(reason, first)
        return bool(reason)

    def _checkpoint(self, note: bytes | None, first: int, key: str) -> None:
        if note is None:
            return
        try:
            parsed = checkpoint.parse(note)
        except HeeError as error:
            self.found("checkpoint", str(error), first)
            return
        root = self.head.frontier.root()
        said = (parsed.origin, parsed.size, parsed.root)
        if self._whole and said != (chain.origin(self.head.log_id), self.head.size, root):
            self.found("checkpoint", "size or root is not what the events up to here give", first)
        assert self.head.keyring is not None  # noqa: S101 - whoever calls has seen to it
        valid = self.head.keyring.public_keys(max(self.head.size - 1, 0))
        if not checkpoint.signer_of(parsed, (key,) if key in valid else valid):
            self.found("checkpoint", "no key of the log signed it as it is", first)
        self.checked["checkpoints"] += 1


def _other_program(commit: Commit | None, files: Mapping[str, bytes]) -> str:
    """Why state and capsule of a commit may be those of a program that folds other events; empty if nothing says so."""
    if commit and (version := story.other_projection(commit.message, projection.VERSION)):
        return f"state and capsule are of projection version {version}, this program folds another"
    skipped = capsule.events_unknown(files.get("capsule.json", b""))
    return f"the program that wrote state and capsule did not know {skipped} event(s) up to here" if skipped else ""
