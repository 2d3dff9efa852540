"""Small real worlds for tests of the whole loop: git repositories whose jobs are shell commands, run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hee_core.clock import SYSTEM, Clock
from hee_core.git import Repository
from hee_monitoring import demo, pipeline
from hee_monitoring.cycle import Cycle, Result
from hee_monitoring.evidence import Conclusion, Job, Run
from hee_monitoring.workspace import Workspace, initialize

# The demonstration's jobs without act: the same commands, a hundred times quicker.
DEMO_JOBS = {
    "ci.yml#format": "ruff format --check .",
    "ci.yml#test": "python -m pytest -q -p no:cacheprovider",
    "ci.yml#scripts": "./scripts/release-notes.sh",
    "ci.yml#whitespace": 'git diff --check "$(git hash-object -t tree /dev/null)" HEAD',
    "ci.yml#vendor": "sha256sum --check vendor/SHA256SUMS",
}


def git(root: Path, *arguments: str, name: str = "Ada") -> str:
    """Runs real git as somebody."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", "ada@example.org"))
    }
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=os.environ | who, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(root: Path, files: dict[str, str], message: str = "start") -> Path:
    """Makes a repository with one commit on main."""
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return root


@dataclass
class ShellSource:
    """A source and judge whose jobs are shell commands, each run in a clone of its own."""

    root: Path
    jobs: dict[str, str]
    name: str = "act"
    runs_made: list[str] = field(default_factory=list)

    def runs(self, commit: str) -> tuple[Run, ...]:
        done = []
        for key in self.jobs:
            place = Path(tempfile.mkdtemp(prefix="hee-test-"))
            Repository.discover(self.root).clone_to(place / "tree", commit, "main")
            done.append(self.run_job(str(place / "tree"), key))
            shutil.rmtree(place)
        red = any(job.conclusion is Conclusion.FAILURE for job in done)
        return (
            Run(
                self.name,
                Conclusion.FAILURE if red else Conclusion.SUCCESS,
                tuple(done),
                commit=commit,
                branch="main",
                workflow="CI",
            ),
        )

    def run_job(self, tree: str, key: str) -> Job:
        self.runs_made.append(key)
        done = subprocess.run(
            ["bash", "-e", "-c", self.jobs[key]],
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        log = done.stdout + (
            f"##[error]Process completed with exit code {done.returncode}.\n".encode() if done.returncode else b""
        )
        conclusion = Conclusion.FAILURE if done.returncode else Conclusion.SUCCESS
        return Job(key, key.rpartition("#")[2], conclusion, log, completed_at=SYSTEM.now())


def watched(root: Path, files: dict[str, str], *, clock: Clock = SYSTEM) -> Path:
    """A repository with a log and its configuration committed."""
    repository(root, files)
    initialize(root, clock=clock)
    git(root, "add", "hee.yaml")
    git(root, "commit", "--quiet", "--message", "watch")
    return root


def demo_repository(root: Path) -> Path:
    """The demonstration's repository."""
    demo.build(root, clock=SYSTEM)
    return root


def cycle_of(workspace: Workspace, source: ShellSource, **options: object) -> Cycle:
    """A cycle over the commit at HEAD."""
    commit, branch = workspace.commit()
    return Cycle(workspace, source, commit, branch, judge=source, **options)  # type: ignore[arg-type]


def run_cycle(root: Path, jobs: dict[str, str], **options: object) -> tuple[Result, ShellSource]:
    """Opens, runs one cycle, closes."""
    source = ShellSource(root, jobs)
    with Workspace.open(root) as workspace:
        return pipeline.run(cycle_of(workspace, source, **options)), source
