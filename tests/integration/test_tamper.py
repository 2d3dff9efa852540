"""Whatever is changed in a log is found, and named with its place and kind; and an intact log is never accused."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil

import pytest
from forge import REF, Forge
from logs import git, make_log, open_at

import hee_core
from hee_core import canonical, sshsig
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log

OWNER = EphemeralSigner()
OTHER = EphemeralSigner(actor="agent:other")


def note(text: str, **more) -> Event:
    return Event.new("note.recorded", {"text": text}, subject="release", **more)


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def original(request, tmp_path_factory):
    """A log of seven events in six appends: 0 | 1 | 2 3 | 4 | 5 | 6."""
    place = tmp_path_factory.mktemp("original") / "repository"
    with make_log(place, signer=OWNER, object_format=request.param) as log:
        first = log.append([note("one")]).event
        log.append(
            [
                note("two", causes=(first.id,)),
                Event.new("state.changed", {"from": "operational", "to": "degraded", "trigger": "t"}),
            ]
        )
        log.append([Event.new("decision.recorded", {"key": "k", "statement": "s"})])
        log.append([note("five")])
        hee_core.rollback(log, to=1, reason="a mistake")
        assert hee_core.verify(log).ok
    return place


@pytest.fixture
def place(original, tmp_path):
    shutil.copytree(original, tmp_path / "repository", symlinks=True)
    shutil.rmtree(tmp_path / "repository/.git/hee")
    return tmp_path / "repository"


def findings(place, **options) -> list[tuple[int, str]]:
    with open_at(place, signer=OWNER) as log:
        for name, value in options.items():
            setattr(log, name, value)
        report = hee_core.verify(log)
        assert report.ok == (not report.findings)
        assert all(finding.detail for finding in report.findings)
        return [(finding.index, finding.kind) for finding in report.findings]


def edited(line: bytes, **changes) -> bytes:
    wire = json.loads(line)
    wire.update(changes)
    return canonical.encode(wire)


@pytest.mark.spec("SEED-215")
def test_rewriting_a_log_as_it_is_finds_nothing(place):
    before = git(place, "rev-parse", REF)
    assert Forge(place, OWNER).rewrite()[-1] == before
    assert findings(place) == []


def drop_append(forge):
    del forge.appends[3]


def drop_event(forge):
    append = forge.appends[2]
    append.lines, append.signatures = append.lines[:1], append.signatures[:1]


def swap_events(forge):
    append = forge.appends[2]
    append.lines, append.signatures = append.lines[::-1], append.signatures[::-1]


def swap_appends(forge):
    forge.appends[1], forge.appends[4] = forge.appends[4], forge.appends[1]


def double_event(forge):
    append = forge.appends[4]
    append.lines, append.signatures = append.lines * 2, append.signatures * 2


def double_append(forge):
    forge.appends.insert(5, forge.appends[4])


def reuse_nonce(forge):
    append = forge.appends[4]
    append.lines = [edited(append.lines[0], id=json.loads(forge.appends[1].lines[0])["id"])]
    append.sign_events(OWNER)


def edit_event(forge):
    append = forge.appends[1]
    append.lines = [append.lines[0].replace(b"one", b"1ne")]


def edit_and_sign_event(forge):
    append = forge.appends[1]
    append.lines = [append.lines[0].replace(b"one", b"1ne")]
    append.sign_events(OWNER)


def not_canonical(forge):
    append = forge.appends[4]
    append.lines = [append.lines[0].replace(b'{"', b'{ "', 1)]
    append.sign_events(OWNER)


def torn_line(forge):
    forge.appends[4].files["events.jsonl"] = forge.appends[4].files["events.jsonl"][:-1]


def empty_events(forge):
    forge.appends[4].files["events.jsonl"] = b""


def transplant(forge):
    foreign = hee_core.MemoryLog(signer=OWNER)
    event = foreign.append([note("from elsewhere")]).event
    append = forge.appends[4]
    append.lines = [event.to_bytes()]
    append.sign_events(OWNER)


def signed_by_other(forge):
    append = forge.appends[4]
    append.signatures = [base64.b64encode(OTHER.sign(append.lines[0], sshsig.EVENT_NAMESPACE))]


def written_by_other(forge):
    append = forge.appends[4]
    append.lines = [edited(append.lines[0], actor=OTHER.actor, keyid=OTHER.key_id)]
    append.sign_events(OTHER)


def signature_for_commits(forge):
    append = forge.appends[4]
    append.signatures = [base64.b64encode(OWNER.sign(append.lines[0], sshsig.COMMIT_NAMESPACE))]


def no_signatures(forge):
    forge.appends[4].files["signatures"] = b""


def signature_nonsense(forge):
    forge.appends[4].files["signatures"] = b"not base64 at all!\n"


def cause_of_the_future(forge):
    later = canonical.digest(forge.appends[4].lines[0])
    forge.appends[1].lines = [edited(forge.appends[1].lines[0], causes=later)]
    forge.appends[1].sign_events(OWNER)


def capsule(forge):
    forge.appends[3].files["capsule.json"] = forge.appends[3].files["capsule.json"].replace(b"degraded", b"operational")


def checkpoint_size(forge):
    forge.appends[3].files["checkpoint"] = forge.appends[4].files["checkpoint"]


def checkpoint_by_other(forge):
    from hee_core import checkpoint

    parsed = checkpoint.parse(forge.appends[3].files["checkpoint"])
    forge.appends[3].files["checkpoint"] = checkpoint.write(parsed.origin, parsed.size, parsed.root, OTHER)


def checkpoint_nonsense(forge):
    forge.appends[3].files["checkpoint"] = b"\xff\0"


def message(forge):
    forge.appends[3].message = forge.appends[3].message.replace("decision", "no decision")


def trailer(forge):
    forge.appends[3].message = forge.appends[3].message.replace("HEE-Index: 4", "HEE-Index: 3")


def committer(forge):
    forge.appends[3].person = forge.appends[3].person.replace("agent.hee", "human.ada")


def commit_time(forge):
    name, seconds, zone = forge.appends[3].person.rsplit(" ", 2)
    forge.appends[3].person = f"{name} {int(seconds) + 1} {zone}"


def unsigned(forge):
    forge.appends[3].signer = None


def commit_by_other(forge):
    forge.appends[3].signer = OTHER


def extra_file(forge):
    forge.appends[3].files["notes.txt"] = b"hello\n"


def missing_file(forge):
    del forge.appends[3].files["capsule.json"]


def mode(forge):
    forge.appends[3].modes["README.md"] = "100755"


def link(forge):
    forge.appends[3].modes["capsule.json"] = "120000"


def merge(forge):
    forge.appends[3].more_parents = [git(forge.place, "rev-parse", "main")]


def new_root(forge):
    forge.appends[3].no_parent = True


def reword(forge, at, *, line=0, **data):
    """Changes the data of one event of an append, and signs it as its author would."""
    append = forge.appends[at]
    lines = append.lines
    lines[line] = edited(lines[line], data=json.loads(lines[line])["data"] | data)
    append.lines = lines
    append.sign_events(OWNER)


def forged_rollback(forge):
    reword(forge, 5, to_index=0)


def rollback_to_another_state(forge):
    reword(forge, 5, state="0" * 64)


def rollback_to_the_future(forge):
    reword(forge, 5, to_index=600)


def illegal_transition(forge):
    reword(forge, 2, line=1, to="failed")


def key_added_by_nobody(forge):
    data = {"public_key": OTHER.public_key, "actor": OTHER.actor, "role": "agent", "reason": ""}
    append = forge.appends[4]
    wire = {"type": "key.added", "data": data, "actor": OTHER.actor, "keyid": OTHER.key_id}
    append.lines = [edited(append.lines[0], **wire)]
    append.sign_events(OTHER)


def unknown_specversion(forge):
    append = forge.appends[1]
    append.lines = [edited(append.lines[0], specversion="0.3")]
    append.sign_events(OWNER)


def older_format(forge):
    reword(forge, 0, format=0)


def other_genesis(forge):
    reword(forge, 0, note="another")


def no_genesis(forge):
    del forge.appends[0]


MUTATIONS = [
    (drop_append, 4, "checkpoint"), (drop_event, 2, "signature|checkpoint|capsule"), (swap_events, 2, "checkpoint"), (swap_appends, 1, "checkpoint"),
    (double_event, 6, "duplicate"), (double_append, 6, "duplicate"), (reuse_nonce, 5, "duplicate"),
    (edit_event, 1, "signature"), (edit_and_sign_event, 1, "checkpoint"), (not_canonical, 5, "event"),
    (torn_line, 5, "event"), (empty_events, 5, "event"), (transplant, 5, "foreign-event"),
    (signed_by_other, 5, "signature"), (written_by_other, 5, "key"), (signature_for_commits, 5, "signature"),
    (no_signatures, 5, "signature"), (signature_nonsense, 5, "signature"), (cause_of_the_future, 1, "cause"),
    (capsule, 4, "capsule"), (checkpoint_size, 4, "checkpoint"), (checkpoint_by_other, 4, "checkpoint"),
    (checkpoint_nonsense, 4, "checkpoint"), (message, 4, "trailer"), (trailer, 4, "trailer"), (committer, 4, "trailer"),
    (commit_time, 4, "trailer"), (unsigned, 4, "commit-signature"), (commit_by_other, 4, "commit-signature"),
    (extra_file, 4, "tree"), (missing_file, 4, "tree"), (mode, 4, "tree"), (link, 4, "tree"), (merge, 4, "chain"),
    (new_root, 0, "transition|event|refused"), (forged_rollback, 6, "refused"), (rollback_to_another_state, 6, "refused"),
    (rollback_to_the_future, 6, "refused"), (illegal_transition, 3, "transition"), (key_added_by_nobody, 5, "key"),
    (unknown_specversion, 1, "event"), (older_format, 0, "key|refused"), (other_genesis, 0, "checkpoint"),
    (no_genesis, 0, "refused"),
]  # fmt: skip


# Longer ids of git's objects change nothing about what is found where: a sample of it is enough.
CASES = [
    *(("sha1", *row) for row in MUTATIONS),
    *(("sha256", *row) for row in (MUTATIONS if os.environ.get("HEE_SOAK") else MUTATIONS[::6])),
]


@pytest.mark.spec("SEED-215", "SEED-309", "SEED-310")
@pytest.mark.parametrize(
    ("original", "mutate", "index", "kinds"),
    CASES,
    ids=[f"{case[0]}-{case[1].__name__}" for case in CASES],
    indirect=["original"],
)
def test_a_change_is_found_with_its_place_and_kind(place, mutate, index, kinds):
    forge = Forge(place, OWNER)
    mutate(forge)
    forge.rewrite()
    found = findings(place)
    assert found, "not found at all"
    begins = {3: 2, 6: 5 if mutate is double_event else 6}.get(index, index)  # of the append that the event is in
    assert min(place for place, _ in found) in (begins, index), found
    assert {kind for place, kind in found if place == index} & set(kinds.split("|")), found


def test_the_page_for_people_is_not_part_of_verification(place):
    forge = Forge(place, OWNER)
    forge.appends[3].files["README.md"] = b"# hello\n"
    forge.rewrite()
    assert findings(place) == []


@pytest.mark.spec("SEED-216")
def test_a_key_that_was_revoked_signs_nothing_more(place):
    with open_at(place, signer=OWNER) as log:
        data = {"public_key": OTHER.public_key, "actor": OTHER.actor, "role": "agent"}
        log.append([Event.new("key.added", data)])
        other = Log(log.store, signer=OTHER)
        other.append([note("while it may")])
        log.append([Event.new("key.revoked", {"key_id": OTHER.key_id, "reason": "stolen"})])
        log.append([note("after")])
    assert findings(place) == []
    forge = Forge(place, OWNER)
    forge.appends[7].signer = OTHER
    append = forge.appends[9]
    append.lines = [edited(append.lines[0], actor=OTHER.actor, keyid=OTHER.key_id)]
    append.sign_events(OTHER)
    append.signer = OTHER
    forge.rewrite()
    found = findings(place)
    assert (10, "key") in found
    assert (10, "commit-signature") in found
    assert min(found)[0] == 10


def test_another_log_in_the_place_of_this_one_is_told_by_its_pin(place):
    with open_at(place, signer=OWNER) as log:
        pin = log.id
    git(place, "update-ref", "-d", REF)
    with open_at(place, signer=OTHER) as log:
        log.create()
    assert findings(place) == []
    assert findings(place, pin=pin) == [(0, "foreign-log")]


def test_an_empty_tree_or_a_foreign_branch_is_no_log(place):
    git(place, "update-ref", REF, "main")
    found = findings(place)
    assert {kind for _, kind in found} == {"tree"}
    assert {index for index, _ in found} == {0}


@pytest.mark.spec("SEED-215")
def test_every_flipped_byte_of_every_object_is_found_where_it_is(place):
    """Each kind of object in turn, damaged as a file is: the object is loose, and its bytes no longer match its name."""
    import zlib

    packs = sorted((place / ".git/objects/pack").glob("pack-*.pack"))
    for pack in packs:
        data = pack.read_bytes()
        for suffix in (".pack", ".idx", ".keep"):
            pack.with_suffix(suffix).unlink(missing_ok=True)
        git(place, "unpack-objects", "-q", stdin=data)
    commits = git(place, "rev-list", "--reverse", REF).split()
    firsts = [0, 1, 2, 4, 5, 6]
    choose = random.Random(1)
    assert findings(place) == []
    for number, commit in enumerate(commits):
        names = {"commit": commit, "tree": f"{commit}^{{tree}}"} | {
            name: f"{commit}:{name}"
            for name in ("events.jsonl", "signatures", "capsule.json", "checkpoint", "README.md")
        }
        for kind, name in names.items():
            if choose.random() < 0.55:
                continue
            object_id = git(place, "rev-parse", name)
            path = place / ".git/objects" / object_id[:2] / object_id[2:]
            good = path.read_bytes()
            raw = bytearray(zlib.decompress(good))
            for way in ("content", "stream", "truncated", "gone"):
                bad = bytearray(raw)
                bad[choose.randrange(bad.index(0) + 1, len(bad))] ^= 1 << choose.randrange(8)
                stream = bytearray(good)
                stream[choose.randrange(2, len(stream))] ^= 1 << choose.randrange(8)
                path.chmod(0o644)
                if way == "gone":
                    path.unlink()
                else:
                    path.write_bytes(
                        {"content": zlib.compress(bad), "stream": stream, "truncated": good[: len(good) // 2]}[way]
                    )
                found = findings(place)
                path.write_bytes(good)
                if way == "stream" and not found:
                    assert zlib.decompress(bytes(stream)) == bytes(raw)  # a bit of the container that says nothing
                    continue
                place_of = firsts[number] if kind != "commit" or number == len(commits) - 1 else firsts[number + 1] - 1
                if kind == "commit" and number == len(commits) - 1:
                    place_of = 0 if min(found)[0] == 0 else firsts[number]
                assert found, (kind, way)
                assert min(found)[0] in (place_of, firsts[number]), (kind, way, found)
    assert findings(place) == []


@pytest.mark.spec("SEED-215")
def test_a_flipped_byte_of_a_pack_never_passes_and_never_raises(place):
    packs = sorted((place / ".git/objects/pack").glob("pack-*.pack"))
    choose = random.Random(3)
    for _ in range(20):
        pack = choose.choice(packs)
        good = pack.read_bytes()
        bad = bytearray(good)
        bad[choose.randrange(len(bad))] ^= 1 << choose.randrange(8)
        pack.chmod(0o644)
        pack.write_bytes(bad)
        found = findings(place)
        pack.write_bytes(good)
        if not found:  # a bit of the compressed stream that inflates to the same content
            git(place, "fsck", "--strict", check=False)
            assert len(good) == len(bad)
    assert findings(place) == []


def test_reading_a_damaged_log_is_an_error_that_names_the_event_and_the_next_step(place):
    forge = Forge(place, OWNER)
    not_canonical(forge)
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        with pytest.raises(hee_core.IntegrityError, match="event 5") as caught:
            log.append([note("more")])
        assert caught.value.hint == "run `hee verify`"


def test_a_tree_that_names_a_file_twice_shows_nobody_another_event_than_the_one_that_is_verified(place):
    with open_at(place, signer=OWNER) as log:
        event = Event.new("state.frozen", {"reason": "shown to readers of the first"})
        line = event.bound(source=f"urn:hee:{log.id}", actor=OWNER.actor, key_id=OWNER.key_id).to_bytes()
    forge = Forge(place, OWNER)
    signature = base64.b64encode(OWNER.sign(line, sshsig.EVENT_NAMESPACE))
    rows, last = b"", forge.appends[-1]
    for name, data in sorted(last.files.items()):
        first = {"events.jsonl": [line + b"\n"], "signatures": [signature + b"\n"]}.get(name, [])
        for content in (*first, data):
            rows += f"100644 {name}\0".encode() + bytes.fromhex(forge.write("blob", content))
    parent = git(place, "rev-parse", f"{REF}~1")
    head = (
        f"tree {forge.write('tree', rows)}\nparent {parent}\nauthor {last.person}\ncommitter {last.person}\n".encode()
    )
    body = b"\n" + last.message.encode()
    blob = OWNER.sign(head + body, sshsig.COMMIT_NAMESPACE)
    commit = forge.write("commit", head + sshsig.commit_signature_header(blob, forge.format) + body)
    git(place, "update-ref", REF, commit)
    assert git(place, "show", f"{REF}:events.jsonl") == line.decode()  # so git reads it, and whoever follows the log
    assert findings(place)[0] == (6, "object")
