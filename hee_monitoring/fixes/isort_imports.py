"""Sorts the imports of the files that `isort --check-only` named, with the pinned isort and the gate's own options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolrun import rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_NAMED = (r"^ERROR: (?P<path>\S.*) Imports are incorrectly sorted and/or formatted\.",)
_OPTIONS = {
    "--profile": True,
    "--line-length": True,
    "-l": True,
    "--force-single-line-imports": False,
    "--sl": False,
    "--trailing-comma": False,
}


class IsortImports:
    """`isort`."""

    name = "isort"
    rows: tuple[str, ...] = ("import-order", "format")
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.IMPORTS)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where isort is the tool that failed."""
        if (
            "isort" in f"{diagnosis.title} {diagnosis.text}".casefold()
            or "Imports are incorrectly sorted" in diagnosis.text
        ):
            return None
        return None if gatecommand.mentions(tree, "isort") else "no gate of this repository calls `isort`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Sorts what the log names."""
        options = gatecommand.options(tree, ("isort",), _OPTIONS)
        files = tools.named(*_NAMED, suffixes=(".py", ".pyi"))
        return rewrite(tools, "isort", ["--quiet", *options], files, verb="Sort the imports of")
