"""Brings `pnpm-lock.yaml` in step with its manifests, without upgrading anything and without running any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.relock import relock, tracked
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_ARGUMENTS = ("install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile")


class PnpmLock:
    """`pnpm install --lockfile-only`."""

    name = "pnpm-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("pnpm-lock.yaml",), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where pnpm's lock file is what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if "pnpm" in said else "the failure is not about pnpm-lock.yaml"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked pnpm-lock.yaml."""
        locks = tracked(tools, "pnpm-lock.yaml")
        if not locks:
            return Declined("git tracks no pnpm-lock.yaml")
        env = {"CI": "true", "pnpm_config_store_dir": str(tools.home / "pnpm")}
        return relock(tools, tools.provide("pnpm"), locks, _ARGUMENTS, manifest="package.json", env=env)
