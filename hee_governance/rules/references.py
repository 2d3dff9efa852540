"""HGV-CI-010: what a workflow names exists.

Reports only what is certain: a path that is opaque, that something earlier in the job may have made, that the script
tests for first, or that lies in another checkout, is passed over.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule
from hee_governance.shell import opaque

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding
    from hee_governance.shell import Command
    from hee_governance.workflow import Job, Step, Workflow

_RUNS = ("python", "python3", "bash", "sh", "zsh", "node", "ruby", "perl", "php", "source", ".", "Rscript")
_SCRIPTS = (".py", ".sh", ".bash", ".js", ".mjs", ".cjs", ".rb", ".pl", ".php", ".R", ".ts")
_BUILDS = re.compile(
    r"(make|cmake|ninja|meson|go|cargo|gcc|g\+\+|cc|c\+\+|clang(\+\+)?|javac|npm|pnpm|yarn|bun|mvn|mvnw|gradle|gradlew|"
    r"bazel|dotnet|docker|configure|autoreconf|autogen.*|bootstrap.*|stack|cabal|zig|swift|msbuild|nix|conan|vcpkg)(\.sh)?"
)
_FETCHES = (
    "curl",
    "wget",
    "git",
    "gh",
    "tar",
    "unzip",
    "cp",
    "mv",
    "ln",
    "install",
    "rsync",
    "aws",
    "gsutil",
    "scp",
    "7z",
)
_MADE = (
    "build",
    "dist",
    "out",
    "target",
    "node_modules",
    "vendor",
    "venv",
    ".venv",
    "env",
    ".tox",
    "_build",
    "bin",
    "tmp",
)


def _check(rule: Rule, context: Context, workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs:
        yield from _local_actions(rule, context, workflow, job)
        if job.windows or not _own_checkout(job):
            continue
        for step in job.steps:
            subject = f"{workflow.path}#{job.id}/{step.label}"
            for line, path, told in _missing(context, job, step):
                yield rule.finding(workflow.path, line, f"{told} {path!r} does not exist", subject=f"{subject}: {path}")


def _local_actions(rule: Rule, context: Context, workflow: Workflow, job: Job) -> Iterator[Finding]:
    """Actions and reusable workflows of this very repository."""
    used = [*(step.uses for step in job.steps if step.uses), *([job.uses] if job.uses else [])]
    for node in used:
        if not node.text.startswith("./") or opaque(node.text):
            continue
        path = _normal(node.text)
        folder = f"{path}/" if path not in ("", ".") else ""  # `./` is the repository's own action
        files = (f"{folder}action.yml", f"{folder}action.yaml", f"{folder}Dockerfile")
        if not any(context.exists(file) for file in files) and path not in context.tree and not _elsewhere(job, path):
            subject = f"{workflow.path}#{job.id}: {path}"
            yield rule.finding(
                workflow.path, node.line, f"the local action {node.text!r} does not exist", subject=subject
            )


def _missing(context: Context, job: Job, step: Step) -> Iterator[tuple[int, str, str]]:
    """Line, path and kind of everything a step names that cannot be there."""
    if "hashFiles" in step.condition or "hashFiles" in job.condition:
        return
    for name, node in step.inputs.items() if step.inputs else ():
        if name.endswith("-version-file") and not opaque(node.text) and not _there(context, job, step, node.text):
            yield node.line, node.text, f"the file of `{name}`"
    base = _directory(step.directory or job.directory) if step.script else ""
    if base is None:
        return
    if base and not context.exists(base) and not _made(context, job, step, base, ()):
        place = step.directory or job.directory
        yield (place.line if place else step.line), base, "the working directory"
        return
    yield from _named(context, job, step, base)


def _named(context: Context, job: Job, step: Step, base: str) -> Iterator[tuple[int, str, str]]:
    if step.script is None:
        return
    listed = step.commands
    for number, command in enumerate(listed):
        program = command.program
        if program[:1] in (("cd",), ("pushd",), ("popd",), ("(",)):
            target = program[1] if len(program) == 2 else ""
            if program[0] != "cd" or command.depth or not target or opaque(target) or target.startswith(("/", "-")):
                return
            base = _normal(posixpath.join(base, target))
            if base.startswith(".."):
                return
            continue
        word, told = _file_of(program)
        if not word or opaque(word) or word.startswith("/"):
            continue
        path = _normal(posixpath.join(base, word))
        if path.startswith("..") or context.exists(path):
            continue
        if not _made(context, job, step, path, listed[:number]) and not _tested(listed, word):
            yield step.script.line(command.line), path, told


def _file_of(program: tuple[str, ...]) -> tuple[str, str]:
    """The file of the tree that a command cannot do without, and what it is; empty if there is none."""
    if not program:
        return "", ""
    name = program[0].rpartition("/")[2]
    if program[0].startswith("./") or ("/" in program[0] and program[0].endswith(_SCRIPTS)):
        return program[0], "the script"
    if name in _RUNS:
        word = next((word for word in program[1:] if not word.startswith("-")), "")
        given = "-c" in program[1:3] or "-e" in program[1:3] or "-m" in program[1:3]
        return (word, "the script") if word.endswith(_SCRIPTS) and not given else ("", "")
    if name == "chmod" and len(program) == 3 and not program[1].startswith("-"):
        return (program[2], "the file") if program[2].endswith(_SCRIPTS) else ("", "")
    if name in ("pip", "pip3") and "install" in program:
        pairs = itertools.pairwise(program)
        word = next((word for flag, word in pairs if flag in ("-r", "--requirement", "-c", "--constraint")), "")
        return ("", "") if "://" in word else (word, "the requirements file")
    return "", ""


def _there(context: Context, job: Job, step: Step, path: str) -> bool:
    path = _normal(path)
    return context.exists(path) or path.startswith("..") or _made(context, job, step, path, ())


def _made(context: Context, job: Job, step: Step, path: str, before: tuple[Command, ...]) -> bool:
    """Says whether something earlier in the job may have put the path there."""
    parts = path.split("/")
    if parts[0] in _MADE or _ignored(context, parts) or _elsewhere(job, path):
        return True
    earlier = [command for other in job.steps[: step.number - 1] for command in other.commands]
    built = "." not in parts[-1].lstrip(".")
    for command in (*earlier, *before):
        words = (*command.words, *command.targets)
        name = command.program[0].rpartition("/")[2] if command.program else ""
        mentions = any(parts[-1] in word or word.strip("./") == parts[0] for word in words)
        if mentions and (name in _FETCHES or name in ("tee", "touch", "mkdir") or "-o" in words):
            return True
        if any(posixpath.basename(target) == parts[-1] for target in command.targets):
            return True
        if (built and _BUILDS.fullmatch(name)) or (name in ("curl", "wget", "git") and _into(command, parts[0])):
            return True
    return any(not other.commands and other.script for other in job.steps[: step.number - 1])


def _into(command: Command, first: str) -> bool:
    """Says whether a command that fetches may create a directory of this name."""
    return any(first in posixpath.basename(word).removesuffix(".git") for word in command.program[1:])


def _ignored(context: Context, parts: list[str]) -> bool:
    """Says whether the repository ignores the path's first part or its name: then something is meant to make it."""
    ignored = context.tree[".gitignore"] if ".gitignore" in context.tree else b""  # noqa: SIM401 - may be lazy
    entries = {row.strip().strip("/") for row in ignored.decode("utf-8", "replace").splitlines()}
    return parts[0] in entries or parts[-1] in entries


def _tested(listed: tuple[Command, ...], word: str) -> bool:
    """Says whether the script asks for the file before it needs it."""
    plain = word.removeprefix("./")
    tests = (command for command in listed if command.program[:1] in (("[",), ("[[",), ("test",)))
    return any(other.removeprefix("./") == plain for command in tests for other in command.words)


def _directory(node: Node | None) -> str | None:
    """A working directory as a path of the tree, empty for the root, None if it cannot be told."""
    if node is None:
        return ""
    if opaque(node.text) or node.text.startswith(("/", "..")):
        return None
    return _normal(node.text)


def _own_checkout(job: Job) -> bool:
    """Says whether this repository is checked out at the workspace's root, and nothing is brought from elsewhere."""
    checkouts = [step for step in job.steps if step.uses and step.uses.text.startswith("actions/checkout@")]
    return (
        bool(checkouts)
        and not any(step.input("path") in (".", "./") for step in _others(job))
        and any(not step.input("repository") and not step.input("path") for step in checkouts)
    )


def _elsewhere(job: Job, path: str) -> bool:
    """Says whether another checkout, an artifact or a cache may hold the path."""
    for step in _others(job):
        places = step.input("path").split("\n") if step.input("path") else [""]
        for place in (entry.strip() for entry in places):
            if place.startswith(("~", "/")):
                continue
            prefix = _normal(place)
            if not prefix or opaque(place) or path == prefix or path.startswith(f"{prefix}/"):
                return True
    return False


def _normal(path: str) -> str:
    """A path without `./` and doubled slashes; empty for the root."""
    plain = posixpath.normpath(path.strip() or ".")
    return "" if plain == "." else plain


def _others(job: Job) -> list[Step]:
    """The steps that bring files from elsewhere: other checkouts, artifacts, caches."""
    found = []
    for step in job.steps:
        name = step.uses.text.partition("@")[0] if step.uses else ""
        checkout = name == "actions/checkout"
        submodules = step.input("submodules") not in ("", "false")
        brought = checkout and (step.input("repository") or step.input("path") or submodules)
        if brought or "download" in name or name.startswith("actions/cache"):
            found.append(step)
    return found


def _readable(context: Context) -> Iterable[Workflow]:
    return context.workflows


RULES = (
    Rule(
        id="HGV-CI-010",
        clause="Every path a workflow names exists in the tree it runs on.",
        source="HEE CI history: a path moved and its check stayed red, or silently looked at nothing",
        severity="ERROR",
        looks_at="scripts, working directories, local actions and version files named in workflow files",
        remedy="Correct the path, or restore the file; a gate over a missing file gates nothing.",
        subjects=_readable,
        check=_check,
    ),
)
