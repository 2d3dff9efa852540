"""What the README tells people to type is typed here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import watched

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str) -> str:
    """The first code block of a language below a heading."""
    found = re.search(rf"## {heading}\n.*?```{language}\n(.*?)```", README, re.DOTALL)
    assert found, heading
    return found[1]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return watched(tmp_path / "r", {"a.txt": "a\n"})


@pytest.mark.spec("SEED-316", "SEED-001")
def test_the_quick_start_runs_as_printed(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("As a library", "python")], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["0", "log.created"], ["1", "note.recorded"]]


def test_stock_tools_verify_with_the_commands_as_printed(root: Path) -> None:
    script = "set -euo pipefail\n" + block("Verify without HEE", "sh")
    done = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'Good "hee-event" signature for agent:hee' in done.stdout
    assert 'Good "git" signature for agent:hee' in done.stderr


def test_your_own_repository_starts_with_the_commands_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    workflow = tmp_path / "r" / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("on: push\njobs:\n  ok:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n")
    commands = [
        line for line in block("On your own repository", "sh").splitlines() if line.startswith(("hee ", "git "))
    ]
    script = "set -euo pipefail\ngit init -q -b main\ngit add -A\ngit commit -qm start\n" + "\n".join(commands)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path / "r", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "✔ OK operational" in done.stdout or "+ OK operational" in done.stdout
