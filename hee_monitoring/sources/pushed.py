"""The push that a local run stands for: branch, commit and repository as a job sees them, and as its log shows them.

Responsible for the event that act is given, and for writing the paths of this machine as those of GitHub's machines, so
that the same failure reads the same on every machine.

Invariant: nothing here writes to a repository, and no name of this machine's directories stays in a log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.git import Repository
    from hee_monitoring.evidence import Annotation

_REMOTE = re.compile(r"[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
_SAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """The watched repository as a forge knows it. `head` is the branch that is checked out; empty when there is none."""

    owner: str
    name: str
    head: str
    default_branch: str

    @classmethod
    def of(cls, repository: Repository) -> Origin:
        """Reads it from the remote `origin`; without one, the directory's name has to do."""
        owner, name = _named(repository)
        head = repository.head_branch()
        default = repository.remote_default().removeprefix("refs/remotes/origin/")
        return cls(owner, name, head, default or head or "main")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed. `branch` is empty when no branch of the repository points at the commit."""

    origin: Origin
    branch: str
    commit: str
    before: str
    message: str
    author: str

    @classmethod
    def of(cls, repository: Repository, commit: str, origin: Origin) -> Pushed:
        """Reads it from a repository that has the commit: the watched one, or a copy."""
        facts = repository.text("log", "-1", "--format=%P%x00%an <%ae>%x00%B", commit).split("\0")
        return cls(
            origin=origin,
            branch=_branch(repository, commit, origin.head),
            commit=commit,
            before=(facts[0].split() or [repository.zero])[0],
            message=facts[2].strip(),
            author=facts[1],
        )

    @property
    def ref(self) -> str:
        """The full name of the branch; a push always has one, so a commit on none is taken for one on the branch checked out."""
        return f"refs/heads/{self.branch or self.origin.head or self.origin.default_branch}"

    def event(self) -> dict[str, Any]:
        """The push event, as far as workflows read it."""
        name, _, mail = self.author.rpartition(" ")
        person = {"name": name, "email": mail.strip("<>")}
        head = {"id": self.commit, "message": self.message, "author": person, "committer": person}
        full = f"{self.origin.owner}/{self.origin.name}"
        return {
            "ref": self.ref, "before": self.before, "after": self.commit,
            "created": False, "deleted": False, "forced": False,
            "head_commit": head, "commits": [head], "pusher": person, "sender": {"login": self.origin.owner},
            "repository": {
                "name": self.origin.name, "full_name": full, "default_branch": self.origin.default_branch, "fork": False, "private": False,
                "html_url": f"https://github.com/{full}", "owner": {"login": self.origin.owner, "name": self.origin.owner},
            },
        }  # fmt: skip

    def variables(self) -> str:
        """The environment file for act: what it can't find out by itself."""
        return (
            f"GITHUB_REPOSITORY={self.origin.owner}/{self.origin.name}\nGITHUB_REF={self.ref}\nSHA_REF={self.commit}\n"
        )

    def shown(self, home: Path) -> Shown:
        """How the log of a job with this home is shown."""
        here = re.escape(str(home).encode())
        there = f"/home/runner/work/{self.origin.name}/{self.origin.name}"
        cache = here + rb"/\.cache/act/[0-9a-f]{16}"
        return Shown(
            there,
            re.compile(rb"%s/(hostexecutor|act/workflow|act|tmp)|%s/\.cache/act/(tool_cache)|%s" % (cache, here, here)),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """Writes the directories of one local job as GitHub's machines name theirs."""

    workspace: str
    _place: re.Pattern[bytes]

    def text(self, text: bytes) -> bytes:
        """The log with the paths of GitHub's machines."""
        names = {b"hostexecutor": self.workspace.encode(), b"tool_cache": b"/opt/hostedtoolcache", b"": b"/home/runner"}
        return self._place.sub(lambda match: names.get(match[1] or match[2] or b"", b"/home/runner/work/_temp"), text)

    def annotation(self, annotation: Annotation) -> Annotation:
        """The annotation with its path relative to the repository."""
        message = self.text(annotation.message.encode()).decode()
        path = self.text(annotation.path.encode()).decode().removeprefix(f"{self.workspace}/")
        return replace(annotation, message=message, path=path)


def _named(repository: Repository) -> tuple[str, str]:
    """Owner and name from the remote's address; without one, the directory's name."""
    url = repository.attempt("config", "--get", "remote.origin.url").stdout.decode("utf-8", "replace").strip()
    found = re.search(_REMOTE.pattern + r"$", url)
    if found and found[1] and not url.startswith(("/", ".", "file:")):
        return found[1], found[2]
    place = repository.root or repository.git_dir
    return "local", _SAFE.sub("-", place.name.removesuffix(".git")).strip("-.") or "repository"


def _branch(repository: Repository, commit: str, head: str) -> str:
    """The branch that points at the commit: the one checked out, then the main one, then the first that is not ours."""
    listing = repository.text("for-each-ref", "--points-at", commit, "--format=%(refname:lstrip=2)", "refs/heads")
    branches = [name for name in listing.splitlines() if not name.startswith("hee/")]
    return next((name for name in (head, "main", "master") if name in branches), branches[0] if branches else "")
