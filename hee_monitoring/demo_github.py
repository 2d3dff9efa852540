"""The demonstration's story as GitHub would tell it: runs that were made here, served by the simulator over loopback.

The jobs are real and ran on this machine; only the GitHub that shows them is simulated, and the client that asks it is the
one that asks the real one. Nothing leaves the machine.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hee_monitoring.evidence import Conclusion
from hee_monitoring.following import Follower
from hee_monitoring.github.client import Client
from hee_monitoring.github.credentials import Token
from hee_monitoring.github.place import Place
from hee_monitoring.github.simulator import SimulatedJob, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hee_monitoring.evidence import Judge, Run
    from hee_monitoring.workspace import Workspace


@contextmanager
def followed(
    workspace: Workspace, runs: Iterable[Run], judge: Judge, progress: Callable[[str], None]
) -> Iterator[tuple[Simulator, Follower]]:
    """A simulated GitHub that shows these runs, and what follows it."""
    with Simulator(clock=workspace.clock) as server:
        for run in runs:
            tell(server, run)
        client = Client(
            Place(server.url, server.repository), Token("demonstration", "GITHUB_TOKEN"), clock=workspace.clock
        )
        follower = Follower(workspace, client, judge, progress)
        try:
            yield server, follower
        finally:
            follower.close()


def tell(server: Simulator, run: Run) -> None:
    """Shows one run; what could not be run here has no conclusion that GitHub knows."""
    jobs = [
        SimulatedJob(
            job.name, "neutral" if job.conclusion is Conclusion.UNKNOWN else job.conclusion.value, job.log or 404
        )
        for job in run.jobs
    ]
    word = "neutral" if run.conclusion is Conclusion.UNKNOWN else run.conclusion.value
    server.run(word, jobs, branch=run.branch or "main", commit=run.commit or "", path=run.workflow)
