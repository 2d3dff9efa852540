"""Brings `package-lock.json` in step with its manifest, without upgrading anything and without running any script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.relock import relock, tracked
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_ARGUMENTS = ("install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class NpmLock:
    """`npm install --package-lock-only --ignore-scripts`."""

    name = "npm-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("package-lock.json", "npm-shrinkwrap.json"), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where npm's lockfile is what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if re.search(r"(?<!p)npm\b|package-lock", said) else "the failure is not about package-lock.json"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked package-lock.json."""
        locks = tracked(tools, *self.terms.paths)
        if not locks:
            return Declined("git tracks no package-lock.json")
        return relock(tools, tools.provide("npm"), locks, _ARGUMENTS, manifest="package.json")
