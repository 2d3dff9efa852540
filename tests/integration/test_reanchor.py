"""A history that git filter-repo really rewrote: every event stays verifiable, and an event takes the log over again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from clones import REF, Clones, note, refs, said
from forge import Forge
from logs import git, make_log, open_at

import hee_core
from hee_core import canonical
from hee_core.anchors import Anchor
from hee_core.errors import EventError, IntegrityError, LogError, LogNotFound
from hee_core.events import Event
from hee_core.keys import EphemeralSigner, create_agent_key, default_key_path
from hee_core.log import Log
from hee_core.reanchor import reanchor
from hee_monitoring.cli.main import run

SECRET = "big.bin"


def commit_secret(place, text: str = "x") -> str:
    (place / SECRET).write_text(text * 1000)
    (place / "file.txt").write_text(text)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=with a secret")
    return git(place, "rev-parse", "HEAD")


def filter_repo(place) -> None:
    """Takes a file out of the whole history of every branch, as people do; new ids for main, and so for words in messages."""
    words = [sys.executable, "-m", "git_filter_repo", "--path", SECRET, "--invert-paths", "--force"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def detected(commit: str) -> Event:
    data = {
        "issue_id": "i1",
        "fingerprint": "f" * 8,
        "source": "act",
        "job": "ci#lint",
        "branch": "main",
        "commit": commit,
        "evidence": (),
    }
    return Event.new("ci.failure_detected", data, subject="i1")


def kinds(log: Log) -> list[tuple[int, str]]:
    return [(finding.index, finding.kind) for finding in hee_core.verify(log).findings]


@pytest.fixture
def rewritten(tmp_path):
    """A log of four events, whose commits were rewritten; it tells of a commit of main that has another id now."""
    place = tmp_path / "repository"
    signer = EphemeralSigner()
    with make_log(place, signer=signer) as log:
        commit = commit_secret(place)
        log.append([detected(commit)])
        log.append([note("two"), note("three")])
    filter_repo(place)
    return place, signer


def test_a_rewritten_history_is_a_finding_until_an_event_answers_for_it(rewritten):
    place, signer = rewritten
    with open_at(place, signer=EphemeralSigner()) as reader:
        assert kinds(reader) == [
            (0, "commit-signature"),
            (1, "commit-signature"),
            (1, "trailer"),
            (2, "commit-signature"),
        ]
        assert hee_core.verify(reader).checked["event signatures"] == 4
    with open_at(place, signer=signer) as log:
        old = log.remembered()
        new = git(place, "rev-parse", REF)
        with pytest.raises(IntegrityError):  # it is not what this writer saw
            log.append([note("x")])
        entry = reanchor(log, reason="a secret was in the history")
        data = entry.event.data
        assert (entry.index, data["events"], data["old_head"], data["new_head"]) == (4, 4, old.commit, new)
        assert data["root"] == old.frontier.root().hex()
        report = hee_core.verify(log)
        assert report.ok, report.findings
        assert report.anchors == (Anchor(4, 4, 3, new),)
        assert log.append([note("goes on")]).index == 5
        with pytest.raises(EventError, match="every commit of the log is signed"):
            reanchor(log, reason="again")
    with open_at(place, signer=signer) as fresh:
        assert len(fresh) == 6
        assert fresh.append([note("goes on")]).index == 6
    with open_at(place, signer=EphemeralSigner()) as reader:
        assert hee_core.verify(reader).ok


def test_what_was_rewritten_again_is_answered_for_again(rewritten):
    place, signer = rewritten
    with open_at(place, signer=signer) as log:
        reanchor(log, reason="first")
        log.append([note("five")])
    commit_secret(place, "y")
    filter_repo(place)
    with open_at(place, signer=signer) as log:
        assert [index for index, kind in kinds(log) if kind == "commit-signature"] == [4, 5]
        reanchor(log, reason="second")
        report = hee_core.verify(log)
        assert report.ok, report.findings
        assert [anchor.events for anchor in report.anchors] == [4, 6]  # the first commits were left as they are
        assert len(log) == 7


def test_only_a_root_key_or_a_person_answers_for_commits(rewritten):
    place, signer = rewritten
    other, ada = EphemeralSigner(actor="agent:other"), EphemeralSigner(actor="human:ada")
    with open_at(place, signer=signer) as log:
        (log.store.directory / "snapshot").unlink()
        for key in (other, ada):
            log.append([Event.new("key.added", {"public_key": key.public_key, "actor": key.actor, "role": key.role})])
    with open_at(place, signer=other) as theirs:
        with pytest.raises(EventError, match="the last commit of before is not known here") as caught:
            reanchor(theirs, reason="x")
        assert "--old COMMIT" in caught.value.hint
        with pytest.raises(IntegrityError, match="it takes a root key or a person's, not agent:other's"):
            reanchor(theirs, reason="x", old_head="1" * 40)
    with open_at(place, signer=ada) as hers:
        reanchor(hers, reason="x", old_head="1" * 40)
        assert hee_core.verify(hers).ok


def forged(place, signer, change) -> list[tuple[int, str]]:
    forge = Forge(place, signer)
    for append in forge.appends[:3]:
        append.signer = None
    change(forge)
    forge.rewrite()
    with open_at(place, signer=EphemeralSigner()) as reader:
        return kinds(reader)


def test_what_the_event_does_not_name_is_not_excused(rewritten, tmp_path):
    place, signer = rewritten
    with open_at(place, signer=signer) as log:
        reanchor(log, reason="a secret")
        log.append([note("five")])
    copy = tmp_path / "copy"

    def again(change) -> list[tuple[int, str]]:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place, copy, symlinks=True)
        return forged(copy, signer, change)

    assert again(lambda forge: None) == []

    def later(forge):
        forge.appends[4].signer = None

    def message(forge):
        forge.appends[1].message = "something else\n"

    def wrong(forge):
        forge.appends[1].signer = EphemeralSigner()

    def capsule(forge):
        forge.appends[1].files["capsule.json"] += b" "

    def drop(forge):
        del forge.appends[1]

    def page(forge):
        forge.appends[0].files["README.md"] = b"other\n"

    assert again(later) == [(5, "commit-signature")]
    # A word of a commit that it answers for was changed since: it names another one, and excuses nothing any more.
    assert (0, "commit-signature") in again(message)
    assert (0, "commit-signature") in again(page)
    assert (1, "commit-signature") in again(wrong)
    assert (1, "capsule") in again(capsule)
    assert (1, "checkpoint") in again(drop)


def test_more_than_a_rewriting_is_not_anchored(rewritten, tmp_path):
    place, signer = rewritten
    shutil.copytree(place, tmp_path / "lost", symlinks=True)
    git(tmp_path / "lost", "update-ref", REF, f"{REF}~1")
    with (
        open_at(tmp_path / "lost", signer=signer) as log,
        pytest.raises(IntegrityError, match="the first 4 events are not those that were here before"),
    ):
        reanchor(log, reason="x")
    forge = Forge(place, signer)
    forge.appends[1].files["capsule.json"] += b" "
    forge.appends[1].signer = None
    forge.rewrite()
    with open_at(place, signer=signer) as log, pytest.raises(IntegrityError, match="event 1: capsule"):
        reanchor(log, reason="x")
    git(place, "update-ref", "-d", REF)
    with open_at(place, signer=signer) as log, pytest.raises(LogNotFound):
        reanchor(log, reason="x")


def test_other_clones_take_over_the_rewritten_log_and_keep_what_they_have(tmp_path):
    world = Clones(tmp_path)
    with world.clone("a") as a, world.clone("b") as b:
        a.append([detected(commit_secret(tmp_path / "a"))])
        hee_core.sync(a)
        hee_core.sync(b)
        b.append([note("b1")])
    filter_repo(tmp_path / "a")
    git(tmp_path / "a", "remote", "add", "origin", str(world.origin))  # filter-repo takes the remote away
    with open_at(tmp_path / "a", signer=world.signer) as a, open_at(tmp_path / "b", signer=world.signer) as b:
        reanchor(a, reason="a secret")
        git(tmp_path / "a", "push", "--quiet", "--force", "origin", REF)
        assert hee_core.sync(a).ok
        done = hee_core.sync(b)
        assert (done.fetched, done.resequenced, done.pushed, done.findings) == (1, 1, 1, ())
        assert said(b) == ["b1"]
        report = hee_core.verify(b)
        assert report.ok, report.findings
        assert hee_core.sync(a).fetched == 1
    assert world.holds()


def test_a_remote_with_the_commits_of_before_is_not_followed_back(tmp_path):
    world = Clones(tmp_path)
    with world.clone("a") as a:
        a.append([detected(commit_secret(tmp_path / "a"))])
        hee_core.sync(a)
    filter_repo(tmp_path / "a")
    git(tmp_path / "a", "remote", "add", "origin", str(world.origin))
    with open_at(tmp_path / "a", signer=world.signer) as a:
        reanchor(a, reason="a secret")
        before = git(tmp_path / "a", "rev-parse", REF)
        with pytest.raises(LogError, match="was anchored again") as caught:
            hee_core.sync(a)
        assert "git push --force" in caught.value.hint
        assert git(tmp_path / "a", "rev-parse", REF) == before
        assert "incoming" not in refs(tmp_path / "a")


def test_the_command_says_which_commits_are_covered(tmp_path, capsys):
    signer = create_agent_key(default_key_path())
    place = tmp_path / "repository"
    with make_log(place, signer=signer) as log:
        log.append([detected(commit_secret(place))])
    filter_repo(place)
    assert run(["-C", str(place), "verify"]) == 1
    assert "hee reanchor --reason WHY" in capsys.readouterr().out
    assert run(["-C", str(place), "reanchor", "--reason", "a secret"]) == 0
    assert "2 events stand in rewritten commits, and event 2 says so" in capsys.readouterr().out
    assert run(["-C", str(place), "verify"]) == 0
    assert "event 2 answers for events 0 to 1, in 2 rewritten commit(s)" in capsys.readouterr().out
    assert run(["-C", str(place), "verify", "--json"]) == 0
    (anchor,) = json.loads(capsys.readouterr().out)["reanchored"]
    assert (anchor["index"], anchor["events"], anchor["commits"]) == (2, 2, 2)
    assert run(["-C", str(place), "reanchor", "--reason", "a secret", "--json"]) == 2
    capsys.readouterr()


def test_an_event_that_answers_for_no_number_of_events_explains_nothing(tmp_path):
    signer = EphemeralSigner()
    with make_log(tmp_path / "r", signer=signer) as log:
        log.append([note("one")])
        forge = Forge(tmp_path / "r", signer)
        event = note("x").bound(source=f"urn:hee:{log.id}", actor=signer.actor, key_id=signer.key_id).to_bytes()
        line = event.replace(b"note.recorded", b"log.reanchored").replace(b'{"text":"x"}', b'{"events":"2"}')
        for append in forge.appends:
            append.signer = None
        forge.appends.append(replace(forge.appends[-1], files={**forge.appends[-1].files}))
        forge.appends[-1].lines = [line]
        forge.rewrite()
        with pytest.raises(IntegrityError, match="no longer holds"):
            _ = log.state


def test_true_is_not_the_number_of_events_that_it_equals(tmp_path):
    signer = EphemeralSigner()
    make_log(tmp_path / "r", signer=signer).close()
    forge = Forge(tmp_path / "r", signer)
    forge.appends[0].signer = None
    (tip,) = forge.rewrite()
    shutil.rmtree(tmp_path / "r/.git/hee")
    with open_at(tmp_path / "r", signer=signer) as log:
        root = log.refresh().frontier.root().hex()
        data = {"events": True, "root": root, "old_head": tip, "new_head": tip, "reason": "r"}
        log.append([replace(note("x"), type="log.reanchored", data=data, _data=canonical.encode(data).decode())])
        assert (0, "commit-signature") in kinds(log)
