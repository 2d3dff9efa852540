"""Applies the safe fixes of `ruff check` for the rules that change layout, imports or spelling, not behavior.

Only fixes that ruff itself declares safe, only for the rules in `_MECHANICAL`, only in the files that the gate named.
What else the linter reports stays, and the gate then says so.
"""

from __future__ import annotations

import re
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
    r"^(?P<path>\S[^:\n]*):\d+:\d+: [A-Z]{1,6}\d{2,4}\b",
    r"^[A-Z]{1,6}\d{2,4} [^\n]*\n\s*--> (?P<path>\S.*?):\d+:\d+\s*$",
    r"^::(?:error|warning) title=[Rr]uff[^\n]*?,file=(?P<path>[^,\n]+),",
)
_CODE = re.compile(
    r"^(?:\S[^:\n]*:\d+:\d+: |::(?:error|warning) title=[Rr]uff \()?(?P<code>[A-Z]{1,6}\d{2,4})(?:\)| (?:\[\*\] )?[^\n]*$)",
    re.MULTILINE,
)
_MECHANICAL = re.compile(r"I\d+|W\d+|UP\d+|Q\d+|COM\d+|F401|F541")
_OPTIONS = {
    "--select": True, "--extend-select": True, "--ignore": True, "--extend-ignore": True, "--line-length": True, "--config": True,
    "--target-version": True, "--preview": False, "--isolated": False,
}  # fmt: skip


def _fix(tree: Path, tools: Tools, allowed: re.Pattern[str]) -> Change | Declined:
    codes = sorted(
        {found.group("code") for found in _CODE.finditer(tools.log) if allowed.fullmatch(found.group("code"))}
    )
    if not codes:
        return Declined("none of the findings is of a rule with a mechanical fix")
    options = gatecommand.options(tree, ("ruff", "check"), _OPTIONS) or gatecommand.options(tree, ("ruff",), _OPTIONS)
    arguments = ["check", "--fix", "--no-unsafe-fixes", "--quiet", f"--fixable={','.join(codes)}", *options]
    files = tools.named(*_NAMED, suffixes=(".py", ".pyi"))
    done = rewrite(tools, "ruff", arguments, files, verb="Fix", fine=(0, 1))
    if isinstance(done, Change):
        return Change(f"{done.summary} ({', '.join(codes[:8])})", done.tool)
    return done


def _uses_ruff(diagnosis: Diagnosis, tree: Path) -> str | None:
    if "ruff" in f"{diagnosis.title} {diagnosis.text}".casefold() or gatecommand.mentions(tree, "ruff"):
        return None
    return "no gate of this repository calls `ruff`"


class RuffImports:
    """`ruff check --fix` for the order of imports alone; refuses when other rules were broken too."""

    name = "ruff-imports"
    rows: tuple[str, ...] = ("import-order", "lint-safe")
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.IMPORTS)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where a gate calls ruff."""
        return _uses_ruff(diagnosis, tree)

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Sorts the imports of the files that the log names."""
        others = {found.group("code") for found in _CODE.finditer(tools.log)} - {"I001"}
        if others:
            return Declined("the linter reports more than the order of imports")
        return _fix(tree, tools, re.compile("I001"))


class RuffLint:
    """`ruff check --fix` for mechanical rules."""

    name = "ruff-lint"
    rows: tuple[str, ...] = ("lint-safe",)
    network = False
    terms = Terms(paths=("*.py", "*.pyi"), keeps=Keeps.SYNTAX)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where a gate calls ruff."""
        return _uses_ruff(diagnosis, tree)

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Applies the safe fixes in the files that the log names."""
        return _fix(tree, tools, _MECHANICAL)
