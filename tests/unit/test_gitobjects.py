"""Objects and packs are to the byte what git makes and takes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import git, make_repository

from hee_core import gitobjects
from hee_core.errors import IntegrityError

FORMATS = ("sha1", "sha256")


@pytest.fixture(scope="module", params=FORMATS)
def repository(request, tmp_path_factory):
    place = make_repository(tmp_path_factory.mktemp("git") / "repository", object_format=request.param)
    return place, request.param


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contents=st.lists(st.binary(max_size=3000), min_size=1, max_size=6))
def test_git_takes_our_packs_and_agrees_on_every_id_and_index(repository, contents, tmp_path_factory):
    place, format_ = repository
    blobs = [gitobjects.make("blob", data, format_) for data in contents]
    tree = gitobjects.tree([(f"file {n}.txt", blob.id) for n, blob in enumerate(blobs)], format_)
    commit = gitobjects.commit(
        tree_id=tree.id,
        parents=(),
        who="Ada <ada@example.org>",
        seconds=1,
        message="m\n",
        object_format=format_,
        sign=lambda _: b"",
    )
    pack = gitobjects.pack([*blobs, tree, commit, blobs[0]], format_)
    folder = tmp_path_factory.mktemp("pack")
    path = folder / f"pack-{pack.name}.pack"
    path.write_bytes(pack.data)
    name = git(place, "index-pack", "--strict", "-o", str(folder / "theirs.idx"), str(path))
    assert name == pack.name
    assert (folder / "theirs.idx").read_bytes() == pack.table
    path.with_suffix(".idx").write_bytes(pack.table)
    listing = git(place, "verify-pack", "-v", str(path.with_suffix(".idx")))
    assert {item.id for item in (*blobs, tree, commit)} <= set(listing.split())


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=500))
def test_ids_are_those_of_git(repository, data):
    place, format_ = repository
    assert git(place, "hash-object", "--stdin", stdin=data) == gitobjects.make("blob", data, format_).id


def test_a_tree_and_a_commit_of_git_are_taken_apart(repository):
    place, format_ = repository
    raw = subprocess.run(["git", "cat-file", "commit", "main"], cwd=place, capture_output=True, check=True).stdout
    parsed = gitobjects.parse_commit(raw)
    assert parsed.tree == git(place, "rev-parse", "main^{tree}")
    assert (parsed.parents, parsed.message, parsed.signature, parsed.signed) == ((), "start\n", "", raw)
    assert parsed.author.startswith("Ada <ada@example.org> ")
    tree = subprocess.run(["git", "cat-file", "tree", parsed.tree], cwd=place, capture_output=True, check=True).stdout
    assert gitobjects.parse_tree(tree, format_) == [("100644", "file.txt", git(place, "rev-parse", "main:file.txt"))]


HEAD = b"tree " + b"a" * 40 + b"\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"tree x\n\nm", HEAD, HEAD + b"encoding x\n\nm", HEAD + b"tree b\n\nm", b" x\n" + HEAD + b"\nm",
        b"author A <a> 1 +0000\n" + HEAD.replace(b"author A <a> 1 +0000\n", b"") + b"\nm",
        HEAD + b"gpgsig a\ngpgsig b\n\nm", HEAD + b"gpgsig a\ngpgsig-sha256 b\n\nm",
    ],
)  # fmt: skip
def test_a_commit_that_git_would_not_write_is_refused(data):
    with pytest.raises(IntegrityError):
        gitobjects.parse_commit(data)


@given(st.binary(max_size=80))
def test_whatever_bytes_come_a_parser_answers_or_refuses(data):
    for parse in (gitobjects.parse_commit, lambda raw: gitobjects.parse_tree(raw, "sha1")):
        try:
            parse(data)
        except IntegrityError:
            continue


def test_sizes_of_every_length_are_written(repository):
    place, format_ = repository
    items = [gitobjects.make("blob", b"x" * size, format_) for size in (0, 15, 16, 2047, 2048, 300_000)]
    pack = gitobjects.pack(items, format_)
    git(place, "index-pack", "--strict", "--stdin", stdin=pack.data)
    for item in items:
        assert git(place, "cat-file", "-s", item.id) == str(len(item.data))
