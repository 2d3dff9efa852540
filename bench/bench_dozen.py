"""A dozen repositories of our own, broken in ways that a strategy names and in ways that none does: what HEE leaves behind.

    python bench/bench_dozen.py [--only NAME ...] [--json]

Each has jobs that are shell commands, some green and some red, and goes through one whole cycle (detect, decide, repair,
record). What HEE published is then judged by nobody of its own: a plain clone of the branch, every job, and the diff.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hee_core.clock import SYSTEM
from hee_core.git import Repository
from hee_monitoring import pipeline
from hee_monitoring.cycle import Cycle
from hee_monitoring.evidence import Conclusion, Job, Run
from hee_monitoring.workspace import Workspace, initialize

UGLY = "x = {  'a':1 }\n"
RUFF = {"format": "ruff format --check ."}
PYTEST = "python -m pytest -q -p no:cacheprovider"
RULES = "[tool.ruff]\nline-length = 100\n"
FORBIDDEN = re.compile(
    r"(?m)^\+.*(noqa|type: ignore|fmt: off|continue-on-error|\|\| true|skip|xfail)|^-\s*(assert|def test_)"
)
WHO = [
    "-c",
    "user.name=Dozen",
    "-c",
    "user.email=dozen@example.org",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "core.hooksPath=/dev/null",
]


@dataclass(frozen=True)
class Case:
    """A broken repository; `repaired` says whether a strategy names what is red, `may` which files it may change."""

    name: str
    files: dict[str, str]
    jobs: dict[str, str]
    repaired: bool
    may: tuple[str, ...] = ()
    executable: tuple[str, ...] = field(default=())


CASES = (
    Case("layout", {"pyproject.toml": RULES, "a.py": UGLY}, RUFF | {"other": "test -f a.py"}, True, ("a.py",)),
    Case("layout of many", {"pyproject.toml": RULES, **{f"p/m{n}.py": UGLY for n in range(20)}}, RUFF, True, tuple(f"p/m{n}.py" for n in range(20))),
    Case("imports", {"pyproject.toml": RULES, "a.py": "import sys\nimport os\n\nprint(os, sys)\n"}, {"lint": "ruff check --select I ."}, True, ("a.py",)),
    Case("blanks", {"notes.md": "one  \ntwo\t\n"}, {"blanks": "git diff --check $(git hash-object -t tree /dev/null) HEAD"}, True, ("notes.md",)),
    Case("mode", {"run.sh": "#!/bin/sh\necho fine\n"}, {"script": "./run.sh"}, True, ("run.sh",)),
    Case("own fixer", {"Makefile": "format:\n\truff format .\n", "pyproject.toml": RULES, "a.py": UGLY}, RUFF, True, ("a.py",)),
    Case("hidden", {"pyproject.toml": RULES, "a.py": f"import sys\nimport os\n\n{UGLY}print(os, sys, x)\n"},
         {"lint": "ruff format --check . && ruff check --select I ."}, True, ("a.py",)),
    Case("a test that fails", {"test_a.py": "def test_sum():\n    assert 1 + 1 == 3\n"}, {"test": PYTEST}, False),
    Case("a name that is not there", {"a.py": "print(nothing)\n"}, {"run": "python a.py"}, False),
    Case("a checksum", {"blob.txt": "other\n", "SUMS": f"{'0' * 64}  blob.txt\n"}, {"sums": "sha256sum --check SUMS"}, False),
    Case("a repair that turns another gate red", {"pyproject.toml": RULES, "a.py": UGLY}, RUFF | {"frozen": "grep -q \"  'a':1\" a.py"}, False),
    Case("an ugly test that fails", {"pyproject.toml": RULES, "test_a.py": "def test_a():\n    assert  1==2\n"}, {"test": PYTEST}, False),
)  # fmt: skip


@dataclass
class Shell:
    """A source and judge whose jobs are shell commands, each run in a clone of its own."""

    root: Path
    jobs: dict[str, str]
    name: str = "act"

    def runs(self, commit: str) -> tuple[Run, ...]:
        """One run of every job."""
        done = tuple(
            self.run_job(str(cloned(self.root, commit, place)), key) for key in self.jobs for place in [scratch()]
        )
        red = any(job.conclusion is Conclusion.FAILURE for job in done)
        word = Conclusion.FAILURE if red else Conclusion.SUCCESS
        return (Run(self.name, word, done, commit=commit, branch="main", workflow="CI"),)

    def run_job(self, tree: str, key: str) -> Job:
        """One job in a tree."""
        done = subprocess.run(
            ["bash", "-e", "-c", self.jobs[key]],
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        end = f"##[error]Process completed with exit code {done.returncode}.\n".encode() if done.returncode else b""
        word = Conclusion.FAILURE if done.returncode else Conclusion.SUCCESS
        return Job(key, key, word, done.stdout + end, completed_at=SYSTEM.now())


def scratch() -> Path:
    """An empty directory."""
    return Path(tempfile.mkdtemp(prefix="hee-dozen-"))


def cloned(root: Path, commit: str, place: Path) -> Path:
    """A clone at a commit."""
    Repository.discover(root).clone_to(place / "tree", commit, "main")
    return place / "tree"


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *WHO, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def built(case: Case, root: Path) -> Path:
    """The repository of a case, watched."""
    for name, text in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    initialize(root, clock=SYSTEM)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "broken")
    return root


def trial(case: Case) -> dict[str, Any]:
    """One repository: what HEE made of it, and what an independent look says."""
    place = scratch()
    try:
        (place / "r").mkdir()
        root = built(case, place / "r")
        before = kept(root)
        source = Shell(root, case.jobs)
        with Workspace.open(root) as workspace:
            commit, branch = workspace.commit()
            pipeline.run(Cycle(workspace, source, commit, branch, judge=source))
            events = [(entry.event.type, dict(entry.event.data)) for entry in workspace.log.read()]
        was = judged(case, root, commit, place / "before")
        branches = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/hee/fix").split()
        looks = [look(case, root, name, was, place / f"after-{n}") for n, name in enumerate(branches)]
        return {
            "name": case.name, "expected": case.repaired, "published": len(branches), "untouched": kept(root) == before,
            "green": sum(each["green"] for each in looks), "regressions": sum(each["regressions"] for each in looks),
            "forbidden": sum(each["forbidden"] for each in looks),
            "fix_ms": [data["duration_ms"] for kind, data in events if kind == "fix.applied"],
            "rollback_ms": [data["duration_ms"] for kind, data in events if kind == "fix.rolled_back"],
        }  # fmt: skip
    finally:
        shutil.rmtree(place)


def kept(root: Path) -> tuple[str, str, str]:
    """What no repair may touch: the branch, the index and the worktree."""
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    return git(root, "rev-parse", "main"), git(root, "ls-files", "--stage"), repr(sorted(files.items()))


def judged(case: Case, root: Path, commit: str, place: Path) -> dict[str, bool]:
    """Every job on a commit, each in a plain clone: whether it is green."""
    found = {}
    for number, (key, command) in enumerate(case.jobs.items()):
        tree = place / str(number)
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(root), str(tree)], check=True)
        git(tree, "checkout", "--quiet", commit)
        found[key] = (
            subprocess.run(["bash", "-e", "-c", command], cwd=tree, capture_output=True, check=False).returncode == 0
        )
    return found


def look(case: Case, root: Path, branch: str, was: dict[str, bool], place: Path) -> dict[str, int]:
    """What a published repair is worth, beside what the jobs said of main."""
    now = judged(case, root, git(root, "rev-parse", branch).strip(), place)
    changed = git(root, "diff", "--name-only", "main", branch).splitlines()
    bad = bool(set(changed) - set(case.may)) or bool(FORBIDDEN.search(git(root, "diff", "main", branch)))
    turned = sum(green and not now[key] for key, green in was.items())
    green = any(now[key] and not before for key, before in was.items()) and not turned
    return {"green": int(green), "regressions": turned, "forbidden": int(bad)}


def percentile(values: list[int], part: int) -> int | None:
    """The value that so many percent of the others do not exceed; None without one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)] if ordered else None


def totals(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all repositories."""
    fixes = [value for each in found for value in each["fix_ms"]]
    rollbacks = [value for each in found for value in each["rollback_ms"]]
    return {
        "repositories": len(found), "to_repair": sum(each["expected"] for each in found),
        "repaired": sum(each["expected"] and each["green"] > 0 for each in found),
        "published": sum(each["published"] for each in found), "published_green": sum(each["green"] for each in found),
        "regressions": sum(each["regressions"] for each in found), "forbidden": sum(each["forbidden"] for each in found),
        "left_alone": sum(not each["expected"] and not each["published"] for each in found),
        "untouched": sum(each["untouched"] for each in found),
        "fix_p50_ms": percentile(fixes, 50), "fix_p95_ms": percentile(fixes, 95), "rollback_p95_ms": percentile(rollbacks, 95),
    }  # fmt: skip


def main() -> int:
    """Runs the cases; ends with 1 if something got worse, or what was published is not green."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["HEE_HOME"] = home = tempfile.mkdtemp(prefix="hee-dozen-home-")
    try:
        found = [trial(case) for case in CASES if not wanted.only or case.name in wanted.only]
    finally:
        shutil.rmtree(home)
    figures = totals(found)
    if wanted.json:
        print(json.dumps({"trials": found, **figures}, indent=2))
    else:
        for each in found:
            print(
                f"{each['name']:38} published {each['published']}, green {each['green']}, fix {each['fix_ms']}, rollback {each['rollback_ms']} ms"
            )
        print(", ".join(f"{name} {value}" for name, value in figures.items()))
    good = (
        not figures["regressions"] and not figures["forbidden"] and figures["published"] == figures["published_green"]
    )
    return 0 if good and figures["untouched"] == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
