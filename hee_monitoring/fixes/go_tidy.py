"""Brings `go.mod` and `go.sum` in step with the sources, without upgrading what is required already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.relock import relock, tracked
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools


class GoTidy:
    """`go mod tidy`."""

    name = "go-mod-tidy"
    rows: tuple[str, ...] = ("lockfile",)
    network = True
    terms = Terms(paths=("go.mod", "go.sum"), creates=("go.sum",), keeps=Keeps.PINS, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where Go's module files are what failed."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        named = ("go.mod", "go.sum", "mod tidy")
        return None if any(word in said for word in named) else "the failure is not about go.mod or go.sum"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Tidies each tracked module; nothing that it requires may move."""
        modules = tracked(tools, "go.mod")
        if not modules:
            return Declined("git tracks no go.mod")
        env = {
            "GOFLAGS": "-mod=mod",
            "GOTOOLCHAIN": "local",
            "GOPATH": str(tools.home / "go"),
            "GOCACHE": str(tools.home / "go-build"),
        }
        return relock(tools, tools.provide("go"), modules, ("mod", "tidy"), manifest="go.mod", env=env)
