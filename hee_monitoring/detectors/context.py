"""HEE-PAT-005 Context Instability: work that goes in circles.

Sub-rules: **c** so many repairs of one failure in a row did not hold (the configuration's `max_attempts`) · **b** a
value that changed and changed back, such as a job's result at one commit.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from hee_monitoring.detectors.subject import Found, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hee_core.events import Event
    from hee_monitoring.detectors.subject import Known


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:  # noqa: ARG001 - one shape for all detectors
    """Looks at the attempts and at the history of context values; the files say nothing about them."""
    for fingerprint, count in sorted(known.attempts.items()):
        if count >= known.config.max_attempts:
            text = f"{count} repairs of failure {fingerprint} in a row did not hold"
            yield _found("c", fingerprint, "repairs of one failure do not converge", text, 10_000)
    for subject, values in sorted(known.history.items()):
        runs = [value for value, _ in groupby(values)]
        if len(runs) > 2 and len(set(runs)) < len(runs):
            text = f"{subject}: {' -> '.join(runs[-6:])}"
            yield _found("b", subject, "a value changes back and forth", text, 9000)


def history_of(events: Iterable[Event]) -> dict[str, tuple[str, ...]]:
    """The results of each job at each commit, in the order of the polls: what flapping is read from."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.type != "ci.polled" or not event.data.get("commit"):
            continue
        for result in ("passed", "failed"):
            for job in event.data.get(f"jobs_{result}", ()):
                found.setdefault(f"{job} at {event.data['commit']}", []).append(result)
    return {subject: tuple(results) for subject, results in found.items()}


def _found(rule: str, subject: str, says: str, text: str, confidence: int) -> Found:
    title = f"Context instability: {says}"
    evidence = (line(subject, 0, text),)
    return Found("HEE-PAT-005", "context", rule, subject, title, confidence, evidence, {"subject": subject})
