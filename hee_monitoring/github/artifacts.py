"""Artifacts of a run, and the logs of a whole run as one archive: listed, and fetched within a limit.

    artifacts = Artifacts(client)
    artifacts.of_run(run_id)                   # names, sizes, whether expired
    artifacts.download(artifact, limit=…)      # the bytes of its zip archive
    artifacts.logs(run_id, attempt, limit=…)   # the zip archive of all logs, or None where there is none (404, 410)

Needs `actions: read`. An archive is bytes here: `sources.logs.read_input` opens one within limits. Invariant: nothing is
fetched that says it is larger than the limit, nor kept if it turns out to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core.errors import NotFound, SourceError
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from hee_monitoring.github.client import Client

LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact; `size` is what GitHub says of it in bytes."""

    artifact_id: int
    name: str
    size: int
    expired: bool


class Artifacts:
    """The artifacts and log archives of one repository."""

    def __init__(self, client: Client) -> None:
        """Asks nothing yet."""
        self._client = client

    def of_run(self, run_id: int) -> tuple[Artifact, ...]:
        """The artifacts of a run; items that cannot be read are left out."""
        path = self._client.place.path(f"actions/runs/{run_id}/artifacts")
        found = (_read(each) for each in self._client.pages(path, "artifacts"))
        return tuple(each for each in found if each is not None)

    def download(self, artifact: Artifact, *, limit: int = LARGEST) -> bytes:
        """The archive of an artifact; raises NotFound for one that expired, SourceError for one that is too large."""
        if artifact.size > limit:
            raise SourceError(
                f"the artifact {publishable(artifact.name, limit=100)} has {artifact.size} bytes, the limit is {limit}",
                hint="fetch it by hand",
            )
        answer = None
        if not artifact.expired:
            path = self._client.place.path(f"actions/artifacts/{artifact.artifact_id}/zip")
            answer = self._client.whole(path, limit=limit)
        if answer is None or answer.status != 200:
            name = publishable(artifact.name, limit=100)
            raise NotFound(
                f"the artifact {name} is not there any more", hint="GitHub keeps artifacts for 90 days at most"
            )
        return answer.body

    def logs(self, run_id: int, attempt: int, *, limit: int = LARGEST) -> bytes | None:
        """The archive of all logs of an attempt; None where GitHub has none, or not yet."""
        path = self._client.place.path(f"actions/runs/{run_id}/attempts/{attempt}/logs")
        answer = self._client.whole(path, limit=limit)
        return answer.body if answer.status == 200 else None


def _read(item: Any) -> Artifact | None:
    try:
        return Artifact(int(item["id"]), str(item["name"]), int(item["size_in_bytes"]), item["expired"] is True)
    except (KeyError, TypeError, ValueError):
        return None
