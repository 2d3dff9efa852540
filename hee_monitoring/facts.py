"""Observations, diagnoses and verdicts as events. Pure: values in, drafts out.

`event` is the one gate through which everything that a cycle says enters the log: no text that a job, a workflow or a
file put in front of us passes it with a secret in it. Callers cut their texts with `publishable`, never before it.

The order in which these drafts are appended is the specification's workflow graph; `NODES` says which node each event
type stands for, and a property test walks recorded cycles along it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.events import Event
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.clock import Clock
    from hee_core.record import Record
    from hee_governance.decide import Verdict
    from hee_monitoring.database import PatternDB
    from hee_monitoring.evidence import Evidence
    from hee_monitoring.impact import Impact
    from hee_monitoring.observe import Observation
    from hee_monitoring.triage import Signs
    from hee_monitoring.triage import Verdict as Triage

# Nodes of the workflow graph (specification, lines 70-87) by event type; L and M are one commit here.
NODES: dict[str, tuple[str, ...]] = {
    "monitor.started": ("A", "B"),
    "governance.evaluated": ("C",),
    "ci.polled": ("D", "E"),
    "ci.failure_detected": ("F",),
    "ci.failure_classified": ("G",),
    "ci.impact_assessed": ("H",),
    "decision.recorded": ("I",),
    "fix.applied": ("J",),
    "fix.rolled_back": ("J",),
    "fix.refused": ("J",),
    "alert.raised": ("K",),
    "monitor.completed": ("L", "M"),
}
EDGES = frozenset(["AB", "BC", "CD", "DE", "EF", "ED", "FG", "GH", "HI", "IJ", "IK", "JL", "JK", "KL", "LM", "MD"])


_SHORTEST = 100  # a cut below this would not save a limit of the catalogue, only spoil a word


def event(type_: str, data: Mapping[str, Any], *, subject: str, clock: Clock) -> Event:
    """A draft whose texts are publishable, however deep they lie in the payload."""
    return Event.new(type_, _published(data), subject=publishable(subject, limit=200), clock=clock)


def _published(value: Any) -> Any:
    if isinstance(value, str):
        # What is replaced by a longer mark may not outgrow the limit that the text was cut for.
        return publishable(value, limit=max(len(value), _SHORTEST))
    if isinstance(value, dict):
        return {name: _published(item) for name, item in value.items()}
    return [_published(item) for item in value] if isinstance(value, (list, tuple)) else value


def evidence(items: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Evidence as payload: clean, cut, at most ten lines."""
    return [
        {
            "channel": item.channel.value,
            "line": item.line,
            "text": publishable(item.text, limit=500),
            "where": publishable(item.where, limit=300),
        }
        for item in list(items)[:10]
    ]


def detected(seen: Observation, *, commit: str, branch: str, decisions: Iterable[str], clock: Clock) -> Event:
    """Something is red (node F: analyzed with the decisions that were active)."""
    run, job = seen.run, seen.job
    return event(
        "ci.failure_detected",
        {
            "issue_id": seen.issue_id,
            "fingerprint": seen.diagnosis.fingerprint,
            "source": run.source if run else "files",
            "workflow": publishable(run.workflow, limit=200) if run else "",
            "job": publishable(seen.job_key, limit=200),
            "step": publishable(next((s.name for s in job.steps if s.conclusion.value == "failure"), ""), limit=200)
            if job
            else "",
            "commit": (run.commit if run and run.commit else commit) or None,
            "branch": publishable((run.branch if run else "") or branch, limit=200),
            "run_id": run.run_id if run else 0,
            "attempt": run.attempt if run else 1,
            "evidence": evidence(seen.diagnosis.evidence),
            "completed_at": job.completed_at if job else "",
            "decisions": sorted(decisions)[:50],
        },
        subject=f"issue/{seen.issue_id}",
        clock=clock,
    )


def classified(seen: Observation, patterns: PatternDB, *, clock: Clock) -> Event:
    """Which pattern explains it (node G)."""
    found = seen.diagnosis
    return event(
        "ci.failure_classified",
        {
            "issue_id": seen.issue_id,
            "pattern_id": found.pattern_id or UNKNOWN_PATTERN,
            "category": found.category,
            "title": publishable(found.title, limit=200) or "no pattern explains it",
            "confidence": found.confidence,
            "database": f"{patterns.version}+{patterns.digest[:12]}",
            "captures": {name: publishable(value, limit=300) for name, value in sorted(found.captures.items())[:20]},
            "secondary": [publishable(f"{other.category}: {other.text}", limit=300) for other in found.secondary[:5]],
        },
        subject=f"issue/{seen.issue_id}",
        clock=clock,
    )


UNKNOWN_PATTERN = "HEE-PAT-999"


def assessed(seen: Observation, impact: Impact, *, clock: Clock) -> Event:
    """What it hits (node H)."""
    return event(
        "ci.impact_assessed",
        {
            "issue_id": seen.issue_id,
            "impact": impact.impact,
            "severity": impact.severity,
            "reasons": [publishable(reason, limit=300) for reason in impact.reasons],
            "decision_conflict": impact.decision_conflict,
        },
        subject=f"issue/{seen.issue_id}",
        clock=clock,
    )


def triaged(
    issue_id: str, signs: Signs, verdict: Triage, places: Iterable[Mapping[str, Any]], *, clock: Clock
) -> Event:
    """Why it is there, as far as the signs say; `places` are branches that are now known to be red."""
    return event(
        "ci.failure_triaged",
        {
            "issue_id": issue_id,
            **verdict.fields(),
            **{name: getattr(signs, name) for name in ("green", "red", "passed", "lasted", "seen", "base", "storm")},
            "red_on": [{**place, "commit": place["commit"] or None} for place in places],
        },
        subject=f"issue/{issue_id}",
        clock=clock,
    )


def decided(issue: Record, verdict: Verdict, *, policy: str, clock: Clock) -> Event:
    """What may be done about an issue, and which rule said so (node I)."""
    return event(
        "decision.recorded",
        {
            "kind": "issue",
            "key": f"issue/{issue['issue_id']}",
            "statement": f"{verdict.action} for {issue['category']} ({issue['pattern_id']})",
            "action": verdict.action,
            "rule": verdict.rule,
            "rationale": verdict.rationale,
            "safety": verdict.safety,
            "issue_id": issue["issue_id"],
            "evidence": [publishable(reason, limit=300) for reason in verdict.reasons[:10]],
            "policy": policy,
            "supersedes": issue.get("decision_id", ""),
        },
        subject=f"issue/{issue['issue_id']}",
        clock=clock,
    )


def alerted(issue: Record, *, title: str, rationale: str, next_step: str, within: int, clock: Clock) -> Event:
    """Somebody is told (node K)."""
    return event(
        "alert.raised",
        {
            "issue_id": issue["issue_id"],
            "severity": issue["severity"] or "medium",
            "title": publishable(title, limit=300),
            "rationale": rationale,
            "next_step": publishable(next_step, limit=500),
            "within_s": within,
        },
        subject=f"issue/{issue['issue_id']}",
        clock=clock,
    )


def changed(from_: str, to: str, trigger: str, reason: str, *, clock: Clock) -> Event:
    """One step of the state machine."""
    return event(
        "state.changed", {"from": from_, "to": to, "trigger": trigger, "reason": reason}, subject="state", clock=clock
    )


def nodes_of(events: Iterable[Mapping[str, Any]], issue_id: str) -> list[str]:
    """The nodes that one cycle's events walk for one issue; `events` have `type` and `data`."""
    walk: list[str] = []
    for event in events:
        about = event["data"].get("issue_id", "")
        if event["type"] not in NODES or about not in ("", issue_id):
            continue
        if event["type"] == "governance.evaluated" and event["data"]["scope"] != "cycle":
            continue
        walk += NODES[event["type"]]
    return walk
