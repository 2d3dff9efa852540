"""The repository's own workflows, run on this machine by `act`: the source that needs no account, and a fix's judge.

Responsible for giving every job a fresh copy of the commit, a home and a sandbox of its own, for running the jobs in the
order of their `needs` (two at a time), and for leaving nothing behind. Which jobs can run is `workflow`'s to say, what act
is given `singlejob`'s, what it said `actlog`'s.

Invariant: neither the repository nor a tree to judge is ever written; what could not be run is UNKNOWN, never red.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.git import Repository
from hee_monitoring import durations, workflow
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run
from hee_monitoring.sources import actlog
from hee_monitoring.sources.pushed import Origin, Pushed
from hee_monitoring.sources.session import Session, counted, reads_needs, room

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hee_core.clock import Clock
    from hee_monitoring.workflow import PlannedJob, Problem


def _silent(_: str) -> None:
    """Says nothing."""


class ActSource:
    """A source and a judge over one repository. `work` is a directory for copies; `timeout` is in seconds, for each job."""

    name = "act"

    def __init__(
        self,
        repository: Path,
        *,
        clock: Clock,
        work: Path,
        timeout: float = 900,
        progress: Callable[[str], None] = _silent,
        hide: Sequence[Path] = (),
    ) -> None:
        """Touches nothing yet; `hide` names places with secrets that no job may see."""
        self._place = repository
        self._clock = clock
        self._work = work
        self._timeout = timeout
        self._progress = progress
        self._hide = tuple(hide)
        self._origin: Origin | None = None

    def runs(self, commit: str) -> tuple[Run, ...]:
        """One run for each workflow file of the commit; raises ToolMissing when act is needed and missing."""
        repository = Repository.discover(self._place)
        self._origin = origin = Origin.of(repository)
        pushed = Pushed.of(repository, commit, origin)
        planned = workflow.plan(_committed(repository, commit), branch=pushed.branch)
        results: dict[str, Job] = {}
        if any(job.runnable for job in planned.jobs):
            with room(self._work) as place:
                self._progress(f"copying {commit[:12]}")
                repository.clone_to(place / "tree", commit, pushed.branch)
                session = self._session(place, place / "tree", repository, pushed)
                results = session.run(planned.jobs)
        else:
            session = self._session(self._work, self._place, repository, pushed)
            results = session.run(planned.jobs)
        durations.keep(self._work.parent, results.values())
        runs = [
            self._run(path, [job for job in planned.jobs if job.workflow == path], results, pushed)
            for path in _paths(planned.jobs)
        ]
        refused = dict.fromkeys(problem.path for problem in planned.problems)
        return (
            *runs,
            *(self._refused(path, [p for p in planned.problems if p.path == path], pushed) for path in refused),
        )

    def run_job(self, tree: str, key: str) -> Job:
        """Runs one job of a tree as it is on disk, uncommitted changes included; the tree itself stays as it is."""
        place = Path(tree).resolve()
        repository = Repository.discover(place)
        if self._origin is None:
            self._origin = Origin.of(Repository.discover(self._place))
        pushed = Pushed.of(repository, repository.commit("HEAD"), self._origin)
        planned = workflow.plan(_on_disk(place))
        job = planned.job(key)
        path = key.partition("#")[0]
        problems = [problem for problem in planned.problems if problem.path == path]
        if problems:
            return Job(
                key,
                key.partition("#")[2],
                Conclusion.STARTUP_FAILURE,
                annotations=_annotations(problems),
                reason=problems[0].message,
            )
        if job is None:
            return Job(key, key.partition("#")[2], Conclusion.UNKNOWN, reason=f"this tree has no job {key}")
        if (place / ".git").is_file():
            return Job(
                key,
                job.name,
                Conclusion.UNKNOWN,
                reason=f"{place} is a linked worktree: a job could change the repository that it is linked to",
            )
        with room(self._work) as own:
            session = self._session(own, place, repository, pushed)
            return session.run(_with_needs(job, planned.jobs))[key]

    def _session(self, own: Path, tree: Path, repository: Repository, pushed: Pushed) -> Session:
        closed = tuple(place for place in (repository.root, repository.common_dir, tree) if place is not None)
        took = durations.read(self._work.parent)
        return Session(own, tree, pushed, self._clock, self._timeout, self._progress, self._hide, closed, took)

    def _run(self, path: str, planned: list[PlannedJob], results: Mapping[str, Job], pushed: Pushed) -> Run:
        jobs = tuple(results[job.key] for job in planned)
        return Run(
            source=self.name,
            conclusion=actlog.worst([counted(job, results[job.key].conclusion) for job in planned]),
            jobs=jobs,
            commit=pushed.commit,
            branch=pushed.branch,
            workflow=path,
            completed_at=self._clock.now(),
        )

    def _refused(self, path: str, problems: list[Problem], pushed: Pushed) -> Run:
        return Run(
            source=self.name,
            conclusion=Conclusion.STARTUP_FAILURE,
            jobs=(),
            commit=pushed.commit,
            branch=pushed.branch,
            workflow=path,
            annotations=_annotations(problems),
            completed_at=self._clock.now(),
        )


def _annotations(problems: list[Problem]) -> tuple[Annotation, ...]:
    return tuple(Annotation(problem.message, path=problem.path, line=problem.line) for problem in problems)


def _paths(jobs: Sequence[PlannedJob]) -> list[str]:
    return list(dict.fromkeys(job.workflow for job in jobs))


def _with_needs(job: PlannedJob, jobs: Sequence[PlannedJob]) -> tuple[PlannedJob, ...]:
    """The job and, only if it reads what they said, those it needs, in order."""
    wanted = {job.key}
    for other in reversed(jobs):  # the jobs that one needs stand before it
        reading = [known for known in jobs if known.key in wanted and reads_needs(known)]
        if any(other.workflow == known.workflow and other.job_id in known.needs for known in reading):
            wanted.add(other.key)
    return tuple(other for other in jobs if other.key in wanted)


def _committed(repository: Repository, commit: str) -> dict[str, bytes]:
    """The workflows of a commit, and the descriptions of the local actions that they use."""

    def read(path: str) -> bytes | None:
        done = repository.attempt("cat-file", "blob", f"{commit}:{path}")
        return done.stdout if done.returncode == 0 else None

    return _and_actions(repository.files(commit, ".github/workflows"), read)


def _on_disk(tree: Path) -> dict[str, bytes]:
    """The same from a tree on disk; links that lead out of it are not followed."""

    def read(path: str) -> bytes | None:
        place = (tree / path).resolve()
        return place.read_bytes() if place.is_file() and place.is_relative_to(tree) else None

    folder = tree / workflow.PLACE
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    files = {f"{workflow.PLACE}{name}": data for name in names if (data := read(f"{workflow.PLACE}{name}")) is not None}
    return _and_actions(files, read)


def _and_actions(files: dict[str, bytes], read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    tried: set[str] = set()
    while folders := workflow.local_actions(files) - tried:
        tried |= folders
        for folder in folders:
            for name in ("action.yml", "action.yaml"):
                path = f"{folder}/{name}".removeprefix("./")
                if (data := read(path)) is not None:
                    files[path] = data
    return files
