"""Why a job of a workflow can't be run on this machine; a job for which there is no reason can.

Responsible for the judgement before anything runs: the runner that a job asks for, containers, actions that would have to
be fetched, commands that would leave the sandbox, secrets. Whether the workflow is valid at all is left to `workflow`.

Invariant: a reason is one sentence that completes "it was not run here: …"; no reason is ever a failure of the job.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from hee_monitoring.matrix import fill
from hee_monitoring.yamltree import YamlError, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_monitoring.yamltree import Node

_UBUNTU = re.compile(r"ubuntu-(?:latest|slim|\d\d\.\d\d)", re.IGNORECASE)
# Where a command begins in a shell script; matched by RE2, since a script may be hostile and one line of it long.
_COMMAND = (
    r"(?:^|[;&|({]|\bthen\b|\bdo\b|\belse\b)\s*(?:[A-Za-z_]\w*=\S*\s+)*"
    r"(sudo|docker|docker-compose|podman|systemctl|snap)\s+[\w-]"
)
_SECRET = re.compile(
    r"\bsecrets\s*(?:\.\s*([\w-]+)|\[\s*'([^']+)'\s*\])|\b(github\.token)\b|\b(toJSON\(\s*secrets\s*\))", re.IGNORECASE
)
_CHECKOUT = re.compile(r"actions/checkout@\S+", re.IGNORECASE)
_PUBLISHED = re.compile(r"([\w.-]+/[\w.-]+(?:/[\w./-]+)?)@\S+")
UNAVAILABLE = "unavailable"
# Published actions that a program of ours stands in for, and as what; others end their job there.
_STAND_INS = {
    "actions/cache": "cache", "actions/cache/restore": "cache", "actions/cache/save": "cache",
    "actions/download-artifact": "download", "actions/setup-go": "go", "actions/setup-java": "java",
    "actions/setup-node": "node", "actions/setup-python": "python", "actions/upload-artifact": "upload",
    "actions-rs/toolchain": "rust", "actions-rust-lang/setup-rust-toolchain": "rust", "astral-sh/setup-uv": "uv",
    "dtolnay/rust-toolchain": "rust", "swatinem/rust-cache": "cache",
}  # fmt: skip
_DEEPEST = 8
# Programs that GitHub's machines have and this one may not; a script that misses one says nothing about the commit.
PREINSTALLED = frozenset(
    {
        "ansible", "ant", "aws", "az", "bazel", "bicep", "buildah", "bundle", "bundler", "cabal", "cargo", "chromedriver",
        "clang", "clang-format", "clang-tidy", "clippy-driver", "cmake", "composer", "conda", "docker", "docker-compose",
        "dotnet", "g++", "gcc", "gem", "gfortran", "gh", "ghc", "go", "gofmt", "google-chrome", "gradle", "helm", "java",
        "javac", "jq", "julia", "kind", "kotlin", "kubectl", "kustomize", "lein", "make", "mongod", "mvn", "mysql", "nginx",
        "ninja", "node", "npm", "npx", "nvm", "packer", "parallel", "php", "phpunit", "pip", "pip3", "pipx", "pnpm", "podman",
        "poetry", "psql", "pulumi", "pwsh", "python", "python3", "R", "rake", "ruby", "rustc", "rustfmt", "rustup", "sbt",
        "shellcheck", "skopeo", "sphinxsearch", "sqlite3", "stack", "svn", "swift", "terraform", "tree", "tsc", "unzip",
        "vcpkg", "wget", "yamllint", "yarn", "yq", "zip", "zstd"
    }
)  # fmt: skip


def of_runner(job: Node, row: Mapping[str, Node]) -> str:
    """Why the runner that a job asks for is not this machine."""
    node = job.get("runs-on")
    if node is not None and node.table is not None:
        return f"it asks for a runner of the group {node.word('group') or 'it names'}, which only its owner has"
    for label in (fill(word, row) for word in (node.words() if node is not None else ())):
        if "${{" in label:
            return "its runner is chosen by an expression"
        if _UBUNTU.fullmatch(label):
            continue
        if re.match(r"windows|macos", label, re.IGNORECASE):
            return f"it asks for {label}, and this machine runs Linux"
        if label.lower().startswith("ubuntu-") and label.lower().endswith("-arm"):
            return f"it asks for {label}, another processor"
        return f"it asks for the runner {label}, which only its owner has"
    return ""


def of_job(job: Node) -> str:
    """Why a job can't be run here whatever its steps are."""
    if (called := job.word("uses")) or job.get("uses"):
        return f"it calls the reusable workflow {called}"
    if job.get("container"):
        image = job.word("container") or job.word("container", "image")
        return f"it runs in a container ({image or 'no image named'})"
    if job.get("services"):
        return "it needs service containers"
    if job.get("environment"):
        return f"it deploys to the environment {job.word('environment') or job.word('environment', 'name')}"
    return ""


def of_steps(steps: Sequence[Node], files: Mapping[str, bytes], depth: int = 0) -> str:
    """Why one of the steps can't be run here; steps of local actions are judged like the job's own.

    A published action that cannot be had ends a job of which steps before it may fail; without such steps it is a reason.
    """
    judged = False
    for number, step in enumerate(steps, 1):
        name = step.word("name") or f"step {number}"
        uses = step.word("uses")
        stands_in = stand_in(step) if depth == 0 else ""
        judged = judged or not uses or bool(step.word("if"))
        if stands_in and (judged or stands_in != UNAVAILABLE):
            continue
        reason = _of_action(step, uses, files, depth) if uses else _of_script(step)
        if reason:
            return reason if uses else f"{name!r} {reason}"
    return ""


def stand_in(step: Node) -> str:
    """As what a program of ours stands in for the published action of a step; nothing for any other step."""
    found = _PUBLISHED.fullmatch(step.word("uses"))
    return "" if found is None or is_checkout(step) else _STAND_INS.get(found[1].lower(), UNAVAILABLE)


def is_checkout(step: Node) -> bool:
    """Whether a step checks out the repository, whatever the version of the action."""
    return _CHECKOUT.fullmatch(step.word("uses")) is not None


def local_path(uses: str) -> str | None:
    """The folder of a local action inside the repository; None for another kind, or one that points outside."""
    if not uses.startswith(("./", "../")):
        return None
    path = posixpath.normpath(uses)
    return None if path.startswith("..") else path.removeprefix("./")


def action_file(folder: str, files: Mapping[str, bytes]) -> bytes | None:
    """The description of a local action, as far as it is among the files."""
    places = (posixpath.normpath(f"{folder}/action.{ending}") for ending in ("yml", "yaml"))
    return next((files[place] for place in places if place in files), None)


def secrets(node: Node) -> tuple[str, ...]:
    """The secrets that are named at or below a place, the token that GitHub makes for each run included."""
    found: dict[str, None] = {}
    for _, text in node.texts():
        for match in _SECRET.finditer(text):
            found[match[1] or match[2] or match[3] or "all of them"] = None
    return tuple(sorted(found))


def _of_action(step: Node, uses: str, files: Mapping[str, bytes], depth: int) -> str:
    if is_checkout(step):
        return _of_checkout(step)
    if uses.startswith("docker://"):
        return f"it runs the container {uses.removeprefix('docker://')}"
    folder = local_path(uses)
    if folder is None:
        return f"the action {uses} would have to be fetched"
    data = action_file(folder, files)
    if data is None:
        return f"the action {uses} is not in the repository"
    try:
        action = parse(data)
    except YamlError as fault:
        return f"the action {uses} is not readable (line {fault.line}: {fault})"
    kind = action.word("runs", "using")
    if kind == "docker":
        return f"the action {uses} runs in a container"
    if kind != "composite":
        return "" if kind.startswith("node") else f"the action {uses} is of an unknown kind ({kind or 'none named'})"
    if depth >= _DEEPEST:
        return f"the action {uses} is nested too deeply"
    below = action.get("runs", "steps")
    return of_steps(below.items or () if below is not None else (), files, depth + 1)


def _of_checkout(step: Node) -> str:
    for key, what in (("repository", "another repository"), ("ref", "another ref")):
        value = step.word("with", key)
        if value and not re.fullmatch(
            r"\$\{\{\s*github\.(?:repository|ref|ref_name|sha|head_ref)(?:\s*\|\|\s*github\.\w+)?\s*\}\}", value
        ):
            return f"it checks out {what} ({value})"
    if step.word("with", "submodules") not in ("", "false"):
        return "it checks out submodules, which would have to be fetched"
    return (
        "it checks out files from Git LFS, which would have to be fetched" if step.word("with", "lfs") == "true" else ""
    )


def _of_script(step: Node) -> str:
    import re2

    command = re2.compile(_COMMAND)
    for line in step.word("run").splitlines():
        if not line.lstrip().startswith("#") and (found := command.search(line)):
            return f"runs {found[1]}, which is kept from reaching your machine"
    return ""
