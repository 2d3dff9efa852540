"""Gets a fix tool in the version that the repository pins.

Responsible for finding the tool on this machine, asking it for its version, and installing another version into a
cache of its own when that is not the pinned one: binary packages only, so that nothing of a package runs while it is
installed, and nothing of the repository is involved. Which version is pinned is left to `toolversion`.

Invariant: a tool that is handed out has the pinned version, or there is no pin and the tool says so. A cache entry
appears whole or not at all.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.errors import ToolMissing
from hee_monitoring import sandbox
from hee_monitoring.fixes.toolversion import pinned

if TYPE_CHECKING:
    from hee_monitoring.fixes.toolversion import Pin

# What comes from npm's registry: the package, and its program.
_NODE = {
    "prettier": ("prettier", "prettier"), "markdownlint-cli2": ("markdownlint-cli2", "markdownlint-cli2"), "pnpm": ("pnpm", "pnpm"),
    "yarn": ("yarn", "yarn"), "yarn-berry": ("@yarnpkg/cli-dist", "yarn"), "biome": ("@biomejs/biome", "biome"),
}  # fmt: skip
_MODULES = {"pip-tools": ("piptools", "compile")}  # where Python's module is not named as its package
_PROGRAMS = {"zizmor": "zizmor", "just": "rust-just"}  # packages of Python that are no module but a program
# Parts of a toolchain: what selects their version is the toolchain, and no index has them alone.
_OF_A_TOOLCHAIN = ("npm", "rustfmt", "gofmt", "go", "cargo", "make", "git")
_ASKED = {"gofmt": ("go", "version"), "go": ("go", "version")}  # where a program does not say its own version
_INSTALL_S = 180.0


@dataclass(frozen=True)
class Tool:
    """A program that is ready to run: `argv` begins its command line; `source` says where the version comes from."""

    name: str
    version: str
    argv: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        """Name, version and why this one."""
        return f"{self.name} {self.version} ({self.source})"


@dataclass(frozen=True)
class ToolCache:
    """Tools by name and version in one directory, shared by all repositories of a user. `home` is for the installers."""

    directory: Path
    home: Path
    _here: dict[str, Tool | None] = field(default_factory=dict, repr=False)

    def provide(self, name: str, tree: Path, log: str = "", otherwise: Pin | None = None) -> Tool:
        """The tool in the version that the tree pins; raises ToolMissing with what to do when it can't be had.

        `otherwise` is the version where the tree pins none; without it, it is this machine's.
        """
        pin = (pinned(_pinned_as(name), tree, log) or otherwise) if name not in _OF_A_TOOLCHAIN else None
        here = self._of_this_machine(name)
        if pin is None:
            if here is None:
                raise ToolMissing(
                    f"{name} is not installed and the repository pins no version", hint=f"pin {name} in the repository"
                )
            return Tool(name, here.version, here.argv, "of this machine; the repository pins none")
        source = f"pinned by {pin.source}"
        if here is not None and here.version == pin.version:
            return Tool(name, here.version, here.argv, source)
        argv = self._cached(name, pin)
        version = self._version((*argv, "--version"))
        if version != pin.version:
            raise ToolMissing(
                f"{name} in the cache says {version or 'nothing'}, not {pin.version}", hint=f"remove {self.directory}"
            )
        return Tool(name, pin.version, argv, source)

    def _of_this_machine(self, name: str) -> Tool | None:
        if name not in self._here:
            path = sandbox.find(name)
            version = self._version(_ASKED.get(name, (path, "--version"))) if path else ""
            self._here[name] = Tool(name, version, (path,), "of this machine") if path and version else None
        return self._here[name]

    def _version(self, argv: tuple[str, ...]) -> str:
        done = sandbox.run([*argv], cwd=self.home, home=self.home, timeout=30, network=False, only_write=())
        found = re.search(r"\d+(?:\.\d+){1,3}[\w.-]*", done.output.decode("utf-8", "replace"))
        return found.group() if found and done.exit_code == 0 else ""

    def _cached(self, name: str, pin: Pin) -> tuple[str, ...]:
        node = name in _NODE
        kind = "node" if node else f"py{sys.version_info.major}{sys.version_info.minor}"
        place = self.directory / f"{name}-{pin.version}-{kind}"
        if not place.is_dir():
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            making = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=self.directory))
            try:
                (self._install_node if node else self._install_python)(name, pin.version, making)
                try:
                    making.rename(place)
                except OSError:
                    if not place.is_dir():  # else another process was first, and its copy is as good
                        raise
            finally:
                shutil.rmtree(making, ignore_errors=True)
        if node:
            return (_need("node"), str(place / "node_modules" / ".bin" / _NODE[name][1]))
        if name in _PROGRAMS:
            return (str(place / "bin" / name),)
        # `-I` keeps the repository's own modules (a `click.py`, a `black.py`) out of the tool's way, `-B` its bytecode out of the tree.
        return (str(place / "bin" / "python"), "-I", "-B", "-m", *_MODULES.get(name, (name.replace("-", "_"),)))

    def _install_python(self, name: str, version: str, target: Path) -> None:
        self._run([sys.executable, "-I", "-m", "venv", "--without-pip", str(target)], name, version)
        python = str(target / "bin" / "python")
        self._run(
            [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check", "--no-input",
             "install", "--only-binary=:all:", "--no-warn-script-location", f"{_PROGRAMS.get(name, name)}=={version}"], name, version,
        )  # fmt: skip

    def _install_node(self, name: str, version: str, target: Path) -> None:
        self._run(
            [_need("npm"), "install", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund", "--no-save",
             "--no-package-lock", f"{_NODE[name][0]}@{version}"], name, version,
        )  # fmt: skip

    def _run(self, argv: list[str], name: str, version: str) -> None:
        done = sandbox.run(
            argv, cwd=self.home, home=self.home, timeout=_INSTALL_S, network=True, only_write=(self.directory,)
        )
        if done.exit_code != 0:
            raise ToolMissing(
                f"{name} {version}, which the repository pins, can't be installed here",
                hint=f"install {name} {version} and put it on PATH, or pin a version that has a binary package",
            )


def _pinned_as(name: str) -> str:
    """What repositories call the tool where they pin it."""
    return "yarn" if name == "yarn-berry" else _NODE.get(name, (name,))[0]


def _need(program: str) -> str:
    path = sandbox.find(program)
    if path is None:
        raise ToolMissing(f"{program} is not installed", hint=f"install {program}")
    return path


def tool_cache() -> Path:
    """Where pinned tools are kept for all repositories of a user."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "hee" / "tools"
