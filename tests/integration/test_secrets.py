"""No secret that a job, a workflow or a file name shows gets into the log, a branch's messages, or onto the screen.

The tokens are made up. A cut must not leave a part of one either, so each is looked for by its first letters.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import ShellSource, cycle_of, git, watched

import hee_core
from hee_monitoring import facts, pipeline
from hee_monitoring.cli.main import run
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run, Step
from hee_monitoring.workspace import Workspace


def token(name: str) -> str:
    """A token of GitHub's shape that no other place uses."""
    return f"ghp_Canary{name:x<30}"


JOB, STEP, FILE, LOG, WORKFLOW, BRANCH, REASON, PATH, HIDDEN, EDGE = map(
    token, ("Job", "Step", "File", "Log", "Workflow", "Branch", "Reason", "Path", "Hidden", "Edge")
)
HIDDEN_LOG = f"{HIDDEN[:9]}\u200b{HIDDEN[9:14]}\u00ad{HIDDEN[14:]}"
FORMAT, TEST, BLIND, NET = (f"ci.yml#{name}-{JOB}" for name in ("format", "test", "blind", "net"))
COMMANDS = {
    FORMAT: f"echo {LOG}; ruff format --check .",
    TEST: f"printf 'E   AssertionError: password=hunter2{LOG} {HIDDEN_LOG} {'x' * 440}{EDGE}\\n'; exit 1",
    NET: f"echo 'curl: (6) Could not resolve host: {LOG}'; exit 6",
    BLIND: "true",
}


class Leaky(ShellSource):
    """A source that names its steps after their scripts, as act does."""

    def run_job(self, tree: str, key: str) -> Job:
        job = super().run_job(tree, key)
        step = Step(f"printf '{STEP}' {'y' * 170}{EDGE}", 1, job.conclusion)
        if key == BLIND:
            return replace(job, conclusion=Conclusion.UNKNOWN, reason=f"cannot run {REASON}")
        return replace(job, steps=(step,), annotations=(Annotation(f"saw {LOG}", path=f"{PATH}.py", line=1),))

    def runs(self, commit: str) -> tuple[Run, ...]:
        return tuple(replace(each, workflow=WORKFLOW, branch=f"topic/{BRANCH}") for each in super().runs(commit))


@pytest.mark.spec("SEED-092")
def test_no_secret_of_a_whole_cycle_is_recorded_or_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"pyproject.toml": "[tool.ruff]\n", f"{FILE}.py": "x = {  'a':1 }\n"}
    root = watched(tmp_path / "r", files)
    source = Leaky(root, COMMANDS)
    said: list[str] = []
    with Workspace.open(root) as workspace:
        result = pipeline.run(cycle_of(workspace, source, progress=said.append))
        said += [*result.notes, *result.unknown, *result.unknown.values()]
        issues = list(workspace.log.state.issues.values())
    assert {issue["category"] for issue in issues} == {"format", "test", "network"}
    assert {(issue["fix"] or {}).get("outcome") for issue in issues} >= {"verified", "refused"}

    capsys.readouterr()
    for command in (["state"], ["state", "--json"], ["log"], ["log", "--json"], ["verify"]):
        assert run(["-C", str(root), *command]) in (0, 1)
    for number in range(1, result.events):
        assert run(["-C", str(root), "show", str(number)]) == 0
    said += capsys.readouterr()
    log = tmp_path / f"{FILE}.log"
    for command in COMMANDS.values():
        log.write_text(command.replace("printf 'E", "E").replace("echo 'curl", "curl"))
        run(["explain", str(log)])
    run(["explain", str(log), "--json"])
    said += list(capsys.readouterr())

    said.append(git(root, "log", "--patch", "--format=fuller", "hee/log"))
    said.append(git(root, "log", "--format=%B%N", "--branches=hee/*"))
    for entry in git(root, "ls-tree", "-r", "--name-only", "hee/log").splitlines():
        said.append(git(root, "show", f"hee/log:{entry}"))
    everything = "\n".join(said)
    assert "ci.yml#format-[REDACTED]" in everything
    assert "Canary" not in everything
    assert "hunter2" not in everything
    assert HIDDEN[14:] not in everything


def test_an_issue_whose_job_has_a_secret_in_its_name_is_resolved_when_that_job_is_green(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    for command in ("echo 'E   assert 1 == 2'; exit 1", "true"):
        git(root, "commit", "--quiet", "--allow-empty", "--message", "next")
        with Workspace.open(root) as workspace:
            pipeline.run(cycle_of(workspace, ShellSource(root, {FORMAT: command})))
            issues = len(workspace.log.state.issues)
    assert issues == 0


def test_the_gate_reaches_every_text_and_keeps_the_limits_of_the_catalogue() -> None:
    clock = hee_core.FixedClock()
    about = {"severity": "low", "issue_id": "", "within_s": 1, "rationale": "", "next_step": f"a\u200b {JOB}"}
    event = facts.event("alert.raised", {**about, "title": "password=x " * 181}, subject=f"issue/{STEP}", clock=clock)
    assert "Canary" not in str(event)
    assert len(event.data["title"]) <= 2000
    assert "=x" not in event.data["title"]
    checks = [{"name": JOB, "ok": True, "detail": f"token={STEP}", "duration_ms": 1}]
    proof = {"fix_id": "f", "phase": "pre", "ok": True, "checks": checks}
    assert "Canary" not in str(facts.event("fix.validated", proof, subject="", clock=clock))
