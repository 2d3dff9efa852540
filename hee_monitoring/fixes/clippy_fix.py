"""Applies the suggestions of Clippy that it calls machine-applicable, in the packages that it named.

Crates are fetched first; what is built then, build scripts and macros too, runs without network. Tried where a person approved it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_monitoring.fixes.cargo_fmt import package
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_NAMED = (r"^\s*--> (?P<path>\S+\.rs):\d+:\d+$",)


class ClippyFix:
    """`cargo clippy --fix`."""

    name = "clippy"
    rows: tuple[str, ...] = ("lint",)
    network = True
    terms = Terms(paths=("*.rs",), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where Clippy is what failed."""
        return None if "clippy" in f"{diagnosis.title} {diagnosis.text}".casefold() else "the failure is not Clippy's"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Fixes the package of each file that the log names."""
        files = tools.named(*_NAMED, suffixes=(".rs",))
        packages = sorted({folder for path in files if (folder := package(tools, path)) is not None})
        if not packages:
            return Declined("the job's log names no file of a package")
        cargo = tools.provide("cargo")
        env = {"CARGO_TARGET_DIR": str(tools.home / "target"), "CARGO_HOME": str(tools.home / "cargo")}
        for folder in packages:
            locked = ("--locked",) if tools.is_file(f"{folder}/Cargo.lock".lstrip("/")) else ()
            if tools.run(cargo, "fetch", "--quiet", *locked, folder=folder, env=env, network=True).exit_code != 0:
                return Declined("cargo could not fetch the crates")
            arguments = (
                "clippy",
                "--fix",
                "--allow-dirty",
                "--allow-staged",
                "--allow-no-vcs",
                "--offline",
                *locked,
                "--quiet",
                "--all-targets",
            )
            done = tools.run(cargo, *arguments, folder=folder, env=env)
            if done.timed_out or done.exit_code != 0:
                return Declined(f"cargo clippy could not process the package (exit status {done.exit_code})")
        count = f"{len(packages)} package{'' if len(packages) == 1 else 's'}"
        return Change(f"Apply Clippy's suggestions in {count}", str(replace(cargo, name="cargo clippy")))
