"""The push that a local run stands for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import worlds

from hee_core.git import Repository
from hee_monitoring.evidence import Annotation
from hee_monitoring.sources.pushed import Origin, Pushed

git = partial(worlds.git, name="Ada L")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "my project"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=trunk")
    git(place, "commit", "--quiet", "--allow-empty", "--message", "Start\n\nbody")
    return place


def pushed(root: Path) -> Pushed:
    repository = Repository.discover(root)
    return Pushed.of(repository, git(root, "rev-parse", "HEAD"), Origin.of(repository))


@pytest.mark.parametrize(
    ("url", "owner", "name"),
    [
        ("https://github.com/ada/harbor.git", "ada", "harbor"),
        ("git@github.com:ada/harbor", "ada", "harbor"),
        ("ssh://git@host:22/group/ada/harbor/", "ada", "harbor"),
        ("/srv/git/harbor.git", "local", "my-project"),
        ("", "local", "my-project"),
    ],
)
def test_the_repository_is_named_as_its_forge_names_it(root: Path, url: str, owner: str, name: str) -> None:
    if url:
        git(root, "remote", "add", "origin", url)
    found = Origin.of(Repository.discover(root))
    assert (found.owner, found.name, found.head, found.default_branch) == (owner, name, "trunk", "trunk")


def test_the_default_branch_is_the_remote_s(root: Path) -> None:
    git(root, "update-ref", "refs/remotes/origin/stable", "HEAD")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/stable")
    assert Origin.of(Repository.discover(root)).default_branch == "stable"


def test_the_branch_is_the_one_that_points_at_the_commit(root: Path) -> None:
    for name in ("a", "main", "hee/fix/1"):
        git(root, "branch", name)
    assert pushed(root).branch == "trunk"
    git(root, "checkout", "--quiet", "--detach")
    assert pushed(root).branch == "main"
    git(root, "branch", "--delete", "main", "trunk")
    assert pushed(root).branch == "a"
    git(root, "branch", "--delete", "a")
    assert (pushed(root).branch, pushed(root).ref) == ("", "refs/heads/main")


def test_the_event_tells_what_workflows_read(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Second")
    event = pushed(root).event()
    assert (event["ref"], event["before"], event["after"]) == (
        "refs/heads/trunk",
        first,
        git(root, "rev-parse", "HEAD"),
    )
    assert event["head_commit"]["message"] == "Second"
    assert event["head_commit"]["author"] == {"name": "Ada L", "email": "ada@example.org"}
    assert event["repository"]["full_name"] == "local/my-project"
    assert "GITHUB_REPOSITORY=local/my-project\n" in pushed(root).variables()


def test_the_first_commit_has_nothing_before_it(root: Path) -> None:
    assert pushed(root).before == "0" * 40


def test_directories_are_shown_as_github_names_them(root: Path) -> None:
    shown = pushed(root).shown(Path("/room/job-1/home"))
    here = b"/room/job-1/home/.cache/act/0123456789abcdef"
    text = (
        b"%s/hostexecutor/a.py %s/act/workflow/0.sh %s/tmp/x /room/job-1/home/.cache/act/tool_cache/p /room/job-1/home/.local"
        % (here, here, here)
    )
    assert shown.text(text) == (
        b"/home/runner/work/my-project/my-project/a.py /home/runner/work/_temp/0.sh /home/runner/work/_temp/x /opt/hostedtoolcache/p /home/runner/.local"
    )
    found = shown.annotation(
        Annotation("see " + here.decode() + "/hostexecutor/b", path=here.decode() + "/hostexecutor/src/a.py", line=3)
    )
    assert (found.path, found.message, found.line) == ("src/a.py", "see /home/runner/work/my-project/my-project/b", 3)
