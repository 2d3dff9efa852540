"""Formats the files that `prettier --check` named, with the pinned prettier."""

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

_NAMED = (r"^\[(?:warn|error)\] (?P<path>[^\s].*\.[A-Za-z0-9]+)$",)
_OPTIONS = {
    "--config": True,
    "--tab-width": True,
    "--print-width": True,
    "--single-quote": False,
    "--no-semi": False,
    "--use-tabs": False,
}


class Prettier:
    """`prettier --write`."""

    name = "prettier"
    rows: tuple[str, ...] = ("format",)
    network = False
    terms = Terms(paths=("**",), keeps=Keeps.CODE)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where prettier is the tool that failed."""
        if "prettier" in f"{diagnosis.title} {diagnosis.text}".casefold() or gatecommand.mentions(tree, "prettier"):
            return None
        return "no gate of this repository calls `prettier`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Formats what the log names."""
        options = gatecommand.options(tree, ("prettier",), _OPTIONS)
        return rewrite(
            tools, "prettier", ["--write", "--log-level=error", *options], tools.named(*_NAMED), verb="Format"
        )
