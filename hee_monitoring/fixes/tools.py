"""What a strategy gets to work with: the checked-out tree, the failed job's log, and programs to run in the tree.

Responsible for finding the files that a gate named, for reading and writing them without following links, and for
running tools with caches outside the tree. What is done with them is the strategy's.

Invariant: a path that leaves here is a regular file that git tracks in this tree, whatever the log said.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from hee_monitoring import joblog, sandbox
from hee_monitoring.fixes import confined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hee_monitoring.fixes.history import History
    from hee_monitoring.fixes.toolcache import Tool, ToolCache
    from hee_monitoring.fixes.toolversion import Pin
    from hee_monitoring.sandbox import Completed


class Tools:
    """The hands of a strategy in one tree. `modes` are the tracked files with git's modes; `raw` is the job's log."""

    def __init__(
        self,
        tree: Path,
        modes: Mapping[str, str],
        raw: bytes,
        *,
        home: Path,
        cache: ToolCache,
        network: bool,
        history: History,
        timeout: float = 120.0,
    ) -> None:
        """`home` is outside the tree and shared by all tools of a repair; `timeout` is in seconds, for each program.

        Without `network` no program reaches it, where the machine can enforce that; with it, those that ask for it do.
        """
        self.tree = tree
        self.modes = modes
        self.home = home
        self.history = history
        self._raw = raw
        self._network = network
        self._timeout = timeout
        self._cache = cache
        self._tools: dict[str, Tool] = {}

    @cached_property
    def log(self) -> str:
        """The log without what runners put around it."""
        return b"".join(segment.text for segment in joblog.read(self._raw).segments()).decode("utf-8", "replace")

    def provide(self, name: str, otherwise: Pin | None = None) -> Tool:
        """The tool in the version that the repository pins, else `otherwise`; raises ToolMissing when it can't be had."""
        if name not in self._tools:
            said = self.log + self._raw[-2_000_000:].decode("utf-8", "replace")
            self._tools[name] = self._cache.provide(name, self.tree, said, otherwise)
        return self._tools[name]

    def run(
        self,
        tool: Tool,
        *arguments: str,
        folder: str = "",
        env: Mapping[str, str] | None = None,
        network: bool = False,
        merge: bool = True,
    ) -> Completed:
        """Runs the tool in a folder of the tree, with its caches in a home of its own.

        `network` is for a run that installs or resolves, and works only for a strategy that declares it. Without `merge` the
        two streams are kept apart.
        """
        caches = {
            "RUFF_NO_CACHE": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "BLACK_CACHE_DIR": str(self.home / "black"),
            "PRE_COMMIT_HOME": str(self.home / "pre-commit"),
            "NO_COLOR": "1",
        }
        return sandbox.run(
            [*tool.argv, *arguments],
            cwd=self.tree / folder, home=self.home, timeout=self._timeout, env=caches | dict(env or {}),
            network=self._network and network, merge=merge, only_write=(self.tree,),
        )  # fmt: skip

    def named(self, *patterns: str, suffixes: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The tracked files that group `path` of any pattern finds in the log, in sorted order."""
        found: set[str] = set()
        for pattern in patterns:
            for match in re.finditer(pattern, self.log, re.MULTILINE):
                path = self.resolve(match.group("path"))
                if path is not None and path.endswith(suffixes or ("",)):
                    found.add(path)
        return tuple(sorted(found))

    def resolve(self, text: str) -> str | None:
        """The one tracked regular file that a tool meant by this path, whatever folder it ran in; else None."""
        parts = [part for part in text.strip().strip("'\"`").replace("\\", "/").split("/") if part not in ("", ".")]
        for start in range(len(parts)):
            path = "/".join(parts[start:])
            if self.is_file(path):
                return path
        below = "/" + "/".join(parts)
        candidates = self._by_name.get(parts[-1], []) if parts else []
        ends = [path for path in candidates if path.endswith(below)]
        return ends[0] if len(ends) == 1 else None

    def is_file(self, path: str) -> bool:
        """Says whether git tracks a regular file of this name."""
        return self.modes.get(path, "").startswith("100")

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path, mode in self.modes.items():
            if mode.startswith("100"):
                names.setdefault(path.rpartition("/")[2], []).append(path)
        return names

    def read(self, path: str) -> bytes | None:
        """The bytes of a file of the tree; None when it is no regular file."""
        return confined.read(self.tree, path)

    def write(self, path: str, data: bytes) -> None:
        """Replaces a file of the tree; raises OSError when it is no regular file."""
        confined.write(self.tree, path, data)

    def create(self, path: str, data: bytes) -> None:
        """Makes a new file in the tree; raises OSError when something is there."""
        confined.create(self.tree, path, data)
        self.modes = {**self.modes, path: "100644"}

    def make_executable(self, paths: Iterable[str]) -> None:
        """Sets the executable bit; raises OSError when one is no regular file."""
        for path in paths:
            confined.make_executable(self.tree, path)
