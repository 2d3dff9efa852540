"""Brings `uv.lock` in step with its manifest, without upgrading anything: versions that still fit stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_REGISTRIES = re.compile(rb'\bregistry = "([^"\n]+)"')


class UvLock:
    """`uv lock`."""

    name = "uv-lock"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("uv.lock",), keeps=Keeps.NOTHING, whole_tree=True)

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
        locks = sorted(path for path in tools.modes if path.rpartition("/")[2] == "uv.lock" and tools.is_file(path))
        if not locks:
            return Declined("git tracks no uv.lock")
        tool = tools.provide("uv")
        for lock in locks:
            before = tools.read(lock) or b""
            done = tools.run(tool, "lock", "--quiet", folder=lock.rpartition("/")[0])
            if done.exit_code != 0:
                return Declined(f"uv {tool.version} could not resolve the dependencies (exit status {done.exit_code})")
            new = set(_REGISTRIES.findall(tools.read(lock) or b"")) - set(_REGISTRIES.findall(before))
            if before and _REGISTRIES.search(before) and new:
                return Declined("uv would write another package index into the lockfile than the one it has")
        return Change("Bring uv.lock in step with its manifest", str(tool))
