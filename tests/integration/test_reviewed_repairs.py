"""A workflow is repaired after a person's approval and not before, through whole cycles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from worlds import git, run_cycle, watched

from hee_core.events import Event
from hee_core.keys import create_agent_key, load_signer
from hee_monitoring.workspace import Workspace

pytestmark = pytest.mark.spec("SEED-070", "SEED-219")
BODY = "".join(f"echo {number}\n" for number in range(20))
WORKFLOW = """name: ci
on: push
permissions: {contents: read}
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: bash scripts/check.sh
"""


def failing(root: Path):
    with Workspace.open(root) as workspace:
        return next(issue for issue in workspace.log.state.issues.values() if issue["category"] == "workflow-config")


def approve(root: Path, key: Path, issue, monkeypatch):
    """A person with a key of her own looks at an issue and approves."""
    with Workspace.open(root) as workspace:
        person = create_agent_key(key, actor="human:ada")
        added = {"public_key": person.public_key, "actor": "human:ada", "role": "human"}
        workspace.log.append([Event.new("key.added", added)])
    with monkeypatch.context() as patch:
        patch.setenv("HEE_SIGNING_KEY", str(key))
        patch.setenv("HEE_ACTOR", "human:ada")
        with Workspace.open(root, signer=load_signer()) as workspace:
            approval = {"subject": issue["issue_id"], "statement": "looked at it"}
            workspace.log.append([Event.new("approval.granted", approval)])


def test_a_workflow_s_moved_path_is_repaired_after_an_approval_and_not_before(tmp_path, monkeypatch):
    root = watched(tmp_path / "r", {"scripts/check.sh": BODY, ".github/workflows/ci.yml": WORKFLOW})
    (root / "tools").mkdir()
    git(root, "mv", "scripts/check.sh", "tools/check.sh")
    git(root, "commit", "-qm", "move")
    jobs = {".github/workflows/ci.yml#check": "$(sed -n 's/.*- run: //p' .github/workflows/ci.yml)"}
    run_cycle(root, jobs)
    issue = failing(root)
    assert (issue["action"], issue["fix"]["outcome"]) == ("agent-review", "pending_review")
    approve(root, tmp_path / "ada", issue, monkeypatch)
    run_cycle(root, jobs)
    issue = failing(root)
    assert (issue["action"], issue["fix"]["outcome"], issue["fix"]["strategy"]) == (
        "auto-fix",
        "verified",
        "moved-path",
    )
    assert "run: bash tools/check.sh" in git(root, "show", f"{issue['fix']['branch']}:.github/workflows/ci.yml")


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="pre-commit is not installed")
def test_a_hook_configuration_that_is_no_yaml_is_repaired_after_an_approval(tmp_path, monkeypatch):
    hooks = "repos:\n- repo: local\n\thooks: []\n"
    root = watched(tmp_path / "r", {".pre-commit-config.yaml": hooks, ".github/workflows/ci.yml": WORKFLOW})
    jobs = {".github/workflows/ci.yml#check": f"PRE_COMMIT_HOME={tmp_path}/home pre-commit run --all-files"}
    run_cycle(root, jobs)
    issue = failing(root)
    assert (issue["pattern_id"], issue["fix"]["outcome"]) == ("HEE-PAT-409", "pending_review")
    approve(root, tmp_path / "ada", issue, monkeypatch)
    run_cycle(root, jobs)
    fix = failing(root)["fix"]
    assert (fix["outcome"], fix["strategy"]) == ("verified", "invalid-yaml"), fix
    assert git(root, "show", f"{fix['branch']}:.pre-commit-config.yaml") == hooks.replace("\t", "  ").strip()
