"""Names a moved file or folder by its new path, where a workflow, a hook, a task file or a document still has the old one.

Only where git's detection of renames gives exactly one new path; several are named in the refusal, none is guessed. What is
not said from the top of the repository (a step's working directory) is left to people.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from hee_governance.paths import any_match
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_GATES = (
    ".github/workflows/**", ".github/actions/**", ".pre-commit-config.yaml", "Makefile", "makefile", "GNUmakefile", "*.mk", "justfile",
    "tox.ini", "noxfile.py", "package.json", "lefthook.yml", "lefthook.yaml", ".husky/**",
)  # fmt: skip
_HOOKS = (".githooks/**", "**/hooks/**", "*.sh")
_DOCUMENTS = ("*.md", "*.mdx", "*.rst")
_CAPTURES = ("path", "action", "doc", "link", "dockerfile", "file")
_LARGEST = 1_000_000
_PLAIN = re.compile(r"[A-Za-z0-9_.@+][\w.@+/-]*")


class MovedPath:
    """Follows a path through the history of its moves."""

    name = "moved-path"
    rows: tuple[str, ...] = ("workflow-config", "docs-link")
    network = False
    terms = Terms(paths=(*_GATES, *_HOOKS, *_DOCUMENTS), keeps=Keeps.PATHS, reviewed=_GATES)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where the failure names a path."""
        return None if any(diagnosis.captures.get(name) for name in _CAPTURES) else "the failure names no path"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Puts the new path where the old one stands."""
        said = next(diagnosis.captures[name] for name in _CAPTURES if diagnosis.captures.get(name))
        documents = diagnosis.category == "docs-link"
        found = _linked(tools, said) if documents else _gone(tools, said)
        if found is None:
            return Declined("history does not say where the missing path went")
        old, places = found
        if not _PLAIN.fullmatch(places[0]):  # a workflow's shell would read it otherwise
            return Declined(f"{old} went to a path with signs that a shell or YAML reads otherwise")
        if len(places) != 1:
            return Declined(f"{old} went to more than one place: {', '.join(places[:5])}")
        wanted = _DOCUMENTS if documents else (*_GATES, *_HOOKS)
        changed = 0
        for path in sorted(path for path in tools.modes if any_match(wanted, path) and tools.is_file(path)):
            data = tools.read(path) or b""
            new = _renamed(data, path, old, places[0], links=documents)
            if new != data and len(data) <= _LARGEST:
                tools.write(path, new)
                changed += 1
        if not changed:
            return Declined(f"no workflow, hook, task file or document names {old}")
        return Change(
            f"Name {places[0]} where {old} stood, in {changed} file{'' if changed == 1 else 's'}", "git (renames)"
        )


def _gone(tools: Tools, said: str) -> tuple[str, tuple[str, ...]] | None:
    """The path of the repository that a message means, without the folders of the machine above it, and where it went."""
    parts = [part for part in said.strip().split("/") if part not in ("", ".")]
    if ".." in parts or len(said) > 500 or not said.isprintable():
        return None
    for start in range(len(parts)):
        old = "/".join(parts[start:])
        if not tools.history.knows(old) and (places := tools.history.moved(old)):
            return old, places
    return None


def _linked(tools: Tools, said: str) -> tuple[str, tuple[str, ...]] | None:
    """The same for a link, which is told from the folder of the document that has it."""
    link = said.partition("#")[0]
    for path in sorted(path for path in tools.modes if any_match(_DOCUMENTS, path) and tools.is_file(path)):
        if link and f"]({link}".encode() in (tools.read(path) or b""):
            found = _gone(tools, posixpath.normpath(posixpath.join(path.rpartition("/")[0], link)))
            if found:
                return found
    return None


def _renamed(data: bytes, path: str, old: str, new: str, *, links: bool) -> bytes:
    folder = path.rpartition("/")[0]
    pairs = [(posixpath.relpath(old, folder or "."), posixpath.relpath(new, folder or "."))] if links else [(old, new)]
    for before, after in pairs:
        # A word of its own: neither a longer path that only begins or ends like it, nor a longer name.
        pattern = rb"(?<![\w./-])((?:\./)?)" + re.escape(before.encode()) + rb"(?![\w-]|\.\w)"
        data = re.sub(pattern, lambda found: found[1] + after.encode(), data)  # noqa: B023 - used at once
    return data
