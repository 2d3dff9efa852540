"""Applies Biome's own safe fixes and its layout in the files that it named, with the Biome that the repository pins."""

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

_SUFFIXES = (".js", ".jsx", ".cjs", ".mjs", ".ts", ".tsx", ".cts", ".mts", ".json", ".jsonc", ".css")
_NAMED = (r"^(?P<path>\S+?)(?::\d+:\d+)? (?:lint/|assist/|format\b|organizeImports\b)",)


class BiomeFix:
    """`biome check --write`, without `--unsafe`."""

    name = "biome"
    rows: tuple[str, ...] = ("format", "lint-safe", "lint")
    network = False
    terms = Terms(paths=tuple(f"*{suffix}" for suffix in _SUFFIXES), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where Biome failed, or a gate calls it."""
        if "biome" in f"{diagnosis.title} {diagnosis.text}".casefold() or gatecommand.mentions(tree, "biome"):
            return None
        return "no gate of this repository calls `biome`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Repairs what the log names; what has no safe fix stays, and the gate says so."""
        files = tools.named(*_NAMED, suffixes=_SUFFIXES)
        return rewrite(tools, "biome", ["check", "--write", "--colors=off"], files, verb="Fix", fine=(0, 1))
