"""One attempt at a repair, and the events that tell it. Pure but for the clock that dates them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hee_monitoring import facts
from hee_monitoring.fixes.outcome import Check, Outcome, Request
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from hee_core.events import Event
    from hee_core.record import Record
    from hee_governance.decide import Verdict
    from hee_governance.rules import Report
    from hee_monitoring.cycle import Cycle


@dataclass(frozen=True)
class Attempt:
    """One transaction that was run: the issue, what was asked, how it ended, the index it began after, why it went round."""

    issue: Record
    request: Request
    outcome: Outcome
    index: int
    before: Verdict
    after: Report | None = None
    cycled: str = ""

    @property
    def success(self) -> bool:
        """Whether a change came out that every check let through."""
        return self.outcome.kept

    def undone(self, reason: str) -> Attempt:
        """The attempt with nothing left of it; one that ended so already stays."""
        if not self.success:
            return self
        return replace(self, outcome=replace(self.outcome, outcome="rolled_back", reason=reason, commit=""))


def record_of(cycle: Cycle, attempt: Attempt, *, branch: str, backup: Event | None) -> list[Event]:
    """One attempt as events, in the order in which it happened; `backup` is its checkpoint if that is recorded already."""
    clock, issue, request, outcome = cycle.workspace.clock, attempt.issue, attempt.request, attempt.outcome

    def event(type_: str, data: dict[str, object]) -> Event:
        return facts.event(type_, data, subject=f"issue/{issue['issue_id']}", clock=clock)

    about = {"issue_id": issue["issue_id"], "pattern_id": issue["pattern_id"]}
    reason = publishable(outcome.reason, limit=1000)
    if outcome.outcome == "refused":
        return [event("fix.refused", {**about, "reason": reason, "rule": "transaction"})]
    name = (
        str(backup.data["backup_id"])
        if backup
        else f"HEE-BACKUP-{request.trailers['HEE-Capsule'][:12]}-{attempt.index}"
    )
    point = {"backup_id": name, "index": attempt.index, "capsule": request.trailers["HEE-Capsule"],
             "decisions": len(cycle.workspace.log.state.decisions), "reason": request.fix_id}  # fmt: skip
    events = [
        event("governance.evaluated", allowed(request.fix_id, attempt.before)),
        *([] if backup else [event("state.checkpointed", point)]),
        event("fix.started", {**about, "fix_id": request.fix_id, "strategy": outcome.strategy, "tool": publishable(outcome.tool, limit=300),
                              "commit": request.commit, "branch": publishable(request.branch, limit=200), "backup_id": name,
                              "rollback_plan": "discard the clone; no ref of the repository has moved"}),
        event("fix.validated", validation(request.fix_id, "pre", outcome.pre or (Check("the detector finds it at this commit", ok=True),))),
    ]  # fmt: skip
    if outcome.post:
        events.append(event("fix.validated", validation(request.fix_id, "post", outcome.post)))
    if attempt.after is not None:
        events.append(event("governance.evaluated", added(request.fix_id, attempt.after, kept=attempt.success)))
    if outcome.outcome == "rolled_back":
        undone = {**about, "fix_id": request.fix_id, "strategy": outcome.strategy, "reason": reason, "backup_id": name,
                  "restored": True, "duration_ms": outcome.duration_ms}  # fmt: skip
        return [*events, event("fix.rolled_back", undone)]
    where = {"branch": branch, "commit": outcome.commit}
    applied = {
        "fix_id": request.fix_id, "issue_id": issue["issue_id"], "files": [publishable(path, limit=300) for path in outcome.files[:200]],
        "insertions": outcome.insertions, "deletions": outcome.deletions, "diff": outcome.diff_sha256,
        "summary": publishable(outcome.summary, limit=500), "outcome": outcome.outcome, "duration_ms": outcome.duration_ms, **where,
    }  # fmt: skip
    events.append(event("fix.applied", applied))
    if outcome.outcome == "verified":
        proof = {"fix_id": request.fix_id, "issue_id": issue["issue_id"], "checks": checks(outcome.post), **where}
        events.append(event("fix.verified", proof))
    return events


def allowed(fix_id: str, verdict: Verdict) -> dict[str, object]:
    """The governed verdict before a repair: which rules spoke, and that they allow it."""
    return {
        "scope": fix_id,
        "phase": "before",
        "verdict": "pass" if verdict.action == "auto-fix" else "fail",
        "evaluated": len(verdict.reasons),
        "rules": [verdict.rule],
        "detail": publishable("; ".join(verdict.reasons), limit=1000),
    }


def added(fix_id: str, report: Report, *, kept: bool) -> dict[str, object]:
    """What the rules and decisions say of the change itself."""
    return {
        "scope": fix_id,
        "phase": "after",
        "verdict": "pass" if kept else "fail",
        "evaluated": report.evaluated,
        "rules": sorted({found.rule for found in report.findings})[:50],
        "detail": publishable(f"{len(report.findings)} finding(s) that were not there before", limit=1000),
    }


def validation(fix_id: str, phase: str, made: tuple[Check, ...]) -> dict[str, object]:
    """The checks of one phase as payload."""
    return {
        "fix_id": fix_id,
        "phase": phase,
        "ok": bool(made) and all(check.ok for check in made),
        "checks": checks(made),
    }


def checks(made: tuple[Check, ...]) -> list[dict[str, object]]:
    """Checks as payload."""
    return [
        {
            "name": publishable(check.name, limit=200),
            "ok": check.ok,
            "detail": publishable(check.detail, limit=500),
            "duration_ms": check.duration_ms,
        }
        for check in made[:50]
    ]
