"""Applies ESLint's own fixes in the files that it named, with ESLint and its plugins as the repository's lockfile has them.

Only where every finding has a fix, which ESLint itself counts; the packages are installed without running their scripts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring import sandbox
from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolversion import pinned

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_SUFFIXES = (".js", ".jsx", ".cjs", ".mjs", ".ts", ".tsx", ".cts", ".mts", ".vue")
_NAMED = (r"^(?P<path>/?\S[^\n]*\.(?:[cm]?[jt]sx?|vue))$", r"^(?P<path>\S[^\n]*): line \d+, col \d+, Error - ")
_LOCK = "package-lock.json"


class EslintFix:
    """`eslint --fix` for layout and suggestions, never for what ESLint calls a problem."""

    name = "eslint"
    rows: tuple[str, ...] = ("lint-safe",)
    network = True
    terms = Terms(paths=tuple(f"*{suffix}" for suffix in _SUFFIXES), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where ESLint failed, in a repository whose lockfile is npm's."""
        if "eslint" not in diagnosis.title.casefold() and not gatecommand.mentions(tree, "eslint"):
            return "no gate of this repository calls `eslint`"
        return None if pinned("eslint", tree) and (tree / _LOCK).is_file() else f"no {_LOCK} pins eslint"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Installs what the lockfile names, and fixes what the log names."""
        files, pin, node = tools.named(*_NAMED, suffixes=_SUFFIXES), pinned("eslint", tree), sandbox.find("node")
        if not files or pin is None:
            return Declined("the job's log names no tracked file that eslint would change")
        if node is None:
            raise ToolMissing("node is not installed", hint="install Node.js")
        npm = tools.provide("npm")
        if (
            tools.run(
                npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", network=True
            ).exit_code
            != 0
        ):
            return Declined(f"npm {npm.version} could not install what {_LOCK} names")
        eslint = replace(
            npm,
            name="eslint",
            version=pin.version,
            argv=(node, "node_modules/eslint/bin/eslint.js"),
            source=f"pinned by {_LOCK}",
        )
        done = tools.run(eslint, "--fix", "--fix-type", "layout,suggestion", "--no-warn-ignored", "--", *files)
        if done.exit_code == 2:  # an older ESLint does not know that option
            done = tools.run(eslint, "--fix", "--fix-type", "layout,suggestion", "--", *files)
        if done.timed_out or done.exit_code not in (0, 1):
            return Declined(f"eslint {pin.version} could not process the files (exit status {done.exit_code})")
        return Change(f"Apply ESLint's fixes in {len(files)} file{'' if len(files) == 1 else 's'}", str(eslint))
