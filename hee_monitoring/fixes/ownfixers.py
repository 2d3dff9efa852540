"""The fixers that a repository declares: targets of its task files, and its scripts, that by their names repair.

Responsible for finding them and for leaving out those that only look, that do more than change files (commit, publish, delete), and
those that a workflow runs, since a gate never repairs itself. What has to install something first is left out as well unless its
recipe calls the tool that failed. Running one is `own_fixer`'s. The text is read, never run.
"""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.fixes import confined
from hee_monitoring.fixes.toolversion import steps, workflows, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis

_NAME = re.compile(
    r"(?:fix|format|fmt|reformat|autoformat|style|beautify|(?:lint|format|fmt|style|prettier|eslint|code|ruff|black)[-_:](?:fix|write|all)|fix[-_:](?:lint|format|style|all))"
)
_SCRIPT = re.compile(r"(?:fix|format|fmt|autoformat|lint[-_]fix)(?:[-_](?:all|code|lint|style|format))?(?:\.sh|\.py)?")
_FOLDERS = ("scripts", "script", "bin", "tools", "ci", "hack")
_LOOKS = re.compile(r"--check\b|--check-only\b|--list-different\b|--diff\b|--dry-run\b|--exit-code\b")
_MORE = re.compile(
    r"\bgit\s+(?!diff\b|ls-files\b|rev-parse\b|status\b)\w|\brm\s+-|\bsudo\b|\bcurl\b|\bwget\b|\bpublish\b|\bdocker\b|\bgh\s|\bssh\b"
)
_TOOLS = (
    "ruff", "black", "isort", "flake8", "autopep8", "prettier", "eslint", "biome", "stylelint", "gofmt", "rustfmt", "clippy", "markdownlint",
    "clang-format", "shfmt", "whitespace", "dprint", "yapf",
)  # fmt: skip
_RULE = re.compile(
    r"^([\w.-][\w. -]{0,300}?)[ \t]{0,20}::?(?!=)([^\n#=]*)[^\n]*\n((?:\t[^\n]*\n|[ \t]*\n)*)", re.MULTILINE
)
_INSTALLING = ("npm", "tox", "nox")
_ALIAS = {
    "rustfmt": ("cargo fmt", "rustfmt"),
    "gofmt": ("gofmt", "go fmt"),
    "whitespace": ("whitespace", "end-of-file"),
}


@dataclass(frozen=True)
class Fixer:
    """One fixer: what runs it, its name there, and the text of what it runs."""

    kind: str
    target: str
    recipe: str

    def __str__(self) -> str:
        """The command as a person would type it."""
        how = {"npm": "npm run ", "tox": "tox -e ", "nox": "nox -s ", "script": "./"}
        return f"{how.get(self.kind, f'{self.kind} ')}{self.target}"


def fitting(diagnosis: Diagnosis, tree: Path) -> list[Fixer]:
    """The fixers that may repair a failure, in order: those that call the tool that it names."""
    said = f"{diagnosis.title} {diagnosis.text}".casefold()
    failed = [tool for tool in _TOOLS if tool in said]
    words = [word for tool in failed for word in _ALIAS.get(tool, (tool,))]
    run = "\n".join(str(step.get("run", "")) for path in workflows(tree) for step in steps(yaml(tree, path)))
    return [
        fixer
        for fixer in found(tree)
        if not _called(fixer, run)
        and (any(word in fixer.recipe for word in words) or not (words or fixer.kind in _INSTALLING))
    ]


def found(tree: Path) -> list[Fixer]:
    """Every fixer that the tree declares, in order."""
    declared = [*_make(tree), *_just(tree), *_npm(tree), *_tox(tree), *_nox(tree), *_scripts(tree)]
    return [
        each
        for each in declared
        if each.recipe.strip() and not _LOOKS.search(each.recipe) and not does_more(each.recipe)
    ]


def does_more(script: str) -> bool:
    """Whether a script commits, publishes, fetches or deletes, besides changing files."""
    return _MORE.search(script) is not None


def _called(fixer: Fixer, run: str) -> bool:
    """Whether a workflow runs the fixer, under whatever options."""
    programs = {"npm": r"(?:npm|yarn|pnpm)(?:\s+run)?", "script": r"(?:\S+\s+)?"}
    start = programs.get(fixer.kind, fixer.kind)
    between = r"(?:\s+-\S+)*\s*(?:\./)?" if fixer.kind == "script" else r"[^\n;&|]*\s"
    return re.search(rf"{start}{between}{re.escape(fixer.target)}(?![\w:-])", run) is not None


def _text(tree: Path, path: str) -> str:
    return (confined.read(tree, path, limit=1_000_000) or b"").decode("utf-8", "replace")


def _make(tree: Path) -> Iterator[Fixer]:
    text = next((said for name in ("GNUmakefile", "makefile", "Makefile") if (said := _text(tree, name))), "")
    rules = {name: (rule[2].split(), rule[3]) for rule in _RULE.finditer(f"{text}\n") for name in rule[1].split()}
    for name in rules:
        if _NAME.fullmatch(name):
            yield Fixer("make", name, _whole(rules, name, set()))


def _whole(rules: dict[str, tuple[list[str], str]], name: str, seen: set[str]) -> str:
    """The recipe of a rule after those of what it needs."""
    if name in seen or name not in rules:
        return ""
    seen.add(name)
    needs, recipe = rules[name]
    return "\n".join([*(_whole(rules, need, seen) for need in needs), recipe])


def _just(tree: Path) -> Iterator[Fixer]:
    text = next((said for name in ("justfile", "Justfile", ".justfile") if (said := _text(tree, name))), "")
    for rule in re.finditer(
        r"^@?([\w-]+)(?:[ \t][^:\n]*)?:(?!=)[^\n]*\n((?:[ \t]+[^\n]*\n)+)", f"{text}\n", re.MULTILINE
    ):
        if _NAME.fullmatch(rule[1]):
            yield Fixer("just", rule[1], rule[2])


def _npm(tree: Path) -> Iterator[Fixer]:
    try:
        found = json.loads(_text(tree, "package.json") or "{}").get("scripts", {})
        scripts = {name: str(script) for name, script in found.items()}
    except (ValueError, AttributeError, RecursionError):
        return
    if (tree / "package-lock.json").is_file():  # what it calls is installed as that says
        yield from (Fixer("npm", name, _scripted(scripts, name, set())) for name in scripts if _NAME.fullmatch(name))


def _scripted(scripts: dict[str, str], name: str, seen: set[str]) -> str:
    """A script of npm before those that it runs."""
    if name in seen or name not in scripts:
        return ""
    seen.add(name)
    more = re.findall(r"\b(?:npm|yarn|pnpm)\s+run\s+([\w:.-]+)", scripts[name])
    return "\n".join([scripts[name], *(_scripted(scripts, other, seen) for other in more)])


def _tox(tree: Path) -> Iterator[Fixer]:
    settings = configparser.RawConfigParser(strict=False)
    try:
        settings.read_string(_text(tree, "tox.ini"))
    except configparser.Error:
        return
    for section in settings.sections():
        name = section.removeprefix("testenv:")
        if name != section and _NAME.fullmatch(name):
            yield Fixer("tox", name, settings.get(section, "commands", fallback=""))


def _nox(tree: Path) -> Iterator[Fixer]:
    text = _text(tree, "noxfile.py")
    for session in re.finditer(
        r"^@(?:nox\.)?session\b[^\n]*\n(?:@[^\n]*\n)*def (\w+)\(.*\n((?:[ \t]+[^\n]*\n|[ \t]*\n)*)",
        f"{text}\n",
        re.MULTILINE,
    ):
        if _NAME.fullmatch(session[1]):
            yield Fixer("nox", session[1], session[2])


def _scripts(tree: Path) -> Iterator[Fixer]:
    for folder in _FOLDERS:
        place = tree / folder
        for entry in sorted(place.iterdir()) if place.is_dir() and not place.is_symlink() else ():
            if (
                _SCRIPT.fullmatch(entry.name)
                and entry.is_file()
                and not entry.is_symlink()
                and entry.stat().st_mode & 0o100
            ):
                yield Fixer("script", f"{folder}/{entry.name}", _text(tree, f"{folder}/{entry.name}"))
