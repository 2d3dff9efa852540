"""Formats the Go files that a gate named, with the gofmt of this machine: its layout has not changed since Go 1.19."""

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
    r"^(?:diff (?:-u )?)?(?P<path>\S+\.go)(?:\.orig \S+)?\s*$",
    r"^(?P<path>\S+\.go):\d+(?::\d+)?: File is not .?(?:gofmt|gofumpt|goimports|properly formatted)",
    r"^(?:\+\+\+|---) (?P<path>\S+\.go)(?:\.orig)?(?:\t|$)",
)


class GoFmt:
    """`gofmt -w`."""

    name = "gofmt"
    rows: tuple[str, ...] = ("format",)
    network = False
    terms = Terms(paths=("*.go",), keeps=Keeps.CODE)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where gofmt is the formatter that failed, or one that the gates call."""
        if "gofmt" in f"{diagnosis.title} {diagnosis.text}".casefold() or gatecommand.mentions(tree, "gofmt"):
            return None
        return "no gate of this repository calls `gofmt`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Formats what the log names; `-s` where the gate has it."""
        options = gatecommand.options(tree, ("gofmt",), {"-s": False})
        return rewrite(tools, "gofmt", ["-w", *options], tools.named(*_NAMED, suffixes=(".go",)), verb="Format")
