"""What `hee explain` looks at: logs in files, or the red jobs of a run of GitHub that a person names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.projection import State
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.database import PatternDB
    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.github.named import Name


@dataclass(frozen=True)
class Look:
    """The diagnoses by name, what was read in words, and for a run how its jobs ended in other attempts of the commit."""

    found: list[tuple[str, Diagnosis]]
    words: str
    attempts: Mapping[str, tuple[int, int]] | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def verdict(self, name: str, diagnosis: Diagnosis, state: State | None) -> dict[str, Any] | None:
        """Why it is there: what the log says last, and for a run what its other attempts add; None where neither speaks."""
        from hee_monitoring.recall import shown, triage_of
        from hee_monitoring.triage import Signs, judge

        known = state and (state.issues.get(diagnosis.issue_id) or state.operational.closed.get(diagnosis.issue_id))
        if self.attempts is None:
            return triage_of(known) if known else None
        green, red = self.attempts.get(name, (0, 0))
        episodes = known.get("episodes", {}) if known else {}
        seen = known["count"] if known else 0
        signs = Signs(diagnosis.category, green=green, red=red, seen=seen, base_name="its base", **episodes)
        return shown(judge(signs).fields())


def named(path: str) -> Name | None:
    """The run that an argument names; None for a path, and where a file has that very name."""
    if path == "-" or Path(path).exists():
        return None
    from hee_monitoring.github import named as names

    return names.name(path)


def explained(asked: Name, place: str, patterns: PatternDB, terminal: Terminal) -> Look:
    """Reads a run through GitHub's API and explains its red jobs; raises SourceError where that cannot be done."""
    from hee_core.clock import SYSTEM
    from hee_core.errors import GitError
    from hee_core.git import Repository
    from hee_monitoring.classify import diagnose
    from hee_monitoring.evidence import Conclusion, Job
    from hee_monitoring.github import named as names
    from hee_monitoring.observe import observe, unexplained
    from hee_monitoring.redact import publishable

    try:
        repository = Repository.discover(place)
    except GitError:
        repository = None
    with names.open_client(names.where(asked, repository), SYSTEM) as client:
        run = names.read(client, asked, terminal.progress)
        picture = observe([run], (), lambda job: diagnose(job, patterns))
        attempts = names.others(client, run) if picture.observations else {}
    found = [(publishable(seen.job_key, limit=200), seen.diagnosis) for seen in picture.observations]
    found += [
        (key, unexplained(Job(key, key, Conclusion.UNKNOWN, reason=why))) for key, why in picture.unknown.items()
    ]  # nobody knows how it ended, and that is not green
    if not found:
        found = [
            (
                publishable(run.workflow, limit=200),
                diagnose(Job(run.workflow, run.workflow, Conclusion.SUCCESS), patterns),
            )
        ]
    about = {
        "run": {
            "repository": client.place.repository,
            "run_id": run.run_id,
            "attempt": run.attempt,
            "workflow": publishable(run.workflow, limit=200),
            "branch": publishable(run.branch, limit=200),
            "commit": run.commit,
            "conclusion": run.conclusion.value,
            "jobs": [
                {
                    "job": publishable(job.key, limit=200),
                    "conclusion": job.conclusion.value,
                    "reason": publishable(job.reason, limit=500),
                }
                for job in run.jobs
            ],
        }
    }
    words = f"run {run.run_id} (it ended as {run.conclusion.value}), {len(run.jobs)} job(s)"
    return Look(found, words, attempts, about)
