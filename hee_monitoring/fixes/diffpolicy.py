"""What a repair may change: the rules that every diff passes, whoever made it.

Responsible for judging a list of file changes under a `Policy`; a violation names the rule, the path and what was
seen. Where the changes come from, and what follows from a violation, is left to `transaction`. Pure; never raises:
what cannot be judged is a violation.

Invariant: nothing passes that touches a path outside the allowed ones, secrets, CI or gate configuration, that
deletes, that takes away or skips tests, that adds a suppression or loosens a threshold, or that is no text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance.paths import any_match
from hee_monitoring.fixes import weakening
from hee_monitoring.fixes.changes import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, FileChange
from hee_monitoring.fixes.meaning import Keeps, difference, parse, same_data, same_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_BYTES = 8_000_000

CI = (
    ".github/**", ".gitlab-ci.yml", ".gitlab/**", ".circleci/**", ".travis.yml", "azure-pipelines*.yml", "jenkinsfile*", ".drone.yml",
    ".buildkite/**", "bitbucket-pipelines.yml", "appveyor.yml", ".appveyor.yml", ".woodpecker/**", ".woodpecker.yml", ".ci/**", "codeowners",
    "/hee.yaml", "/hee.yml", "/docs/state_capsules/**",
)  # fmt: skip
_DATA = ("yml", "yaml", "json", "toml", "ini", "cfg", "txt", "conf", "properties", "xml")
SECRETS = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.gpg", "*.asc", "*.age",
    "id_rsa*", "id_ed25519*", "id_ecdsa*", "id_dsa*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".yarnrc*", ".git-credentials", ".htpasswd", ".secrets",
    *(f"*{word}*.{suffix}" for word in ("secret", "credential", "password", "token") for suffix in _DATA), ".aws/**", ".ssh/**", ".gnupg/**", ".kube/**", ".docker/**", "**/secrets/**", "*.tfvars", "*.tfstate*",
)  # fmt: skip
GIT = (
    ".gitmodules",
    ".gitattributes",
    ".gitignore",
    ".mailmap",
    ".git-blame-ignore-revs",
    "**/.git",
    "**/.git/**",
    ".git/**",
)
GATES = (
    "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini", "conftest.py", "noxfile.py", ".coveragerc", "mypy.ini", ".mypy.ini",
    "pyrightconfig.json", "ruff.toml", ".ruff.toml", ".flake8", ".pylintrc", "pylintrc", ".isort.cfg", ".style.yapf", ".bandit*",
    ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "lefthook.y*ml", ".husky/**", ".lintstagedrc*", "lint-staged.config.*",
    ".eslintrc*", "eslint.config.*", ".eslintignore", ".prettierrc*", "prettier.config.*", ".prettierignore", "biome.json*", ".stylelintrc*",
    "tsconfig*.json", "jest.config.*", "vitest.config.*", "vite.config.*", "karma.conf.*", "cypress.config.*", "playwright.config.*",
    "babel.config.*", ".babelrc*", ".nycrc*", ".c8rc*", "package.json", "turbo.json", "nx.json", ".commitlintrc*", "commitlint.config.*",
    ".golangci.*", "clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml", "deny.toml", "cargo.toml", ".cargo/**", "rust-toolchain*",
    "makefile", "gnumakefile", "*.mk", "justfile", "taskfile.y*ml", "rakefile", ".rubocop*", ".rspec", "checkstyle*.xml", "pom.xml", "build.gradle*",
    "codecov.y*ml", ".codecov.y*ml", ".coveralls.yml", "sonar-project.properties", ".codeclimate.yml", ".editorconfig", ".clang-format", ".clang-tidy",
    ".yamllint*", ".markdownlint*", ".shellcheckrc", ".hadolint.yaml", ".gitleaks*", ".semgrep*", ".trivyignore*", ".snyk", ".dockerignore",
    "renovate.json*", ".renovaterc*", "dependabot.y*ml", ".mega-linter.yml", ".safety-policy.yml", "codespell*", ".codespellrc", "typos.toml", "_typos.toml",
    "baseline*.xml", "*.baseline", ".secrets.baseline", "lint-baseline*", "phpstan*.neon*", "psalm.xml", "phpunit.xml*", ".terraform-version", ".tflint.hcl",
)  # fmt: skip
TESTS = (
    "test_*.py", "*_test.py", "*_test.go", "*.test.*", "*.spec.*", "*_spec.rb", "*_test.rb", "*test.java", "*tests.java", "*test.kt", "*.bats",
    "test/**", "tests/**", "**/test/**", "**/tests/**", "**/__tests__/**", "spec/**", "**/spec/**", "**/testdata/**", "**/fixtures/**", "conftest.py",
)  # fmt: skip
# Characters that make a line read as another one (CVE-2021-42574).
_HIDDEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x1f\x7f\\\\]")


@dataclass(frozen=True)
class Violation:
    """One rule that a change breaks; `path` is empty when it is about the whole diff."""

    rule: str
    path: str
    detail: str

    def __str__(self) -> str:
        """The violation in one line."""
        return f"{self.path}: {self.detail} ({self.rule})" if self.path else f"{self.detail} ({self.rule})"


@dataclass(frozen=True)
class Policy:
    """What one repair may do. A path must match a glob of every group in `allowed`; `creates` are globs of new files.

    `executable` allows exactly the change from 100644 to 100755; `pending_tests` allows new test files whose tests
    are all pending; `keeps` is what the strategy promises to leave as it is. `reviewed` are globs of CI's and the gates'
    files that a person let this repair change; `may_move` are the packages of a lock file that may get another version.
    """

    allowed: tuple[tuple[str, ...], ...]
    denied: tuple[str, ...] = ()
    max_files: int = 50
    max_lines: int = 2000
    creates: tuple[str, ...] = ()
    executable: bool = False
    pending_tests: bool = False
    keeps: Keeps = Keeps.SYNTAX
    reviewed: tuple[str, ...] = ()
    may_move: frozenset[str] = frozenset()


def check(changes: Sequence[FileChange], policy: Policy) -> tuple[Violation, ...]:
    """Judges a whole diff; empty when it may stand. Never raises."""
    found: list[Violation] = []
    for change in changes:
        large = max(len(change.old or b""), len(change.new or b"")) > MAX_BYTES  # then it is refused unread
        for rule in _RULES if large else (*_RULES, *_CONTENT):
            try:
                found += [Violation(name, change.path, detail) for name, detail in rule(change, policy)]
            except Exception as error:  # noqa: BLE001 - what cannot be judged must not pass
                found.append(Violation("unjudged", change.path, f"{rule.__name__.strip('_')}: {type(error).__name__}"))
    try:
        found += _whole(changes, policy)
    except Exception as error:  # noqa: BLE001 - as above
        found.append(Violation("unjudged", "", f"the size of the diff: {type(error).__name__}"))
    return tuple(found)


def _whole(changes: Sequence[FileChange], policy: Policy) -> Iterator[Violation]:
    if len(changes) > policy.max_files:
        yield Violation("too-large", "", f"{len(changes)} files change, {policy.max_files} are allowed")
    # How long a lock file is says nothing of how much a repair does; that nothing in it moved is proved instead.
    lines = 0 if policy.keeps is Keeps.PINS else sum(sum(change.lines) for change in changes if not change.binary)
    if lines > policy.max_lines:
        yield Violation("too-large", "", f"{lines} lines change, {policy.max_lines} are allowed")
    seen: dict[str, str] = {}
    for change in changes:
        other = seen.setdefault(change.path.casefold(), change.path)
        if other is not change.path:
            yield Violation("path-unsafe", change.path, "two changes of one path, or of paths that differ in case only")


def _paths(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    path, parts = change.path, change.path.split("/")
    if not path or _CONTROL.search(path) or _HIDDEN.search(path) or any(p in ("", ".", "..") for p in parts):
        yield "path-unsafe", "the path is not a plain relative one"
    if any(re.fullmatch(r"\.git(?:[ .:~].*)?|git~\d+", part, re.IGNORECASE) for part in parts):
        yield "path-unsafe", "the path reaches into git's own folder"
    for globs in policy.allowed:
        if not any_match(globs, path):
            yield "path-outside", f"allowed are only {', '.join(globs[:6]) or 'no paths'}"
    if glob := any_match(policy.denied, path):
        yield "path-denied", f"{glob} is denied to every repair"
    folded = path.casefold()
    for rule, globs, what in (
        ("protected", CI, "CI, governance and HEE's own files are changed by people only"),
        ("secret", SECRETS, "files that may hold secrets are never touched"),
        ("protected", GIT, "files that steer git are changed by people only"),
    ):
        if any_match(globs, folded) and not (globs is CI and any_match(policy.reviewed, path)):
            yield rule, what


def _existence(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    if change.new is None:
        yield "test-deleted" if any_match(TESTS, change.path.casefold()) else "deleted", "the file is gone"
    elif change.old is None and not any_match(policy.creates, change.path):
        yield "created", "the strategy does not declare new files here"


def _kind(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    modes = {change.new_mode} if change.old is None else {change.old_mode, change.new_mode}
    if SYMLINK in modes:
        yield "symlink", "symbolic links are neither made nor changed"
    elif SUBMODULE in modes:
        yield "submodule", "submodules are neither made nor changed"
    elif modes - {REGULAR, EXECUTABLE}:
        yield "mode", f"mode {change.new_mode} is not a regular file's"
    elif change.old is None and change.new_mode != REGULAR:
        yield "mode", "a new file is not executable"
    elif (
        change.old is not None
        and change.new is not None
        and change.old_mode != change.new_mode
        and not (policy.executable and change.new_mode == EXECUTABLE)
    ):
        yield "mode", f"mode {change.old_mode} became {change.new_mode}"
    if change.new is None:
        return
    size = max(len(change.old or b""), len(change.new))
    if size > MAX_BYTES:
        yield "too-large", f"the file has {size} bytes"
    elif change.binary and change.old != change.new:
        yield "binary", "binary files are not repaired"
    elif not _is_utf8(change.new) and (change.old is None or _is_utf8(change.old)):
        yield "binary", "the file is not UTF-8 text any more"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _meaning(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    if detail := difference(change, policy.keeps, policy.may_move):
        yield "meaning", detail


def _gate_configuration(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    if (
        change.old == change.new
        or not any_match(GATES, change.path.casefold())
        or any_match(policy.reviewed, change.path)
    ):
        return
    old, new = change.old or b"", change.new or b""
    if change.old is not None and same_lines(old, new):
        return
    if change.path.endswith((".toml", ".json")) and same_data(change.path, old, new):
        return
    if change.path.endswith(".py") and change.old is not None and not difference(change, Keeps.CODE):
        return
    yield "gate-config", "the configuration of a gate is changed by people only"


def _weaker(change: FileChange, policy: Policy) -> Iterator[tuple[str, str]]:
    if change.new is None or change.binary:
        return
    old, new = change.old_text, change.new_text
    pending = policy.pending_tests and change.old is None
    if pending:
        yield from (("test-not-pending", name) for name in _not_pending(new))
    else:
        yield from (("suppression", f"adds `{text}`") for text in weakening.suppressions(old, new))
    yield from (("threshold", text) for text in weakening.thresholds(old, new))
    if change.old is not None:
        yield from (("test-removed", text) for text in weakening.lost_tests(change))
    if len(_HIDDEN.findall(new)) > len(_HIDDEN.findall(old)):
        yield "hidden-text", "adds invisible or direction-changing characters"


def _not_pending(text: str) -> Iterator[str]:
    """Names what in a new test file is not a pending test: every top-level function must be marked so and must fail."""
    import ast

    tree = parse(text)
    if tree is None:
        yield "the new test file does not parse"
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            if not any(mark.startswith("pytest.mark.xfail(") and "run=False" in mark for mark in marks):
                yield f"{node.name} is not marked as pending"
        elif not (
            isinstance(node, (ast.Import, ast.ImportFrom))
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ):
            yield f"line {node.lineno} is no test"


_RULES: tuple[Callable[[FileChange, Policy], Iterator[tuple[str, str]]], ...] = (
    _paths,
    _existence,
    _kind,
)
_CONTENT: tuple[Callable[[FileChange, Policy], Iterator[tuple[str, str]]], ...] = (
    _meaning,
    _gate_configuration,
    _weaker,
)
