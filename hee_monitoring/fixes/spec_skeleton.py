"""Writes a pending test for a clause of the specification that no test traces (HEE-PAT-003).

The skeleton names the clause, never runs and fails if it did: it reminds, and it proves nothing. That it counts as no
coverage is proved twice: the diff policy lets only pending tests through, and `prove` runs it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from typing import TYPE_CHECKING

from hee_governance.skeletons import name_of, plain
from hee_monitoring.fixes import confined
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolcache import Tool

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_CLAUSE = re.compile(r"\b[A-Z][A-Z0-9]*(?:-[A-Z0-9]+){0,4}-\d{1,5}\b")
_MOST = 20
_MARKER = re.compile(r"^[^\S\n]+spec\b\s*[(:]", re.MULTILINE)


class SpecSkeleton:
    """A pending pytest test for each clause that the gap names."""

    name = "spec-skeleton"
    rows: tuple[str, ...] = ("spec",)
    network = False
    terms = Terms(
        paths=("/tests/spec/test_*.py", "/test/spec/test_*.py"),
        keeps=Keeps.NOTHING,
        creates=("/tests/spec/test_*.py", "/test/spec/test_*.py"),
        pending_tests=True,
        gate=False,
    )

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where the gap names clauses and the tests are Python."""
        if not clauses(diagnosis):
            return "the gap names no clause"
        if not any(
            (tree / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini")
        ):
            return "the repository is no Python project"
        return None

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:
        """Writes the skeletons that are not there yet."""
        wanted = {skeleton_path(tools, clause): clause for clause in clauses(diagnosis)}
        missing = {path: clause for path, clause in wanted.items() if path not in tools.modes}
        if not missing:
            return Declined("a test file for each of the clauses is there already")
        registered = _registered(tree)
        for path, clause in missing.items():
            trace = f'@pytest.mark.spec("{clause}")' if registered else f"# spec: {clause}"
            tools.create(path, plain(clause, trace).encode())
        count = len(missing)
        return Change(f"Add {count} pending test{'' if count == 1 else 's'} for the specification", "HEE (skeleton)")

    def prove(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> str:  # noqa: ARG002
        """Runs the skeletons alone with pytest and says what is wrong unless every one of them is pending."""
        files = [path for clause in clauses(diagnosis) if (path := skeleton_path(tools, clause)) in tools.modes]
        pytest = Tool("pytest", "", (sys.executable, "-I", "-m", "pytest"), "of HEE")
        arguments = (
            "-q",
            "-c",
            "/dev/null",
            "--rootdir=.",
            "--noconftest",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            "--color=no",
        )
        done = tools.run(pytest, *arguments, *files, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        summary = done.output.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if done.exit_code != 0 or not re.search(rf"\b{len(files)} xfailed\b", summary):
            return "the skeletons can't be collected as pending tests"
        return "a skeleton passes, which it never should" if re.search(r"\bx?passed\b", summary) else ""


def clauses(diagnosis: Diagnosis) -> tuple[str, ...]:
    """The ids of the clauses that the gap is about, in their order, at most twenty; none where nothing specifies them."""
    if diagnosis.captures.get("sub_rule") in ("d", "f"):
        return ()
    said = " ".join((diagnosis.captures.get("clause", ""), diagnosis.captures.get("clauses", "")))
    if not said.strip():
        said = " ".join(evidence.text for evidence in diagnosis.evidence)
    return tuple(dict.fromkeys(_CLAUSE.findall(said)))[:_MOST]


def skeleton_path(tools: Tools, clause: str) -> str:
    """Where the skeleton of a clause stands: with the other tests."""
    folders = {path.partition("/")[0] for path in tools.modes}
    return f"{'test' if 'test' in folders and 'tests' not in folders else 'tests'}/spec/test_{name_of(clause)}.py"


def _registered(tree: Path) -> bool:
    """Whether the repository knows the `spec` marker: an unknown one is an error under `--strict-markers`."""
    try:
        project = tomllib.loads((confined.read(tree, "pyproject.toml") or b"").decode("utf-8"))
        markers = project.get("tool", {}).get("pytest", {}).get("ini_options", {}).get("markers", [])
    except (ValueError, AttributeError, RecursionError):
        markers = []
    if any(re.match(r"spec\b", str(marker)) for marker in markers):
        return True
    files = ("pytest.ini", "setup.cfg", "tox.ini")
    return any(_MARKER.search((confined.read(tree, name) or b"").decode("utf-8", "replace")) for name in files)
