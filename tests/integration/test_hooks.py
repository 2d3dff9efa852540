"""The specification's hooks, run by pre-commit itself at a real commit, and their manifest for other repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from worlds import git, run_cycle, watched

ROOT = Path(__file__).resolve().parents[2]
# As the specification prints it.
CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: hee-monitoring-check
        name: HEE Monitoring Pre-Commit Check
        entry: python scripts/hee_monitor.py --mode pre-commit --state-capsule current.json --hee-governance strict
        language: system
        pass_filenames: false
        stages: [pre-commit]
        always_run: true

      - id: hee-auto-fix-check
        name: HEE Auto-Fix Pre-Commit Validation
        entry: python scripts/hee_auto_fix.py --mode pre-commit --safety high --state-capsule current.json --hee-governance strict
        language: system
        pass_filenames: false
        stages: [pre-commit]

      - id: hee-state-validation
        name: HEE State Capsule Validation
        entry: python scripts/validate_hee_state_capsule.py --hee-rules strict
        language: system
        pass_filenames: false
        stages: [pre-commit]
"""
LENIENT = """\
on: [push]
permissions: {}
jobs:
  t:
    runs-on: ubuntu-latest
    timeout-minutes: 1
    steps:
      - run: pytest || true
"""


def hooks(text: str) -> list[dict[str, Any]]:
    found: Any = YAML(typ="safe", pure=True).load(text)
    return found if isinstance(found, list) else found["repos"][0]["hooks"]


@pytest.mark.spec("SEED-130")
def test_the_manifest_offers_the_hooks_that_the_specification_prints() -> None:
    manifest = {hook["id"]: hook for hook in hooks((ROOT / ".pre-commit-hooks.yaml").read_text())}
    for printed in hooks(CONFIG):
        offered = manifest.pop(printed["id"])
        script, _, flags = printed["entry"].removeprefix("python scripts/").partition(".py ")
        assert offered["entry"] == f"python -P -m hee_monitoring.cli.seed {script} {flags}"
        same = ("name", "pass_filenames", "stages", "always_run")
        assert {name: offered.get(name) for name in same} == {name: printed.get(name) for name in same}
    assert manifest == {}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A watched repository in which pre-commit is installed; no proxy leads anywhere."""
    pytest.importorskip("pre_commit")
    scripts = {f"scripts/{path.name}": path.read_text() for path in (ROOT / "scripts").glob("*hee_*.py")}
    made = watched(tmp_path / "r", {"a.py": "x  =  1\n", ".pre-commit-config.yaml": CONFIG, **scripts})
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    subprocess.run([sys.executable, "-m", "pre_commit", "install"], cwd=made, check=True, capture_output=True)
    return made


def test_a_package_of_the_same_name_in_the_repository_is_not_run(tmp_path: Path) -> None:
    planted = watched(tmp_path / "r", {"hee_monitoring/__init__.py": "raise SystemExit(99)\n"})
    for hook in hooks((ROOT / ".pre-commit-hooks.yaml").read_text()):
        argv = [sys.executable, *hook["entry"].split()[1:]]
        done = subprocess.run(argv, cwd=planted, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def commit(root: Path, **env: str) -> subprocess.CompletedProcess[str]:
    git(root, "add", "--all")
    who = {f"GIT_{role}_{what}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        ["git", "commit", "-m", "more"],
        cwd=root, env=os.environ | who | env, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.spec("SEED-126", "SEED-127", "SEED-128", "SEED-129", "SEED-277")
def test_pre_commit_runs_the_hooks_as_printed(root: Path) -> None:
    run_cycle(root, {"ci.yml#format": "ruff format --check a.py"}, fix=False)
    log = git(root, "rev-parse", "hee/log")
    (root / "b.py").write_text("y = 1\n")
    done = commit(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("Passed") == 3

    (root / ".github/workflows").mkdir(parents=True)
    (root / ".github/workflows/t.yml").write_text(LENIENT)
    page = root / "docs/STATE_CAPSULES/2026-01-24/HEE.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"hee_monitoring_state": {}}))
    refused = commit(root, HEE_ACTOR="agent:hee")
    assert refused.returncode == 1
    said = {line.partition("...")[0]: line.rpartition(".")[2] for line in refused.stderr.splitlines() if "...." in line}
    assert said == {
        "HEE Monitoring Pre-Commit Check": "Failed",
        "HEE Auto-Fix Pre-Commit Validation": "Failed",
        "HEE State Capsule Validation": "Failed",
    }
    assert "HGV-CI-005" in refused.stderr
    assert "CI, governance and HEE's own files are changed by people only" in refused.stderr
    assert "docs/STATE_CAPSULES/2026-01-24/HEE.json" in refused.stderr
    assert git(root, "rev-parse", "hee/log") == log
