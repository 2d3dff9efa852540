"""The specification's commands, exactly as it prints them, in a repository that has the paths they name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repair_world import fingerprint_of
from worlds import git, watched

pytestmark = pytest.mark.xdist_group("act")

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
WORKFLOW = """\
name: CI
on: [push]
permissions: {}
jobs:
  format:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: ruff format --check a.py
"""
# What the specification's workflow and appendix print, to the byte.
LOAD = "python scripts/load_hee_state_capsule.py"
MONITOR = """\
python scripts/hee_monitor.py \\
  --mode full \\
  --state-capsule docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md \\
  --hee-governance strict \\
  --alert-level high
"""
ONE_RUN = """\
python scripts/hee_monitor.py \\
  --run-id 12345 \\
  --hee-context full \\
  --detailed \\
  --state-capsule current.json
"""
FIX = """\
python scripts/hee_auto_fix.py \\
  --mode hee-safe \\
  --state-capsule docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md \\
  --max-severity medium \\
  --hee-governance strict
"""
DRY_RUN = """\
python scripts/hee_auto_fix.py \\
  --hee-dry-run \\
  --state-capsule current.json \\
  --report detailed \\
  --validate-governance
"""
VALIDATE = """\
python scripts/validate_hee_state_capsule.py \\
  --input docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md \\
  --hee-rules strict \\
  --governance-check full
"""
REPORT = """\
python scripts/generate_hee_state_report.py \\
  --input current.json \\
  --output hee_monitoring_report.md \\
  --include-governance-metrics
"""
WORKFLOW_MONITOR = "python scripts/hee_monitor.py --mode full --state-capsule $HEE_STATE_CAPSULE"
WORKFLOW_UPDATE = "python scripts/update_hee_state_capsule.py --output hee_state_update.json"
WORKFLOW_FIX = "python scripts/hee_auto_fix.py --state-capsule hee_state_update.json --mode hee-safe"
WORKFLOW_GENERATE = "python scripts/generate_hee_state_capsule.py --output new_hee_state.json"
HOOK_MONITOR = "python scripts/hee_monitor.py --mode pre-commit --state-capsule current.json --hee-governance strict"
HOOK_FIX = "python scripts/hee_auto_fix.py --mode pre-commit --safety high --state-capsule current.json --hee-governance strict"
HOOK_VALIDATE = "python scripts/validate_hee_state_capsule.py --hee-rules strict"


def shell(root: Path, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=root, env={**os.environ, "PATH": path, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A watched repository with a failing format job, the scripts, and the capsules that the commands name."""
    scripts = {f"scripts/{path.name}": path.read_text() for path in SCRIPTS.glob("*hee_*.py")}
    made = watched(tmp_path / "r", {"a.py": "x  =  1\n", ".github/workflows/ci.yml": WORKFLOW, **scripts})
    page = made / "docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md"
    for target in (page, made / "current.json"):
        done = shell(made, f"{WORKFLOW_UPDATE.rpartition(' ')[0]} {target}")
        assert done.returncode == 0, done.stderr
    (made / ".git/info/exclude").write_text("current.json\nhee_state_update.json\nnew_hee_state.json\n")
    git(made, "add", "docs")
    git(made, "commit", "--quiet", "--message", "capsule")
    return made


def state(root: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "hee_monitoring.cli.main", "-C", str(root), "state", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.spec("SEED-291", "SEED-292", "SEED-293", "SEED-294", "SEED-295", "SEED-300", "SEED-302", "SEED-303")
@pytest.mark.spec("SEED-304", "SEED-305", "SEED-306")
def test_the_appendix_runs_as_printed(root: Path) -> None:
    done = shell(root, MONITOR)
    assert (done.returncode, "▲ WARNING degraded" in done.stdout) == (1, True), done.stderr
    assert "hee_auto_fix may repair 1 of them" in done.stdout
    asked = shell(root, ONE_RUN)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "the log has no run 12345" in asked.stderr
    before = fingerprint_of(root)
    shown = shell(root, DRY_RUN)
    assert (shown.returncode, "+x = 1" in shown.stdout, "governance: pass" in shown.stdout) == (0, True, True), (
        shown.stderr
    )
    assert fingerprint_of(root) == before
    fixed = shell(root, FIX)
    assert "repaired and proved by ruff-format" in fixed.stdout, fixed.stderr
    ((attempt,),) = [state(root)["hee_auto_fix_history"]]
    assert git(root, "show", f"{attempt['branch']}:a.py") == "x = 1"
    judged = shell(root, VALIDATE)
    assert "Decision Continuity: 100 %" in judged.stdout
    assert "UNKNOWN Spec-First Alignment" in judged.stdout  # nothing to measure is not compliance
    assert judged.returncode == 1
    assert shell(root, REPORT).returncode == 0
    assert "## Targets of monitoring and repairs" in (root / "hee_monitoring_report.md").read_text()


@pytest.mark.spec("SEED-106", "SEED-108", "SEED-109", "SEED-110", "SEED-113", "SEED-115", "SEED-116", "SEED-117")
@pytest.mark.spec("SEED-120", "SEED-122", "SEED-297", "SEED-298", "SEED-299")
def test_the_workflow_runs_as_printed_and_each_step_hands_on_what_the_next_needs(root: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
    job = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(tmp_path), **{name: str(file) for name, file in files.items()}}
    inline = (root / "current.json").read_text()
    loaded = shell(root, LOAD, **job, HEE_STATE_CAPSULE=inline)
    assert loaded.returncode == 0, loaded.stderr
    assert "decision_stability" not in loaded.stdout + loaded.stderr
    (given,) = files["GITHUB_ENV"].read_text().splitlines()
    name, _, path = given.partition("=")
    assert (name, json.loads(Path(path).read_text())) == ("HEE_STATE_CAPSULE", json.loads(inline))

    done = shell(root, WORKFLOW_MONITOR, **job, HEE_STATE_CAPSULE=path, HEE_GOVERNANCE="strict")
    assert done.returncode == 0, done.stderr  # a red step would skip the job that repairs
    said = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert (said["hee_fix_required"], said["hee_status"], said["hee_open_issues"]) == ("true", "degraded", "1")
    assert "::warning title=HEE-PAT-612 format::" in done.stderr
    assert files["GITHUB_STEP_SUMMARY"].read_text().startswith("# 🟡 degraded")

    assert shell(root, WORKFLOW_UPDATE, **job).returncode == 0
    tampered = json.loads((root / "hee_state_update.json").read_text())
    tampered["hee_monitoring_state"]["current_status"] = "operational"
    whole = (root / "hee_state_update.json").read_bytes()
    (root / "hee_state_update.json").write_text(json.dumps(tampered))
    refused = shell(root, WORKFLOW_FIX, **job)
    assert (refused.returncode, "it was changed" in refused.stderr) == (2, True)
    (root / "hee_state_update.json").write_bytes(whole)

    fixed = shell(root, WORKFLOW_FIX, **job, HEE_GOVERNANCE="strict")
    assert fixed.returncode == 0, fixed.stderr
    said = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert said["hee_changes_made"] == "true"
    assert said["hee_fix_branches"].startswith("hee/fix/HEE-ISS-")
    assert shell(root, WORKFLOW_GENERATE, **job).returncode == 0
    (page,) = root.glob("docs/STATE_CAPSULES/*/HEE-Monitoring-AutoFix.md")
    assert git(root, "status", "--porcelain", "--untracked-files=all") == f"?? {page.relative_to(root)}"
    validated = shell(root, f"python scripts/validate_hee_state_capsule.py --input {page} --governance-check basic")
    assert validated.returncode == 0, validated.stdout

    empty = shell(root, f"{WORKFLOW_MONITOR} --hee-governance off --json", HEE_STATE_CAPSULE="")
    assert "--state-capsule is empty" in empty.stderr
    assert json.loads(empty.stdout)["hee_fix_required"] is False
    shutil.rmtree(root / "docs")


@pytest.mark.spec("SEED-126", "SEED-127", "SEED-128", "SEED-129", "SEED-301")
def test_the_hooks_run_as_printed_offline_and_without_a_capsule(root: Path) -> None:
    nothing = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    before = fingerprint_of(root)
    for command in (HOOK_MONITOR, HOOK_FIX, HOOK_VALIDATE):
        done = shell(root, command, **nothing)
        assert (done.returncode, done.stdout[:4]) == (0, "✔ OK"), done.stderr
    assert fingerprint_of(root) == before
    (root / "current.json").unlink()
    git(root, "branch", "-D", "hee/log")
    for command in (HOOK_MONITOR, HOOK_FIX, HOOK_VALIDATE):
        done = shell(root, command, **nothing)
        assert (done.returncode, done.stdout[:4]) == (0, "✔ OK"), done.stderr
