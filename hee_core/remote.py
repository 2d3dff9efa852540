"""Another repository's log, over git's own transports: brought here beside ours, or ours sent there.

How a remote is reached is said by the person who runs us and by their own configuration. What the repository's
configuration could make git run is overridden (transport programs, ssh command, credential helpers, hooks), and hooks
and helpers of other protocols never run; its addresses and headers are data and count. Responsible for moving commits,
not for believing them. Invariant: what was fetched is under a ref of its own, no other local ref moved, and a push
never takes anything away on the other side.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import Conflict, GitError, NotFound
from hee_core.git import DURABLE
from hee_core.store import REF

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Mapping

    from hee_core.git import Repository

INCOMING = "refs/hee/incoming/"  # below it, what was fetched and is not verified yet
_PROTOCOLS = "file:git:http:https:ssh"
_PERSONS = {"system", "global"}  # the scopes of configuration that do not come with a repository
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")  # what is safe in the name of a ref
_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
_LOST = re.compile(
    rb"\[rejected\]|\[remote rejected\].*(?:cannot lock ref|failed to update ref|incorrect old value|updated since)"
)


@dataclass(frozen=True)
class Remote:
    """A remote of a repository by its configured name, or by address; `options` and `env` are for git's command line."""

    repository: Repository
    name: str
    configured: bool
    options: tuple[str, ...]
    env: dict[str, str]

    @classmethod
    def find(cls, repository: Repository, name: str = "") -> Remote:
        """The remote of that name or address; without one the only remote, or origin. Raises NotFound."""
        settings = _settings(repository)
        remotes = {key[7:-4] for _, key, _ in settings if key.startswith("remote.") and key.endswith(".url")}
        if not name:
            name = remotes.copy().pop() if len(remotes) == 1 else "origin" if "origin" in remotes else ""
        if not name or name.startswith("-"):
            known = ", ".join(sorted(remotes)) or "none"
            raise NotFound(
                f"no remote to sync with (remotes here: {known})", hint="name one: `hee sync NAME`, or its address"
            )
        if any(key == f"remote.{name}.vcs" for _, key, _ in settings):
            raise GitError(
                f"the remote {name} asks for a transport program of its own (remote.{name}.vcs)",
                hint="name its address instead: `hee sync ADDRESS`",
            )
        helpers = [f"{key}={value}" for scope, key, value in settings if scope in _PERSONS and _is_helper(key)]
        mirror = (
            [f"remote.{name}.mirror=false"] if name in remotes else []
        )  # one branch is sent, whatever the remote is for
        options = [word for setting in ("credential.helper=", *helpers, *mirror) for word in ("-c", setting)]
        return cls(
            repository, name, name in remotes, (*options, "-c", "core.alternateRefsCommand=true"), _env(settings)
        )

    @property
    def shown(self) -> str:
        """The name as it may be shown: an address without whatever its owner logs in with."""
        return _LOGIN.sub("", self.name)

    @property
    def tracking(self) -> str:
        """The private ref that remembers the last log of this remote that was verified here."""
        plain = self.configured and _PLAIN.fullmatch(self.name)
        return f"refs/hee/remotes/{self.name if plain else hashlib.sha256(self.name.encode()).hexdigest()[:16]}"

    def known(self) -> str | None:
        """The last commit of the remote's log that was seen here: by a sync, or else by stock git's own fetch."""
        own = self.repository.ref(self.tracking)
        return own or (self.repository.ref(f"refs/remotes/{self.name}/hee/log") if self.configured else None)

    def fetch(self, ref: str) -> str | None:
        """Brings the remote's log under a ref; None when the remote has none. Raises GitError when it is not reached."""
        done = self._run(
            "fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=",
            "--upload-pack", "git-upload-pack", "--end-of-options", self.name, f"+{REF}:{ref}",
        )  # fmt: skip
        if done.returncode == 0:
            return self.repository.ref(ref)
        if b"couldn't find remote ref" in done.stderr:
            return None
        raise self._unreached(done)

    def push(self, commit: str) -> None:
        """Makes a commit the remote's log; raises Conflict when somebody was first, GitError for anything else."""
        done = self._run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
            "--receive-pack", "git-receive-pack", "--end-of-options", self.name, f"{commit}:{REF}",
        )  # fmt: skip
        if done.returncode == 0:
            return
        if _LOST.search(done.stdout):
            raise Conflict(f"the log of {self.shown} went on meanwhile", hint="run `hee sync` again")
        if b"[remote rejected]" in done.stdout:
            words = done.stdout.decode("utf-8", "replace").partition("[remote rejected]")[2].strip().splitlines()[0]
            raise GitError(
                f"{self.shown} does not take the log: {words[:200]}",
                hint="let its owner allow pushes to the branch hee/log",
            )
        raise self._unreached(done)

    def offer(self, commit: str, ref: str, ours: Collection[str], *, env: Mapping[str, str]) -> None:
        """Makes a commit the remote's branch, new or one of `ours` until now; raises Conflict if it is somebody else's.

        `env` is what git needs to log in there, for these calls alone.
        """
        done = self._run(
            "ls-remote", "--refs", "--upload-pack", "git-upload-pack", "--end-of-options", self.name, ref, env=env
        )
        if done.returncode:
            raise self._unreached(done, "the remote")
        there = done.stdout.decode("ascii", "replace").partition("\t")[0]
        if there == commit:
            return
        name = ref.removeprefix("refs/heads/")
        if there and there not in ours:
            raise Conflict(
                f"{name} on {self.shown} is at {there[:12]}, which is not ours", hint="look at it, then remove it"
            )
        done = self._run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
            "--receive-pack", "git-receive-pack", f"--force-with-lease={ref}:{there}", "--end-of-options", self.name,
            f"{commit}:{ref}", env=env,
        )  # fmt: skip
        if done.returncode:
            raise self._unreached(done, f"the branch {name} of")

    def _run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        known = self.env | dict(env or {})
        return self.repository.attempt(*DURABLE, "-c", "fetch.unpackLimit=1", *self.options, *arguments, env=known)

    def _unreached(self, done: subprocess.CompletedProcess[bytes], what: str = "the log of") -> GitError:
        words = [line.strip() for line in (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()]
        told = [line for line in words if line.startswith(("fatal:", "error:", "!", "remote:", "ssh:"))] or words[-1:]
        text = _LOGIN.sub("", "; ".join(told))
        return GitError(
            f"{what} {self.shown} cannot be reached: {text[:400] or f'exit status {done.returncode}'}",
            hint="nothing is lost: try again when it can be reached, everything recorded meanwhile will go along",
        )


def _settings(repository: Repository) -> list[tuple[str, str, str]]:
    """Every setting that git sees: its scope, its key, its value."""
    words = repository.run("config", "--list", "--show-scope", "-z").decode("utf-8", "surrogateescape").split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return [(scope, *entry.partition("\n")[::2]) for scope, entry in pairs]


def _is_helper(key: str) -> bool:
    return key.startswith("credential.") and key.endswith(".helper")


def _env(settings: list[tuple[str, str, str]]) -> dict[str, str]:
    """What git may run to reach a remote: the person's own words, else ssh without a question."""
    env = {name: os.environ[name] for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT") if name in os.environ}
    own = [value for scope, key, value in settings if scope in _PERSONS and key == "core.sshcommand"]
    if not env:
        env["GIT_SSH_COMMAND"] = own[-1] if own else "ssh -o BatchMode=yes -o ConnectTimeout=20"
    allowed = os.environ.get("GIT_ALLOW_PROTOCOL", _PROTOCOLS)
    return env | {"GIT_ASKPASS": "", "GIT_PROXY_COMMAND": "", "GIT_ALLOW_PROTOCOL": allowed}
