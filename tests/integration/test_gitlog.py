"""The log in every kind of repository, and under the hands of stock git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from logs import git, make_log, make_repository, open_at

import hee_core
from hee_core.disk import Disk
from hee_core.errors import Conflict, GitError, IntegrityError, LogError, LogNotFound
from hee_core.events import Event
from hee_core.git import Repository
from hee_core.gitstore import open_log
from hee_core.keys import EphemeralSigner
from hee_core.packs import MOST_PACKS

FORMATS = pytest.mark.parametrize("object_format", ["sha1", "sha256"])


def note(text: str = "x") -> Event:
    return Event.new("note.recorded", {"text": text}, subject="release")


def digest_of(place) -> dict[str, tuple[int, bytes]]:
    """Every file outside of .git, and the index, with its time."""
    files = [path for path in place.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in [*files, place / ".git" / "index"]}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "repository"


@pytest.mark.spec("SEED-313")
@FORMATS
def test_worktree_index_head_and_branches_stay_as_they_were(place, object_format):
    make_repository(place, object_format=object_format)
    (place / "file.txt").write_text("changed, not committed\n")
    (place / "new.txt").write_text("new\n")
    git(place, "add", "new.txt")
    before = (
        digest_of(place),
        git(place, "--no-optional-locks", "status", "--porcelain"),
        git(place, "symbolic-ref", "HEAD"),
        git(place, "rev-parse", "main"),
    )
    with open_at(place, signer=EphemeralSigner()) as log:
        log.create()
        for _ in range(3):
            log.append([note()])
        hee_core.rollback(log, to=1, reason="x")
        assert hee_core.verify(log).ok
    assert before == (
        digest_of(place),
        git(place, "--no-optional-locks", "status", "--porcelain"),
        git(place, "symbolic-ref", "HEAD"),
        git(place, "rev-parse", "main"),
    )
    assert git(place, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/hee/log", "refs/heads/main"]


@FORMATS
@pytest.mark.spec("SEED-215", "SEED-310")
def test_stock_git_and_ssh_keygen_accept_what_is_written(place, object_format, tmp_path):
    with make_log(place, object_format=object_format) as log:
        entry = log.append([note("first"), note("second")])
        (tmp_path / "signers").write_text(log.refresh().keyring.allowed_signers(len(log)))
        hee_core.rollback(log, to=1, reason="x")
    trust = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}")
    for commit in git(place, "rev-list", "hee/log").split():
        git(place, *trust, "verify-commit", commit)
    assert git(place, "fsck", "--strict", "--no-dangling") == ""
    lines = git(place, "show", f"{entry.commit}:events.jsonl").split("\n")
    signatures = git(place, "show", f"{entry.commit}:signatures").split("\n")
    for line, signature in zip(lines, signatures, strict=True):
        armored = f"-----BEGIN SSH SIGNATURE-----\n{signature}\n-----END SSH SIGNATURE-----\n"
        (tmp_path / "signature").write_text(armored)
        verify = [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            str(tmp_path / "signers"),
            "-I",
            "agent:hee",
            "-n",
            "hee-event",
            "-s",
            str(tmp_path / "signature"),
        ]
        assert subprocess.run(verify, input=line.encode(), capture_output=True, check=False).returncode == 0
        assert subprocess.run(verify, input=line.encode() + b" ", capture_output=True, check=False).returncode != 0


def test_packs_are_what_git_would_accept_from_anybody(place):
    with make_log(place) as log:
        log.append([note(str(n)) for n in range(50)])
    packs = sorted((place / ".git/objects/pack").glob("pack-*.pack"))
    assert len(packs) == 2
    for pack in packs:
        git(place, "verify-pack", str(pack))
        git(place, "index-pack", "--strict", "--stdin", stdin=pack.read_bytes())


def test_a_bare_repository_holds_a_log(place):
    with make_log(place, bare=True) as log:
        log.append([note()])
        assert hee_core.verify(log).ok
    assert Repository.discover(place).root is None


@pytest.mark.spec("SEED-313")
def reftable(place) -> bool:
    """Makes a repository of that ref format, if this git can."""
    made = subprocess.run(
        ["git", "init", "--quiet", "--ref-format=reftable", str(place)], capture_output=True, check=False
    )
    return made.returncode == 0


@pytest.mark.parametrize("kind", ["reftable", "files, moved by git"])
def test_where_git_itself_moves_the_ref_it_moves_only_from_where_it_was(place, tmp_path, kind):
    if kind == "reftable" and not reftable(place):
        pytest.skip(f"{git(tmp_path, '--version')} has no reftable (2.45 has)")
    if kind != "reftable":
        make_repository(place)

    def opened(signer):
        log = open_at(place, signer=signer)
        assert kind != "reftable" or log.store._file is None
        log.store._file = None
        return log

    signer = EphemeralSigner()
    with opened(signer) as log, opened(signer) as other:
        log.create()
        seen = log.head
        log.append([note("one")], expected=seen)
        assert other.append([note("two")]).index == 2
        with pytest.raises(Conflict):
            log.append([note("three")], expected=seen)
        git(place, "pack-refs", "--all", "--prune")
        assert log.append([note("three")]).index == 3
        git(tmp_path, "init", "--quiet", "--bare", "origin.git")
        git(place, "remote", "add", "origin", str(tmp_path / "origin.git"))
        assert hee_core.sync(other).pushed == 4
        assert hee_core.verify(log).ok
        with pytest.raises(Conflict):
            log.store.publish([], seen, seen)
    assert git(place, "fsck", "--strict", "--no-dangling") == ""


def test_linked_worktrees_share_one_log_and_a_detached_head_does_not_matter(place, tmp_path):
    with make_log(place) as log:
        git(place, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        with open_at(tmp_path / "linked", signer=log.signer) as linked:
            linked.append([note("from there")])
            assert log.head == linked.head
            log.append([note("from here")])
            assert len(linked) == 3
    assert git(tmp_path / "linked", "status", "--porcelain") == ""


def test_a_repository_is_found_from_a_directory_inside_of_it(place):
    with make_log(place) as log:
        (place / "deep/er").mkdir(parents=True)
        with open_log(place / "deep/er", signer=log.signer) as inside:
            assert inside.head == log.head


def test_what_the_environment_says_about_git_is_not_believed(place, tmp_path, monkeypatch):
    other = make_repository(tmp_path / "other")
    with make_log(place) as log:
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(other))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-index"))
        monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "no-objects"))
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
        log.append([note()])
        with open_log(place, signer=log.signer) as again:
            assert hee_core.verify(again).ok
    assert not (other / ".git/hee").exists()
    assert not (tmp_path / "no-objects").exists()


def test_hooks_and_programs_of_the_repository_never_run(place, tmp_path):
    with make_log(place) as log:
        trap = tmp_path / "trap"
        for name in ("reference-transaction", "post-commit", "pre-commit", "post-update", "fsmonitor"):
            hook = place / ".git/hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
            hook.chmod(0o755)
        git(place, "config", "core.fsmonitor", str(place / ".git/hooks/fsmonitor"))
        git(place, "config", "gpg.ssh.program", str(place / ".git/hooks/fsmonitor"))
        git(place, "config", "commit.gpgSign", "true")
        log.append([note()])
        assert hee_core.verify(log).ok
        Repository.discover(place).left_aside()
    assert not trap.exists()


def test_a_shallow_clone_of_the_log_is_said_to_be_unknown_and_never_wrong(place, tmp_path):
    with make_log(place) as log:
        for n in range(5):
            log.append([note(str(n))])
        git(tmp_path, "clone", "--quiet", "--depth=2", "--branch=hee/log", f"file://{place}", "shallow")
    with open_at(tmp_path / "shallow", signer=log.signer) as shallow:
        with pytest.raises(LogError, match="this clone is shallow") as caught:
            len(shallow)
        assert "git fetch --unshallow" in caught.value.hint
        with pytest.raises(LogError, match="shallow"):
            list(shallow.read())
        with pytest.raises(LogError, match="shallow"):
            shallow.append([note()])
        with pytest.raises(LogError, match="shallow"):
            hee_core.sync(shallow)
        report = hee_core.verify(shallow)
        assert (report.ok, report.events, [f.kind for f in report.findings]) == (False, 0, ["shallow"])
        git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
        assert hee_core.verify(shallow).ok


def test_a_clone_that_is_shallow_elsewhere_has_its_log(place, tmp_path):
    with make_log(place) as log:
        log.append([note()])
        git(place, "commit", "--quiet", "--allow-empty", "--message=two")
        git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", f"file://{place}", "shallow")
        git(tmp_path / "shallow", "fetch", "--quiet", "origin", "hee/log:hee/log")
    with open_at(tmp_path / "shallow", signer=log.signer) as shallow:
        assert hee_core.verify(shallow).ok
        assert shallow.append([note()]).index == 2


def test_a_partial_clone_has_its_log(place, tmp_path):
    with make_log(place) as log:
        log.append([note("there")])
        git(place, "config", "uploadpack.allowFilter", "true")
        git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(
            tmp_path,
            "clone",
            "--quiet",
            "--filter=blob:none",
            "--no-checkout",
            "--branch=hee/log",
            f"file://{place}",
            "partial",
        )
    with open_at(tmp_path / "partial", signer=log.signer) as partial:
        assert hee_core.verify(partial).ok
        assert partial.append([note()]).index == 2
    with open_at(tmp_path / "partial", signer=log.signer) as partial:
        shutil.rmtree(place)
        assert [e.event.data.get("text") for e in partial.read(1)] == ["there", "x"]


@FORMATS
def test_packed_refs_and_garbage_collection_lose_nothing(place, object_format):
    with make_log(place, object_format=object_format) as log:
        for n in range(6):
            log.append([note(str(n))])
            git(
                place,
                *(("pack-refs", "--all", "--prune"), ("gc", "--quiet", "--prune=now"), ("repack", "-a", "-d", "-q"))[
                    n % 3
                ],
            )
        assert hee_core.verify(log).ok
        with open_at(place, signer=log.signer) as again:
            assert len(again) == 7


def test_an_append_costs_four_fsyncs(place):
    class Counting(Disk):
        syncs = 0

        def write(self, path, data, *, sync=True):
            self.syncs += sync
            super().write(path, data, sync=sync)

        def sync_directory(self, path):
            self.syncs += 1
            super().sync_directory(path)

    disk = Counting()
    with make_log(place, disk=disk) as log:
        for size in (1, 1, 100):
            before = disk.syncs
            log.append([note(str(n)) for n in range(size)])
            assert disk.syncs - before == 4  # pack, its directory, ref, its directory


def test_what_a_writer_keeps_for_itself_may_be_removed_under_it(place):
    with make_log(place) as log:
        log.append([note("before")])
        (place / ".git/hee/token").unlink()
        for mark in (place / ".git/objects/pack").glob("pack-*.keep"):
            mark.unlink()
        log.append([note("after")])
        assert (place / ".git/hee/token").is_file()
        assert len(list((place / ".git/objects/pack").glob("pack-*.keep"))) == 1
        assert hee_core.verify(log).ok


def test_packs_are_merged_and_those_of_the_user_stay(place):
    make_repository(place)
    git(place, "repack", "-a", "-d", "-q")
    directory = place / ".git/objects/pack"
    users = {path.name for path in directory.iterdir()}
    with open_at(place, signer=EphemeralSigner()) as log:
        log.create()
        for n in range(2 * MOST_PACKS + 5):
            log.append([note(str(n))])
            if n % MOST_PACKS == 0:
                log.store.close()  # and so waits for the merge that goes on beside the appends
        assert len(list(directory.glob("pack-*.pack"))) < MOST_PACKS
        assert users <= {path.name for path in directory.iterdir()}
        assert hee_core.verify(log).ok
        assert list(directory.glob("tmp_*")) == []
        git(place, "fsck", "--strict", "--no-dangling")


def test_a_merged_pack_never_has_its_name_without_its_mark(place, monkeypatch):
    """Else a `git gc` that began in between removes it, after we removed those that it replaces."""
    monkeypatch.setattr("hee_core.packs.MOST_PACKS", 4)
    marked, failing = {}, [True]

    class Watching(Disk):
        def rename(self, source, target):
            if target.suffix == ".pack":
                marked[source.name[:7]] = marked.get(source.name[:7], True) and target.with_suffix(".keep").exists()
                if failing[-1] and source.name.startswith("merged-"):
                    raise OSError(18, "another disk")
            super().rename(source, target)

    with make_log(place, disk=Watching()) as log:
        directory = place / ".git/objects/pack"
        for fails in (True, False):
            failing.append(fails)
            for n in range(6):
                log.append([note(str(n))])
                log.store.close()  # waits for the merge
            assert marked == {"tmp_hee": True, "merged-": True}
            assert list((place / ".git/hee").glob("merged-*")) == []
            assert {path.stem for path in directory.glob("*.keep")} == {path.stem for path in directory.glob("*.pack")}
        assert hee_core.verify(log).ok
    git(place, "fsck", "--strict", "--no-dangling")


def test_a_pack_that_the_users_index_over_packs_names_is_not_merged_away(place):
    with make_log(place) as log:
        log.append([note()])
        git(place, "multi-pack-index", "write")
        for n in range(MOST_PACKS + 5):
            log.append([note(str(n))])
        log.store.close()
        assert len(list((place / ".git/objects/pack").glob("pack-*.pack"))) < MOST_PACKS
        git(place, "multi-pack-index", "verify")
        assert hee_core.verify(log).ok


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_named_hee_is_in_the_way_and_named(place, packed):
    make_repository(place)
    git(place, "branch", "hee")
    if packed:
        git(place, "pack-refs", "--all", "--prune")
    with open_at(place, signer=EphemeralSigner()) as log:
        with pytest.raises(GitError, match="the branch hee is in the way") as caught:
            log.create()
        assert caught.value.hint == "rename that branch: `git branch -m hee <new name>`"
        git(place, "branch", "-m", "hee", "other")
        assert log.create().index == 0
    assert git(place, "fsck", "--strict", "--no-dangling") == ""


def test_a_repository_without_a_log_says_so(place):
    make_repository(place)
    with pytest.raises(LogNotFound, match="no branch hee/log"):
        open_log(place)
    assert not (place / ".git/hee").exists()


def test_no_repository_says_so(tmp_path):
    with pytest.raises(GitError, match="not inside a git repository"):
        open_log(tmp_path)
    with pytest.raises(GitError, match="not a directory"):
        open_log(tmp_path / "missing")


def test_a_deleted_branch_is_noticed_by_whoever_saw_it(place):
    with make_log(place) as log:
        git(place, "update-ref", "-d", "refs/heads/hee/log")
        with pytest.raises(IntegrityError, match="branch is gone"):
            log.append([note()])
        with pytest.raises(LogNotFound):
            hee_core.verify(log)


def test_a_ref_that_holds_no_commit_is_an_error(place):
    with make_log(place) as log:
        (place / ".git/refs/heads/hee/log").unlink()
        (place / ".git/refs/heads/hee/log").write_text("ref: refs/heads/main\n")
        with pytest.raises(GitError, match="holds no commit"):
            log.append([note()])


def test_a_branch_that_was_rolled_back_or_rewritten_is_noticed(place):
    with make_log(place) as log:
        first = log.append([note("one")]).commit
        log.append([note("two")])
        git(place, "update-ref", "refs/heads/hee/log", first)
        with pytest.raises(IntegrityError, match="its history was rewritten"):
            log.append([note("three")])
    with open_at(place, signer=log.signer) as later, pytest.raises(IntegrityError, match="its history was rewritten"):
        later.append([note("three")])


def test_a_branch_that_became_another_log_is_told_from_the_old_one(place):
    signer = EphemeralSigner()
    with make_log(place, signer=signer) as log:
        old = log.id
        log.append([note()])
    git(place, "update-ref", "-d", "refs/heads/hee/log")
    with open_at(place, signer=signer) as new:
        new.create()
        new.append([note("a"), note("b")])
        assert new.id != old
    with open_at(place, signer=signer) as new:
        assert len(new) == 3
        assert hee_core.verify(new).ok


def test_a_repository_put_back_as_a_whole_is_noticed_from_outside(place, tmp_path):
    with make_log(place) as log:
        log.append([note("one")])
    signer = log.signer
    shutil.copytree(place, tmp_path / "backup")
    with open_log(place, signer=signer) as log:
        log.append([note("two")])
        assert hee_core.verify(log).ok
    shutil.rmtree(place)
    shutil.copytree(tmp_path / "backup", place)
    with open_log(place, signer=signer) as log:
        report = hee_core.verify(log)
        assert [(f.index, f.kind) for f in report.findings] == [(2, "rolled-back")]
        assert "3 events were verified here before, and only 2 are left" in report.findings[0].detail
        log.append([note("another two"), note("three")])
        assert [(f.index, f.kind) for f in hee_core.verify(log).findings] == [(2, "rewritten")]
    with open_log(tmp_path / "backup", signer=signer) as elsewhere:
        assert hee_core.verify(elsewhere).ok


def test_replace_refs_and_grafts_change_nothing(place):
    with make_log(place) as log:
        first = log.append([note("true")]).commit
        log.append([note("two")])
        tree = git(place, "rev-parse", f"{first}^{{tree}}")
        decoy = git(place, "commit-tree", "-m", "decoy", tree)
        git(place, "replace", first, decoy)
        (place / ".git/info").mkdir(exist_ok=True)
        (place / ".git/info/grafts").write_text(f"{log.head}\n")
        with open_at(place, signer=EphemeralSigner()) as fresh:
            assert len(list(fresh.read())) == 3
            assert hee_core.verify(fresh).ok


def test_a_lock_of_a_killed_writer_is_removed_and_anybody_elses_is_not(place, monkeypatch):
    monkeypatch.setattr("hee_core.refs.PATIENCE", 0.05)
    with make_log(place) as log:
        lock = place / ".git/refs/heads/hee/log.lock"
        os.link(place / ".git/hee/token", lock)
        log.append([note("after ours")])
        assert not lock.exists()
        lock.write_text("somebody's")
        with pytest.raises(GitError, match="held by a program that is not hee"):
            log.append([note("after theirs")])
        assert lock.read_text() == "somebody's"
        lock.unlink()
        assert log.append([note("now")]).index == 2
    assert list((place / ".git/hee").glob("ref-*")) == []


def test_where_nothing_can_be_written_there_is_one_clear_error(place):
    with make_log(place) as log:
        shutil.rmtree(place / ".git/hee")
        (place / ".git/hee").write_text("in the way")
        with pytest.raises(GitError, match="cannot be written") as caught:
            log.append([note()])
        assert "writable" in caught.value.hint
        assert hee_core.verify(log).ok


def test_a_log_can_be_cloned_and_goes_on_there(place, tmp_path):
    with make_log(place) as log:
        log.append([note()])
        git(tmp_path, "clone", "--quiet", "--bare", f"file://{place}", "clone")
    with open_at(tmp_path / "clone", signer=log.signer) as clone:
        assert clone.append([note("there")]).index == 2
        assert hee_core.verify(clone).ok


def test_objects_that_git_cannot_give_are_errors_and_the_reader_recovers(place):
    from hee_core.errors import NotFound
    from hee_core.gitread import ObjectReader

    with make_log(place) as log, ObjectReader(log.store.repository) as reader:
        assert reader.read("0" * 40) is None
        assert reader.read("nonsense with spaces") is None
        with pytest.raises(NotFound):
            list(reader.read_all(["0" * 40]))
        with pytest.raises(NotFound):
            reader.read("two\nlines")
        reader.read(log.head)
        reader._process.kill()
        reader._process.wait()
        with pytest.raises(GitError, match="cat-file ended"):
            reader.read(log.head)
        assert reader.read(log.head)[0] == "commit"


def test_nothing_is_left_running_or_open(place):
    def mine() -> tuple[int, int]:
        mine = f"PPid:\t{os.getpid()}\n"
        statuses = [path / "status" for path in Path("/proc").iterdir() if path.name.isdigit()]
        children = sum(1 for path in statuses if path.exists() and mine in path.read_text(errors="replace"))
        return len(list(Path("/proc/self/fd").iterdir())), children

    with make_log(place) as log:
        log.append([note()])
    before = mine()
    for _ in range(3):
        with open_at(place, signer=log.signer) as again:
            again.append([note()])
            next(again.read())
            hee_core.verify(again)
    assert mine() == before


def test_an_index_that_cannot_be_put_in_its_place_is_made_by_the_next_process(tmp_path):
    class Swept(Disk):
        def rename(self, old, new):
            if new.suffix == ".idx":
                old.unlink()  # as by a writer that takes it for what a killed one left
            super().rename(old, new)

    make_log(tmp_path / "r").close()
    hee, packs = tmp_path / "r/.git/hee", tmp_path / "r/.git/objects/pack"
    (hee / "boot").write_text("of another start of the machine")
    (index,) = packs.glob("*.idx")
    index.unlink()
    for disk, healed in ((Swept(), False), (Disk(), True)):
        with open_at(tmp_path / "r", signer=EphemeralSigner(), disk=disk) as log:
            assert index.exists() == healed
    assert len(log) == 1
