"""Which repository on which GitHub: from the environment of a workflow, else from the remote `origin`.

Invariant: an address that is not certainly a GitHub's gives None; nothing here asks the network.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.git import Repository

PUBLIC = "https://api.github.com"
_NAME = r"[A-Za-z0-9_.-]+"
_REMOTE = re.compile(
    rf"(?:(?:https?|ssh|git)://(?:[^@/\s]+@)?|[\w.-]+@)(?P<host>[\w.-]+)(?::\d+(?=/))?[/:](?P<name>{_NAME}/{_NAME}?)(?:\.git)?/?"
)
_API = re.compile(
    r"https://[\w.-]+(?::\d+)?(?:/[\w./-]*)?|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:/[\w./-]*)?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The API's address without a slash at its end, and `owner/name`."""

    api: str
    repository: str

    def path(self, rest: str) -> str:
        """The path of something of this repository, below the API's address."""
        return f"/repos/{self.repository}/{rest}" if rest else f"/repos/{self.repository}"


def api(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the API that the environment names, or nothing; raises SourceError for one that is not safe to use."""
    address = environment.get("GITHUB_API_URL", "").rstrip("/")
    if address and not _API.fullmatch(address):
        raise SourceError(
            "GITHUB_API_URL is not an https address", hint="github.com needs none; a server's is https://HOST/api/v3"
        )
    return address


def find(repository: Repository, environment: Mapping[str, str] = os.environ) -> Place | None:
    """The place that a repository belongs to; raises SourceError for an address of the API that is not safe to use."""
    address = api(environment)
    named = environment.get("GITHUB_REPOSITORY", "")
    if re.fullmatch(f"{_NAME}/{_NAME}", named):
        return Place(address or PUBLIC, named)
    return of_remote(repository.attempt("config", "--get", "remote.origin.url").stdout.decode().strip(), address)


def of_remote(url: str, api: str = "") -> Place | None:
    """The place of a remote's address; for a host that is not github.com the API's address has to be given."""
    found = _REMOTE.fullmatch(url)
    if found is None:
        return None
    name = found["name"].removesuffix(".git")
    public = found["host"].lower() in ("github.com", "ssh.github.com", "www.github.com")
    return Place(api or PUBLIC, name) if public or api else None
