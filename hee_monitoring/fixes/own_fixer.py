"""Runs the fixer that the repository declares itself: `make format`, `npm run lint:fix`, `tox -e fmt`, `nox -s format`, a script.

Only targets whose names say that they fix (`ownfixers` finds them), never one that a workflow runs, and only one that calls the tool
that failed. The tools it calls are those that the repository pins; what it installs is installed first, after everything that the files
alone can decide, and it runs without network.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from hee_monitoring import sandbox
from hee_monitoring.fixes import confined, ownfixers
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolcache import Tool
from hee_monitoring.fixes.toolversion import Pin, pinned

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.ownfixers import Fixer
    from hee_monitoring.fixes.tools import Tools

_PYTHON = ("ruff", "black", "isort", "autopep8", "pre-commit")
_NODE = ("prettier", "eslint", "stylelint")  # names that are those of their packages
_NAMED = (r"(?<![\w@.+/-])(?P<path>[\w@.+/-]{0,300}[\w+-]\.\w{1,8})\b",)
_TOX = Pin("4.67.15", "HEE, since the repository pins none")
_NOX = Pin("2026.10.20", "HEE, since the repository pins none")


class OwnFixer:
    """The repository's own word for repairing layout and lint."""

    name = "own-fixer"
    rows: tuple[str, ...] = ("format", "import-order", "whitespace", "lint-safe")
    network = True
    terms = Terms(paths=("**",), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where the repository declares a fixer that calls the tool that failed."""
        return None if ownfixers.fitting(diagnosis, tree) else "the repository declares no fixer for this"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:
        """Runs the first that fits; where the failure names files, it has to change some of them and no other."""
        fixer = ownfixers.fitting(diagnosis, tree)[0]
        if fixer.kind in ("tox", "nox") and (loose := [name for name in _called(fixer) if pinned(name, tree) is None]):
            return Declined(f"`{fixer}` would install whatever {loose[0]} is the newest")
        if fixer.kind == "npm" and (
            absent := [name for name in _NODE if name in fixer.recipe and not pinned(name, tree)]
        ):
            return Declined(f"`{fixer}` calls {absent[0]}, which the lock file does not have")
        named, before = tools.named(*_NAMED), _stamps(tree)
        tool, commands = self._prepared(fixer, tools)
        env = {"PATH": f"{self._shelf(fixer, tools)}:{sandbox.path()}"}
        for words, network in commands:
            done = tools.run(tool, *words, env=env, network=network)
            if done.timed_out or done.exit_code != 0:
                return Declined(f"`{fixer}` did not succeed (exit status {done.exit_code})")
        after = _stamps(tree)
        changed = sorted(path for path in tools.modes if before.get(path) != after.get(path))
        if named and not set(changed) & set(named):
            return Declined(f"`{fixer}` changes none of the files that the failure names")
        if named and (more := [path for path in changed if path not in named]):
            return Declined(f"`{fixer}` changes more than the failure names: {more[0]}")
        return Change(f"Keep what `{fixer}` changed", str(tool))

    def _prepared(self, fixer: Fixer, tools: Tools) -> tuple[Tool, list[tuple[tuple[str, ...], bool]]]:
        """The program and the arguments of each run; only those that install have the network."""
        target = fixer.target
        if fixer.kind == "tox":
            place = f"--workdir={tools.home / 'tox'}"
            run = ("run", place, "-e", target)
            return tools.provide("tox", _TOX), [((*run, "--notest"), True), ((*run, "--skip-pkg-install"), False)]
        if fixer.kind == "nox":
            place = f"--envdir={tools.home / 'nox'}"
            return tools.provide("nox", _NOX), [
                ((place, "-s", target, "--install-only"), True),
                ((place, "-R", "-s", target), False),
            ]
        if fixer.kind == "npm":
            installs = (("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"), True)
            return tools.provide("npm"), [installs, (("run", "--silent", target), False)]
        if fixer.kind == "script":
            return Tool("sh", "", ("sh", "-c", f"exec {shlex.quote(f'./{target}')}"), f"{target} of the repository"), [
                ((), False)
            ]
        return tools.provide(fixer.kind), [((target,), False)]

    def _shelf(self, fixer: Fixer, tools: Tools) -> Path:
        """A folder with the pinned versions of the tools that the fixer calls, to stand first on its PATH."""
        shelf = tools.home / "shelf"
        shelf.mkdir(exist_ok=True)
        for name in _called(fixer):
            words = " ".join(map(shlex.quote, tools.provide(name).argv))
            (shelf / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
            (shelf / name).chmod(0o755)
        return shelf


def _called(fixer: Fixer) -> list[str]:
    return [name for name in _PYTHON if re.search(rf"(?<![\w-]){name}(?![\w-])", fixer.recipe)]


def _stamps(tree: Path) -> dict[str, tuple[int, int, int]]:
    return {path: (facts.st_mtime_ns, facts.st_size, facts.st_ino) for path, facts in confined.walk(tree)}
