"""The one door to git: argument lists, a scrubbed environment, no hooks, no replace refs, no prompts.

Reading objects is `gitread`'s, over processes that this module starts; the cold paths (clone, status) go through
GitPython. Nothing a repository configures (hooks, fsmonitor, gpg programs, external protocols) runs or decides
anything here. Refs move only with their old value named: `update_ref` never writes blindly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.errors import Conflict, GitError, NotFound
from hee_core.gitread import ObjectReader

if TYPE_CHECKING:
    from typing import IO

__all__ = ["DURABLE", "SAFE", "ZERO", "ObjectReader", "Repository", "environment"]

# Options that no configuration of a repository may override.
SAFE = (
    "--no-replace-objects",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.logAllRefUpdates=false",
    "-c", "core.attributesFile=/dev/null",
    "-c", "protocol.ext.allow=never",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "commit.gpgSign=false",
    "-c", "core.commitGraph=false",  # a cache of parents that nothing checks
)  # fmt: skip
DURABLE = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=fsync")
ZERO = "0" * 40


def environment() -> dict[str, str]:
    """The caller's environment without anything that redirects, prompts or configures git."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "HEE_SIGNING_KEY"))}
    # The variables that make TLS work behind a proxy are about the network, not about the repository.
    env |= {k: v for k, v in os.environ.items() if k in {"GIT_SSL_CAINFO", "GIT_EXEC_PATH", "GIT_ALLOW_PROTOCOL"}}
    return env | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_PAGER": "cat",
    }


def index_of_hook() -> dict[str, str]:
    """The index that git hands to a hook: of `git commit -a` or `git commit FILE` it is not the repository's own."""
    path = os.environ.get("GIT_INDEX_FILE")
    return {"GIT_INDEX_FILE": path} if path else {}


def _git() -> str:
    path = shutil.which("git")
    if path is None:
        raise GitError("git is not installed", hint="install git 2.34 or later (`apt-get install git`)")
    return path


def run_in(place: Path, *arguments: str) -> None:
    """Runs git in a directory, through GitPython; raises GitError with git's own words."""
    import git

    try:
        git.cmd.Git(place).execute([_git(), *SAFE, *arguments], env=environment())
    except git.exc.GitCommandError as error:
        raise GitError(f"git {arguments[0]} failed: {str(error.stderr).strip()}") from None


@dataclass(frozen=True)
class Repository:
    """One repository. `root` is the worktree's top, None in a bare one; `common_dir` is shared by linked worktrees."""

    git_dir: Path
    common_dir: Path
    root: Path | None
    object_format: str

    @classmethod
    def discover(cls, path: str | os.PathLike[str] = ".") -> Repository:
        """Finds the repository that holds `path`; raises GitError when there is none."""
        place = Path(path)
        if not place.is_dir():
            raise GitError(f"{place} is not a directory", hint="name a directory inside a git repository")
        # One call for everything: in a bare repository it fails at the worktree, after saying all the rest.
        words = (
            "--absolute-git-dir",
            "--git-common-dir",
            "--show-object-format",
            "--is-bare-repository",
            "--show-toplevel",
        )
        done = subprocess.run(
            [_git(), *SAFE, "rev-parse", *words], cwd=place, env=environment(), capture_output=True, check=False
        )
        lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        if done.returncode and len(lines) != len(words) - 1:
            text = done.stderr.decode("utf-8", "replace").strip()
            if "dubious ownership" in text:
                raise GitError(
                    f"git does not trust {place}: it belongs to another user",
                    hint=f"git config --global --add safe.directory {place.resolve()}",
                )
            raise GitError(
                f"{place.resolve()} is not inside a git repository", hint="run `git init` first, or name a repository"
            )
        git_dir, common, object_format, bare = lines[:4]
        root = Path(lines[4]) if bare == "false" and len(lines) == len(words) else None
        return cls(Path(git_dir), (place / common).resolve(), root, object_format)

    @property
    def hash_size(self) -> int:
        """Hexadecimal digits of an object id: 40 or 64."""
        return 64 if self.object_format == "sha256" else 40

    @property
    def zero(self) -> str:
        """The id that means that a ref does not exist."""
        return "0" * self.hash_size

    def argv(self, *args: str) -> list[str]:
        """The full command line of a plumbing call."""
        return [_git(), *SAFE, f"--git-dir={self.git_dir}", *args]

    def attempt(
        self, *args: str, stdin: bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs git and returns how it ended, whatever that was."""
        return subprocess.run(
            self.argv(*args),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=self.root or self.git_dir,
            env=environment() | (env or {}),
            capture_output=True,
            check=False,
        )

    def start(
        self, *args: str, stdin: IO[bytes] | None = None, talk: bool = False, stderr: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts git with a pipe for its output; it reads `stdin`, or with `talk` a pipe. The caller ends it."""
        return subprocess.Popen(
            self.argv(*args),
            stdin=stdin or (subprocess.PIPE if talk else subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=self.git_dir,
            env=environment(),
        )

    def run(self, *args: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> bytes:
        """Runs git and returns its output; raises GitError with git's own words."""
        done = self.attempt(*args, stdin=stdin, env=env)
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip()
            raise GitError(f"git {args[0]} failed: {words or f'exit status {done.returncode}'}")
        return done.stdout

    def text(self, *args: str) -> str:
        """Runs git and returns its output as one stripped text."""
        return self.run(*args).decode("utf-8", "replace").strip()

    # ------------------------------------------------------------------ refs and commits

    def ref(self, name: str) -> str | None:
        """The object that a full ref name points at, or None."""
        done = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        return done.stdout.decode().strip() or None if done.returncode == 0 else None

    def commit(self, name: str) -> str:
        """Resolves a name a person typed to a commit id; raises NotFound."""
        found = self.ref(f"{name}^{{commit}}")
        if found is None:
            raise NotFound(f"{name!r} names no commit here", hint="`git log --oneline` lists them")
        return found

    def head_branch(self) -> str:
        """The branch that HEAD is on; empty when detached."""
        done = self.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def remote_default(self) -> str:
        """The full ref that the remote `origin` calls its default branch; empty when it does not say."""
        return self.attempt("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD").stdout.decode().strip()

    def update_ref(self, ref: str, new: str, old: str | None) -> None:
        """Moves a ref durably from `old` (None: it must not exist) to `new`; raises Conflict when it is elsewhere."""
        done = self.attempt(*DURABLE, "update-ref", "--end-of-options", ref, new, old or self.zero)
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip()
            if "but expected" in words or "already exists" in words or "unable to resolve reference" in words:
                raise Conflict(f"{ref} moved meanwhile", hint="read again and retry")
            raise GitError(f"git update-ref failed: {words}")

    def is_shallow(self) -> bool:
        """Whether history was cut when this repository was cloned."""
        return (self.common_dir / "shallow").exists()

    def left_aside(self) -> tuple[str, ...]:
        """Paths with uncommitted changes, in git's short status form; empty in a bare repository."""
        if self.root is None:
            return ()
        import git

        worktree = git.cmd.Git(self.root)
        output = worktree.execute(
            [_git(), *SAFE, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules"],
            env=environment(), stdout_as_string=False, strip_newline_in_stdout=False,
        )  # fmt: skip
        fields = bytes(output).decode("utf-8", "replace").split("\0")
        return tuple(field for field in fields if len(field) > 3 and field[2] == " ")

    def entries(self, commit: str, prefix: str = "") -> dict[str, tuple[str, str]]:
        """Every entry of a commit's tree below `prefix`, path to (mode, object id)."""
        listing = self.run(
            "ls-tree", "-r", "-z", "--full-tree", commit, *([f"{prefix.rstrip('/')}/"] if prefix else [])
        )
        rows = (entry.partition("\t") for entry in listing.decode("utf-8", "replace").split("\0") if entry)
        return {name: (meta.split()[0], meta.split()[2]) for meta, _, name in rows}

    def staged(self) -> dict[str, tuple[str, str]]:
        """Every entry of the index, path to (mode, object id); raises GitError for one that is not merged."""
        rows = self.run("ls-files", "--stage", "-z", env=index_of_hook()).decode("utf-8", "replace").split("\0")
        found: dict[str, tuple[str, str]] = {}
        for meta, _, name in (row.partition("\t") for row in rows if row):
            mode, blob, stage = meta.split()
            if stage != "0":
                raise GitError(
                    f"{name} is not merged: nothing can be said of what is staged", hint="resolve it, `git add` it"
                )
            found[name] = (mode, blob)
        return found

    def files(self, commit: str, prefix: str = "") -> dict[str, bytes]:
        """Every regular file of a commit below `prefix`, path to bytes; symlinks and submodules are left out."""
        wanted = {name: blob for name, (mode, blob) in self.entries(commit, prefix).items() if mode.startswith("100")}
        with ObjectReader(self) as reader:
            return {name: data for name, (_, data) in zip(wanted, reader.read_all(wanted.values()), strict=True)}

    # ------------------------------------------------------------------ clones

    def clone_to(self, target: Path, commit: str, branch: str = "") -> Repository:
        """Clones this repository at one commit into `target`: no remote, hooks, alternates or configuration of anyone's.

        The clone is on `branch`, or detached without one. It shares no file with this repository.
        """
        template = target.parent / f"{target.name}.template"
        template.mkdir(parents=True)
        try:
            run_in(target.parent, "init", "--quiet", f"--object-format={self.object_format}", f"--template={template}",
                   "--initial-branch=main", str(target))  # fmt: skip
        finally:
            template.rmdir()
        clone = Repository.discover(target)
        clone.fetch_commit(self.git_dir, commit)
        if branch:
            clone.run("update-ref", f"refs/heads/{branch}", commit)
            clone.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        else:
            clone.run("update-ref", "--no-deref", "HEAD", commit)
        clone.run(f"--work-tree={target}", "-c", "advice.detachedHead=false", "reset", "--hard", "--quiet", commit)
        return clone

    def fetch_commit(self, source: Path, commit: str) -> None:
        """Brings one commit with all it needs from another repository; no ref is made, nothing of the source runs."""
        self.run("-c", "fetch.unpackLimit=1", "-c", "uploadpack.allowAnySHA1InWant=true", "fetch", "--quiet", "--no-tags",
                 "--no-write-fetch-head", "--no-recurse-submodules", "--upload-pack",
                 "git -c uploadpack.allowAnySHA1InWant=true upload-pack", "--update-shallow", "--end-of-options", str(source), commit,
                 env={"GIT_ALLOW_PROTOCOL": "file"})  # fmt: skip
