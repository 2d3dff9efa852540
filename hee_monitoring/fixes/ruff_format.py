"""Formats the files (Python, and Python inside Markdown) that `ruff format --check` named, with the pinned ruff and the gate's own options."""

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

_NAMED = (
    r"^Would reformat: (?P<path>\S.*)$",
    r"^(?P<path>\S[^:\n]*):\d+:\d+: unformatted: File would be reformatted",
    r"^unformatted: File would be reformatted\n\s*--> (?P<path>\S.*?):\d+:\d+\s*$",
    r"^--- (?P<path>\S.*?\.pyi?)$",
)
_OPTIONS = {"--line-length": True, "--config": True, "--target-version": True, "--preview": False, "--isolated": False}


class RuffFormat:
    """`ruff format`."""

    name = "ruff-format"
    rows: tuple[str, ...] = ("format",)
    network = False
    terms = Terms(paths=("*.py", "*.pyi", "*.md"), keeps=Keeps.CODE)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where ruff is the formatter that failed, or one that the gates call."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        if "ruff" in said or "would reformat: " in said or gatecommand.mentions(tree, "ruff", "format"):
            return None
        return "no gate of this repository calls `ruff format`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Formats what the log names."""
        options = gatecommand.options(tree, ("ruff", "format"), _OPTIONS)
        files = tools.named(*_NAMED, suffixes=(".py", ".pyi", ".md"))
        return rewrite(tools, "ruff", ["format", "--quiet", *options], files, verb="Format")
