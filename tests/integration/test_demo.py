"""The demonstration as a stranger runs it: a real repository, real workflow runs by act, stock git and OpenSSH as judges."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from worlds import git

SOAK = bool(os.environ.get("HEE_SOAK"))
HEE = [sys.executable, "-m", "hee_monitoring.cli.main"]
pytestmark = pytest.mark.xdist_group("act")


def hee(*arguments: str, env: dict[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*HEE, *arguments], env=os.environ | env, capture_output=True, text=True, check=False)
    assert not check or done.returncode in (0, 1), done.stderr
    return done


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict]:
    """One demonstration, run once."""
    env = {"HEE_HOME": str(tmp_path_factory.mktemp("home")), "GIT_CONFIG_GLOBAL": os.devnull}
    directory = tmp_path_factory.mktemp("demo") / "harbor"
    done = hee("demo", "--dir", str(directory), "--json", env=env)
    assert done.returncode == 0, done.stderr
    return directory, env, json.loads(done.stdout)


@pytest.mark.spec("SEED-236", "SEED-256", "SEED-257", "SEED-281")
def test_the_demonstration_shows_all_three_verdicts_and_both_ends_of_a_repair(demo) -> None:
    _, _, report = demo
    ends = {
        (f["category"], f["job"].rpartition("#")[2]): (f["action"], (f["fix"] or {}).get("outcome"))
        for f in report["failures"]
    }
    assert ends == {
        ("format", "format"): ("auto-fix", "verified"),
        ("workflow-config", "scripts"): ("auto-fix", "verified"),
        ("format", "whitespace"): ("auto-fix", "rolled_back"),
        ("test", "test"): ("agent-review", "pending_review"),
        ("spec", ""): ("auto-fix", "applied"),
        ("governance", ""): ("manual-only", None),
    }
    assert report["status"] == "hee-compliance-check"


def test_its_worktree_is_clean_and_a_second_look_appends_nothing(demo) -> None:
    directory, env, report = demo
    assert git(directory, "status", "--porcelain") == ""
    again = json.loads(hee("-C", str(directory), "monitor", "--once", "--json", env=env).stdout)
    assert (again["events_appended"], again["head"]) == (0, report["head"])
    assert [f["issue_id"] for f in again["failures"]] == [f["issue_id"] for f in report["failures"]]
    ids = [
        e["data"]["issue_id"]
        for e in json.loads(hee("-C", str(directory), "log", "--json", env=env).stdout)
        if e["type"] == "ci.failure_detected"
    ]
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.spec("SEED-215", "SEED-220")
def test_stock_tools_alone_verify_every_commit_and_every_event(demo, tmp_path: Path) -> None:
    directory, env, _ = demo
    signers = tmp_path / "signers"
    signers.write_text(hee("-C", str(directory), "keys", "allowed-signers", env=env).stdout)
    principal = signers.read_text().split()[0]
    events = 0
    for commit in git(directory, "rev-list", "hee/log").split():
        git(directory, "-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", commit)
        lines = git(directory, "show", f"{commit}:events.jsonl").splitlines()
        signatures = git(directory, "show", f"{commit}:signatures").splitlines()
        assert len(lines) == len(signatures)
        events += len(lines)
    armored = tmp_path / "line.sig"
    armored.write_text(f"-----BEGIN SSH SIGNATURE-----\n{signatures[0]}\n-----END SSH SIGNATURE-----\n")
    assert base64.b64decode(signatures[0])[:6] == b"SSHSIG"
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", principal, "-n", "hee-event", "-s", str(armored)]
    good = subprocess.run(command, input=lines[0].encode(), capture_output=True, check=False)
    bad = subprocess.run(command, input=lines[0].encode() + b" ", capture_output=True, check=False)
    assert (good.returncode, bad.returncode != 0) == (0, True)
    assert events == json.loads(hee("-C", str(directory), "verify", "--json", env=env).stdout)["events"]


def test_the_repair_branches_merge_and_the_merged_jobs_turn_green(demo, tmp_path: Path) -> None:
    directory, env, report = demo
    clone = tmp_path / "clone"
    subprocess.run(["cp", "-r", str(directory), str(clone)], check=True)
    proved = [f for f in report["failures"] if f["fix"] and f["fix"]["outcome"] == "verified"]
    git(clone, "merge", "--quiet", "--no-edit", *(f["fix"]["branch"] for f in proved))
    after = json.loads(hee("-C", str(clone), "monitor", "--once", "--no-fix", "--json", env=env).stdout)
    still = {f["issue_id"] for f in after["failures"]}
    assert still.isdisjoint(f["issue_id"] for f in proved)
    assert {"test", "spec", "governance"} <= {f["category"] for f in after["failures"]}


def test_the_capsule_on_the_branch_is_the_projection_and_reads_well(demo) -> None:
    directory, env, _ = demo
    capsule = json.loads(hee("-C", str(directory), "state", "--json", env=env).stdout)
    assert json.loads(git(directory, "show", "hee/log:capsule.json")) == capsule
    assert json.loads(hee("-C", str(directory), "capsule", "validate", "--json", env=env).stdout)["ok"]
    page = git(directory, "show", "hee/log:README.md")
    assert "assert 400 == 401" in page
    assert all(
        f"hee/fix/{name}" in page
        for name in (f["issue_id"] for f in demo[2]["failures"] if f["fix"] and f["fix"]["branch"])
    )


def test_fix_dry_run_shows_the_diffs_and_leaves_every_byte(demo) -> None:
    directory, env, report = demo
    (issue,) = [f["issue_id"] for f in report["failures"] if f["fix"] and f["fix"]["strategy"] == "ruff-format"]

    def everything() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}

    before = everything()
    done = hee("-C", str(directory), "fix", issue, "--dry-run", "--json", env=env)
    (fix,) = json.loads(done.stdout)["fixes"]
    assert everything() == before
    assert (fix["strategy"], fix["outcome"]) == ("ruff-format", "verified")
    assert "+def render(rows" in fix["diff"]


def test_fix_apply_brings_proved_repairs_into_the_worktree_uncommitted(demo, tmp_path: Path) -> None:
    directory, env, _ = demo
    clone = tmp_path / "clone"
    subprocess.run(["cp", "-r", str(directory), str(clone)], check=True)
    head = git(clone, "rev-parse", "HEAD")
    hee("-C", str(clone), "fix", "--apply", env=env)
    changed = git(clone, "status", "--porcelain").splitlines()
    assert git(clone, "rev-parse", "HEAD") == head
    assert {line[3:] for line in changed} >= {"harbor/table.py", "scripts/release-notes.sh"}


@pytest.mark.spec("SEED-005")
def test_killed_at_any_moment_and_run_again_it_ends_the_same(demo, tmp_path: Path) -> None:
    _, _, report = demo
    expected = [(f["issue_id"], f["action"], (f["fix"] or {}).get("outcome"), f["count"]) for f in report["failures"]]
    env = {"HEE_HOME": str(tmp_path / "home"), "GIT_CONFIG_GLOBAL": os.devnull}
    directory = tmp_path / "harbor"
    moments = {  # each is reached once the one before it is history
        "the repository is there": (directory / ".git").exists,
        "the log is there": (directory / ".git/refs/heads/hee/log").exists,
        "a repair is under way": lambda: any((tmp_path / "home").glob("cache/*/fix/fix-*")),
        "a repair is done": lambda: any((directory / ".git/refs/heads/hee/fix").glob("*")),
    }
    for name in moments if SOAK else ("the log is there", "a repair is under way"):
        process = subprocess.Popen(
            [*HEE, "demo", "--dir", str(directory), "--json"], env=os.environ | env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while process.poll() is None and not moments[name]():
            time.sleep(0.02)
        assert process.poll() is None, f"it ended before {name}"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = hee("demo", "--dir", str(directory), "--json", env=env)
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert [
        (f["issue_id"], f["action"], (f["fix"] or {}).get("outcome"), f["count"]) for f in again["failures"]
    ] == expected
    entries = json.loads(hee("-C", str(directory), "log", "--json", env=env).stdout)
    for type_, key in (
        ("ci.failure_detected", "issue_id"),
        ("fix.applied", "issue_id"),
        ("fix.rolled_back", "issue_id"),
        ("alert.raised", "issue_id"),
    ):
        about = [e["data"][key] for e in entries if e["type"] == type_]
        assert len(about) == len(set(about)), type_
    assert json.loads(hee("-C", str(directory), "verify", "--json", env=env).stdout)["ok"]
    assert list((tmp_path / "home" / "cache").rglob("fix-*")) == []
    assert git(directory, "status", "--porcelain") == ""


def test_a_directory_that_is_not_a_demonstration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    done = hee("demo", "--dir", str(tmp_path / "mine"), env={"HEE_HOME": str(tmp_path / "home")}, check=False)
    assert (done.returncode, (tmp_path / "mine" / "file").read_text()) == (2, "x")
    assert "next:" in done.stderr
