"""A small real world for the tests of repairs: a git repository, jobs that are shell scripts, commits by real git."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from hee_core.clock import SYSTEM
from hee_core.git import Repository
from hee_monitoring.evidence import Channel, Conclusion, Diagnosis, Evidence, Job
from hee_monitoring.fixes import REGISTRY, Outcome, Request, repair

CACHE = Path(os.environ.get("HEE_TEST_TOOL_CACHE") or Path.home() / ".cache" / "hee-tests" / "tools")


def git(root: Path, *args: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }  # fmt: skip
    return subprocess.run(["git", *args], cwd=root, env=env, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(root: Path, files: dict[str, str | bytes], *, executable: tuple[str, ...] = ()) -> Path:
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        if path in executable:
            target.chmod(0o755)
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--message", "start")
    return root


def fingerprint_of(root: Path) -> str:
    """Hashes every path, mode and byte of a repository's directory but for its object store."""
    total = hashlib.sha256()
    for place in sorted(root.rglob("*")):
        name = place.relative_to(root).as_posix()
        if name.removeprefix(".git/").startswith("objects"):
            continue
        facts = place.lstat()
        total.update(f"{name}\0{facts.st_mode:o}\0{facts.st_mtime_ns if place.is_file() else 0}\0".encode())
        if place.is_symlink():
            total.update(os.fsencode(place.readlink()))
        elif place.is_file():
            total.update(place.read_bytes())
    return total.hexdigest()


class ShellJudge:
    """A judge whose jobs are shell scripts, run in the tree; it counts its runs."""

    def __init__(self, jobs: dict[str, str]) -> None:
        self.jobs = jobs
        self.runs: list[tuple[str, str]] = []

    def run_job(self, tree: str, key: str) -> Job:
        self.runs.append((key, git(Path(tree), "rev-parse", "HEAD")))
        done = subprocess.run(["bash", "-e", "-c", self.jobs[key]], cwd=tree, capture_output=True, check=False)
        conclusion = Conclusion.FAILURE if done.returncode else Conclusion.SUCCESS
        return Job(key, key, conclusion, done.stdout + done.stderr)


def diagnose(job: Job) -> Diagnosis:
    """The first line of the log, without numbers, is the failure."""
    if job.conclusion is Conclusion.SUCCESS:
        return Diagnosis("", "none", "nothing failed", "none", 10000, ())
    text = next(iter(job.log.decode("utf-8", "replace").splitlines()), "")
    mark = hashlib.sha256(re.sub(r"\d+", "#", text).encode()).hexdigest()[:16]
    return Diagnosis("HEE-PAT-600", "format", f"the job says {text}", mark, 9000, (Evidence(Channel.LOG, text, 1),))


def commit_tree(repository: Repository, tree: str, parent: str, message: str) -> str:
    body = f"tree {tree}\nparent {parent}\nauthor HEE <h@example.org> 0 +0000\ncommitter HEE <h@example.org> 0 +0000\n\n{message}"
    return repository.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=body.encode()).decode().strip()


@dataclass
class World:
    """One repository and one repair of it, with everything replaceable."""

    root: Path
    work: Path
    jobs: dict[str, str]
    row: str = "format"
    said: list[str] = field(default_factory=list)
    options: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen: dict = {}
        self.judge = ShellJudge(self.jobs)
        self.commit = git(self.root, "rev-parse", "HEAD")

    def request(self, job: str, **changes) -> Request:
        """The request that a monitoring cycle would make: diagnosed by running the job, the others known by theirs."""
        now = (self.commit, tuple(self.judge.jobs.items()))
        if self._seen.get("now") != now:
            self._seen = {"now": now, "states": self._look()}
        states = self._seen["states"]
        self.judge.runs.clear()
        green = tuple(key for key, seen in states.items() if seen.conclusion is Conclusion.SUCCESS)
        red = tuple(key for key in states if key not in green and key != job)
        known = {"known_green": green, "known_red": red, "branch": "main"} | changes
        return Request(
            "HEE-ISS-1",
            "fix-1",
            known.pop("diagnosis", None) or diagnose(states[job]),
            self.row,
            job,
            self.commit,
            **known,
        )

    def _look(self) -> dict[str, Job]:
        scene = self.work.parent / "seen"
        states = {}
        for key in self.judge.jobs:
            git(self.root, "clone", "--quiet", str(self.root), str(scene))
            seen = self.judge.run_job(str(scene), key)
            states[key] = replace(seen, log=seen.log.replace(f"{scene}/".encode(), b""))
            shutil.rmtree(scene)
        return states

    def repair(self, request: Request, **options) -> Outcome:
        keywords = {
            "judge": self.judge, "diagnose": diagnose, "commit_tree": commit_tree, "work": self.work, "clock": SYSTEM,
            "progress": self.said.append, "cache": CACHE, "strategies": REGISTRY,
        } | self.options | options  # fmt: skip
        return repair(Repository.discover(self.root), request, **keywords)
