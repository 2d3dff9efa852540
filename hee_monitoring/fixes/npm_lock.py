"""Brings `package-lock.json` in step with its manifest, without upgrading anything and without running any script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_HOSTS = re.compile(rb'"resolved": "(https?://[^/"\n]+)/')


class NpmLock:
    """`npm install --package-lock-only --ignore-scripts`."""

    name = "npm-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("package-lock.json", "npm-shrinkwrap.json"), keeps=Keeps.NOTHING, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where npm's lockfile is what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if re.search(r"(?<!p)npm\b|package-lock", said) else "the failure is not about package-lock.json"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked package-lock.json."""
        locks = sorted(
            path for path in tools.modes if path.rpartition("/")[2] in self.terms.paths and tools.is_file(path)
        )
        if not locks:
            return Declined("git tracks no package-lock.json")
        tool = tools.provide("npm")
        arguments = (
            "install",
            "--package-lock-only",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        )
        for lock in locks:
            before = tools.read(lock) or b""
            done = tools.run(tool, *arguments, folder=lock.rpartition("/")[0])
            if done.exit_code != 0:
                return Declined(f"npm {tool.version} could not resolve the dependencies (exit status {done.exit_code})")
            new = set(_HOSTS.findall(tools.read(lock) or b"")) - set(_HOSTS.findall(before))
            if _HOSTS.search(before) and new:
                return Declined("npm would write another registry into the lockfile than the one it has")
        return Change("Bring package-lock.json in step with its manifest", str(tool))
