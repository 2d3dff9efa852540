"""Brings `uv.lock` in step with its manifest, without upgrading anything: versions that still fit stay."""

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


class UvLock:
    """`uv lock`."""

    name = "uv-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("uv.lock",), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where uv's lockfile is what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        if re.search(r"\buv\b|uv\.lock", said):
            return None
        alone = (tree / "uv.lock").is_file() and not any(
            (tree / n).exists() for n in ("poetry.lock", "package-lock.json", "Cargo.lock")
        )
        return None if alone else "the failure is not about uv.lock"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Locks again in each folder with a tracked uv.lock."""
        locks = tracked(tools, "uv.lock")
        if not locks:
            return Declined("git tracks no uv.lock")
        return relock(tools, tools.provide("uv"), locks, ("lock", "--quiet"), manifest="pyproject.toml")
