"""The jobs of the repository, run on a commit during a repair, and what each run says about it.

Responsible for a scene of its own for every run and for the sentence about a job that is not green. Which jobs have to be green is
`transaction`'s.

Invariant: only success is success; what could not be judged counts like what failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hee_monitoring.evidence import Conclusion
from hee_monitoring.fixes.outcome import Check, tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.clock import Clock
    from hee_monitoring.evidence import Diagnosis, Job, Judge
    from hee_monitoring.fixes.bench import Bench


@dataclass(frozen=True)
class Gates:
    """Where the jobs of one repair run."""

    bench: Bench
    judge: Judge
    diagnose: Callable[[Job], Diagnosis]
    clock: Clock

    def run(self, key: str, commit: str) -> tuple[Job, int]:
        """Runs a job on a commit; the job and its milliseconds."""
        start = self.clock.monotonic()
        scene = self.bench.scene(commit)
        job = self.judge.run_job(str(scene), key)
        self.bench.drop(scene)
        # Tools that print whole paths would make the same failure another one in each checkout.
        log = job.log.replace(f"{scene}/".encode(), b"")
        return replace(job, log=log), round((self.clock.monotonic() - start) * 1000)

    def reproduced(self, key: str, commit: str, fingerprint: str) -> tuple[Check, Job, Diagnosis]:
        """Runs the failed job where it failed, and says whether it fails here in the same way."""
        job, spent = self.run(key, commit)
        again = self.diagnose(job)
        if job.conclusion is Conclusion.SUCCESS:
            fault = "the job is green here"
        elif job.conclusion is not Conclusion.FAILURE:
            fault = f"the job can't be judged here: {job.reason or job.conclusion.value}"
        elif again.fingerprint != fingerprint:
            fault = f"the job fails differently here: {again.title}"
        else:
            fault = ""
        return Check(f"reproduce {key}", not fault, fault or "fails in the same way", spent), job, again

    def judged(self, key: str, job: Job, spent: int, red: str, role: str) -> tuple[Check, str]:
        """The check that a job's run on the fix is, and why the repair can't stand, which is empty only for success."""
        ok = job.conclusion is Conclusion.SUCCESS
        if ok:
            detail = "green"
        elif job.conclusion is Conclusion.UNKNOWN:
            detail, red = f"can't be judged: {job.reason or 'unknown'}", f"{key} can't be judged after the repair"
        else:
            detail = self.diagnose(job).title
        return Check(f"{key} ({role})", ok, tidy(detail), spent), "" if ok else tidy(f"{red}: {detail}")
