"""A GitHub on this machine: a real HTTP server with runs, jobs, logs and faults on cue, for the demonstration and tests.

Its answers have the form that GitHub's published description asks for (a test holds every one of them against it), and
its logs lie on a second address, as GitHub's do, where no token may ever arrive. It knows what it was told and nothing
else. Invariant: it listens on loopback only, and counts every request that reaches it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from hee_core.clock import SYSTEM
from hee_monitoring.github import shapes
from hee_monitoring.github.desk import Desk
from hee_monitoring.github.loopback import handler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from hee_core.clock import Clock

REPOSITORY = "harbor-works/harbor"
LIMIT = 5000
REMEMBERED = 500  # answers
_RUN = re.compile(r"/repos/[^/]+/[^/]+/actions/runs/(\d+)(?:/attempts/(\d+))?(/jobs|/logs|/rerun-failed-jobs)?")
_JOB = re.compile(r"/repos/[^/]+/[^/]+/actions/jobs/(\d+)(/logs)?")
_NOTES = re.compile(r"/repos/[^/]+/[^/]+/check-runs/(\d+)/annotations")


@dataclass
class Fault:
    """Something that goes wrong with the next `times` requests whose path has `path` in it.

    `kind` is a status, or one of `limit`, `pause`, `slow`, `truncated`, `short`, `garbage`, `reset`, `reordered`, `skew`.
    """

    kind: str
    path: str = ""
    times: int = 1


@dataclass
class SimulatedJob:
    """A job to be told: `log` is its bytes, or the status that is answered instead."""

    name: str
    conclusion: str | None = "success"
    log: bytes | int = b""
    annotations: Sequence[str] = ()
    job_id: int = 0


@dataclass
class SimulatedRun:
    """A run to be told; without a conclusion it is still under way."""

    run_id: int
    conclusion: str | None
    jobs: list[SimulatedJob]
    branch: str
    commit: str
    path: str
    head: str
    created_at: str
    updated_at: str
    attempt: int = 1
    event: str = "push"
    earlier: dict[int, list[SimulatedJob]] = field(default_factory=dict)
    earlier_ends: dict[int, str | None] = field(default_factory=dict)


class Simulator:
    """The server. Use it in `with`; `url` is what GITHUB_API_URL would be."""

    def __init__(self, repository: str = REPOSITORY, *, clock: Clock = SYSTEM) -> None:
        """Listens at once; serves from `with` on."""
        self.repository = repository
        self.clock = clock
        self.runs: dict[int, SimulatedRun] = {}
        self._jobs: dict[int, tuple[SimulatedRun, SimulatedJob, int]] = {}  # by id, with the attempt
        self.raw: list[Any] = []  # items that a listing shows as they are
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.answers: list[tuple[str, str, int, bytes]] = []  # method, path, status, body
        self.leaked: list[str] = []  # requests that brought a token where none belongs
        self.tokens: set[str] = set()
        self.limit = LIMIT  # requests an hour
        self.exceeded = 0  # requests beyond it
        self._hour, self._used = 0.0, 0
        self.stalled = threading.Event()  # set at the end: a slow answer waits for it
        self._next = 1000
        self._lock = threading.Lock()
        self.desk = Desk(repository, self._now, self._page)
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), handler(self._answer, self.stalled))
        self._blobs = ThreadingHTTPServer(("127.0.0.1", 0), handler(self._blob, self.stalled))
        self.desk.base = self.url

    def __enter__(self) -> Self:
        for server in (self._api, self._blobs):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stalled.set()
        for server in (self._api, self._blobs):
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._api.server_port}"

    @property
    def blobs(self) -> str:
        """The address of the logs."""
        return f"http://127.0.0.1:{self._blobs.server_port}"

    # ------------------------------------------------------------------ telling it what happened

    def run(
        self, conclusion: str | None, jobs: Sequence[SimulatedJob] = (), *, branch: str = "main", commit: str = "c" * 40,
        path: str = ".github/workflows/ci.yml", head: str = "", event: str = "push",
    ) -> SimulatedRun:  # fmt: skip
        """Adds a run."""
        now = self._now()
        run = SimulatedRun(
            self._id(), conclusion, [], branch, commit, path, head or self.repository, now, now, event=event
        )
        self._give(run, jobs)
        self.runs[run.run_id] = run
        if run.head == self.repository:
            self.desk.branches[branch] = commit
        return run

    def finish(self, run: SimulatedRun, conclusion: str, jobs: Sequence[SimulatedJob] = ()) -> None:
        """Ends a run."""
        run.conclusion, run.updated_at = conclusion, self._now()
        self._give(run, jobs)

    def again(self, run: SimulatedRun, conclusion: str | None, jobs: Sequence[SimulatedJob] = ()) -> None:
        """Runs a run once more, as its next attempt."""
        run.earlier[run.attempt], run.earlier_ends[run.attempt] = run.jobs, run.conclusion
        run.attempt += 1
        run.conclusion, run.updated_at = conclusion, self._now()
        self._give(run, jobs)

    def fail(self, kind: str, path: str = "", times: int = 1) -> None:
        """Orders a fault."""
        self.faults.append(Fault(kind, path, times))

    def _give(self, run: SimulatedRun, jobs: Sequence[SimulatedJob]) -> None:
        run.jobs = list(jobs)
        for job in run.jobs:
            job.job_id = self._id()
            self._jobs[job.job_id] = (run, job, run.attempt)

    def _id(self) -> int:
        self._next += 1
        return self._next

    def _now(self) -> str:
        return self.clock.now()[:19] + "Z"

    # ------------------------------------------------------------------ answering

    def _answer(
        self, method: str, target: str, headers: dict[str, str], given: bytes
    ) -> tuple[int, dict[str, str], bytes, str]:
        """Status, headers, body and the fault that bends them."""
        path, _, query = target.partition("?")
        with self._lock:
            self.requests.append(f"{method} {target}")
            self.tokens.add(headers.get("authorization", ""))
            fault = next((fault for fault in self.faults if fault.path in target and fault.times > 0), None)
            if fault is not None:
                fault.times -= 1
        date = datetime.fromisoformat(self.clock.now())
        kind = fault.kind if fault else ""
        if date.timestamp() >= self._hour + 3600:
            self._hour, self._used = date.timestamp(), 0
        self._used += 1
        reset = datetime.fromtimestamp(self._hour + 3600, UTC)
        if kind == "skew":
            date, reset = date + timedelta(days=400), reset + timedelta(days=400)
        limits = {
            "date": format_datetime(date, usegmt=True),
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(self.limit - self._used, 0)),
            "x-ratelimit-reset": str(int(reset.timestamp())),
            "x-ratelimit-resource": "core",
        }
        self.exceeded += self._used > self.limit
        if kind == "limit" or self._used > self.limit:
            return self._refuse(403, "API rate limit exceeded", {**limits, "x-ratelimit-remaining": "0"}, target)
        if kind == "pause":
            return self._refuse(
                429, "You have exceeded a secondary rate limit", {**limits, "retry-after": "90"}, target
            )
        if kind.isdigit():
            return self._refuse(int(kind), "Bad credentials" if kind == "401" else "told to fail", limits, target)
        if not headers.get("authorization", "").startswith("Bearer "):
            return self._refuse(401, "Requires authentication", limits, target)
        pairs = dict(_pairs(query))
        said = self.desk.answer(method, path, pairs, given, self.blobs)
        status, more, body = said or self._routed(method, path, pairs, reordered=kind == "reordered")
        etag = f'W/"{hashlib.sha256(body + headers["authorization"].encode()).hexdigest()}"'
        if status == 200 and headers.get("if-none-match") == etag:
            status, body = 304, b""
        self.answers.append((method, path, status, body))
        del self.answers[:-REMEMBERED]
        return status, {**limits, **more, "etag": etag}, body, kind

    def _refuse(
        self, status: int, message: str, headers: dict[str, str], target: str
    ) -> tuple[int, dict[str, str], bytes, str]:
        body = json.dumps(
            {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        )
        self.answers.append(("", target.partition("?")[0], status, body.encode()))
        return status, headers, body.encode(), ""

    def _routed(
        self, method: str, path: str, query: dict[str, str], *, reordered: bool
    ) -> tuple[int, dict[str, str], bytes]:
        missing: tuple[int, dict[str, str], bytes] = (
            404,
            {},
            json.dumps({"message": "Not Found", "status": "404"}).encode(),
        )
        if path == f"/repos/{self.repository}/actions/runs":
            listed = [run for run in reversed(self.runs.values()) if query.get("head_sha", run.commit) == run.commit]
            return self._page(path, query, [*self.raw, *listed], "workflow_runs", reordered=reordered)
        if found := _RUN.fullmatch(path):
            run = self.runs.get(int(found[1]))
            if run is None:
                return missing
            if found[3] == "/rerun-failed-jobs":
                if method != "POST" or run.conclusion is None:
                    return 403, {}, json.dumps({"message": "This workflow run cannot be retried"}).encode()
                self.again(run, None, [])
                return 201, {}, b"{}"
            attempt = int(found[2] or run.attempt)
            jobs = run.jobs if attempt == run.attempt else run.earlier.get(attempt)
            if jobs is None:
                return missing
            if found[3] == "/jobs":
                return self._page(
                    path, query, [self._job(run, job, attempt) for job in jobs], "jobs", reordered=reordered
                )
            if found[3] == "/logs":
                return 302, {"location": f"{self.blobs}/runs/{run.run_id}?sig=signed"}, b""
            return 200, {}, json.dumps(self._shown(run, attempt)).encode()
        if found := _JOB.fullmatch(path):
            known = self._jobs.get(int(found[1]))
            return self._about(*known, logs=found[2] is not None) if known else missing
        if found := _NOTES.fullmatch(path):
            known = self._jobs.get(int(found[1]))
            notes = known[1].annotations if known else ()
            return self._page(path, query, [shapes.annotation(note) for note in notes], "", reordered=reordered)
        return missing

    def _about(
        self, run: SimulatedRun, job: SimulatedJob, attempt: int, *, logs: bool
    ) -> tuple[int, dict[str, str], bytes]:
        if not logs:
            return 200, {}, json.dumps(self._job(run, job, attempt)).encode()
        if isinstance(job.log, int):
            return job.log, {}, json.dumps({"message": "Not Found" if job.log == 404 else "Gone"}).encode()
        return 302, {"location": f"{self.blobs}/jobs/{job.job_id}?sig=signed"}, b""

    def _page(
        self, path: str, query: dict[str, str], found: list[Any], key: str, *, reordered: bool
    ) -> tuple[int, dict[str, str], bytes]:
        size, number = int(query.get("per_page", "30")), int(query.get("page", "1"))
        part = [
            self._shown(each) if isinstance(each, SimulatedRun) else each
            for each in found[(number - 1) * size : number * size]
        ]
        if reordered:
            part.reverse()
        more = number * size < len(found)
        link = {"link": f'<{self.url}{path}?per_page={size}&page={number + 1}>; rel="next"'} if more else {}
        document = {"total_count": len(found), key: part} if key else part
        return 200, link, json.dumps(document).encode()

    def _blob(
        self, method: str, target: str, headers: dict[str, str], given: bytes
    ) -> tuple[int, dict[str, str], bytes, str]:
        """The logs: whoever has the signed link may read them, and a token that comes along has leaked."""
        del method, given
        if "authorization" in headers:
            self.leaked.append(target)
        kind = next((fault.kind for fault in self.faults if fault.times > 0 and fault.path == "blob"), "")
        for fault in self.faults:
            if fault.path == "blob" and fault.times > 0:
                fault.times -= 1
                break
        place, _, number = target.partition("?")[0].strip("/").partition("/")
        if place == "artifacts":
            return 200, {"content-type": "application/zip"}, self.desk.files[int(number)][2], kind
        if place == "jobs":
            log = self._jobs[int(number)][1].log
            return 200, {}, log if isinstance(log, bytes) else b"", kind
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            run = self.runs[int(number)]
            for position, job in enumerate([*(job for part in run.earlier.values() for job in part), *run.jobs]):
                if isinstance(job.log, bytes):
                    archive.writestr(f"{position}_{job.name.replace('/', '')}.txt", job.log)
        return 200, {"content-type": "application/zip"}, packed.getvalue(), kind

    def _shown(self, run: SimulatedRun, attempt: int = 0) -> dict[str, Any]:
        conclusion = run.earlier_ends.get(attempt, run.conclusion)
        return shapes.run(
            run.run_id, number=run.run_id - 1000, attempt=attempt or run.attempt, name="CI", path=run.path,
            branch=run.branch, commit=run.commit, event=run.event, status="completed" if conclusion else "in_progress",
            conclusion=conclusion, created_at=run.created_at, updated_at=run.updated_at, home=self.repository,
            head=run.head, base=self.url,
        )  # fmt: skip

    def _job(self, run: SimulatedRun, job: SimulatedJob, attempt: int) -> dict[str, Any]:
        steps = [("Set up job", "success"), ("Run", job.conclusion or "")]
        return shapes.job(
            job.job_id, run_id=run.run_id, attempt=attempt, name=job.name, branch=run.branch, commit=run.commit,
            status="completed" if job.conclusion else "in_progress", conclusion=job.conclusion, started_at=run.created_at,
            completed_at=run.updated_at if job.conclusion else None, steps=steps, home=self.repository, base=self.url,
        )  # fmt: skip


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
