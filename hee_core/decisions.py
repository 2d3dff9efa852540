"""What people and agents decided, allowed, froze and took back: the handlers that write the ledger.

Invariant: a decision enters with `decision.recorded` and leaves the active ones only by an event that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import alerts
from hee_core.ledger import APPROVALS_KEPT, CHECKPOINTS_KEPT, VERDICTS_KEPT, decision_id
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]


_TEXTS = (
    "key",
    "statement",
    "action",
    "safety",
    "rule",
    "rationale",
    "issue_id",
    "value",
    "policy",
    "review_by",
    "supersedes",
)
_LISTS = ("deny_paths", "scope", "alternatives", "evidence")


def recorded(draft: Draft, event: Any, data: Data) -> None:
    """Adds a decision, ends the one it supersedes, and tells the issue it is about."""
    name = decision_id(event.id, draft.decisions, draft.ended)
    record = Record(
        {field: data.get(field) or "" for field in _TEXTS},
        **{field: data.get(field, []) for field in _LISTS},
        decision_id=name,
        kind=data.get("kind", "standing"),
        decided_by=event.actor,
        decided_at=draft.time,
        event=event.id,
    )
    if record["supersedes"] in draft.decisions:
        draft.end_decision(record["supersedes"], how="superseded", reason=record["statement"], successor=record)
    draft.put("decisions", record, name)
    if record["kind"] == "issue":
        decided = {field: record[field] for field in ("action", "decision_id", "rationale")}
        draft.update_issue(record["issue_id"], **decided)


def ended(draft: Draft, _: Any, data: Data) -> None:
    """Ends an active decision."""
    draft.end_decision(data["decision_id"], how=data["how"], reason=data["reason"])


def approved(draft: Draft, event: Any, data: Data) -> None:
    """Keeps what a person allowed, and lets repairs begin anew that had been stopped."""
    approval = Record(
        approval_id=event.id,
        subject=data["subject"],
        statement=data["statement"],
        scope=data.get("scope", []),
        expires=data.get("expires", ""),
        actor=event.actor,
        time=draft.time,
    )
    draft.put("approvals", approval, event.id, keep=APPROVALS_KEPT)
    for key in [key for key, stop in draft.stops.items() if data["subject"] in (key, stop["issue_id"])]:
        draft.own("stops").pop(key)


def revoked(draft: Draft, _: Any, data: Data) -> None:
    """Takes an approval back."""
    draft.own("approvals").pop(data["approval_id"])


def froze(draft: Draft, _: Any, data: Data) -> None:
    """Stops writes until a person ends the freeze."""
    draft.frozen, draft.frozen_reason = True, data["reason"]


def unfroze(draft: Draft, _: Any, __: Data) -> None:
    """Ends the freeze."""
    draft.frozen, draft.frozen_reason = False, ""
    alerts.ended(draft, "state")


def checkpointed(draft: Draft, _: Any, data: Data) -> None:
    """Keeps a point to return to."""
    point = {name: data[name] for name in ("backup_id", "index", "capsule", "decisions")}
    record = Record(point, reason=data.get("reason", ""), time=draft.time)
    draft.put("checkpoints", record, data["backup_id"], keep=CHECKPOINTS_KEPT)


def configured(draft: Draft, _: Any, data: Data) -> None:
    """Takes over which configuration is in force."""
    governance = data.get("governance", "strict")
    draft.config = {"path": data["path"], "digest": data["digest"], "governance": governance}


def patterns_loaded(draft: Draft, _: Any, data: Data) -> None:
    """Takes over which pattern database is in force."""
    own = {name: draft.patterns[name] for name in ("file",) if name in draft.patterns}
    draft.patterns = {**{name: data[name] for name in ("version", "digest", "count")}, **own}


def patterns_extended(draft: Draft, _: Any, data: Data) -> None:
    """Takes over which pattern file of the project is in force."""
    others = {name: value for name, value in draft.patterns.items() if name != "file"}
    draft.patterns = {**others, "file": data["blob"]} if data["blob"] else others


def governed(draft: Draft, _: Any, data: Data) -> None:
    """Takes over the verdict of the rules: over the cycle, or over one phase of a fix."""
    phase, verdict = data.get("phase", "cycle"), data["verdict"]
    if phase != "cycle":
        _govern_fix(draft, data["scope"], phase, verdict)
        return
    draft.compliance = {"pass": True, "fail": False}.get(verdict)
    draft.governance = {
        "verdict": verdict,
        "evaluated": data["evaluated"],
        "rules": data.get("rules", [])[:100],
        "detail": data.get("detail", ""),
        "time": draft.time,
    }


def _govern_fix(draft: Draft, scope: str, phase: str, verdict: str) -> None:
    fix = draft.fixes.get(scope)
    if fix is not None:
        draft.put("fixes", Record(fix, governance={**fix["governance"], phase: verdict}), scope)
        return
    early = draft.verdicts.get(scope)
    phases = {**(early["phases"] if early else {}), phase: verdict}
    draft.put("verdicts", Record(scope=scope, phases=phases), scope, keep=VERDICTS_KEPT)
