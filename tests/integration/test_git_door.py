"""The one door to git does what its names say, whatever the caller's environment and configuration are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from logs import git, make_repository

from hee_core.errors import Conflict, GitError, NotFound
from hee_core.git import ObjectReader, Repository, environment
from hee_core.tree import LIMIT, CommitTree

FORMATS = pytest.mark.parametrize("object_format", ["sha1", "sha256"])


@pytest.fixture
def place(tmp_path):
    return tmp_path / "repository"


@FORMATS
def test_a_repository_knows_itself(place, object_format):
    make_repository(place, object_format=object_format)
    (place / "sub").mkdir()
    found = Repository.discover(place / "sub")
    assert (found.root, found.git_dir, found.common_dir) == (place, place / ".git", place / ".git")
    assert (found.object_format, len(found.zero)) == (object_format, found.hash_size)
    assert found.commit("main") == git(place, "rev-parse", "main") == found.ref("refs/heads/main")
    assert found.head_branch() == "main"
    assert not found.is_shallow()
    git(place, "checkout", "--quiet", "--detach")
    assert found.head_branch() == ""
    assert found.text("rev-parse", "HEAD") == found.commit("HEAD")


@pytest.mark.parametrize("name", ["nope", "", "main^{tree}x", "--all", "-h", "main..main", "\x01"])
def test_a_name_that_is_no_commit_is_not_found_and_never_an_option(place, name):
    make_repository(place)
    with pytest.raises(NotFound):
        Repository.discover(place).commit(name)


def test_gits_own_words_are_in_its_errors(place):
    make_repository(place)
    with pytest.raises(GitError, match=r"git cat-file failed: fatal: Not a valid object name nonsense"):
        Repository.discover(place).run("cat-file", "-p", "nonsense")


def test_without_git_the_error_says_what_to_install(place, monkeypatch):
    make_repository(place)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitError, match="git is not installed") as caught:
        Repository.discover(place)
    assert "apt-get install git" in caught.value.hint


@FORMATS
def test_a_ref_moves_only_from_where_it_was_said_to_be(place, object_format):
    make_repository(place, object_format=object_format)
    repository = Repository.discover(place)
    first = repository.commit("main")
    git(place, "commit", "--quiet", "--allow-empty", "--message=two")
    second = repository.commit("main")
    repository.update_ref("refs/heads/x", first, None)
    for new, old in ((second, None), (second, second)):
        with pytest.raises(Conflict, match="moved meanwhile"):
            repository.update_ref("refs/heads/x", new, old)
    repository.update_ref("refs/heads/x", second, first)
    assert repository.ref("refs/heads/x") == second
    with pytest.raises(GitError):
        repository.update_ref("refs/heads/bad..name", second, None)
    assert repository.ref("refs/heads/none") is None


def test_uncommitted_changes_are_listed_and_left_alone(place):
    make_repository(place)
    repository = Repository.discover(place)
    assert repository.left_aside() == ()
    (place / "file.txt").write_text("changed\n")
    (place / "new file.txt").write_text("new\n")
    assert repository.left_aside() == (" M file.txt", "?? new file.txt")


def test_a_tree_is_read_file_by_file(place):
    make_repository(place)
    (place / "dir").mkdir()
    (place / "dir/script.sh").write_text("#!/bin/sh\n")
    (place / "dir/script.sh").chmod(0o755)
    (place / "link").symlink_to("file.txt")
    (place / "name with \u00e9 and\ttab").write_text("x")
    (place / "large").write_bytes(b"\0" * (LIMIT + 1))
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=more")
    repository = Repository.discover(place)
    commit = repository.commit("HEAD")
    assert repository.entries(commit)["link"][0] == "120000"
    assert set(repository.entries(commit, "dir")) == {"dir/script.sh"}
    assert repository.files(commit, "dir/") == {"dir/script.sh": b"#!/bin/sh\n"}
    with CommitTree(repository, commit) as tree:
        assert sorted(tree) == ["dir/script.sh", "file.txt", "large", "name with \u00e9 and\ttab"]
        assert len(tree) == 4
        assert tree.modes["dir/script.sh"] == "100755"
        assert "link" not in tree
        assert tree["file.txt"] == b"hello\n"
        assert tree["large"] == b""
        with pytest.raises(KeyError):
            tree["link"]


@FORMATS
def test_a_clone_shares_nothing_and_has_one_commit_with_its_history(place, tmp_path, object_format):
    make_repository(place, object_format=object_format)
    first = git(place, "rev-parse", "main")
    git(place, "commit", "--quiet", "--allow-empty", "--message=two")
    (place / ".git/hooks").mkdir(exist_ok=True)
    (place / ".git/hooks/post-checkout").write_text("#!/bin/sh\ntouch /nonexistent/hook\n")
    (place / ".git/hooks/post-checkout").chmod(0o755)
    source = Repository.discover(place)
    clone = source.clone_to(tmp_path / "clone", first, "work")
    assert (clone.head_branch(), clone.commit("HEAD"), clone.root) == ("work", first, tmp_path / "clone")
    assert (tmp_path / "clone/file.txt").read_text() == "hello\n"
    assert git(tmp_path / "clone", "remote") == ""
    assert not list((tmp_path / "clone/.git").glob("hooks/*"))
    assert not (tmp_path / "clone/.git/objects/info/alternates").exists()
    assert git(tmp_path / "clone", "status", "--porcelain") == ""
    detached = source.clone_to(tmp_path / "detached", first)
    assert detached.head_branch() == ""
    inodes = {path.stat().st_ino for path in (place / ".git/objects").rglob("*") if path.is_file()}
    assert not inodes & {path.stat().st_ino for path in (tmp_path / "clone/.git").rglob("*") if path.is_file()}


def test_one_commit_comes_back_from_a_clone_without_a_ref(place, tmp_path):
    make_repository(place)
    source = Repository.discover(place)
    clone = source.clone_to(tmp_path / "clone", source.commit("main"), "work")
    git(tmp_path / "clone", "commit", "--quiet", "--allow-empty", "--message=the fix")
    fixed = clone.commit("HEAD")
    refs = git(place, "for-each-ref")
    source.fetch_commit(clone.git_dir, fixed)
    assert source.text("cat-file", "-t", fixed) == "commit"
    assert git(place, "for-each-ref") == refs
    assert not (place / ".git/FETCH_HEAD").exists()


def test_the_environment_given_to_git_has_no_orders_of_the_callers(monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "evil")
    monkeypatch.setenv("HEE_SIGNING_KEY", "secret")
    env = environment()
    assert not {"GIT_DIR", "GIT_SSH_COMMAND", "HEE_SIGNING_KEY"} & set(env)
    assert env["GIT_TERMINAL_PROMPT"] == "0"
    assert env["PATH"] == os.environ["PATH"]


def test_many_objects_come_in_order_however_many_they_are(place):
    make_repository(place)
    blobs = [git(place, "hash-object", "-w", "--stdin", stdin=str(n).encode()) for n in range(30)] * 20
    with ObjectReader(Repository.discover(place)) as reader:
        assert [data for _, data in reader.read_all(blobs)] == [str(n).encode() for n in range(30)] * 20
        assert [found and found[1] for found in reader.stream([*blobs, "0" * 40])] == [
            *(str(n % 30).encode() for n in range(600)),
            None,
        ]


def test_a_stream_that_was_left_answers_no_later_question(place):
    make_repository(place)
    blobs = [git(place, "hash-object", "-w", "--stdin", stdin=str(n).encode()) for n in range(4)]
    with ObjectReader(Repository.discover(place)) as reader:
        stream = reader.stream(blobs)
        assert next(stream) == ("blob", b"0")
        stream.close()
        assert reader.read(blobs[3]) == ("blob", b"3")


def test_a_directory_of_somebody_else_is_explained(place, monkeypatch):
    make_repository(place)
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    for path in (place, *place.rglob("*")):
        os.chown(path, 12345, 12345)
    with pytest.raises(GitError, match="belongs to another user") as caught:
        Repository.discover(place)
    assert "safe.directory" in caught.value.hint
    assert Path(place).is_dir()
