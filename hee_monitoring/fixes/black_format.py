"""Formats the Python files that `black --check` named, with the pinned black and the gate's own options."""

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

_NAMED = (r"^would reformat (?P<path>\S.*)$", r"^--- (?P<path>\S.*?\.pyi?)\t")
_OPTIONS = {
    "--line-length": True, "-l": True, "--target-version": True, "-t": True, "--config": True, "--skip-string-normalization": False,
    "-S": False, "--skip-magic-trailing-comma": False, "-C": False, "--preview": False, "--pyi": False,
}  # fmt: skip


class BlackFormat:
    """`black`."""

    name = "black"
    rows: tuple[str, ...] = ("format",)
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.CODE)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where black is the formatter that failed, or one that the gates call."""
        if "black" in f"{diagnosis.title} {diagnosis.text}".casefold() or gatecommand.mentions(tree, "black"):
            return None
        return "no gate of this repository calls `black`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Formats what the log names."""
        options = gatecommand.options(tree, ("black",), _OPTIONS)
        return rewrite(
            tools, "black", ["--quiet", *options], tools.named(*_NAMED, suffixes=(".py", ".pyi")), verb="Format"
        )
