"""The guides for implementing and operating: what they tell people to type is typed here, in their order."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import repository, watched

from hee_governance.config import load

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORKFLOW = "on: push\npermissions: {}\njobs:\n  ok:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: 'true'\n"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a person's key, a log of a build, and git's idea of who commits."""
    home = tmp_path / "home"
    (home / "people").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "people" / "ada")], check=True)
    (home / "people" / "build.log").write_text("E       assert 1 == 2\n##[error]Process completed with exit code 1.\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    return home


@pytest.mark.spec("SEED-001", "SEED-270")
def test_operating_runs_as_printed_from_the_first_command_to_the_last(tmp_path: Path, person: Path) -> None:
    root = repository(tmp_path / "r", {".github/workflows/ci.yml": WORKFLOW})
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote.git")], check=True)
    subprocess.run(["git", "remote", "add", "origin", str(tmp_path / "remote.git")], cwd=root, check=True)
    commands = [line for block in blocks("operating.md", "sh") for line in block.splitlines() if line.strip()]
    assert len(commands) >= 20
    script = "set -euo pipefail\nset -x\n" + "\n".join(commands)
    done = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (person / "people" / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.spec("SEED-001")
def test_implementing_runs_as_printed(tmp_path: Path, person: Path) -> None:
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": WORKFLOW})
    found = blocks("implementing.md", "python")
    assert len(found) == 4
    for block in found:
        done = subprocess.run([sys.executable, "-c", block], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"


def test_the_pattern_of_the_guide_is_one_that_the_compiler_would_take() -> None:
    from ruamel.yaml import YAML

    (item,) = YAML(typ="safe", pure=True).load(blocks("implementing.md", "yaml")[0])
    assert {"id", "title", "category", "priority", "match", "what", "remedy", "examples", "not"} <= set(item)
    assert all(re.search(item["match"][0], text) for text in item["examples"])
    assert not re.search(item["match"][0], item["not"][0])


def test_plugs_run_as_printed(tmp_path: Path, person: Path) -> None:
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": WORKFLOW})
    commands = "\n".join(blocks("plugs.md", "sh"))
    assert commands.count("hee export") == 4
    script = f"set -euo pipefail\nhee decide a b --rationale c\n{commands}"
    done = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "hee_events_total 2.0" in (root / "hee.prom").read_text()
    assert json.loads((root / "batch.json").read_text())[0]["type"] == "log.created"


def test_writing_a_pattern_runs_as_printed(tmp_path: Path, person: Path) -> None:
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": WORKFLOW})
    (root / ".hee").mkdir()
    (root / ".hee" / "patterns.yaml").write_text(blocks("writing-a-pattern.md", "yaml")[0])
    end = "##[error]Process completed with exit code 1.\n"
    logs = {f"red/{n}.log": f"cc: no license for seat {n}: the floating server is away\n{end}" for n in (1, 2, 3)}
    logs |= {"green/1.log": "cc: ok\n", "staging.log": f"staging-db: refused, restore of nightly-x is running\n{end}"}
    for name, text in logs.items():
        (root / "ci-logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "ci-logs" / name).write_text(text)
    added = (person / "people" / "ada.pub").read_text().strip()
    script = f"set -euo pipefail\nset -x\nhee keys add '{added}' --actor human:ada\n" + "\n".join(
        blocks("writing-a-pattern.md", "sh")
    )
    done = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    assert "HEE-PAT-915" in done.stdout
    assert "The license server is away" in done.stdout


def test_the_suite_of_the_page_about_plugs_is_one_that_pytest_runs(tmp_path: Path) -> None:
    (tmp_path / "acme_hee.py").write_text(
        "from hee_governance.rules import Rule\n"
        "def check(rule, context, path):\n"
        '    if b"\\0" in context.tree[path]:\n'
        '        yield rule.finding(path, 0, "is no text", severity="UNKNOWN")\n'
        '    elif b"TODO" in context.tree[path]:\n'
        '        yield rule.finding(path, 1, "is not done")\n'
        "def rules():\n"
        '    return [Rule("ACME-001", "Nothing is left to do.", "acme", "ERROR", "text files", "Do it.",\n'
        "                 lambda context: list(context.paths), check)]\n"
    )
    (tmp_path / "test_rules.py").write_text(blocks("plugs.md", "python")[0])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "5 passed" in done.stdout, done.stdout
    loaded = load(blocks("plugs.md", "yaml")[0].encode())
    assert loaded.plugins == ("acme-rules", "acme-tidy", "acme-jenkins")


def test_the_five_minutes_run_as_printed(tmp_path: Path, person: Path) -> None:
    commands = "\n".join(blocks("tour.md", "sh"))
    script = f"set -euo pipefail\nset -x\n{commands}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "Proved by running the failed job again." in done.stdout
    assert "arithmetic" in done.stdout
    assert subprocess.run(
        ["git", "status", "--porcelain"], cwd=tmp_path / "harbor", capture_output=True, check=True
    ).stdout == b""  # fmt: skip


def test_the_page_about_the_pages_runs_as_printed(tmp_path: Path, person: Path) -> None:
    root = watched(tmp_path / "r", {".github/workflows/ci.yml": WORKFLOW})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    commands = "\n".join(blocks("web.md", "sh"))
    assert commands.count(":8024") == 3
    added = (person / "people" / "ada.pub").read_text().strip()
    # The server ends with the script, also where a command of it fails.
    script = (
        f"set -euo pipefail\ntrap 'kill $(jobs -p) || true' EXIT\nhee keys add '{added}' --actor human:ada\n{commands}"
    )
    done = subprocess.run(
        ["bash", "-c", script.replace("8024", port)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    assert "alert.acknowledged  on it" in done.stdout
    assert json.loads((root / "health.json").read_text())["word"] == "UNKNOWN"  # nothing was looked at yet
