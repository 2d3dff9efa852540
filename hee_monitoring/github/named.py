"""A run that a person names: by its number, by its address, or as `owner/repository#number`; read whole, with its other attempts.

Responsible for telling a name from a path, for which GitHub it means, and for how the other attempts of the run's commit ended.
What the jobs' evidence means is the classifier's. Invariant: reads only; a token goes to the GitHub of the environment or to
github.com, never to a host that only an address names.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.errors import NotFound, SourceError
from hee_monitoring.evidence import Conclusion
from hee_monitoring.github import credentials, place
from hee_monitoring.github.client import Client, parsed
from hee_monitoring.github.detail import Detail
from hee_monitoring.github.payloads import Unreadable, job_item, run_item
from hee_monitoring.observe import FAILING
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core.clock import Clock
    from hee_core.git import Repository
    from hee_monitoring.evidence import Run
    from hee_monitoring.github.place import Place

ATTEMPTS = 5  # other attempts that are asked for, the last ones
_REPOSITORY = r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
_NAMES = re.compile(
    rf"(?P<number>\d{{1,16}})|(?P<name>{_REPOSITORY})#(?P<of>\d{{1,16}})"
    rf"|https://(?P<host>[\w.-]+)/(?P<at>{_REPOSITORY})/actions/runs/(?P<id>\d{{1,16}})(?:/attempts/(?P<attempt>\d{{1,4}})|/job/\d+)?/?(?:[?#].*)?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A run as it was named; no repository means the one that we are in, attempt 0 the last one."""

    run_id: int
    repository: str = ""
    host: str = ""
    attempt: int = 0


def name(text: str) -> Name | None:
    """The run that a text names; None for what is a path."""
    found = _NAMES.fullmatch(text)
    if found is None:
        return None
    number = found["number"] or found["of"] or found["id"]
    return Name(int(number), found["name"] or found["at"] or "", found["host"] or "", int(found["attempt"] or 0))


def where(named: Name, repository: Repository | None, environment: Mapping[str, str] = os.environ) -> Place:
    """The GitHub and the repository of a named run; raises SourceError where that is not certain."""
    api = place.api(environment)
    if named.host and named.host.lower() not in ("github.com", "www.github.com") and named.host not in api.split("/"):
        raise SourceError(
            f"{named.host} is not the GitHub that the token is for",
            hint=f"for a server of your own set GITHUB_API_URL=https://{named.host}/api/v3",
        )
    if named.repository:
        return place.Place(api or place.PUBLIC, named.repository)
    found = place.find(repository, environment) if repository is not None else None
    if found is None:
        raise SourceError(
            f"run {named.run_id} of which repository? The remote `origin` here is not on GitHub",
            hint=f"name it as owner/repository#{named.run_id}, or by its address",
        )
    return found


def open_client(at: Place, clock: Clock) -> Client:
    """What asks that GitHub; raises SourceError without a token."""
    credential = credentials.find(clock)
    if credential is None:
        raise SourceError(
            "logs of GitHub are given to nobody without a token, and none is set",
            hint="set GITHUB_TOKEN (it needs actions: read), or: gh run view RUN --log-failed | hee explain -",
        )
    return Client(at, credential, clock=clock)


def read(client: Client, named: Name, progress: Callable[[str], None]) -> Run:
    """The run with its jobs, and logs of the red ones; raises NotFound for one that is not there or has not ended."""
    path = f"actions/runs/{named.run_id}" + (f"/attempts/{named.attempt}" if named.attempt else "")
    answer = client.get(client.place.path(path))
    if answer.status != 200:
        raise NotFound(
            f"{client.place.repository} has no run {named.run_id}, or the token may not see it",
            hint="its number is in its address; a file of that name would be read",
        )
    try:
        item = run_item(parsed(answer), client.place.repository)
    except Unreadable as fault:
        raise SourceError(f"run {named.run_id} cannot be read: {fault}", hint="look at it on GitHub") from None
    if not item.done:
        raise NotFound(f"run {named.run_id} has not ended", hint="ask again when it has")
    return Detail(client, progress).run(item)


def others(client: Client, run: Run) -> Mapping[str, tuple[int, int]]:
    """How often each job was green and red in other attempts of the run, by its key as it is shown; what cannot be read is not counted."""
    count: dict[str, tuple[int, int]] = {}
    last = run_attempts(client, run)
    for attempt in [number for number in range(last, 0, -1) if number != run.attempt][:ATTEMPTS]:
        try:
            for each in client.pages(client.place.path(f"actions/runs/{run.run_id}/attempts/{attempt}/jobs"), "jobs"):
                job = job_item(each)
                green, red = count.get(key := publishable(f"{run.workflow}#{job.name}", limit=200), (0, 0))
                count[key] = green + (job.conclusion is Conclusion.SUCCESS), red + (job.conclusion in FAILING)
        except (SourceError, Unreadable):
            continue
    return count


def run_attempts(client: Client, run: Run) -> int:
    """How many attempts the run has had by now."""
    try:
        return run_item(client.json(client.place.path(f"actions/runs/{run.run_id}")), client.place.repository).attempt
    except (SourceError, Unreadable):
        return run.attempt
