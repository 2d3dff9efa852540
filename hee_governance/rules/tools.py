"""Which programs and actions check something: the vocabulary that tells a gate from any other step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hee_governance.workflow import Step

# Programs that exist to fail when something is wrong.
_ALWAYS = frozenset(
    [
        *(
            "pytest",
            "py.test",
            "tox",
            "nox",
            "unittest",
            "flake8",
            "mypy",
            "pyright",
            "basedpyright",
            "pylint",
            "bandit",
        ),
        *("pip-audit", "pydocstyle", "pycodestyle", "vulture", "ty", "eslint", "tslint", "stylelint", "jest", "mocha"),
        *(
            "vitest",
            "ava",
            "karma",
            "jshint",
            "standard",
            "xo",
            "golangci-lint",
            "staticcheck",
            "govulncheck",
            "shellcheck",
        ),
        *("hadolint", "yamllint", "actionlint", "markdownlint", "markdownlint-cli2", "codespell", "typos", "semgrep"),
        *(
            "gitleaks",
            "trufflehog",
            "detect-secrets",
            "rspec",
            "rubocop",
            "phpunit",
            "phpstan",
            "psalm",
            "ctest",
            "bats",
        ),
        *(
            "checkov",
            "tflint",
            "tfsec",
            "kubeval",
            "kubeconform",
            "zizmor",
            "lychee",
            "cspell",
            "commitlint",
            "gotestsum",
        ),
        *("lint-imports", "cargo-deny", "cargo-audit", "cargo-nextest", "reuse", "vale", "ansible-lint", "sqlfluff"),
    ]
)
# Programs that check something only with one of these words.
_WITH = {
    "ruff": ("check", "--check", "--diff"),
    "black": ("--check",),
    "isort": ("--check", "--check-only", "-c"),
    "prettier": ("--check", "-c", "--list-different", "-l"),
    "rustfmt": ("--check",),
    "clang-format": ("--Werror", "-Werror"),
    "biome": ("ci", "check", "lint"),
    "tsc": ("--noEmit",),
    "cargo": ("test", "clippy", "check", "audit", "deny", "nextest", "--check"),
    "go": ("test", "vet"),
    "npm": ("test", "t", "audit", "lint", "check", "typecheck"),
    "yarn": ("test", "audit", "lint", "check", "typecheck"),
    "pnpm": ("test", "t", "audit", "lint", "check", "typecheck"),
    "bun": ("test", "lint"),
    "deno": ("test", "lint", "check"),
    "make": ("test", "tests", "check", "lint", "verify", "validate", "audit"),
    "just": ("test", "tests", "check", "lint"),
    "mvn": ("test", "verify", "checkstyle:check"),
    "gradle": ("test", "check", "lint"),
    "gradlew": ("test", "check", "lint"),
    "mvnw": ("test", "verify"),
    "dotnet": ("test", "format"),
    "mix": ("test", "credo", "dialyzer"),
    "swift": ("test",),
    "pre-commit": ("run",),
    "trivy": ("fs", "image", "repo", "config"),
    "safety": ("check", "scan"),
    "terraform": ("validate", "-check"),
    "bazel": ("test",),
    "uv": ("--check", "--locked"),
    "git": ("--exit-code", "--check"),
    "hee": ("verify", "gates", "governance", "validate"),
}
_SCRIPT = re.compile(
    r"(?:^|[/_.-])(check|test|tests|lint|verify|validate|validator|audit|scan|gate)s?(?:[_.-]|$)", re.IGNORECASE
)
_INTERPRETERS = ("python", "python3", "bash", "sh", "node", "ruby", "perl", "deno", "php")
_ACTIONS = re.compile(
    r"\b(lint|test|check(?!out)|scan|audit|codeql|verify|validate|pre-commit|semgrep|trivy|gitleaks)", re.IGNORECASE
)
_NAMES = re.compile(r"\b(enforce|validat|check(?!\s*out)|verif|assert|lint|tests?\b|scan|audit|gate\b)", re.IGNORECASE)
_VERBS = re.compile(
    r"\W*(enforce|validate|verify|check(?!\s*out)|assert|ensure|scan|audit|test|lint|run\b.*\b(tests?|checks?|scan\w*|lint\w*|audit))\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r".*\b(checks?|validation|verification|scan|audit|tests?|lint)\W*\Z", re.IGNORECASE)
_NOT_GATES = re.compile(
    r"upload|publish|report|comment|download|cache|set ?up|badge|summary|install|notify|annotat|collect|remind|print|debug",
    re.IGNORECASE,
)


def check_tool(program: tuple[str, ...]) -> str:
    """The words that say what is checked, as `ruff check`; empty if the program checks nothing that we know of."""
    if not program or "--version" in program or "--help" in program:
        return ""
    name = program[0].rpartition("/")[2]
    rest = program[1:]
    if name in _ALWAYS:
        return name
    if name in _WITH:
        word = next((word for word in rest if word in _WITH[name] or word.split(":")[0] in _WITH[name]), "")
        return f"{name} {word}" if word else ""
    if name in _INTERPRETERS:
        script = next((word for word in rest if not word.startswith("-")), "")
        if rest[:1] in (("-c",), ("-e",)):
            return ""
        return f"{name} {script}" if _SCRIPT.search(script) and "." in script else ""
    return program[0] if "/" in program[0] and _SCRIPT.search(name) else ""


def gate_step(step: Step) -> bool:
    """Says whether a step checks something, by its name, its commands or the action it uses."""
    if _NAMES.search(step.name) and not _NOT_GATES.search(step.name):
        return True
    if step.uses is not None:
        name = step.uses.text.partition("@")[0]
        return bool(_ACTIONS.search(name)) and not _NOT_GATES.search(name)
    return any(check_tool(command.program) for command in step.commands)


def promises(name: str, *, fine: bool = True) -> bool:
    """Says whether a step's name promises a check, as in `Validate the documentation`; the `fine` reading sees its end."""
    return bool(_VERBS.match(name) or (fine and _ENDS.match(name))) and not _NOT_GATES.search(name)
