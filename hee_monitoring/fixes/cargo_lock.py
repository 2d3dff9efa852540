"""Brings `Cargo.lock` in step with its manifests, without upgrading anything, with the toolchain that the repository selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.relock import relock, tracked
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools


class CargoLock:
    """`cargo update --workspace`, which writes the workspace's own entries and what they newly need."""

    name = "cargo-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("Cargo.lock",), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where Cargo's lock file is what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if "cargo" in said else "the failure is not about Cargo.lock"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked Cargo.lock."""
        locks = tracked(tools, "Cargo.lock")
        if not locks:
            return Declined("git tracks no Cargo.lock")
        return relock(tools, tools.provide("cargo"), locks, ("update", "--workspace", "--quiet"), manifest="Cargo.toml")
