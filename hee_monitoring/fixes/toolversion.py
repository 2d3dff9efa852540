"""Which version of a tool a repository pins, and where it says so.

Responsible for reading the places where repositories pin tools, in the order in which the gates obey them: pre-commit
revision, lockfile, requirements and manifest, workflow, version seen in the job's log. Getting that version is left to
`toolcache`.

Invariant: a range is no pin, and a version that is returned is made of digits, dots and release letters only, so that
it can stand on an installer's command line.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from hee_monitoring.fixes import confined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION = r"\d+(?:\.\d+){1,3}(?:-?(?:a|b|rc|alpha|beta|post|dev)\.?\d+|\.(?:post|dev)\d+)?"
_MAX = 8_000_000


@dataclass(frozen=True)
class Pin:
    """An exact version and the place that names it."""

    version: str
    source: str


def pinned(tool: str, tree: Path, log: str = "") -> Pin | None:
    """The version that the repository in `tree` pins, from the strongest place that names one; None without a pin."""
    for place in (_pre_commit, _lockfiles, _manifests, _workflows):
        for source, version in place(tool, tree):
            if version is not None:
                return Pin(version, source)
    version = in_log(tool, log)
    return Pin(version, "the job's log") if version else None


def exact(text: object) -> str | None:
    """The version when the text is exactly one, with or without `==`, `=` or `v`; None for ranges and anything else."""
    if not isinstance(text, str):
        return None
    found = re.fullmatch(rf"\s*(?:={{1,3}})?\s*v?({_VERSION})\s*", text)
    return found.group(1) if found else None


def in_log(tool: str, log: str) -> str | None:
    """The version that the log last names with the tool, as installers and the tool itself print it."""
    name = re.escape(tool).replace("_", "[-_]").replace(r"\-", "[-_]")
    pattern = rf"(?<![\w.-]){name}(?:==|@|-|/|,? v?)({_VERSION})(?![\w.]*\d)"
    return next((found.group(1) for found in reversed(list(re.finditer(pattern, log, re.IGNORECASE)))), None)


def _text(tree: Path, path: str) -> str:
    return (confined.read(tree, path, limit=_MAX) or b"").decode("utf-8", "replace")


def _toml(tree: Path, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(tree, path))
    except (ValueError, RecursionError):
        return {}


def _json(tree: Path, path: str) -> dict[str, Any]:
    try:
        data = json.loads(_text(tree, path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def yaml(tree: Path, path: str) -> Any:
    """A YAML file of the tree as plain values; None when it is missing or cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(_text(tree, path))
    except (YAMLError, ValueError, RecursionError, ArithmeticError):
        return None


def _same(tool: str, name: object) -> bool:
    return isinstance(name, str) and re.sub(r"[-_.]+", "-", name).lower() == re.sub(r"[-_.]+", "-", tool).lower()


def _pre_commit(tool: str, tree: Path) -> Iterator[tuple[str, str | None]]:
    config = yaml(tree, ".pre-commit-config.yaml")
    repos = config.get("repos") if isinstance(config, dict) else None
    for repo in repos if isinstance(repos, list) else ():
        if not isinstance(repo, dict):
            continue
        name = str(repo.get("repo", "")).rstrip("/").rpartition("/")[2].removesuffix(".git").lower()
        if name in {tool, f"{tool}-pre-commit", f"{tool}-pre-commit-mirror", f"mirrors-{tool}"}:
            yield ".pre-commit-config.yaml", exact(str(repo.get("rev", "")))
        hooks = repo.get("hooks")
        for hook in hooks if isinstance(hooks, list) else ():
            extra = hook.get("additional_dependencies") if isinstance(hook, dict) else None
            for text in extra if isinstance(extra, list) else ():
                yield ".pre-commit-config.yaml", _requirement(tool, text) or _npm_requirement(tool, text)


def _lockfiles(tool: str, tree: Path) -> Iterator[tuple[str, str | None]]:
    for path in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"):
        data = _toml(tree, path)
        packages = data.get("package", data.get("packages"))
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict) and _same(tool, package.get("name")):
                yield path, exact(package.get("version"))
    for group in ("develop", "default"):
        entry = _json(tree, "Pipfile.lock").get(group, {})
        for name, package in entry.items() if isinstance(entry, dict) else ():
            if _same(tool, name) and isinstance(package, dict):
                yield "Pipfile.lock", exact(package.get("version"))
    packages = _json(tree, "package-lock.json").get("packages", {})
    if isinstance(packages, dict) and isinstance(packages.get(f"node_modules/{tool}"), dict):
        yield "package-lock.json", exact(packages[f"node_modules/{tool}"].get("version"))
    for path, pattern in (
        ("yarn.lock", rf'^"?{re.escape(tool)}@[^\n]*:\n +version:? "?({_VERSION})"?$'),
        ("pnpm-lock.yaml", rf"^ +['\"]?/?{re.escape(tool)}@({_VERSION})['\"]?:"),
    ):
        for found in re.finditer(pattern, _text(tree, path), re.MULTILINE):
            yield path, found.group(1)


def _manifests(tool: str, tree: Path) -> Iterator[tuple[str, str | None]]:
    for path in _requirement_files(tree):
        for line in _text(tree, path).splitlines():
            yield path, _requirement(tool, line)
    project = _toml(tree, "pyproject.toml")
    settings = project.get("tool", {}).get(tool, {}) if isinstance(project.get("tool"), dict) else {}
    if isinstance(settings, dict):
        yield "pyproject.toml", exact(settings.get("required-version", settings.get("required_version")))
    for path, data in (("pyproject.toml", project), ("Pipfile", _toml(tree, "Pipfile"))):
        for name, value in _leaves(data):
            if _same(tool, name):
                yield path, exact(value)
            yield path, _requirement(tool, value)
    for path in ("ruff.toml", ".ruff.toml"):
        if tool == "ruff":
            yield path, exact(_toml(tree, path).get("required-version"))
    for path in ("tox.ini", "setup.cfg", "noxfile.py"):
        for found in re.finditer(
            rf"(?<![\w.-]){re.escape(tool)}(?:\[[\w,-]*\])?==({_VERSION})(?![\w.*])", _text(tree, path)
        ):
            yield path, found.group(1)
    manifest = _json(tree, "package.json")
    yield "package.json", _npm_requirement(tool, str(manifest.get("packageManager", "")).partition("+")[0])
    for group in ("devDependencies", "dependencies"):
        entry = manifest.get(group)
        if isinstance(entry, dict):
            yield "package.json", exact(entry.get(tool))


def _requirement_files(tree: Path) -> list[str]:
    found = []
    for folder in ("", "requirements/", "requirement/", ".github/", "ci/"):
        place = tree / folder
        if place.is_dir() and not place.is_symlink():
            names = sorted(entry.name for entry in place.iterdir())
            patterns = ("*.txt",) if folder.startswith("requirement") else ("*requirements*.txt", "*constraints*.txt")
            found += [f"{folder}{name}" for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    return found[:40]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested data, with the key nearest to it."""
    stack = [(name, value)]
    while stack:
        key, item = stack.pop()
        if isinstance(item, str):
            yield key, item
        elif isinstance(item, dict):
            stack += [(key if str(k) == "version" else str(k), v) for k, v in reversed(item.items())]
        elif isinstance(item, list):
            stack += [("", element) for element in reversed(item)]


def _requirement(tool: str, line: object) -> str | None:
    """The version of a `name==version` requirement of this tool."""
    if not isinstance(line, str):
        return None
    found = re.match(
        rf"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[\w\s,.-]*\])?\s*={{2,3}}\s*({_VERSION})\s*(?:[;#\\].*)?$", line[:400]
    )
    return found.group(2) if found and _same(tool, found.group(1)) else None


def _npm_requirement(tool: str, text: object) -> str | None:
    name, _, version = str(text).rpartition("@")
    return exact(version) if name == tool else None


def workflows(tree: Path) -> list[str]:
    """The paths of the tree's workflow files, sorted."""
    folder = tree / ".github" / "workflows"
    if not folder.is_dir() or folder.is_symlink() or folder.parent.is_symlink():
        return []
    return sorted(f".github/workflows/{entry.name}" for entry in folder.iterdir() if entry.suffix in (".yml", ".yaml"))


def _workflows(tool: str, tree: Path) -> Iterator[tuple[str, str | None]]:
    for path in workflows(tree):
        for step in steps(yaml(tree, path)):
            uses, given = str(step.get("uses", "")), step.get("with")
            repository, _, ref = uses.partition("@")
            if tool in repository.lower().rpartition("/")[2]:
                options = given if isinstance(given, dict) else {}
                for key in (f"{tool}-version", f"{tool}_version", "version"):
                    yield path, exact(str(options.get(key, "")).removeprefix(f"{tool}@"))
                yield path, exact(ref) if _same(tool, repository.rpartition("/")[2]) else None
            pattern = rf"(?<![\w.-]){re.escape(tool)}(?:\[[\w,-]*\])?(?:==|@)({_VERSION})(?![\w.*])"
            for found in re.finditer(pattern, str(step.get("run", ""))):
                yield path, found.group(1)


def steps(workflow: Any) -> Iterator[dict[str, Any]]:
    """Every step of every job of a workflow that was read as YAML."""
    jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
    for job in jobs.values() if isinstance(jobs, dict) else ():
        found = job.get("steps") if isinstance(job, dict) else None
        for step in found if isinstance(found, list) else ():
            if isinstance(step, dict):
                yield step
