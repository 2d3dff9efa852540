"""One log in several repositories: nothing acknowledged is lost, nobody is overwritten, and a remote is not believed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import pytest
from clones import REF, Clones, changed, note, refs, said
from forge import Forge
from logs import git, make_log, make_repository, open_at

import hee_core
from hee_core.disk import Disk
from hee_core.errors import Conflict, GitError, KeyFault, LogError, LogNotFound, NotFound
from hee_core.events import Event
from hee_core.gitstore import open_log
from hee_core.keys import EphemeralSigner, create_agent_key, default_key_path
from hee_core.log import Condition, Log
from hee_core.reconcile import adopt
from hee_core.remote import Remote
from hee_monitoring.cli.main import run

FORMATS = pytest.mark.parametrize("object_format", ["sha1", "sha256"])


@pytest.fixture
def world(tmp_path):
    return Clones(tmp_path)


def signatures(log: Log) -> dict[str, bytes]:
    """Each event's id and its author's signature."""
    steps = zip(log.store.steps(log.head, None), log.store.steps(log.head, None, "signatures"), strict=True)
    pairs = [zip(one.content.splitlines(), two.content.splitlines(), strict=True) for one, two in steps]
    return {Event.from_bytes(line).id: signature for pair in pairs for line, signature in pair}


def grant(log: Log, signer, actor=None) -> None:
    data = {"public_key": signer.public_key, "actor": actor or signer.actor, "role": signer.actor.partition(":")[0]}
    log.append([Event.new("key.added", data)])


# ------------------------------------------------------------------ the four cases


@FORMATS
def test_two_clones_meet_and_nothing_is_lost(tmp_path, object_format):
    world = Clones(tmp_path, object_format=object_format)
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        done = hee_core.sync(a)
        assert (done.fetched, done.pushed, done.resequenced, done.refused, done.events) == (0, 1, 0, (), 2)
        b.append([note("b1"), note("b2")])
        b.append([note("b3")])
        before = signatures(b)
        done = hee_core.sync(b)
        assert (done.fetched, done.pushed, done.resequenced, done.events) == (1, 3, 3, 5)
        assert (done.head, done.unsynced) == (world.tip(), ())
        assert said(b) == ["a1", "b1", "b2", "b3"]
        assert signatures(b).items() >= before.items()
        done = hee_core.sync(a)
        assert (done.fetched, done.pushed, done.resequenced) == (3, 0, 0)
        assert said(a) == said(b)
        again = hee_core.sync(a)
        assert (again.fetched, again.pushed, again.head) == (0, 0, done.head)
        for log in (a, b):
            report = hee_core.verify(log)
            assert report.ok, report.findings
        assert refs(tmp_path / "b").count("refs/hee/") == 1  # what it remembers of the remote, and no leftovers
        git(tmp_path / "b", "fsck", "--strict", "--no-dangling")
    assert world.holds()


def test_an_event_that_the_remote_has_already_is_not_doubled(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        event = b.append([note("shared")]).event
        git(world.place / "a", "fetch", "--quiet", str(world.place / "b"), REF)
        a.append([event])  # somebody carried it over
        hee_core.sync(a)
        b.append([note("b2")])
        done = hee_core.sync(b)
        assert (done.fetched, done.resequenced, done.pushed) == (1, 1, 1)
        assert said(b) == ["a1", "shared", "b2"]
        assert hee_core.verify(b).ok


def test_handles_and_snapshots_of_before_go_on_after_a_sync_by_another_process(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        other = open_at(world.place / "b", signer=b.signer)
        assert said(other) == ["b1"]
        b.append([note("b2")])
        event = b.append([note("b3")]).event
        kept = open_at(world.place / "b", signer=b.signer)
        assert len(kept) == 4
        hee_core.sync(b)
        kept.save_snapshot()  # a snapshot of the old order, over the new one
        assert other.append([note("b4")]).index == 5
        assert said(other) == ["a1", "b1", "b2", "b3", "b4"]
        assert kept.append([event]).index == 4
        assert kept.append([a.entry(1).event]).index == 1  # its index of ids is not of the old order
        with open_at(world.place / "b", signer=b.signer) as fresh:
            assert len(fresh) == 6
            assert fresh.state.time == b.state.time
        a.append([note("a2")])
        hee_core.sync(a)
        assert hee_core.sync(b).resequenced == 1
        assert said(other) == said(b)  # across two syncs
        assert len(Log(b.store)) == 7
        reader = Log(b.store)
        other.close()
        kept.close()
        assert len(reader) == 7


def test_a_condition_from_before_a_sync_is_refused_once(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        other = open_at(world.place / "b", signer=b.signer)
        read = len(other) - 1
        hee_core.sync(b)
        for log in (other, b):  # a1 stands at an index that was read before it was there
            with pytest.raises(Conflict, match="in another order"):
                log.append([note("x")], unless=Condition(read, subjects=("nothing",)))
            log.append([note("x")], unless=Condition(len(log) - 1))
        other.close()


def test_a_note_that_replaces_the_end_of_a_log_cannot_lose_an_event_and_takes_a_key_of_the_log(world):
    with world.clone("b") as b:
        start, log_id = b.head, b.id
        lost = b.append([note("b1")]).event
        old = b.head
        (b.store.directory / "snapshot").unlink(missing_ok=True)
        git(world.place / "b", "update-ref", REF, start)
        with open_at(world.place / "b", signer=b.signer) as thief:
            new = thief.append([note("other")]).commit
        lineage = b.store.lineage
        lineage.add(b.signer, log_id=log_id, old=old, new=new, aside=[])
        lineage.add(EphemeralSigner(), log_id=log_id, old=old, new=new, aside=[lost.id])
        with pytest.raises(hee_core.IntegrityError, match="its history was rewritten"):
            b.append([note("x")])
        lineage.add(b.signer, log_id=log_id, old=old, new=new, aside=[lost.id])
        assert b.append([note("x")]).index == 2


def test_a_lost_race_is_run_again(world, monkeypatch):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        push, others = Remote.push, iter(["b1", "b2"])

        def late(self, commit):
            text = next(others, None)
            if text and self.repository == a.store.repository:
                b.append([note(text)])
                monkeypatch.setattr(Remote, "push", push)
                hee_core.sync(b)
                monkeypatch.setattr(Remote, "push", late)
            push(self, commit)

        monkeypatch.setattr(Remote, "push", late)
        done = hee_core.sync(a)
        assert (done.fetched, done.pushed, done.resequenced) == (2, 1, 1)
        assert said(a) == ["b1", "b2", "a1"]
        assert hee_core.verify(a).ok
        assert done.unsynced == ()
        a.append([note("a2")])
        monkeypatch.setattr(Remote, "push", lambda self, commit: (_ for _ in ()).throw(Conflict("always")))
        monkeypatch.setattr("hee_core.reconcile.TRIES", 2)
        with pytest.raises(Conflict):
            hee_core.sync(a)


# ------------------------------------------------------------------ what may not stand any more


def test_a_key_that_was_revoked_meanwhile_adds_nothing_and_its_events_are_kept_aside(world):
    other = EphemeralSigner(actor="agent:other")
    with world.clone("a") as a:
        grant(a, other)
        hee_core.sync(a)
        with world.clone("b") as b:
            with open_at(world.place / "b", signer=other) as theirs:
                lost = theirs.append([note("of the other", causes=())]).event
            b.append([note("mine")])
            follows = b.append([note("after", causes=(lost.id,))]).event
            a.append([Event.new("key.revoked", {"key_id": other.key_id, "reason": "stolen"})])
            hee_core.sync(a)
            done = hee_core.sync(b)
            assert [(one.event.id, one.index) for one in done.refused] == [(lost.id, 2), (follows.id, 4)]
            assert "revoked from event 3 on" in done.refused[0].reason
            assert f"its cause {lost.id[:12]} is kept aside" == done.refused[1].reason
            assert said(b) == ["mine"]
            (ref,) = done.unsynced
            assert "of the other" in git(world.place / "b", "log", "-p", ref)
            again = hee_core.sync(b)
            assert (again.refused, again.unsynced) == ((), (ref,))
            assert hee_core.verify(b).ok
    assert world.holds()


def test_an_event_with_the_nonce_of_another_one_is_kept_aside(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([replace(note("b1"), nonce=a.entry(1).event.nonce), note("b2")])
        done = hee_core.sync(b)
        assert ["its nonce" in one.reason for one in done.refused] == [True]
        assert said(b) == ["a1", "b2"]
        assert hee_core.verify(b).ok


def test_a_key_that_was_rotated_offline_puts_in_order_what_its_predecessor_wrote(world):
    with world.clone("a") as a:
        other, successor = EphemeralSigner(actor="agent:other"), EphemeralSigner(actor="agent:other")
        grant(a, other)
        hee_core.sync(a)
        with world.clone("b", signer=other) as b:
            b.append([note("before")])
            data = {"public_key": successor.public_key, "reason": "yearly"}
            b.append([Event.new("key.rotated", data)])
            a.append([note("a1")])
            hee_core.sync(a)
            with open_at(world.place / "b", signer=successor) as later:
                with pytest.raises(KeyFault):
                    hee_core.sync(later)
                later.append([note("after")])
                done = hee_core.sync(later)
                assert (done.resequenced, done.refused) == (3, ())
                assert said(later) == ["a1", "before", "after"]
                report = hee_core.verify(later)
                assert report.ok, report.findings
    assert world.holds()


def test_what_is_about_a_point_of_the_old_order_is_kept_aside(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        cosigned = git(world.place / "b", "show", f"{REF}:checkpoint") + "\n"
        for index in (0, 1):
            point = {"backup_id": f"b{index}", "index": index, "capsule": "0" * 64, "decisions": 0}
            b.append([Event.new("state.checkpointed", point)])
        b.append(
            [Event.new("checkpoint.cosigned", {"note": cosigned}), Event.new("checkpoint.cosigned", {"note": "none"})]
        )
        done = hee_core.sync(b)
        assert [one.reason.partition(",")[0] for one in done.refused] == [
            "the point to return to", "witnesses cosigned an order of events that is no more: let them cosign what was synced",
        ]  # fmt: skip
        assert list(b.state.ledger.checkpoints) == ["b0"]
        assert hee_core.verify(b).ok


def test_two_monitors_that_saw_the_same_thing_offline_leave_one_legal_history(world):
    def detected(issue: str) -> Event:
        data = {"issue_id": issue, "fingerprint": "f" * 8, "source": "act", "evidence": ()}
        return Event.new("ci.failure_detected", data, subject=issue)

    with world.clone("a") as a, world.clone("b") as b:
        a.append([detected("i1"), changed("operational", "degraded")])
        b.append([detected("i1"), changed("operational", "degraded"), note("b")])
        hee_core.sync(a)
        done = hee_core.sync(b)
        assert [one.event.type for one in done.refused] == ["state.changed"]
        assert "the state is degraded" in done.refused[0].reason
        assert len(b) == 5
        assert list(b.state.issues) == ["i1"]
        assert hee_core.verify(b).ok
        assert hee_core.sync(a).ok


def test_decisions_that_contradict_what_was_decided_meanwhile_are_kept_aside(world):
    def decided(value: str, key: str = "k") -> Event:
        return Event.new("decision.recorded", {"key": key, "statement": "s", "value": value})

    with world.clone("a") as a, world.clone("b") as b:
        a.append([decided("yes")])
        hee_core.sync(a)
        b.append([decided("no")])
        b.append([decided("yes"), decided("other", key="k2"), decided("contrary", key="k2")])
        done = hee_core.sync(b)
        assert [one.event.data["value"] for one in done.refused] == ["no"]
        assert "was recorded meanwhile and says otherwise about k" in done.refused[0].reason
        assert sorted(one["value"] for one in b.state.decisions.values()) == ["contrary", "other", "yes", "yes"]


def test_a_freeze_stops_what_was_recorded_elsewhere_and_lets_notes_through(world):
    ada = EphemeralSigner(actor="human:ada")
    with world.clone("a") as a:
        grant(a, ada)
        hee_core.sync(a)
        with world.clone("b") as b:
            a.append([Event.new("state.frozen", {"reason": "stop"})])
            hee_core.sync(a)
            b.append([changed("operational", "degraded"), note("goes on")])
            done = hee_core.sync(b)
            assert ["the log is frozen" in one.reason for one in done.refused] == [True]
            assert said(b) == ["goes on"]
            assert b.state.frozen


def test_a_rollback_to_a_shared_point_stands_and_one_to_a_moved_event_does_not(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([changed("operational", "degraded")])
        hee_core.sync(a)
        hee_core.sync(b)
        a.append([note("a")])
        hee_core.sync(a)
        b.append([note("b")])
        hee_core.rollback(b, to=2, reason="to b") if len(b) > 3 else b.append([note("c")])
        hee_core.rollback(b, to=0, reason="to the start")
        hee_core.rollback(b, to=2, reason="to b")
        done = hee_core.sync(b)
        assert [one.event.data["reason"] for one in done.refused] == ["to b"]
        assert b.state.status == "operational"
        assert hee_core.verify(b).ok


def test_a_key_that_may_not_write_there_changes_nothing(world):
    other = EphemeralSigner(actor="agent:other")
    with world.clone("a") as a, world.clone("b") as b:
        b.append([note("b")])
        a.append([note("a")])
        hee_core.sync(a)
        before = refs(world.place / "b")
        with open_at(world.place / "b", signer=other) as stranger, pytest.raises(KeyFault, match="not in the key ring"):
            hee_core.sync(stranger)
        assert refs(world.place / "b") == before
        grant(a, other)
        hee_core.sync(a)
        with open_at(world.place / "b", signer=other) as known:
            assert hee_core.sync(known).resequenced == 1
            report = hee_core.verify(known)
            assert report.ok, report.findings
        assert git(world.place / "b", "log", "-1", "--format=%an %cn", REF) == "hee other"
    assert world.holds()


# ------------------------------------------------------------------ remotes that are not to be believed


def judged(log: Log, kind: str, index: int):
    before = refs(log.store.repository.root)
    done = hee_core.sync(log)
    assert [(one.index, one.kind) for one in done.findings] == [(index, kind)]
    assert (done.ok, done.fetched, done.pushed) == (False, 0, 0)
    assert refs(log.store.repository.root) == before
    return done


def test_a_remote_that_was_rolled_back_is_refused(world):
    with world.clone("a") as a, world.clone("b") as b:
        start = world.tip()
        a.append([note("a1")])
        a.append([note("a2")])
        hee_core.sync(a)
        hee_core.sync(b)
        world.force(start)
        judged(b, "rolled-back", 1)
        b.append([note("b1")])
        judged(b, "rolled-back", 1)
        git(world.origin, "update-ref", "-d", REF)
        judged(b, "rolled-back", 0)


def test_a_remote_that_was_rewritten_with_a_good_key_is_refused(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        a.append([note("a2")])
        first = a.entry(1).commit
        hee_core.sync(a)
        hee_core.sync(b)
        git(world.place / "a", "update-ref", REF, first)
        (a.store.directory / "snapshot").unlink(missing_ok=True)
        with open_at(world.place / "a", signer=a.signer) as forger:
            forger.append([note("instead of a2")])
            forger.append([note("and more")])
            git(world.place / "a", "push", "--quiet", "--force", "origin", REF)
        judged(b, "rewritten", 2)
        assert said(b) == ["a1", "a2"]


def test_a_remote_that_does_not_verify_is_refused(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        a.append([note("a2")])
        hee_core.sync(a)
        forge = Forge(world.place / "a", a.signer)
        forge.appends[2].files["capsule.json"] += b" "
        forge.rewrite()
        git(world.place / "a", "push", "--quiet", "--force", "origin", REF)
        judged(b, "capsule", 2)
        git(world.place, "clone", "--quiet", str(world.origin), "c")
        with open_at(world.place / "c", signer=b.signer) as fresh:
            judged(fresh, "capsule", 2)
            assert fresh.head is None


def test_another_log_is_refused(world, tmp_path):
    make_log(tmp_path / "other", signer=world.signer).close()
    git(world.origin, "fetch", "--quiet", str(tmp_path / "other"), f"+{REF}:{REF}")
    git(tmp_path, "clone", "--quiet", str(world.origin), "fresh")
    with open_log(tmp_path / "fresh", signer=world.signer, create=True, pin=world.id) as log:
        judged(log, "foreign-log", 0)
    with make_log(tmp_path / "mine", signer=world.signer) as log:
        git(tmp_path / "mine", "remote", "add", "origin", str(world.origin))
        judged(log, "foreign-log", 0)


def test_a_clone_that_was_put_back_as_a_whole_is_told_by_what_was_verified_here(world, tmp_path):
    world.clone("a").close()
    with open_log(tmp_path / "a", signer=world.signer) as a:
        a.append([note("a1")])
        assert hee_core.verify(a).ok
    shutil.rmtree(tmp_path / "a")
    git(tmp_path, "clone", "--quiet", str(world.origin), "a")
    with open_log(tmp_path / "a", signer=world.signer, create=True) as a:
        judged(a, "rolled-back", 1)


def test_what_was_verified_here_moves_along_with_a_sync(world, tmp_path):
    world.clone("a").close()
    with open_log(tmp_path / "a", signer=world.signer) as a, world.clone("b") as b:
        b.append([note("b1")])
        hee_core.sync(b)
        a.append([note("a1")])
        a.append([note("a2")])
        assert hee_core.verify(a).ok
        assert a.seen.size(a.id) == 3
        assert hee_core.sync(a).resequenced == 2
        assert a.seen.size(a.id) == 4
        report = hee_core.verify(a)
        assert report.ok, report.findings


# ------------------------------------------------------------------ where there is nothing, or nobody answers


def test_locks_that_killed_programs_left_block_no_sync_and_others_are_not_broken(world, monkeypatch):
    monkeypatch.setattr("hee_core.refs.PATIENCE", 0.05)
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        b.append([note("b1")])
        place = world.place / "b/.git"
        (place / "refs/hee/incoming").mkdir(parents=True)
        (place / "refs/hee/incoming/0123.lock").write_text("")  # a git that was killed while it fetched
        lock = place / "refs/hee/remotes/origin.lock"
        os.link(place / "hee/token", lock)  # a hee that was killed
        assert hee_core.sync(b).resequenced == 1
        assert not lock.exists()
        lock.write_text("somebody's")
        b.append([note("b2")])
        with pytest.raises(GitError, match="held by a program that is not hee"):
            hee_core.sync(b)
        assert lock.read_text() == "somebody's"
        lock.unlink()
        assert hee_core.sync(b).ok
        assert said(b) == ["a1", "b1", "b2"]


def test_a_remote_with_a_name_that_is_no_name_of_a_ref_is_remembered_all_the_same(world):
    with world.clone("a") as a:
        name = "../../../heads/main"
        before = git(world.place / "a", "rev-parse", "main")
        git(world.place / "a", "config", f"remote.{name}.url", str(world.origin))
        a.append([note("a1")])
        assert hee_core.sync(a, name).pushed == 1
        assert git(world.place / "a", "rev-parse", "main") == before
        assert hee_core.sync(a, name).pushed == 0


def test_without_a_network_nothing_changes(world):
    with world.clone("a") as a:
        a.append([note("a1")])
        before = refs(world.place / "a")
        world.origin.rename(world.place / "gone")
        with pytest.raises(GitError, match="the log of origin cannot be reached") as caught:
            hee_core.sync(a)
        assert "nothing is lost" in caught.value.hint
        assert refs(world.place / "a") == before
        with pytest.raises(GitError, match="cannot be reached"):
            hee_core.sync(a, fetch=False)
        (world.place / "gone").rename(world.origin)
        assert hee_core.sync(a).pushed == 1


def test_a_remote_that_does_not_take_the_log_says_so(world):
    hook = world.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with world.clone("a") as a:
        a.append([note("a1")])
        with pytest.raises(GitError, match=r"origin does not take the log: .*pre-receive hook declined"):
            hee_core.sync(a)
        hook.unlink()
        assert hee_core.sync(a).pushed == 1


def test_the_first_log_is_pushed_and_a_missing_one_is_missing(tmp_path):
    make_repository(tmp_path / "origin.git", bare=True)
    git(tmp_path, "clone", "--quiet", "origin.git", "a")
    with open_at(tmp_path / "a", signer=EphemeralSigner()) as a:
        with pytest.raises(LogNotFound, match="neither origin nor this repository has a log"):
            hee_core.sync(a)
        a.create()
        assert hee_core.sync(a).pushed == 1
        with pytest.raises(LogNotFound):
            adopt(a, "refs/remotes/nobody/hee/log")
    with pytest.raises(LogError, match="in memory"):
        hee_core.sync(hee_core.MemoryLog())


def test_one_direction_only(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        done = hee_core.sync(a, push=False)
        assert (done.pushed, len(a)) == (0, 2)
        b.append([note("b1")])
        hee_core.sync(b)
        with pytest.raises(Conflict):
            hee_core.sync(a, fetch=False)
        done = hee_core.sync(a, push=False)
        assert (done.fetched, done.resequenced) == (1, 1)
        assert refs(world.place / "a").count("refs/hee/unsynced/") == 1  # until it is pushed
        assert hee_core.sync(a, fetch=False).pushed == 1
        assert "refs/hee/unsynced/" not in refs(world.place / "a")
        assert said(a) == ["b1", "a1"]


def test_a_remote_is_named_or_found_and_never_an_option(world):
    with world.clone("a") as a:
        place = world.place / "a"
        for name in ("--upload-pack=touch x", "-x"):
            with pytest.raises(NotFound, match="no remote to sync with"):
                hee_core.sync(a, name)
        with pytest.raises(GitError, match="cannot be reached"):
            hee_core.sync(a, "nobody")
        assert hee_core.sync(a, str(world.origin)).ok  # an address
        git(place, "remote", "rename", "origin", "upstream")
        assert hee_core.sync(a).remote == "upstream"
        git(place, "remote", "add", "second", str(world.origin))
        with pytest.raises(NotFound, match="remotes here: second, upstream"):
            hee_core.sync(a)
        git(place, "config", "remote.second.vcs", "evil")
        with pytest.raises(GitError, match="a transport program of its own"):
            hee_core.sync(a, "second")


def test_a_repositorys_configuration_runs_nothing(world):
    with world.clone("a") as a:
        place, trap = world.place / "a", world.place / "trap"
        program = world.place / "program"
        program.write_text(f"#!/bin/sh\necho $0 $* >> {trap}\nexit 1\n")
        program.chmod(0o755)
        (place / "hooks").mkdir()
        for hook in ("pre-push", "reference-transaction", "post-update"):
            shutil.copy(program, place / "hooks" / hook)
        for key in (
            "remote.origin.uploadpack", "remote.origin.receivepack", "core.sshCommand", "core.fsmonitor", "credential.helper",
            "core.gitProxy", "core.askPass", "core.alternateRefsCommand", "uploadpack.packObjectsHook", "core.pager",
        ):  # fmt: skip
            git(place, "config", key, str(program))
        git(place, "config", "core.hooksPath", str(place / "hooks"))
        a.append([note("a1")])
        assert hee_core.sync(a).pushed == 1
        for address in ("ext::" + str(program), "git@127.0.0.1:x/y", "https://127.0.0.1:9/x"):
            with pytest.raises(GitError, match="cannot be reached"):
                hee_core.sync(a, address)
        assert not trap.exists()


def test_what_stock_git_left_in_memory_is_made_durable_before_it_counts(world):
    with world.clone("a") as a, world.clone("b") as b:
        a.append([note("a1")])
        hee_core.sync(a)
        git(world.place / "b", "fetch", "--quiet", "origin")
        assert any((world.place / "b/.git/objects").glob("[0-9a-f][0-9a-f]/*"))
        done = adopt(b, "refs/remotes/origin/hee/log")
        assert (done.fetched, len(b)) == (1, 2)


# ------------------------------------------------------------------ the command


def document(capsys, *arguments: str):
    status = run([*arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_a_fresh_clone_takes_over_the_log_by_sync_or_init_and_never_begins_a_second_one(tmp_path, capsys):
    signer = create_agent_key(default_key_path())
    world = Clones(tmp_path, signer=signer)
    for name, command in (("s", "sync"), ("i", "init")):
        git(tmp_path, "clone", "--quiet", str(world.origin), name)
        place = str(tmp_path / name)
        status, _, err = document(capsys, "-C", place, "state")
        assert (status, "next: run `hee sync`" in err) == (2, True)
        status, said_, _ = document(capsys, "-C", place, command)
        assert (status, said_.get("log", world.id), said_.get("created", False)) == (0, world.id, False)
        assert git(tmp_path / name, "rev-parse", REF) == world.tip()
        assert document(capsys, "-C", place, "verify")[0] == 0
    assert run(["-C", str(tmp_path / "s"), "sync"]) == 0
    assert "OK 1 events: 0 new here, 0 new on origin" in capsys.readouterr().out
    git(tmp_path / "first", "update-ref", "-d", REF)
    make_repository(tmp_path / "empty.git", bare=True)
    git(tmp_path / "first", "remote", "add", "origin", str(tmp_path / "empty.git"))
    status, _, err = document(capsys, "-C", str(tmp_path / "first"), "sync")
    assert (status, "run `hee init`" in err) == (2, True)


def test_the_command_tells_what_it_did(tmp_path, capsys):
    signer = create_agent_key(default_key_path())
    world = Clones(tmp_path, signer=signer)
    place = str(tmp_path / "b")
    with world.clone("a") as a, world.clone("b") as b:
        a.append([changed("operational", "degraded")])
        hee_core.sync(a)
        b.append([changed("operational", "degraded"), note("b")])
    status, said_, _ = document(capsys, "-C", place, "sync")
    assert status == 1
    assert {name: said_[name] for name in ("fetched", "pushed", "resequenced", "events")} == {
        "fetched": 1, "pushed": 1, "resequenced": 1, "events": 3,
    }  # fmt: skip
    assert [(one["type"], one["index"]) for one in said_["refused"]] == [("state.changed", 1)]
    assert said_["head"] == world.tip()
    with open_at(tmp_path / "b", signer=signer) as b:
        b.append([changed("degraded", "failed"), changed("failed", "operational")])
    with open_at(tmp_path / "a", signer=signer) as a:
        a.append([note("a2")])
        hee_core.sync(a)
        a.append([changed("degraded", "operational")])
        hee_core.sync(a)
    assert run(["-C", place, "sync"]) == 1
    out = capsys.readouterr().out
    assert "may not stand there any more" in out
    assert "kept  refs/hee/unsynced/" in out
    world.force(git(world.origin, "rev-parse", f"{REF}~1"))
    assert run(["-C", place, "sync"]) == 1
    assert "is not to be believed: nothing was changed here" in capsys.readouterr().out
    world.origin.rename(tmp_path / "gone")
    assert document(capsys, "-C", place, "sync")[:2] == (2, None)


def test_init_refuses_a_log_that_does_not_hold(tmp_path, capsys):
    signer = create_agent_key(default_key_path())
    world = Clones(tmp_path, signer=signer)
    forge = Forge(tmp_path / "first", signer)
    forge.appends[0].files["capsule.json"] += b" "
    forge.rewrite()
    git(tmp_path / "first", "push", "--quiet", "--force", str(world.origin), REF)
    git(tmp_path, "clone", "--quiet", str(world.origin), "fresh")
    status, _, err = document(capsys, "-C", str(tmp_path / "fresh"), "init")
    assert status == 2
    assert "that this clone brought along does not hold: event 0: capsule" in err
    assert REF not in refs(tmp_path / "fresh")


@pytest.mark.parametrize("kind", ["worktree", "bare", "mirror", "shallow", "partial", "environment"])
def test_every_kind_of_repository_syncs(world, tmp_path, kind, monkeypatch):
    with world.clone("a") as a:
        a.append([note("a1")])
        hee_core.sync(a)
    place = tmp_path / "x"
    if kind == "worktree":
        world.clone("main").close()
        git(tmp_path / "main", "worktree", "add", "--quiet", "--detach", str(place))
    elif kind == "bare":
        git(tmp_path, "init", "--quiet", "--bare", "x")
        git(place, "remote", "add", "origin", str(world.origin))
    elif kind == "mirror":
        git(tmp_path, "clone", "--quiet", "--mirror", str(world.origin), "x")
    elif kind == "shallow":
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{world.origin}", "x")
    elif kind == "partial":
        git(world.origin, "config", "uploadpack.allowFilter", "true")
        git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{world.origin}", "x")
    else:
        git(tmp_path, "clone", "--quiet", str(world.origin), "x")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "first/.git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "first"))
        monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "nowhere"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        monkeypatch.setenv("GIT_NAMESPACE", "elsewhere")
    with open_at(place, signer=world.signer) as log:
        assert hee_core.sync(log).ok
        log.append([note("x1")])
        assert hee_core.sync(log).pushed == 1
        assert said(log) == ["a1", "x1"]
        assert hee_core.verify(log).ok
    for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_CONFIG_GLOBAL"]:
        monkeypatch.delenv(name)
    assert world.holds()


def test_whoever_appends_meanwhile_sweeps_nothing_of_a_sync_away(tmp_path):
    class Meanwhile(Disk):
        def link(self, old, new):
            super().link(old, new)
            if new.parent.name == "remotes":
                with open_at(tmp_path / "r", signer=signer) as other:
                    other.append([note("meanwhile")])

    signer = EphemeralSigner()
    make_log(tmp_path / "r", signer=signer).close()
    with open_at(tmp_path / "r", signer=signer, disk=Meanwhile()) as log, log.store.syncing():
        log.store.set_ref("refs/hee/remotes/origin", log.head, None)
        assert len(log) == 2
        assert log.store.repository.ref("refs/hee/remotes/origin") == log.entry(0).commit


def test_no_word_about_a_remote_holds_what_its_owner_logs_in_with(tmp_path):
    with make_log(tmp_path / "r") as log:
        for address in ("https://ada:s3cr3t@127.0.0.1:9/x", "https://s3cr3t@127.0.0.1:9/x", "ext::https://s3cr3t@h/x"):
            with pytest.raises(GitError, match="cannot be reached") as caught:
                hee_core.sync(log, address)
            assert "s3cr3t" not in str(caught.value)
