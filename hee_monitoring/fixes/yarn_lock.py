"""Brings `yarn.lock` in step with its manifests, with the Yarn that wrote it (classic or berry), without upgrading anything.

No script of a package runs. A repository whose Yarn loads plugins is left to people: they are code with the network on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes import confined
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.relock import relock, tracked
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools


class YarnLock:
    """`yarn install`, without installing what it locks."""

    name = "yarn-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("yarn.lock",), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where Yarn's lock file is what failed."""
        if b"plugins:" in (confined.read(tree, ".yarnrc.yml") or b""):
            return "the repository's Yarn loads plugins"
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if "yarn" in said or "yn00" in said else "the failure is not about yarn.lock"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked yarn.lock, all of which one Yarn wrote."""
        locks = tracked(tools, "yarn.lock")
        berry = {b"__metadata:" in (tools.read(lock) or b"") for lock in locks}
        if len(berry) != 1:
            return Declined("git tracks no yarn.lock, or some of different kinds")
        if berry.pop():
            env = {
                "YARN_IGNORE_PATH": "1", "YARN_ENABLE_SCRIPTS": "0", "YARN_ENABLE_TELEMETRY": "0", "YARN_ENABLE_IMMUTABLE_INSTALLS": "0",
                "YARN_GLOBAL_FOLDER": str(tools.home / "yarn"), "YARN_ENABLE_GLOBAL_CACHE": "1",
            }  # fmt: skip
            tool = tools.provide("yarn-berry")
            return relock(tools, tool, locks, ("install", "--mode=update-lockfile"), manifest="package.json", env=env)
        place = f"--modules-folder={tools.home / 'yarn-modules'}"
        arguments = ("install", "--ignore-scripts", "--non-interactive", "--no-progress", "--no-default-rc", place)
        return relock(tools, tools.provide("yarn"), locks, arguments, manifest="package.json")
