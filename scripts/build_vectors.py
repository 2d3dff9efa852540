"""Writes tests/golden/vectors.json: small logs, good and bad, each with the verdict that every checker has to reach.

    python scripts/build_vectors.py [--check]

Keys, times and nonces are fixed, so the file is the same every time. `docs/format.md` says how it is laid out.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from forge import Append  # noqa: E402 - the tests' own way to change an append

import hee_core  # noqa: E402
from hee_core import canonical, chain, checkpoint, gitobjects, sshsig  # noqa: E402
from hee_core.clock import FixedClock  # noqa: E402
from hee_core.events import Event  # noqa: E402
from hee_core.keys import EphemeralSigner  # noqa: E402
from hee_core.log import Log  # noqa: E402
from hee_core.memory import MemoryStore  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = ROOT / "tests" / "golden" / "vectors.json"


def _signer(number: int, actor: str) -> EphemeralSigner:
    return EphemeralSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32), actor=actor)


OWNER, ADA, OTHER, NEXT = (
    _signer(1, "agent:hee"),
    _signer(2, "human:ada"),
    _signer(3, "agent:other"),
    _signer(4, "agent:hee"),
)


class Story:
    """A log in the making, each append by a signer of its own."""

    def __init__(self, object_format: str = "sha1", note: str = "vectors") -> None:
        self.clock = FixedClock()
        self.store = MemoryStore()
        self.store.object_format = object_format
        self.signers: list[EphemeralSigner | None] = [OWNER]
        self.log(OWNER).create(note)

    def log(self, signer: EphemeralSigner) -> Log:
        return Log(self.store, signer=signer, clock=self.clock)

    def say(self, signer: EphemeralSigner, *events: tuple[str, dict[str, Any]], **more: Any) -> Event:
        made = [Event.new(type_, data, clock=self.clock, **more) for type_, data in events]
        self.signers.append(signer)
        return self.log(signer).append(made).event

    def add(self, signer: EphemeralSigner, by: EphemeralSigner = OWNER) -> None:
        self.say(by, ("key.added", {"public_key": signer.public_key, "actor": signer.actor, "role": signer.role}))

    def appends(self) -> list[Append]:
        made = []
        for step, signer in zip(self.store.steps(self.store.tip() or "", None), self.signers, strict=True):
            commit = gitobjects.parse_commit(self.store.objects[step.commit][1])
            files = {name: self.store.file(step.commit, name) for name in chain.FILES}
            made.append(Append(files, commit.committer, commit.message, signer))
        return made


def note(text: str) -> tuple[str, dict[str, Any]]:
    return "note.recorded", {"text": text}


def change(from_: str, to: str) -> tuple[str, dict[str, Any]]:
    return "state.changed", {"from": from_, "to": to, "trigger": "t"}


def plain(object_format: str = "sha1") -> Story:
    """Eight events in seven appends: 0 | 1 | 2 3 | 4 | 5 | 6 | 7."""
    story = Story(object_format)
    first = story.say(OWNER, note('one h\u00e9llo "quoted"\ttab\nline'), subject="release")
    story.say(OWNER, note("two"), change("operational", "degraded"), causes=(first.id,))
    story.add(ADA)
    story.say(ADA, ("decision.recorded", {"key": "k", "statement": "s"}))
    story.signers.append(OWNER)
    hee_core.rollback(story.log(OWNER), to=1, reason="a mistake")
    story.say(OWNER, change("operational", "maintenance"))
    return story


def keys() -> Story:
    """Keys that come, replace each other and go."""
    story = Story()
    story.add(OTHER)
    story.say(OTHER, note("while it may"))
    story.say(OWNER, ("key.rotated", {"public_key": NEXT.public_key}))
    story.say(NEXT, ("key.revoked", {"key_id": OTHER.key_id, "reason": "gone"}))
    story.say(NEXT, note("by the successor"))
    return story


def frozen() -> Story:
    """A freeze that a person ends."""
    story = Story()
    story.add(ADA)
    story.say(OWNER, ("state.frozen", {"reason": "look"}))
    story.say(OWNER, note("a note may be written"))
    story.say(ADA, ("state.unfrozen", {"reason": "looked"}))
    story.say(OWNER, change("operational", "degraded"))
    return story


def steered() -> Story:
    """A recipient and a sealed point, both a person's; a machine goes back past it once, with leave."""
    story = Story()
    story.add(ADA)
    story.say(
        ADA,
        (
            "recipient.added",
            {"public_key": f"x25519 {base64.b64encode(bytes(range(32))).decode()}", "actor": "human:ada"},
        ),
    )
    sealed = {"index": 2, "event": story.log(OWNER).event_id(2), "reason": "release"}
    story.say(ADA, ("state.checkpoint_sealed", sealed))
    story.say(OWNER, change("operational", "degraded"))
    story.say(ADA, ("approval.granted", {"subject": "rollback/1", "statement": "once"}))
    story.signers.append(OWNER)
    hee_core.rollback(story.log(OWNER), to=1, reason="a mistake")
    story.say(OWNER, change("operational", "maintenance"))
    return story


def decided() -> Story:
    """What a person decided and allowed, and takes back; what the pipeline says of an issue, said anew."""
    story = Story()
    story.add(ADA)
    first = story.say(ADA, ("decision.recorded", {"key": "k", "statement": "s"}))
    name = f"HEE-DEC-{first.id[:8]}"
    allowed = story.say(ADA, ("approval.granted", {"subject": "ISS-1", "statement": "once"}))
    issue = {"kind": "issue", "key": "issue/1", "statement": "s", "issue_id": "1"}
    said = story.say(ADA, ("decision.recorded", issue))
    story.say(OWNER, ("decision.recorded", issue | {"supersedes": f"HEE-DEC-{said.id[:8]}"}))
    story.say(ADA, ("decision.recorded", {"key": "k", "statement": "t", "supersedes": name}))
    story.say(ADA, ("approval.revoked", {"approval_id": allowed.id, "reason": "done"}))
    story.say(
        ADA,
        (
            "decision.ended",
            {"decision_id": f"HEE-DEC-{story.log(OWNER).event_id(6)[:8]}", "how": "revoked", "reason": ""},
        ),
    )
    story.say(ADA, ("alert.acknowledged", {"alert": "1", "statement": "seen"}))
    stands = story.say(ADA, ("decision.recorded", {"key": "k", "statement": "for good", "issue_id": "1"}))
    story.say(OWNER, ("ci.issue_resolved", {"issue_id": "1", "by": "seen green"}))
    story.say(ADA, ("decision.ended", {"decision_id": f"HEE-DEC-{stands.id[:8]}", "how": "revoked", "reason": ""}))
    return story


def governed() -> Story:
    """Who makes root keys and thresholds once there is a person: a root key and a person, in whatever order."""
    story = Story()
    story.add(OTHER)
    story.add(ADA)
    story.say(ADA, ("key.root_granted", {"key_id": ADA.key_id}))
    story.say(OWNER, ("key.root_granted", {"key_id": OTHER.key_id}))
    story.say(OWNER, ("key.root_granted", {"key_id": ADA.key_id}))
    story.say(ADA, ("key.added", {"public_key": NEXT.public_key, "actor": "agent:hee", "role": "agent"}))
    return story


def later() -> Story:
    """What a later program wrote: a type that nobody knows."""
    story = Story()
    event = Event("weather.observed", {"sky": "blue"}, story.clock.now(), story.clock.nonce())
    story.signers.append(OWNER)
    story.log(OWNER).append([event])
    story.say(OWNER, note("after"))
    return story


def reanchored() -> Story:
    """A history whose commits were really rewritten, and that was taken over again."""
    story = plain()
    appends = story.appends()[:4]
    for append in appends:
        append.signer, append.message = None, "rewritten\n"
    story.store = loaded(commits(appends, "sha1"), "sha1")
    root = checkpoint.parse(appends[-1].files["checkpoint"]).root.hex()
    data = {
        "events": 5,
        "root": root,
        "new_head": story.store.ref,
        "old_head": "0" * 40,
        "reason": "a secret was removed",
    }
    story.signers = [OWNER] * 4
    story.say(OWNER, ("log.reanchored", data))
    story.signers[:4] = [None] * 4
    return story


# ------------------------------------------------------------------ what somebody may do to a log


def edited(append: Append, *, line: int = 0, **attributes: Any) -> None:
    """Changes attributes of an event, and signs the append's events again as their author would."""
    lines = append.lines
    lines[line] = canonical.encode(json.loads(lines[line]) | attributes)
    append.lines = lines
    append.sign_events(append.signer or OWNER)


def reworded(append: Append, *, line: int = 0, **data: Any) -> None:
    """Changes fields of an event's payload, and signs again."""
    edited(append, line=line, data=json.loads(append.lines[line])["data"] | data)


def spelled(append: Append, old: bytes, new: bytes) -> None:
    """Changes the bytes of an event, and signs again."""
    append.lines = [append.lines[0].replace(old, new, 1)]
    append.sign_events(append.signer or OWNER)


def filed(append: Append, name: str, data: bytes) -> None:
    append.files[name] = data


def stolen(append: Append, signer: EphemeralSigner) -> None:
    """An append that another key wrote, events and commit."""
    append.signer = signer
    edited(append, actor=signer.actor, keyid=signer.key_id)


def transplanted(append: Append) -> None:
    foreign = Story(note="another log")
    foreign.say(OWNER, note("from elsewhere"))
    append.files["events.jsonl"] = foreign.store.file(foreign.store.ref or "", "events.jsonl")
    append.sign_events(OWNER)


def resigned(append: Append, namespace: str) -> None:
    append.signatures = [base64.b64encode(OWNER.sign(line, namespace)) for line in append.lines]


def noted(append: Append, signer: EphemeralSigner) -> None:
    parsed = checkpoint.parse(append.files["checkpoint"])
    append.files["checkpoint"] = checkpoint.write(parsed.origin, parsed.size, parsed.root, signer)


Forge = list[Append]
# name -> (log, what is done to its appends, index of the first finding, its kind); kind `projection` marks what only a
# checker that folds events can find
BAD: dict[str, tuple[Callable[[], Story], Callable[[Forge], object], int, str]] = {
    "append-removed": (plain, lambda a: a.pop(3), 4, "checkpoint"),
    "append-doubled": (plain, lambda a: a.insert(2, deepcopy(a[1])), 2, "duplicate"),
    "appends-exchanged": (plain, lambda a: a.insert(3, a.pop(4)), 4, "key"),
    "events-exchanged": (plain, lambda a: _swap(a[2]), 2, "checkpoint"),
    "event-removed": (plain, lambda a: _cut(a[2]), 2, "checkpoint"),
    "event-reworded": (plain, lambda a: filed(a[1], "events.jsonl", a[1].files["events.jsonl"].replace(b"one", b"1ne")), 1, "signature"),
    "event-reworded-and-signed": (plain, lambda a: reworded(a[1], text="other"), 1, "checkpoint"),
    "nonce-repeated": (plain, lambda a: edited(a[6], id=json.loads(a[1].lines[0])["id"]), 7, "duplicate"),
    "cause-of-the-future": (plain, lambda a: edited(a[1], causes=canonical.digest(a[6].lines[0])), 1, "cause"),
    "event-transplanted": (plain, lambda a: transplanted(a[6]), 7, "foreign-event"),
    "not-canonical": (plain, lambda a: spelled(a[1], b'{"', b'{ "'), 1, "event"),
    "key-doubled": (plain, lambda a: spelled(a[1], b'"text"', b'"text":"a","text"'), 1, "event"),
    "escape-not-needed": (plain, lambda a: spelled(a[1], "\u00e9".encode(), b"\\u00e9"), 1, "event"),
    "number-with-fraction": (plain, lambda a: spelled(a[1], b'"text"', b'"number":0.5,"text"'), 1, "event"),
    "number-too-large": (plain, lambda a: spelled(a[1], b'"text"', b'"number":9007199254740992,"text"'), 1, "event"),
    "text-not-nfc": (plain, lambda a: spelled(a[1], "\u00e9".encode(), "e\u0301".encode()), 1, "event"),
    "text-with-bidi": (plain, lambda a: spelled(a[1], b"llo", "\u202ello".encode()), 1, "event"),
    "attribute-unknown": (plain, lambda a: edited(a[1], traceparent="x"), 1, "event"),
    "time-malformed": (plain, lambda a: edited(a[1], time="yesterday"), 1, "event"),
    "actor-malformed": (plain, lambda a: edited(a[1], actor="root"), 1, "event"),
    "specversion-unknown": (plain, lambda a: edited(a[1], specversion="0.3"), 1, "event"),
    "line-torn": (plain, lambda a: filed(a[6], "events.jsonl", a[6].files["events.jsonl"][:-1]), 7, "event"),
    "signature-by-another": (plain, lambda a: a[1].sign_events(OTHER), 1, "signature"),
    "signature-of-another-namespace": (plain, lambda a: resigned(a[1], sshsig.COMMIT_NAMESPACE), 1, "signature"),
    "signature-gone": (plain, lambda a: filed(a[1], "signatures", b""), 1, "signature"),
    "signature-nonsense": (plain, lambda a: filed(a[1], "signatures", b"not base64!\n"), 1, "signature"),
    "key-never-added": (plain, lambda a: stolen(a[6], OTHER), 7, "key"),
    "key-of-another-actor": (plain, lambda a: edited(a[6], actor="human:ada"), 7, "key"),
    "key-revoked": (keys, lambda a: stolen(a[5], OTHER), 5, "key"),
    "key-replaced": (keys, lambda a: stolen(a[5], OWNER), 5, "key"),
    "key-of-a-person-by-a-machine": (plain, lambda a: _person(a[6]), 7, "key"),
    "key-twice": (keys, lambda a: reworded(a[3], public_key=OTHER.public_key), 3, "key"),
    "checkpoint-of-another-size": (plain, lambda a: filed(a[3], "checkpoint", a[4].files["checkpoint"]), 4, "checkpoint"),
    "checkpoint-by-another": (plain, lambda a: noted(a[3], OTHER), 4, "checkpoint"),
    "checkpoint-nonsense": (plain, lambda a: filed(a[3], "checkpoint", b"hello\n"), 4, "checkpoint"),
    "commit-unsigned": (plain, lambda a: setattr(a[3], "signer", None), 4, "commit-signature"),
    "commit-by-another": (plain, lambda a: setattr(a[3], "signer", OTHER), 4, "commit-signature"),
    "committer-another": (plain, lambda a: setattr(a[3], "person", a[3].person.replace("agent", "human")), 4, "trailer"),
    "commit-time-another": (plain, lambda a: setattr(a[3], "person", a[3].person.replace(" +0000", "1 +0000")), 4, "trailer"),
    "trailer-index": (plain, lambda a: _message(a[3], "HEE-Index: 4", "HEE-Index: 3"), 4, "trailer"),
    "trailer-root": (plain, lambda a: _message(a[3], "HEE-Root: ", "HEE-Root: A"), 4, "trailer"),
    "trailer-missing": (plain, lambda a: _message(a[3], "HEE-Event: ", "Event: "), 4, "trailer"),
    "reanchored-elsewhere": (reanchored, lambda a: reworded(a[4], root="0" * 64), 0, "commit-signature"),
    "file-extra": (plain, lambda a: filed(a[3], "notes.txt", b"hello\n"), 4, "tree"),
    "file-missing": (plain, lambda a: a[3].files.pop("capsule.json"), 4, "tree"),
    "file-executable": (plain, lambda a: a[3].modes.update({"capsule.json": "100755"}), 4, "tree"),
    "parent-gone": (plain, lambda a: setattr(a[3], "no_parent", True), 0, "refused"),
    "parents-two": (plain, lambda a: a[3].more_parents.append("1" * 40), 4, "chain"),
    "genesis-gone": (plain, lambda a: a.pop(0), 0, "refused"),
    "genesis-reworded": (plain, lambda a: reworded(a[0], note="other"), 0, "checkpoint"),
    "transition-without-edge": (plain, lambda a: reworded(a[6], to="failed"), 7, "transition"),
    "transition-from-elsewhere": (plain, lambda a: reworded(a[6], **{"from": "degraded"}), 7, "transition"),
    "rollback-to-the-future": (plain, lambda a: reworded(a[5], to_index=600), 6, "refused"),
    "rollback-to-another-event": (plain, lambda a: reworded(a[5], to_event="0" * 64), 6, "refused"),
    "frozen-and-written": (frozen, lambda a: _retyped(a[3], *change("operational", "degraded")), 3, "refused"),
    "freeze-ended-by-a-machine": (frozen, lambda a: stolen(a[4], OWNER), 4, "refused"),
    "recipient-by-a-machine": (steered, lambda a: stolen(a[2], OWNER), 2, "key"),
    "recipient-without-a-key": (steered, lambda a: reworded(a[2], public_key="x25519 AAAA"), 2, "key"),
    "seal-by-a-machine": (steered, lambda a: stolen(a[3], OWNER), 3, "refused"),
    "seal-of-another-event": (steered, lambda a: reworded(a[3], event="0" * 64), 3, "refused"),
    "rollback-past-a-seal": (steered, lambda a: reworded(a[6], to_index=0, to_event=canonical.digest(a[0].lines[0])), 6, "refused"),
    "rollback-past-a-seal-twice": (steered, lambda a: _again(a[7], a[6]), 7, "refused"),
    "approval-revoked-that-is-none": (steered, lambda a: edited(a[7], type="approval.revoked", data={"approval_id": "0" * 64, "reason": ""}), 7, "refused"),
    "decision-of-a-person-ended-by-a-machine": (decided, lambda a: stolen(a[8], OWNER), 8, "refused"),
    "decision-of-a-person-superseded-by-a-machine": (decided, lambda a: stolen(a[6], OWNER), 6, "refused"),
    "decision-ended-that-is-none": (decided, lambda a: reworded(a[8], decision_id="HEE-DEC-00000000"), 8, "refused"),
    "alert-acknowledged-by-a-machine": (decided, lambda a: stolen(a[9], OWNER), 9, "refused"),
    "decision-ended-with-its-issue": (decided, lambda a: reworded(a[12], decision_id=f"HEE-DEC-{canonical.digest(a[5].lines[0])[:8]}"), 12, "refused"),
    "decision-of-a-person-ended-after-its-issue-by-a-machine": (decided, lambda a: stolen(a[12], OWNER), 12, "refused"),
    "approval-revoked-by-a-machine": (decided, lambda a: stolen(a[7], OWNER), 7, "refused"),
    "root-key-by-a-machine-alone": (governed, lambda a: stolen(a[6], OTHER), 6, "key"),
    "key-event-of-the-future": (keys, lambda a: edited(a[1], type="key.delegated"), 1, "unknown"),
    "capsule-another": (plain, lambda a: filed(a[3], "capsule.json", a[4].files["capsule.json"]), 4, "projection"),
    "trailer-state": (plain, lambda a: _state(a[3]), 4, "projection"),
}  # fmt: skip
GOOD = {
    "plain": plain,
    "plain-sha256": lambda: plain("sha256"),
    "keys": keys,
    "frozen": frozen,
    "reanchored": reanchored,
    "steered": steered,
    "decided": decided,
    "governed": governed,
}


def _swap(append: Append) -> None:
    append.lines, append.signatures = append.lines[::-1], append.signatures[::-1]


def _cut(append: Append) -> None:
    append.lines, append.signatures = append.lines[:1], append.signatures[:1]


def _message(append: Append, old: str, new: str) -> None:
    append.message = append.message.replace(old, new)


def _state(append: Append) -> None:
    append.message = re.sub(r"HEE-State: [0-9a-f]{8}", "HEE-State: 00000000", append.message)


def _person(append: Append) -> None:
    data = {"public_key": OTHER.public_key, "actor": "human:eve", "role": "human", "reason": ""}
    edited(append, type="key.added", data=data)


def _again(append: Append, earlier: Append) -> None:
    event = json.loads(earlier.lines[0])
    edited(append, type=event["type"], data=event["data"])


def _retyped(append: Append, type_: str, data: dict[str, Any]) -> None:
    edited(append, type=type_, data=data | {"reason": ""})


def commits(appends: Forge, object_format: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The appends as (raw commit, (mode, name, content) of each file), made sound and signed where they say so."""
    made: list[tuple[str, list[tuple[str, str, str]]]] = []
    parent = ""
    for append in appends:
        files = [(append.modes.get(name, "100644"), name, data) for name, data in sorted(append.files.items())]
        tree = b"".join(
            f"{mode} {name}\0".encode() + bytes.fromhex(gitobjects.make("blob", data, object_format).id)
            for mode, name, data in files
        )
        head = f"tree {gitobjects.make('tree', tree, object_format).id}\n"
        parents = ([parent] if parent and not append.no_parent else []) + append.more_parents
        head += "".join(f"parent {each}\n" for each in parents)
        author = _author(append)
        head += f"author {author}\ncommitter {append.person}\n"
        body = f"\n{append.message}"
        signature = ""
        if append.signer:
            blob = append.signer.sign((head + body).encode(), sshsig.COMMIT_NAMESPACE)
            signature = sshsig.commit_signature_header(blob, object_format).decode()
        raw = head + signature + body
        parent = gitobjects.make("commit", raw.encode(), object_format).id
        made.append((raw, [(mode, name, data.decode()) for mode, name, data in files]))
    return made


def loaded(made: list[tuple[str, list[tuple[str, str, str]]]], object_format: str) -> MemoryStore:
    """The commits as a store."""
    store = MemoryStore()
    store.object_format = object_format
    for raw, files in made:
        blobs = [(mode, name, gitobjects.make("blob", data.encode(), object_format)) for mode, name, data in files]
        rows = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob.id) for mode, name, blob in blobs)
        objects = [
            gitobjects.make(kind, data, object_format) for kind, data in (("tree", rows), ("commit", raw.encode()))
        ]
        store.publish([*objects, *(blob for _, _, blob in blobs)], objects[1].id, store.ref)
    return store


def up_to(appends: Forge, index: int) -> Forge:
    """The appends up to the one that holds an index: what comes after it would say nothing new."""
    size = 0
    for number, append in enumerate(appends, 1):
        size += max(1, len(append.lines))
        if size > index:
            return appends[:number]
    return appends


def _author(append: Append) -> str:
    """What the last event gives; where it cannot be read, what the committer is."""
    try:
        event = Event.from_bytes(append.lines[-1])
        return f"{chain.who(event.actor)} {chain.seconds(event.time)} +0000"
    except (hee_core.HeeError, ValueError, IndexError):
        return append.person


def document() -> str:
    """The whole file: every text once, and the logs as numbers of texts."""
    texts: dict[str, int] = {}
    number = lambda text: texts.setdefault(text, len(texts))  # noqa: E731
    logs = [(name, make(), (lambda _: None), None) for name, make in GOOD.items()]
    logs.append(("later", later(), (lambda _: None), {"index": 1, "kind": "unknown"}))
    logs += [(name, make(), forge, {"index": at, "kind": kind}) for name, (make, forge, at, kind) in BAD.items()]
    vectors = []
    for name, story, forge, verdict in logs:
        appends = story.appends()
        forge(appends)
        made = commits(
            up_to(appends, verdict["index"]) if verdict and verdict["index"] else appends, story.store.object_format
        )
        rows = [[number(raw), [[mode, path, number(text)] for mode, path, text in files]] for raw, files in made]
        vectors.append({"name": name, "object_format": story.store.object_format, "verdict": verdict, "commits": rows})
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors)
    shared = ",\n".join(json.dumps(text, ensure_ascii=False) for text in texts)
    return f'{{"vectors":[\n{lines}\n],"texts":[\n{shared}\n]}}\n'


def main() -> int:
    """Writes the file, or says whether the one that is there is right."""
    text = document()
    if "--check" in sys.argv:
        return 0 if TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
