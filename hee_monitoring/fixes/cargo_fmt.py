"""Formats the packages whose files `cargo fmt --check` named, with the toolchain that the repository selects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring import sandbox
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_NAMED = (r"^Diff in (?P<path>\S[^\n]*?)(?: at line |:)\d+:?\s*$",)


class CargoFmt:
    """`cargo fmt`."""

    name = "cargo-fmt"
    rows: tuple[str, ...] = ("format",)
    network = False
    terms = Terms(paths=("*.rs",), keeps=Keeps.CODE, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where rustfmt is the tool that failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        return None if "rustfmt" in said or said.rpartition(" diff in ")[1] else "the failure is not rustfmt's"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Formats the package of each file that the log names."""
        files = tools.named(*_NAMED, suffixes=(".rs",))
        packages = sorted({folder for path in files if (folder := package(tools, path)) is not None})
        if not packages:
            return Declined("the job's log names no file of a package")
        cargo = sandbox.find("cargo")
        if cargo is None:
            raise ToolMissing("cargo is not installed", hint="install Rust (https://rustup.rs)")
        tool = replace(tools.provide("rustfmt"), argv=(cargo, "fmt"))
        for folder in packages:
            done = tools.run(tool, "--all", folder=folder)
            if done.exit_code != 0:
                return Declined(f"cargo fmt could not process the package (exit status {done.exit_code})")
        return Change(f"Format {len(packages)} package{'' if len(packages) == 1 else 's'} with cargo fmt", str(tool))


def package(tools: Tools, path: str) -> str | None:
    """The folder of the nearest manifest above a file."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if tools.is_file(f"{folder}/Cargo.toml".lstrip("/")):
            return folder
    return None
