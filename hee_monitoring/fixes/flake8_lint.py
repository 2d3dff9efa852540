"""Repairs what flake8 finds and a tool can repair without judgement: layout with autopep8, unused imports with ruff.

Layout is repaired with exactly the codes that failed, and the program stays the same, which the diff policy proves. Taking away an
import is another matter: it is tried only where a person approved it, and never in an `__init__.py`, whose imports are its interface.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolrun import rewrite
from hee_monitoring.fixes.toolversion import Pin

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_FINDING = re.compile(r"^(?P<path>\S[^:\n]*\.pyi?):\d+:\d+: (?P<code>[A-Z]{1,4}\d{2,4}) ", re.MULTILINE)
_NAMED = (_FINDING.pattern,)
_LAYOUT = re.compile(r"E1\d\d|E2\d\d|E30[1-6]|E70[123]|W29[123]|W391")
_AUTOPEP8 = Pin("2.3.2", "HEE, since the repository pins none")


def _codes(tools: Tools) -> set[str]:
    return {found["code"] for found in _FINDING.finditer(tools.log)}


def _uses_flake8(diagnosis: Diagnosis, tree: Path) -> str | None:
    if "flake8" in diagnosis.title.casefold() or gatecommand.mentions(tree, "flake8"):
        return None
    return "no gate of this repository calls `flake8`"


class Flake8Layout:
    """`autopep8 --select` of the layout codes that failed."""

    name = "flake8-layout"
    rows: tuple[str, ...] = ("lint-safe",)
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.CODE)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where a gate calls flake8."""
        return _uses_flake8(diagnosis, tree)

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Repairs the files that the log names, if all their findings are of layout."""
        codes = sorted(_codes(tools))
        if others := [code for code in codes if not _LAYOUT.fullmatch(code)]:
            return Declined(f"flake8 finds more than layout: {others[0]}")
        options = gatecommand.options(tree, ("flake8",), {"--max-line-length": True})
        arguments = ["--in-place", f"--select={','.join(codes)}", *options]
        return rewrite(
            tools, "autopep8", arguments, tools.named(*_NAMED), verb="Repair the layout of", otherwise=_AUTOPEP8
        )


class Flake8Imports:
    """`ruff check --select F401 --fix`: ruff tells apart what is used otherwise."""

    name = "flake8-imports"
    rows: tuple[str, ...] = ("lint",)
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.SYNTAX)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where a gate calls flake8."""
        return _uses_flake8(diagnosis, tree)

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Takes away the unused imports of the files that the log names, if nothing else was found."""
        if others := sorted(_codes(tools) - {"F401"}):
            return Declined(f"flake8 finds more than unused imports: {others[0]}")
        files = tools.named(*_NAMED)
        if any(path.endswith("/__init__.py") or path == "__init__.py" for path in files):
            return Declined("an __init__.py imports what others use")
        arguments = ["check", "--isolated", "--quiet", "--select=F401", "--fix", "--no-unsafe-fixes"]
        return rewrite(tools, "ruff", arguments, files, verb="Remove unused imports of", fine=(0, 1))
