"""A proved repair leaves the clone as a patch or as one pull request, and the real checks of its commit decide."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from github_world import FILES, PATH, SECRET, GitHubWorld, client_of, green, red, world
from worlds import ShellSource, git, run_cycle, watched

from hee_core.errors import Conflict, GitError
from hee_core.git import Repository
from hee_core.record import Record
from hee_core.remote import Remote
from hee_monitoring.cli.main import run as main
from hee_monitoring.github.comments import mark
from hee_monitoring.github.place import Place
from hee_monitoring.github.pushing import login
from hee_monitoring.publishing import PURPOSE, Publisher, patch, proved
from hee_monitoring.watch import reloaded
from hee_monitoring.workspace import Workspace

pytestmark = pytest.mark.spec("SEED-100")
JOBS = {"ci.yml#format": "ruff format --check ."}


@pytest.fixture
def hub(tmp_path: Path):
    """A monitor that publishes pull requests, with a bare repository as origin."""
    with world(tmp_path / "r") as made:
        made.server.desk.login = "github-actions[bot]"
        text = (made.root / "hee.yaml").read_text()
        (made.root / "hee.yaml").write_text(f"{text}  fix:\n    publish: pull-request\n")
        git(made.root, "commit", "-qam", "publish")
        git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
        git(made.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
        git(made.root, "push", "--quiet", "origin", "main")
        made.workspace = reloaded(made.workspace)
        made.calm()
        yield made


def broken(hub: GitHubWorld) -> tuple[str, dict, str]:
    """One repaired failure: its notes, the pull request, the repair's commit."""
    hub.server.run("failure", [red()], commit=hub.head)
    notes = " ".join(hub.poll().notes)
    (issue,) = (issue for issue in hub.state.issues.values() if (issue["fix"] or {}).get("branch"))
    pulls = list(hub.server.desk.pulls.values())
    return notes, pulls[0] if pulls else {}, git(hub.root, "rev-parse", issue["fix"]["branch"])


def outcome(hub: GitHubWorld) -> str:
    return next(issue["fix"]["outcome"] for issue in hub.state.issues.values() if issue["fix"])


def said(hub: GitHubWorld) -> list[str]:
    return [comment["body"] for comment in hub.server.desk.comments_made.values()]


@pytest.mark.spec("SEED-284")
def test_a_repair_is_pushed_and_offered_once_and_green_checks_are_told(hub: GitHubWorld) -> None:
    notes, pull, commit = broken(hub)
    assert "is offered: http" in notes
    assert git(hub.root, "ls-remote", "origin", f"refs/heads/{pull['head']}").split() == [
        commit,
        f"refs/heads/{pull['head']}",
    ]
    assert (pull["base"], pull["head"].startswith("hee/fix/HEE-ISS-")) == ("main", True)
    for part in (
        "HEE-Issue: HEE-ISS-",
        "HEE-Decision: HEE-DEC-",
        "- green: `diff policy`",
        "the failed job",
        "hee decisions show HEE-DEC-",
    ):
        assert part in pull["body"]
    assert hub.poll().events == 0
    hub.afresh()
    (hub.workspace.work / "github" / "offered.json").write_text("[")
    hub.poll()  # what is remembered is lost: asked again, made no second time
    assert len(hub.server.desk.pulls) == 1
    assert said(hub) == []
    hub.server.run("success", [green()], branch=pull["head"], commit=commit)
    assert "the checks of the repair are green" in " ".join(hub.poll().notes)
    hub.poll()
    (told,) = said(hub)
    assert told.startswith(mark(PURPOSE))
    assert "are green" in told
    assert outcome(hub) == "verified"


@pytest.mark.spec("SEED-091", "SEED-284")
def test_red_checks_of_the_new_commit_roll_the_repair_back(hub: GitHubWorld) -> None:
    _, pull, commit = broken(hub)
    run = hub.server.run("success", [green()], branch=pull["head"], commit=commit)
    hub.poll()
    hub.server.again(run, "failure", [red("windows", b"boom\n"), green()])
    hub.poll()
    assert outcome(hub) == "rolled_back"
    (event,) = hub.events("fix.rolled_back")
    assert (event["fix_id"].startswith("HEE-FIX-"), f"{PATH}#windows" in event["reason"]) == (True, True)
    (told,) = said(hub)  # in place
    assert "rolled back" in told
    assert pull["state"] == "open"
    for _ in range(2):
        hub.poll()
        hub.afresh()
    assert len(hub.events("fix.rolled_back")) == 1
    assert len(hub.server.desk.pulls) == 1


def test_what_is_red_for_another_reason_or_was_cancelled_or_runs_decides_nothing(hub: GitHubWorld) -> None:
    hub.server.run(
        "failure",
        [red("other", b"Segmentation fault (core dumped)\n##[error]Process completed with exit code 139.\n")],
        commit=hub.head,
    )
    hub.poll()
    _, pull, commit = broken(hub)
    hub.server.run("cancelled", [replace(green("x"), conclusion="cancelled")], branch=pull["head"], commit=commit)
    hub.server.run(None, branch=pull["head"], commit=commit)
    hub.server.run("failure", [red("other"), green()], branch=pull["head"], commit=commit)
    hub.poll()
    assert said(hub) == []
    assert hub.events("fix.rolled_back") == []


def test_a_branch_of_somebody_else_is_left_alone_and_a_role_may_lose_the_right(hub: GitHubWorld) -> None:
    Remote.find(Repository.discover(hub.root)).offer(hub.head, "refs/heads/elsewhere", (), env={})
    with pytest.raises(Conflict, match="which is not ours"):
        Remote.find(Repository.discover(hub.root)).offer(
            git(hub.root, "rev-parse", "HEAD^"), "refs/heads/elsewhere", (), env={}
        )
    hub.workspace = replace(hub.workspace, config=replace(hub.workspace.config, access={"agent": ("monitor", "fix")}))
    notes, pull, _ = broken(hub)
    assert "nothing is published: the configuration leaves monitor, fix to agent" in notes
    assert pull == {}
    assert "hee/fix" not in git(hub.root, "ls-remote", "origin")


def test_a_remote_that_refuses_is_said_and_tried_again(hub: GitHubWorld) -> None:
    hook = hub.root.parent / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    notes, pull, commit = broken(hub)
    assert "is not published" in notes
    assert pull == {}
    hook.unlink()
    hub.server.fail("500", "/pulls", times=9)
    assert "is not published" in " ".join(hub.poll().notes)
    hub.server.faults.clear()
    hub.poll()
    (pull,) = hub.server.desk.pulls.values()
    assert commit in git(hub.root, "ls-remote", "origin", pull["head"])
    hub.server.fail("500", "head_sha", times=9)
    assert "are not known" in " ".join(hub.poll().notes)


def test_only_what_a_job_proved_and_no_repair_of_a_fork_is_published(hub: GitHubWorld) -> None:
    hub.workspace = replace(hub.workspace, config=replace(hub.workspace.config, publish="branch"))
    _, pull, commit = broken(hub)
    assert pull == {}
    publisher = Publisher(hub.workspace, hub.client)
    (one,) = proved(hub.workspace.repository, hub.state)
    for word, fine in (("verified", 1), ("applied", 0), ("rolled_back", 0)):
        fixes = {one.fix["fix_id"]: Record(one.fix, outcome=word)}
        state = SimpleNamespace(issues=hub.state.issues, ledger=hub.state.ledger._replace(fixes=fixes))
        assert len(proved(hub.workspace.repository, state)) == fine
    assert proved(hub.workspace.repository, hub.state, lambda _: False) == []
    git(hub.root, "remote", "set-url", "origin", str(hub.root.parent / "nowhere"))
    assert "cannot be reached" in " ".join(publisher.offer())
    assert commit == one.commit


class Door(BaseHTTPRequestHandler):
    """git's own HTTP server for one bare repository, which looks at the process list while it answers."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.server.seen.append((self.headers.get("authorization"), self.headers.get_all("authorization")))
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.server.processes.add(place.read_bytes())
            except OSError:
                continue
        if self.server.leads:
            self.send_response(302)
            self.send_header("location", f"{self.server.leads}{self.path}")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        env = {
            **os.environ, "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "REMOTE_USER": "bot",
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("content-type") or "",
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding") or "",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().split("\r\n"):
            self.send_header(*line.split(": ", 1))
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def door(tmp_path: Path):
    git(tmp_path, "init", "--quiet", "--bare", "harbor-works/harbor.git")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.root, server.seen, server.processes, server.leads = tmp_path, [], set(), ""
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.spec("SEED-244")
def test_git_gets_the_token_by_its_environment_for_one_repository_alone(hub: GitHubWorld, door) -> None:
    url = f"http://127.0.0.1:{door.server_port}/harbor-works/harbor.git"
    git(hub.root, "remote", "set-url", "origin", url)
    git(
        hub.root, "config", f"http.http://127.0.0.1:{door.server_port}/.extraHeader", "Authorization: Basic b2xk"
    )  # a checkout's
    remote = Remote.find(hub.workspace.repository)
    client = client_of(hub.server, hub.clock)
    client.place = Place(f"http://127.0.0.1:{door.server_port}", "harbor-works/harbor")
    remote.offer(hub.head, "refs/heads/hee/fix/x", (), env=login(client, url))
    basic = base64.b64encode(f"x-access-token:{SECRET}".encode())
    assert {tuple(every) for _, every in door.seen} == {(f"Basic {basic.decode()}",)}
    assert any(b"receive-pack" in line or b"remote-http" in line for line in door.processes)
    assert not any(basic in line or SECRET.encode() in line for line in door.processes)
    assert git(door.root / "harbor-works/harbor.git", "rev-parse", "hee/fix/x") == hub.head
    assert SECRET not in (hub.root / ".git/config").read_text()
    for other in (url.replace("harbor.git", "other.git"), url.replace("http:", "https:"), "git@github.com:harbor-works/harbor.git",
                  "https://github.com/harbor-works/harbor", url.replace("127.0.0.1", "localhost"), str(door.root), "http://[", url.replace("127.0.0.1:", "127.0.0.1:9")):  # fmt: skip
        assert login(client, other) == {}, other
    client.place = Place("https://api.github.com", "harbor-works/harbor")
    mine = login(client, "https://somebody@github.com/Harbor-Works/harbor.git")
    assert mine["GIT_CONFIG_KEY_1"] == "http.https://github.com/Harbor-Works/harbor.git.extraHeader"
    assert login(client, "http://github.com/harbor-works/harbor.git") == {}
    assert login(client, "https://github.com.example.org/harbor-works/harbor.git") == {}


def test_a_redirect_does_not_lead_the_token_elsewhere(hub: GitHubWorld, door) -> None:
    url = f"http://127.0.0.1:{door.server_port}/harbor-works/harbor.git"
    other = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    other.root, other.seen, other.processes, other.leads = door.root, [], set(), ""
    threading.Thread(target=other.serve_forever, args=(0.02,), daemon=True).start()
    door.leads = f"http://127.0.0.1:{other.server_port}"
    git(hub.root, "config", "http.followRedirects", "true")
    client = client_of(hub.server, hub.clock)
    client.place = Place(f"http://127.0.0.1:{door.server_port}", "harbor-works/harbor")
    git(hub.root, "remote", "set-url", "origin", url)
    with pytest.raises(GitError, match="the remote origin cannot be reached") as told:
        Remote.find(hub.workspace.repository).offer(hub.head, "refs/heads/x", (), env=login(client, url))
    assert SECRET not in str(told.value)
    assert other.seen == []
    other.shutdown()
    other.server_close()


@pytest.fixture
def repaired(tmp_path: Path) -> Path:
    root = watched(tmp_path / "r", FILES)
    run_cycle(root, JOBS)
    return root


def test_a_patch_is_what_git_am_takes(repaired: Path, tmp_path: Path) -> None:
    root = repaired
    git(root, "config", "diff.noprefix", "true")
    git(root, "config", "format.signOff", "true")
    git(root, "config", "format.attach", "x")
    with Workspace.open(root) as workspace:
        (one,) = proved(workspace.repository, workspace.log.state)
        made = patch(workspace.repository, one.commit)
    git(tmp_path, "clone", "--quiet", "-b", "main", str(root), "copy")
    (tmp_path / "one.patch").write_bytes(made)
    git(tmp_path / "copy", "am", "--quiet", str(tmp_path / "one.patch"))
    for what in ("HEAD^{tree}", "HEAD^"):
        assert git(tmp_path / "copy", "rev-parse", what) == git(root, "rev-parse", f"{one.commit}{what[4:]}")
    message = git(tmp_path / "copy", "log", "-1", "--format=%B")
    assert message == git(root, "log", "-1", "--format=%B", one.commit)
    assert "HEE-Capsule: " in message


def test_the_command_writes_a_patch_to_a_file_or_alone_to_standard_output(
    repaired: Path, tmp_path: Path, monkeypatch, capfdbinary
) -> None:
    monkeypatch.setattr("hee_monitoring.watch.local", lambda *_: ShellSource(repaired, JOBS))
    file = tmp_path / "x.patch"
    assert main(["-C", str(repaired), "fix", "--publish", "patch", "--output", str(file)]) == 1
    out = capfdbinary.readouterr()
    assert out.out == b""
    assert b"1 proved repair(s) in" in out.err
    assert file.read_bytes().startswith(b"From ")
    assert main(["-C", str(repaired), "fix", "--publish", "patch"]) == 1
    assert capfdbinary.readouterr().out == file.read_bytes()
    assert main(["-C", str(repaired), "fix", "--publish", "patch", "--json"]) == 1
    assert b'"patches"' in capfdbinary.readouterr().out
    assert main(["-C", str(repaired), "fix", "--publish", "patch", "--dry-run"]) == 2
    assert main(["-C", str(repaired), "fix", "--publish", "pull-request"]) == 2
    assert b"GITHUB_TOKEN" in capfdbinary.readouterr().err


def test_the_command_opens_a_pull_request(hub: GitHubWorld, monkeypatch, capsys) -> None:
    hub.workspace = replace(hub.workspace, config=replace(hub.workspace.config, publish="branch"))
    _, pull, _ = broken(hub)
    assert pull == {}
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    monkeypatch.setenv("GITHUB_API_URL", hub.server.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", hub.server.repository)
    (name,) = (issue["issue_id"] for issue in hub.state.issues.values() if issue["fix"])
    assert main(["-C", str(hub.root), "fix", name, "--publish", "pull-request"]) == 1
    told = capsys.readouterr()
    assert len(hub.server.desk.pulls) == 1
    assert "checks of the repair" not in told.out
    assert SECRET not in told.out + told.err
