"""Pull requests are told what is red: once, in place, and in words that ping nobody and give nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest
from github_world import NETWORK, SECRET, GitHubWorld, green, red, world
from worlds import git

from hee_monitoring.following import Follower
from hee_monitoring.github.announcing import PURPOSE
from hee_monitoring.github.comments import mark

EVIL = NETWORK.replace(b"deb.example.org", b"deb.example.org ``` @octocat fixes #1 " + SECRET.encode())


@pytest.fixture
def hub(tmp_path: Path):
    with world(tmp_path / "r") as made:
        made.server.desk.login = "github-actions[bot]"
        made.calm()
        yield made


def telling(hub: GitHubWorld, how: str) -> None:
    hub.follower.close()
    hub.afresh()
    hub.follower = Follower(hub.workspace, hub.client, hub.judge, lambda _: None, tell=how)


def bodies(hub: GitHubWorld) -> list[str]:
    return [comment["body"] for comment in hub.server.desk.comments_made.values()]


def test_without_being_asked_nothing_is_told(hub: GitHubWorld) -> None:
    hub.server.desk.put_pull("fix")
    hub.server.run("failure", [red()], branch="fix")
    hub.poll(fix=False)
    assert hub.server.desk.written == []
    assert not any("/pulls" in request for request in hub.server.requests)


@pytest.mark.spec("SEED-213")
def test_a_pull_request_has_one_comment_that_follows_what_is_red(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    number = hub.server.desk.put_pull("fix")
    hub.server.run("failure", [red(log=EVIL)], branch="fix")
    hub.poll(fix=False)
    (told,) = bodies(hub)
    assert told.startswith(mark(PURPOSE))
    assert "1 open failure(s)" in told
    assert "Could not resolve host: deb.example.org" in told
    assert SECRET not in told
    fence = next(line for line in told.splitlines() if line.startswith("```") and line.endswith("text")).removesuffix(
        "text"
    )
    inside = told.partition(f"{fence}text\n")[2].partition(f"\n{fence}")[0]
    assert "@octocat fixes #1" in inside
    assert told.count("@octocat") == 1
    hub.asked()
    for again in (False, True):  # another process as well
        if again:
            telling(hub, "comment")
        assert hub.poll(fix=False).events == 0
    assert not any("/pulls" in request or "/comments" in request for request in hub.asked())
    (hub.workspace.work / "github" / "told-comment.json").write_text("[")
    hub.poll(fix=False)
    assert [method for method, _ in hub.server.desk.written] == ["POST"]
    hub.server.run("failure", [red("pip", NETWORK.replace(b"deb", b"pypi"))], branch="fix")
    hub.poll(fix=False)
    hub.server.run("success", [green(), green("pip")], branch="fix")
    hub.poll(fix=False)
    assert [method for method, _ in hub.server.desk.written] == ["POST", "PATCH", "PATCH"]
    (told,) = bodies(hub)
    assert "nothing is red here any more" in told
    assert {comment["number"] for comment in hub.server.desk.comments_made.values()} == {number}


def test_a_branch_without_a_pull_request_is_asked_for_once_and_green_makes_no_comment(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    hub.server.run("failure", [red()], branch="fix")
    hub.poll(fix=False)
    hub.asked()
    hub.poll(fix=False)
    assert not any("/pulls" in request for request in hub.asked())
    hub.server.desk.put_pull("fix")
    hub.server.run("success", [green()], branch="fix")
    hub.poll(fix=False)
    assert hub.server.desk.written == []


def test_what_could_not_be_told_is_told_by_the_next_look(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    hub.server.desk.put_pull("fix")
    hub.server.run("failure", [red()], branch="fix")
    hub.server.fail("403", "/comments")
    assert any("pull_requests: write" in note for note in hub.poll(fix=False).notes)
    for kind, path, times in (("404", "/comments", 1), ("502", "/pulls", 4)):
        hub.server.fail(kind, path, times)
        assert any("could not be told" in note for note in hub.poll(fix=False).notes)
    assert bodies(hub) == []
    assert hub.poll(fix=False).notes == []
    assert len(bodies(hub)) == 1
    assert hub.events("monitor.blinded") == []


@pytest.mark.spec("SEED-229")
def test_a_token_that_is_refused_while_telling_is_not_tried_for_every_branch(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    for number in range(3):
        hub.server.run("failure", [red(log=NETWORK.replace(b"deb", b"h%d" % number))], branch=f"b{number}")
    hub.server.fail("401", "/pulls?", 3)
    notes = hub.poll(fix=False).notes
    assert [("could not be told" in note, SECRET in note) for note in notes] == [(True, False)]
    assert len([request for request in hub.server.requests if "/pulls?" in request]) == 1


def test_where_an_issue_forgot_a_branch_it_is_not_called_green(
    hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hee_core.branches.KEPT", 1)
    telling(hub, "comment")
    for branch in ("one", "two"):
        hub.server.desk.put_pull(branch)
        hub.server.run("failure", [red()], branch=branch)
        hub.poll(fix=False)
    first, second = bodies(hub)
    assert "not seen green here since; `two` had the same failure after it" in first
    assert "File would be reformatted" in second


def test_a_repair_is_told_with_its_branch(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    hub.server.desk.put_pull("fix")
    hub.server.run("failure", [red()], branch="fix", commit=hub.head)
    hub.poll()
    (told,) = bodies(hub)
    assert "repaired and proved on the branch `hee/fix/" in told
    hub.server.run("failure", [red("else", NETWORK.replace(b"deb", b"else"))], branch="fix")
    hub.server.fail("404", "/rerun-failed-jobs")
    hub.poll()
    (told,) = bodies(hub)
    assert "no repair was made: `the failed jobs could not be run again" in told


def test_a_check_has_annotations_where_the_evidence_names_a_line(hub: GitHubWorld) -> None:
    telling(hub, "check")
    lint = b"2026-01-24T12:00:00.0000000Z src/a.py:7:1: F401 `os` imported but unused @octocat\n2026-01-24T12:00:00.0Z ##[error]Process completed with exit code 1.\n"
    run = hub.server.run("failure", [red("lint", lint)], commit="a" * 40)
    hub.poll(fix=False)
    (check,) = hub.server.desk.checks_made.values()
    assert (check["name"], check["head_sha"], check["conclusion"]) == ("HEE", run.commit, "neutral")
    (note,) = check["output"]["annotations"]
    assert (note["path"], note["start_line"], note["annotation_level"]) == ("src/a.py", 7, "warning")
    assert "@octocat" not in note["message"]
    assert hub.poll(fix=False).events == 0
    hub.server.again(run, "success", [green("lint")])
    hub.poll(fix=False)
    assert [method for method, _ in hub.server.desk.written] == ["POST", "POST"]  # its annotations are gone: made anew
    assert hub.server.desk.checks_made[max(hub.server.desk.checks_made)]["conclusion"] == "success"


def test_a_failure_on_two_branches_is_told_on_both_and_taken_back_where_it_was_seen_green(hub: GitHubWorld) -> None:
    telling(hub, "comment")
    for branch in ("one", "two"):
        hub.server.desk.put_pull(branch)
        hub.server.run("failure", [red()], branch=branch)
    hub.poll(fix=False)
    assert ["1 open failure(s)" in body for body in bodies(hub)] == [True, True]
    hub.server.run("success", [green()], branch="one", commit="e" * 40)
    hub.poll(fix=False)
    assert sorted("nothing is red here any more" in body for body in bodies(hub)) == [False, True]
    assert len(hub.state.issues) == 1
    hub.server.run("success", [green()], branch="two", commit="e" * 40)
    hub.poll(fix=False)
    assert all("nothing is red here any more" in body for body in bodies(hub))


def test_many_branches_are_told_of_poll_by_poll(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hee_monitoring.github.announcing.MOST", 2)
    telling(hub, "comment")
    for number in range(3):
        hub.server.desk.put_pull(f"b{number}")
        hub.server.run("failure", [red(log=NETWORK.replace(b"deb", b"h%d" % number))], branch=f"b{number}")
    assert any("at the next look" in note for note in hub.poll(fix=False).notes)
    assert len(bodies(hub)) == 2
    hub.poll(fix=False)
    assert len(bodies(hub)) == 3


def test_flag_and_configuration_say_how(
    hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hee_monitoring.cli.main import run

    config = hub.root / "hee.yaml"
    config.write_text(config.read_text().replace("hee_monitoring:\n", "hee_monitoring:\n  pull_requests: comment\n", 1))
    git(hub.root, "add", "hee.yaml")
    git(hub.root, "commit", "-q", "-m", "tell pull requests")
    git(hub.root, "remote", "add", "origin", f"https://ghe.example.org/{hub.server.repository}")
    monkeypatch.setenv("GITHUB_API_URL", hub.server.url)
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    hub.server.desk.put_pull("fix")
    hub.server.run("failure", [red()], branch="fix")
    look = ["-C", str(hub.root), "monitor", "--once", "--no-fix", "--source", "github"]
    assert run([*look, "--tell", "nothing"]) == 1
    assert hub.server.desk.written == []
    assert run(look) == 1
    assert len(bodies(hub)) == 1
    assert run([*look, "--tell", "check"]) == 1
    assert len(hub.server.desk.checks_made) == 1
    assert SECRET not in capsys.readouterr().out
