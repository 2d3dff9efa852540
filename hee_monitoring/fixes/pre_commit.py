"""Runs the pre-commit hooks that the job's log says changed files, and keeps what they change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes import confined, gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_CHANGED = re.compile(
    r"^- hook id: (?P<hook>[\w.-]+)\s*\n(?:- [^\n]*\n)*?- files were modified by this hook", re.MULTILINE
)


class PreCommit:
    """`pre-commit run <hook> --all-files`: the repository's own fixer."""

    name = "pre-commit"
    rows: tuple[str, ...] = ("format", "whitespace", "import-order", "lint-safe")
    network = True
    terms = Terms(paths=("**",), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where a gate runs pre-commit."""
        if confined.read(tree, ".pre-commit-config.yaml") is None:
            return "the repository has no .pre-commit-config.yaml"
        return None if gatecommand.mentions(tree, "pre-commit") else "no gate of this repository calls `pre-commit`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Runs each hook that changed files, once."""
        hooks = sorted({found.group("hook") for found in _CHANGED.finditer(tools.log)})
        if not hooks:
            return Declined("the job's log names no hook that modified files")
        tool = tools.provide("pre-commit")
        if tools.run(tool, "install-hooks", "--color=never", network=True).exit_code != 0:
            return Declined("pre-commit could not install the hooks")
        for hook in hooks:
            done = tools.run(tool, "run", "--all-files", "--color=never", hook)
            if done.timed_out or done.exit_code not in (0, 1):
                return Declined(f"pre-commit could not run the hook (exit status {done.exit_code})")
        return Change(f"Keep what {len(hooks)} pre-commit hook{'' if len(hooks) == 1 else 's'} changed", str(tool))
