"""Old states that were once valid are presented again: what gittuf (#1319) and Radicle (2026) had to mend must not work here.

gittuf: whoever may push puts an earlier policy, with the keys of then, back in force. Radicle: signed refs did not bind
their predecessor, so an old validly signed state could be played back; and an old format was taken where a newer stood.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from forge import REF, Forge
from logs import git, make_log, open_at
from test_tamper import edited

import hee_core
from hee_core import Event, IntegrityError, checkpoint, open_log, sshsig
from hee_core.gitobjects import parse_commit
from hee_core.keys import EphemeralSigner
from hee_core.log import Log

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.spec("SEED-215", "SEED-216")
OWNER = EphemeralSigner()
THIEF = EphemeralSigner(actor="agent:thief")  # had a key that was revoked when it became known
SECOND = EphemeralSigner(actor="agent:second")


def note(text: str) -> Event:
    return Event.new("note.recorded", {"text": text})


def added(who: EphemeralSigner) -> Event:
    return Event.new("key.added", {"public_key": who.public_key, "actor": who.actor, "role": who.role})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0 created, 1 the thief's key added, 2 by the thief, 3 the key revoked, 4 a note; one append each."""
    place = tmp_path_factory.mktemp("template") / "repository"
    with make_log(place, signer=OWNER) as log:
        log.append([added(THIEF)])
        Log(log.store, signer=THIEF).append([note("while it may")])
        log.append([Event.new("key.revoked", {"key_id": THIEF.key_id, "reason": "stolen"})])
        log.append([note("after")])
    return place


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Path:
    """The repository on the machine of somebody who has verified it."""
    shutil.copytree(template, tmp_path / "repository", symlinks=True)
    with open_log(tmp_path / "repository", signer=OWNER) as log:
        assert hee_core.verify(log).ok
    return tmp_path / "repository"


def found(place: Path, signer: EphemeralSigner = OWNER) -> list[tuple[int, str]]:
    with open_log(place, signer=signer) as log:
        log.keep_snapshots = False
        report = hee_core.verify(log)
        assert not report.ok
        return sorted({(finding.index, finding.kind) for finding in report.findings})


def refused(place: Path, signer: EphemeralSigner = OWNER) -> None:
    """Nobody acts on it either."""
    with open_log(place, signer=signer) as log, pytest.raises(IntegrityError):
        log.append([note("more")])


# ------------------------------------------------------------------ gittuf: the old policy in force again


def test_the_branch_put_back_to_where_the_key_counted_is_told_by_whoever_saw_more(place: Path) -> None:
    git(place, "update-ref", REF, f"{REF}~2")
    refused(place)
    shutil.rmtree(place / ".git/hee")
    assert found(place) == [(3, "rolled-back")]
    with open_at(place, signer=THIEF) as log:  # a machine that never saw the log takes it for what it says
        log.append([note("again"), note("and again"), note("longer than before")])
    assert found(place) == [
        (1, "rewritten")
    ]  # the first complete subtree that differs begins with event 0, which cannot


def test_the_keys_of_an_old_snapshot_are_not_those_of_the_log(place: Path) -> None:
    with open_at(place, signer=OWNER) as log:
        log.append([added(SECOND)])
    old = (place / ".git/hee/snapshot").read_bytes()
    with open_at(place, signer=OWNER) as log:
        log.append([Event.new("key.revoked", {"key_id": SECOND.key_id, "reason": "left"})])
    (place / ".git/hee/snapshot").chmod(0o644)
    (place / ".git/hee/snapshot").write_bytes(old)
    with open_at(place, signer=OWNER) as log:
        assert log.refresh().keyring.check(SECOND.key_id, len(log), SECOND.actor)
        assert hee_core.verify(log).ok
    with open_at(place, signer=SECOND) as log, pytest.raises(IntegrityError, match="is revoked from event 7 on"):
        log.append([note("as if nothing had been")])


def test_a_rollback_of_the_state_brings_no_key_back(place: Path) -> None:
    with open_log(place, signer=OWNER) as log:
        hee_core.rollback(log, to=2, reason="as it was when the key counted")
        assert log.refresh().keyring.check(THIEF.key_id, len(log), THIEF.actor)
        assert hee_core.verify(log).ok
    with open_at(place, signer=THIEF) as log, pytest.raises(IntegrityError, match="is revoked"):
        log.append([note("now?")])


@pytest.mark.parametrize(("again", "kind"), [("the same event", "duplicate"), ("signed anew", "key")])
def test_the_event_that_once_added_the_key_counts_only_once(place: Path, again: str, kind: str) -> None:
    forge = Forge(place, OWNER)
    forge.appends[2].signer = THIEF
    last, old = forge.appends[4], forge.appends[1]
    last.lines, last.signatures = old.lines, old.signatures
    if again == "signed anew":
        last.lines = [edited(old.lines[0], id="f" * 32)]
        last.sign_events(OWNER)
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    shown = found(place)
    assert (4, kind) in shown
    assert min(shown)[0] == 4
    if again == "signed anew":
        refused(place)


def test_an_approval_that_is_played_back_is_refused_by_whoever_follows(tmp_path: Path) -> None:
    place = tmp_path / "repository"
    make_log(place, signer=OWNER).close()
    git(place, "update-ref", "-d", REF)
    with open_at(place, signer=OWNER) as log:
        log.create(roots=[(SECOND.public_key, SECOND.actor)], threshold=2)
        log.append([added(THIEF)])
        log.append([note("x")])
        assert log.refresh().keyring.pending
    forge = Forge(place, OWNER)
    forge.appends[2].lines, forge.appends[2].signatures = forge.appends[1].lines, forge.appends[1].signatures
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    assert (2, "duplicate") in found(place)
    with open_at(place, signer=THIEF) as log, pytest.raises(IntegrityError, match="somebody repeats it"):
        log.refresh()


def test_a_key_that_named_its_successor_names_no_second_one(place: Path) -> None:
    heir, other = EphemeralSigner(), EphemeralSigner()
    with open_at(place, signer=OWNER) as log:
        log.append([Event.new("key.rotated", {"public_key": heir.public_key})])
        before = log.head
        with pytest.raises(IntegrityError, match="is rotated from event 6"):
            log.append([Event.new("key.rotated", {"public_key": other.public_key})])
        assert log.head == before
    forge = Forge(place, OWNER)
    forge.appends[2].signer = THIEF
    forge.appends.append(forge.appends[5].__class__(dict(forge.appends[5].files), forge.appends[5].person, "x", OWNER))
    data = {"public_key": other.public_key, "reason": ""}
    forge.appends[6].lines = [edited(forge.appends[5].lines[0], id="e" * 32, data=data)]
    forge.appends[6].sign_events(OWNER)
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    shown = found(place, heir)
    assert (6, "key") in shown
    assert (6, "commit-signature") in shown
    assert min(shown)[0] == 6


# ------------------------------------------------------------------ Radicle: what was signed once, played back


def raw_of(place: Path, commit: str) -> bytes:
    return Forge(place, OWNER).read(commit)


def test_a_signed_commit_is_of_its_place_and_of_no_other(place: Path) -> None:
    """The signature covers predecessor and tree: an old commit under a new parent is not signed by anybody."""
    forge = Forge(place, OWNER)
    old = raw_of(place, f"{REF}~3")
    tip = git(place, "rev-parse", REF)
    parent = parse_commit(old).parents[0]
    moved = forge.write("commit", old.replace(parent.encode(), tip.encode()))
    git(place, "update-ref", REF, moved)
    shutil.rmtree(place / ".git/hee")
    shown = found(place)
    assert {(5, "commit-signature"), (5, "duplicate"), (5, "checkpoint")} <= set(shown)
    assert min(shown)[0] == 5


def test_an_old_tip_with_all_its_valid_signatures_is_not_the_tip(place: Path) -> None:
    for back in (1, 2, 3, 4):
        git(place, "update-ref", REF, git(place, "rev-parse", f"{REF}~1"))
        shutil.rmtree(place / ".git/hee", ignore_errors=True)
        assert found(place) == [(5 - back, "rolled-back")]
        refused_by_hand = git(place, "rev-list", "--count", REF)
        assert int(refused_by_hand) == 5 - back


@pytest.mark.parametrize("which", [0, 3])
def test_an_old_checkpoint_with_its_valid_signature_is_not_that_of_another_append(place: Path, which: int) -> None:
    forge = Forge(place, OWNER)
    forge.appends[2].signer = THIEF
    forge.appends[4].files["checkpoint"] = forge.appends[which].files["checkpoint"]
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    assert found(place) == [(4, "checkpoint")]


def test_the_commits_of_another_log_of_the_same_key_do_not_pass(place: Path, tmp_path: Path) -> None:
    with make_log(tmp_path / "other", signer=OWNER) as log:
        log.append([note("elsewhere")])
    git(place, "fetch", "--quiet", str(tmp_path / "other"), f"{REF}:refs/heads/other")
    forge, raw = Forge(place, OWNER), raw_of(place, "refs/heads/other")
    moved = forge.write(
        "commit", raw.replace(parse_commit(raw).parents[0].encode(), git(place, "rev-parse", REF).encode())
    )
    git(place, "update-ref", REF, moved)
    shutil.rmtree(place / ".git/hee")
    shown = found(place)
    assert {(5, "foreign-event"), (5, "commit-signature"), (5, "checkpoint")} <= set(shown)
    assert min(shown)[0] == 5


# ------------------------------------------------------------------ downgrades


def sha1_signature(message: bytes) -> bytes:
    """What an old ssh-keygen would have made: hash sha256 is still taken, sha1 never."""
    good = OWNER.sign(message, sshsig.EVENT_NAMESPACE)
    return good.replace(b"\0\0\0\6sha512", b"\0\0\0\4sha1")


def no_signature(forge: Forge) -> None:
    forge.appends[4].signer = None


def old_hash(forge: Forge) -> None:
    import base64

    forge.appends[4].signatures = [base64.b64encode(sha1_signature(forge.appends[4].lines[0]))]


def old_payload(forge: Forge) -> None:
    append = forge.appends[4]
    append.lines = [edited(append.lines[0], dataversion=0)]
    append.sign_events(OWNER)


def old_envelope(forge: Forge) -> None:
    append = forge.appends[4]
    append.lines = [edited(append.lines[0], specversion="0.3")]
    append.sign_events(OWNER)


def no_checkpoint(forge: Forge) -> None:
    del forge.appends[4].files["checkpoint"]


def unsigned_checkpoint(forge: Forge) -> None:
    append = forge.appends[4]
    parsed = checkpoint.parse(append.files["checkpoint"])
    stranger = EphemeralSigner()
    line = checkpoint.NoteSignature(parsed.origin, checkpoint.key_id(parsed.origin, stranger.public_key), bytes(64))
    append.files["checkpoint"] = checkpoint.join(parsed.text, [line])


def first_format(forge: Forge) -> None:
    append = forge.appends[0]
    append.lines = [edited(append.lines[0], data=json.loads(append.lines[0])["data"] | {"format": 0})]
    append.sign_events(OWNER)


DOWNGRADES = [
    (no_signature, 4, "commit-signature"), (old_hash, 4, "signature"), (old_payload, 4, "event"),
    (old_envelope, 4, "event"), (no_checkpoint, 4, "tree"), (unsigned_checkpoint, 4, "checkpoint"),
    (first_format, 0, "key|refused|event"),
]  # fmt: skip


@pytest.mark.parametrize(("downgrade", "index", "kinds"), DOWNGRADES, ids=[row[0].__name__ for row in DOWNGRADES])
def test_an_older_or_weaker_form_is_never_taken(place: Path, downgrade, index: int, kinds: str) -> None:  # type: ignore[no-untyped-def]
    forge = Forge(place, OWNER)
    forge.appends[2].signer = THIEF
    downgrade(forge)
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    shown = found(place)
    assert min(shown)[0] == index
    assert {kind for at, kind in shown if at == index} & set(kinds.split("|"))


@pytest.mark.parametrize("version", [0, 1, 99])
def test_a_capsule_that_claims_another_projection_is_never_good(place: Path, version: int) -> None:
    """A checker that skips what it does not know could be told to skip: what was not judged is not OK."""
    from hee_core import projection

    if version == projection.VERSION:
        version += 1
    forge = Forge(place, OWNER)
    forge.appends[2].signer = THIEF
    append = forge.appends[4]
    append.message = append.message.replace(f"HEE-Projection: {projection.VERSION}", f"HEE-Projection: {version}")
    append.files["capsule.json"] = append.files["capsule.json"].replace(b"operational", b"failed")
    forge.rewrite()
    shutil.rmtree(place / ".git/hee")
    with open_log(place, signer=OWNER) as log:
        log.keep_snapshots = False
        report = hee_core.verify(log)
    assert not report.ok
    assert {found.index for found in (*report.findings, *report.unknown)} == {4}
