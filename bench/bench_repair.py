"""Repairs real broken commits, each with the gate that failed upstream as the only job of a workflow, and says how it went.

    python bench/bench_repair.py --trials fixpairs.tsv --mirrors DIR [--only NAME ...] [--json]

A row of the table names a repository (`DIR/owner+name/repo` is a git directory that has it), the broken commit, upstream's
fix, the tools with their versions and the command that checks. The workflow of the trial installs the tools and runs the
command; `hee monitor --once` does the rest. None of the repositories' text is kept or printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HEE = [sys.executable, "-m", "hee_monitoring.cli.main"]
WHO = ["-c", "user.name=Trial", "-c", "user.email=trial@example.org", "-c", "commit.gpgsign=false"]
FIXED = ("verified", "applied")


def git(place: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *WHO, *arguments], cwd=place, check=True, capture_output=True, text=True
    ).stdout.strip()


def workflow(row: dict[str, str]) -> str:
    """One job that runs the gate as upstream ran it."""
    setup = "" if row["tools"].startswith("npx") else (
        "      - uses: actions/setup-python@v5\n        with: {python-version: '3.11'}\n"
        f"      - run: pip install {row['tools']}\n"
    )  # fmt: skip
    command = "\n".join(f"          {line}" for line in row["check_cmd"].splitlines())
    return (
        "name: trial\non: push\npermissions: {contents: read}\njobs:\n  trial:\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n"
        f"    steps:\n      - uses: actions/checkout@v4\n{setup}      - run: |\n{command}\n"
    )


def prepared(row: dict[str, str], mirror: Path, place: Path) -> Path:
    """The broken commit with the trial's workflow on top, in a repository of its own that HEE watches."""
    root = place / "repository"
    subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(mirror), str(root)], check=True)
    git(root, "checkout", "--quiet", "-B", "main", row["broken_commit"])
    git(root, "remote", "remove", "origin")
    shutil.rmtree(root / ".github" / "workflows", ignore_errors=True)
    (root / ".github" / "workflows").mkdir(parents=True)
    (root / ".github" / "workflows" / "trial.yml").write_text(workflow(row), encoding="utf-8")
    subprocess.run([*HEE, "init"], cwd=root, check=True, capture_output=True)
    git(root, "add", "--all", ".github", "hee.yaml")
    git(root, "commit", "--quiet", "--no-verify", "--message", "trial")
    return root


def trial(row: dict[str, str], mirror: Path, place: Path) -> dict[str, Any]:
    """One trial: what the gate's failure was taken for, and how its repair ended."""
    try:
        root = prepared(row, mirror, place)
    except subprocess.CalledProcessError as error:
        return {
            "name": row["name"],
            "kind": row["kind"],
            "outcome": "not prepared",
            "reason": str(error.stderr or error)[-200:],
            "seconds": 0.0,
        }
    started = time.monotonic()
    done = subprocess.run([*HEE, "monitor", "--once", "--json"], cwd=root, capture_output=True, text=True, check=False)
    spent = time.monotonic() - started
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return {
            "name": row["name"],
            "kind": row["kind"],
            "outcome": "error",
            "reason": done.stderr.strip()[-200:],
            "seconds": spent,
        }
    found = [
        failure
        for failure in told["failures"]
        if "trial" in json.dumps(failure["evidence"]) or failure["category"] not in ("governance", "spec")
    ]
    failure = found[0] if found else None
    fix = (failure or {}).get("fix") or {}
    answer = {
        "name": row["name"], "kind": row["kind"], "category": failure["category"] if failure else "none", "action": failure["action"] if failure else "",
        "outcome": fix.get("outcome") or "", "strategy": fix.get("strategy") or "", "reason": fix.get("reason") or "", "seconds": spent,
    }  # fmt: skip
    if fix.get("branch"):
        answer |= compared(row, root, fix["branch"])
    return answer


def compared(row: dict[str, str], root: Path, branch: str) -> dict[str, Any]:
    """How the repair compares with what upstream did by hand: files changed, and how many are byte for byte the same."""
    changed = git(root, "diff", "--name-only", f"{branch}^", branch).splitlines()
    same = sum(
        subprocess.run(
            ["git", "diff", "--quiet", branch, row["fixed_commit"], "--", path], cwd=root, check=False
        ).returncode
        == 0
        for path in changed
    )
    return {"files": len(changed), "as_upstream": same}


def main() -> None:
    """Runs the trials and prints a line each, then the totals."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=Path, required=True)
    arguments.add_argument("--mirrors", type=Path, required=True)
    arguments.add_argument("--only", action="append", default=[])
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    rows = list(csv.DictReader(options.trials.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))
    done = []
    for row in rows:
        mirror = options.mirrors / row["repo"].replace("/", "+") / "repo"
        if (options.only and row["name"] not in options.only) or not mirror.is_dir():
            continue
        place = Path(tempfile.mkdtemp(prefix="hee-trial-"))
        os.environ["HEE_HOME"] = str(place / "home")
        try:
            done.append(trial(row, mirror, place))
        finally:
            shutil.rmtree(place, ignore_errors=True)
        if not options.json:
            print(
                "  ".join(
                    f"{key}={value:.0f}" if isinstance(value, float) else f"{key}={value}"
                    for key, value in done[-1].items()
                ),
                flush=True,
            )
    red = [each for each in done if each.get("category") not in ("none", None)]
    fixed = [each for each in red if each["outcome"] in FIXED]
    times = sorted(each["seconds"] for each in fixed)
    if options.json:
        print(json.dumps({"trials": done, "reproduced": len(red), "repaired": len(fixed)}, indent=2))
    else:
        print(f"{len(done)} trials, {len(red)} reproduced, {len(fixed)} repaired and proved")
        if times:
            print(f"seconds from start to proof: median {times[len(times) // 2]:.0f}, largest {times[-1]:.0f}")


if __name__ == "__main__":
    main()
