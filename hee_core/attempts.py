"""The life of a repair: started, validated, applied, verified or rolled back; refused or proposed instead.

Where attempts do not converge it is stopped. Every attempt that started has one record in the ledger, which no rollback removes, and counts against its
fingerprint. Invariant: an attempt that failed stays an attempt that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.ledger import ATTEMPTS_KEPT, FIXES_KEPT, SUGGESTIONS_KEPT
from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

CHECKS_KEPT = 20
FILES_KEPT = 20


def started(draft: Draft, _: Any, data: Data) -> None:
    """Begins the record of an attempt and counts it."""
    key = _key(draft, data["issue_id"])
    begun: dict[str, Any] = {name: data.get(name) or "" for name in ("commit", "branch", "backup_id")}
    if data["fix_id"] in draft.verdicts:  # the rules are asked before the start
        begun["governance"] = draft.own("verdicts").pop(data["fix_id"])["phases"]
    _put(draft, {**_blank(data, key), **begun})
    tries = _tries(draft, key)
    _count(draft, tries, attempts=tries["attempts"] + 1)


def validated(draft: Draft, _: Any, data: Data) -> None:
    """Keeps the checks that were run after the change: they are the proof."""
    fix = draft.fixes.get(data["fix_id"])
    if fix is not None and data["phase"] == "post":
        draft.put("fixes", Record(fix, checks=_checks(data)), data["fix_id"])


def applied(draft: Draft, _: Any, data: Data) -> None:
    """Ends an attempt with a change."""
    fix = draft.fixes[data["fix_id"]]
    change = {
        "outcome": data["outcome"],
        "success": True,
        "branch": data.get("branch") or fix["branch"],
        "commit": data.get("commit") or fix["commit"],
        "reason": data.get("summary", ""),
        "files": data["files"][:FILES_KEPT],
        "files_changed": len(data["files"]),
        "insertions": data["insertions"],
        "deletions": data["deletions"],
        "diff": data["diff"],
        "decision_impact": data.get("decision_impact", "none"),
        "context_preserved": data.get("context_preserved", True),
    }
    _finish(draft, {**fix, **change})


def verified(draft: Draft, _: Any, data: Data) -> None:
    """Adds the proof: the failed job is green at the fix's commit."""
    fix = draft.fixes[data["fix_id"]]
    proof = {
        "outcome": "verified",
        "success": True,
        "branch": data.get("branch") or fix["branch"],
        "commit": data.get("commit") or fix["commit"],
        "checks": _checks(data) or fix["checks"],
    }
    _finish(draft, {**fix, **proof})


def rolled_back(draft: Draft, _: Any, data: Data) -> None:
    """Ends an attempt of which nothing is left, and counts it as failed."""
    name = data["fix_id"]
    fix: Data = draft.fixes.get(name) or _blank(data, _key(draft, data["issue_id"]))
    failure = {
        "outcome": "rolled_back",
        "success": False,
        "rollback": True,
        "branch": "",
        "reason": data["reason"],
        "context_preserved": data.get("restored", True),
    }
    _finish(draft, {**fix, **failure})
    if not fix["rollback"]:
        tries = _tries(draft, fix["key"])
        _count(draft, tries, failed=tries["failed"] + 1, streak=tries["streak"] + 1)


def refused(draft: Draft, _: Any, data: Data) -> None:
    """Tells the issue that no repair was tried, and why."""
    fix = {"outcome": "refused", "branch": "", "strategy": "", "reason": data["reason"], "rule": data.get("rule", "")}
    draft.update_issue(data["issue_id"], fix=fix)


def proposed(draft: Draft, _: Any, data: Data) -> None:
    """Tells the issue that a repair waits for a review."""
    fix = {
        "outcome": "pending_review",
        "branch": "",
        "strategy": data.get("strategy", ""),
        "reason": data.get("reason", ""),
    }
    draft.update_issue(data["issue_id"], fix=fix)


def stopped(draft: Draft, _: Any, data: Data) -> None:
    """Remembers that a failure is not repaired any more; a person's approval ends it."""
    told = {name: data[name] for name in ("issue_id", "rule", "reason")}
    draft.put("stops", Record(told, key=data["fingerprint"], time=draft.time), data["fingerprint"])


def suggested(draft: Draft, event: Any, data: Data) -> None:
    """Remembers which event holds the change that a command proposed and that passed every check."""
    if data["outcome"] == "proposed":
        told = Record(issue_id=data["issue_id"], event=event.id, commit=data["commit"] or "", time=draft.time)
        draft.put("suggestions", told, data["issue_id"], keep=SUGGESTIONS_KEPT)


def _key(draft: Draft, issue_id: str) -> str:
    issue = draft.issues.get(issue_id) or draft.closed.get(issue_id)
    key: str = issue["fingerprint"] if issue else issue_id
    return key


def _blank(data: Data, key: str) -> Data:
    return {
        "fix_id": data["fix_id"],
        "issue_id": data["issue_id"],
        "pattern_id": data["pattern_id"],
        "strategy": data.get("strategy", ""),
        "key": key,
        **dict.fromkeys(("time", "outcome", "commit", "branch", "backup_id", "reason", "diff"), ""),
        "success": False,
        "rollback": False,
        "files": [],
        "files_changed": 0,
        "insertions": 0,
        "deletions": 0,
        "decision_impact": "none",
        "context_preserved": True,
        "governance": {},
        "checks": [],
    }


def _checks(data: Data) -> list[Data]:
    return [{"name": check["name"], "ok": check["ok"]} for check in data["checks"][:CHECKS_KEPT]]


def _finish(draft: Draft, fix: Data) -> None:
    _put(draft, fix)
    told = {name: fix[name] for name in ("outcome", "branch", "strategy", "reason", "fix_id")}
    draft.update_issue(fix["issue_id"], fix=told)
    if fix["success"]:
        _count(draft, _tries(draft, fix["key"]), streak=0)


def _put(draft: Draft, fix: Data) -> None:
    draft.archive("fixes", Record(fix, time=draft.time), fix["fix_id"], keep=FIXES_KEPT)


def _tries(draft: Draft, key: str) -> Data:
    return draft.attempts.get(key) or {"key": key, "attempts": 0, "failed": 0, "streak": 0}


def _count(draft: Draft, tries: Data, **counts: int) -> None:
    draft.put("attempts", Record(tries, **counts, last=draft.time), tries["key"], keep=ATTEMPTS_KEPT)
