"""What the projection relies on in a payload, as plain checks: quick, and without the models of the catalogue.

An event of the log was checked by its author; a hostile author checks nothing. An event that breaks its shape is
counted as malformed and changes nothing else. Invariant: what the catalogue accepts, `fits` accepts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[Any], bool]

_HEX64 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATTERN = re.compile(r"HEE-PAT-[0-9]{3}")
_CANDIDATE = re.compile(r"HEE-CAN-[0-9a-f]{12}")


def _name(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= 300


def _text(value: Any) -> bool:
    return type(value) is str and len(value) <= 2000


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _flag(value: Any) -> bool:
    return type(value) is bool


def _basis_points(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 10000


def _maybe_basis_points(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value <= 10000)


def _digest(value: Any) -> bool:
    return type(value) is str and _HEX64.fullmatch(value) is not None


def _maybe_commit(value: Any) -> bool:
    return value is None or (type(value) is str and _COMMIT.fullmatch(value) is not None)


def _pattern(value: Any) -> bool:
    return type(value) is str and _PATTERN.fullmatch(value) is not None


def _candidate(value: Any) -> bool:
    return type(value) is str and _CANDIDATE.fullmatch(value) is not None


def _expression(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= 600


def _version(value: Any) -> bool:
    return type(value) is int and value >= 1


def _names(value: Any) -> bool:
    return type(value) is list and all(map(_name, value))


def _texts(value: Any) -> bool:
    return type(value) is list and all(map(_text, value))


def _word(*words: str | None) -> Check:
    known = frozenset(words)
    return lambda value: (value is None or type(value) is str) and value in known


_channel = _word("log", "annotation", "job", "run", "file")
_level = _word("critical", "high", "medium", "low")
_verdict = _word("flaky", "infrastructure", "broken-base", "known", "new", "unknown")
_maybe_level = _word("critical", "high", "medium", "low", None)
_stage = _word("raised", "escalated", "closed")
_status = _word("operational", "degraded", "failed", "maintenance", "hee-compliance-check")


def _counts(value: Any) -> bool:
    return type(value) is list and all(map(_count, value))


def _runs(value: Any) -> bool:
    return type(value) is list and all(
        type(item) is dict and _count(item.get("run_id")) and _count(item.get("attempt", 1)) for item in value
    )


def _maybe_count(value: Any) -> bool:
    return value is None or _count(value)


def _maybe_flag(value: Any) -> bool:
    return value is None or _flag(value)


def _red_on(value: Any) -> bool:
    return type(value) is list and all(
        type(item) is dict
        and _maybe_commit(item.get("commit"))
        and all(_text(item.get(name, "")) for name in ("branch", "workflow", "job", "completed_at"))
        and _count(item.get("run_id", 0))
        and _count(item.get("attempt", 1))
        and "branch" in item
        for item in value
    )


def _evidence(value: Any) -> bool:
    return type(value) is list and all(
        type(item) is dict
        and _channel(item.get("channel"))
        and _count(item.get("line", 0))
        and _text(item.get("text", ""))
        and _text(item.get("where", ""))
        for item in value
    )


def _checks(value: Any) -> bool:
    return type(value) is list and all(
        type(item) is dict and _name(item.get("name")) and _flag(item.get("ok")) for item in value
    )


# type -> (fields that must be there, fields that may be there); only what the projection reads
_SHAPES: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "config.loaded": ({"path": _text, "digest": _digest}, {"governance": _word("strict", "warn", "off")}),
    "patterns.loaded": ({"version": _name, "digest": _digest, "count": _count}, {}),
    "patterns.extended": ({"path": _name, "blob": _maybe_commit, "count": _count}, {}),
    "pattern.proposed": (
        {
            "candidate": _candidate,
            "regex": _expression,
            "template": _text,
            "category": _name,
            "support": _count,
            "repositories": _count,
            "examples": _texts,
        },
        {},
    ),
    "pattern.accepted": (
        {
            "candidate": _candidate,
            "pattern_id": _pattern,
            "version": _version,
            "category": _name,
            "title": _name,
            "what": _text,
            "remedy": _text,
        },
        {},
    ),
    "pattern.refused": ({"candidate": _candidate, "reason": _text}, {}),
    "pattern.retired": ({"pattern_id": _pattern, "reason": _text}, {}),
    "monitor.started": ({"source": _name}, {}),
    "monitor.completed": ({"failures": _count, "open_issues": _count}, {"unknown": _count}),
    "governance.evaluated": (
        {"scope": _name, "verdict": _word("pass", "fail", "unknown"), "evaluated": _count},
        {"phase": _word("cycle", "before", "during", "after"), "rules": _names, "detail": _text},
    ),
    "ci.polled": (
        {"source": _name},
        {"commit": _maybe_commit, "branch": _text, "run_id": _count, "jobs_unknown": _names},
    ),
    "ci.cursor_moved": (
        {"source": _name},
        {"runs": _runs, "pending": _counts, "floor": _count, "skipped": _names},
    ),
    "ci.rerun_requested": ({"source": _name, "issue_id": _name, "run_id": _count, "attempt": _count}, {}),
    "monitor.blinded": ({"source": _name, "reason": _text}, {}),
    "monitor.recovered": ({"source": _name}, {}),
    "token.approved": ({"name": _name, "fingerprint": _name, "statement": _text}, {}),
    "ci.failure_detected": (
        {"issue_id": _name, "fingerprint": _name, "source": _name, "evidence": _evidence},
        {
            "workflow": _text,
            "job": _text,
            "step": _text,
            "commit": _maybe_commit,
            "branch": _text,
            "run_id": _count,
            "attempt": _count,
        },
    ),
    "ci.failure_classified": (
        {
            "issue_id": _name,
            "pattern_id": _pattern,
            "category": _name,
            "title": _text,
            "confidence": _basis_points,
            "database": _name,
        },
        {},
    ),
    "ci.impact_assessed": (
        {"issue_id": _name, "impact": _level, "severity": _level},
        {"reasons": _texts, "decision_conflict": _flag},
    ),
    "ci.failure_triaged": (
        {"issue_id": _name, "verdict": _verdict, "probability": _basis_points, "model": _name}
        | dict.fromkeys(("flaky", "infrastructure", "broken_base", "change"), _basis_points),
        {"evidence": _texts, "missing": _texts, "red_on": _red_on, "base": _maybe_flag, "storm": _maybe_count}
        | dict.fromkeys(("green", "red", "passed", "lasted", "seen"), _count),
    ),
    "ci.branch_cleared": (
        {"issue_id": _name, "branch": _text, "how": _word("green", "gone"), "by": _text},
        {"commit": _maybe_commit},
    ),
    "decision.recorded": (
        {"key": _name, "statement": _text},
        {
            "kind": _word("issue", "standing"),
            "rule": _text,
            "rationale": _text,
            "safety": _maybe_level,
            "action": _word("auto-fix", "rerun", "agent-review", "manual-only", "none", None),
            "issue_id": _text,
            "value": _text,
            "deny_paths": _names,
            "scope": _names,
            "alternatives": _texts,
            "evidence": _texts,
            "policy": _text,
            "supersedes": _text,
            "review_by": _text,
        },
    ),
    "decision.ended": (
        {"decision_id": _name, "how": _word("superseded", "revoked", "expired", "settled"), "reason": _text},
        {},
    ),
    "approval.granted": ({"subject": _name, "statement": _text}, {"scope": _names, "expires": _text}),
    "approval.revoked": ({"approval_id": _digest, "reason": _text}, {}),
    "state.checkpoint_sealed": ({"index": _count, "event": _digest, "reason": _text}, {}),
    "ci.issue_resolved": ({"issue_id": _name, "by": _text}, {"commit": _maybe_commit}),
    "alert.raised": ({"severity": _level, "title": _text}, {"issue_id": _text, "next_step": _text}),
    "alert.delivered": ({"channel": _name, "stage": _stage, "alerts": _names, "message": _digest}, {}),
    "alert.undelivered": (
        {"channel": _name, "stage": _stage, "alerts": _names, "message": _digest, "attempt": _count, "reason": _text},
        {},
    ),
    "alert.acknowledged": ({"alert": _name}, {"statement": _text}),
    "state.checkpointed": (
        {"backup_id": _name, "index": _count, "capsule": _digest, "decisions": _count},
        {"reason": _text},
    ),
    "fix.started": (
        {"fix_id": _name, "issue_id": _name, "pattern_id": _pattern, "strategy": _name},
        {"commit": _maybe_commit, "branch": _text, "backup_id": _text},
    ),
    "fix.validated": ({"fix_id": _name, "phase": _word("pre", "post"), "ok": _flag, "checks": _checks}, {}),
    "fix.applied": (
        {
            "fix_id": _name,
            "issue_id": _name,
            "files": _names,
            "insertions": _count,
            "deletions": _count,
            "diff": _digest,
            "outcome": _word("verified", "applied"),
        },
        {
            "summary": _text,
            "branch": _text,
            "commit": _maybe_commit,
            "decision_impact": _text,
            "context_preserved": _flag,
        },
    ),
    "fix.verified": (
        {"fix_id": _name, "issue_id": _name, "checks": _checks},
        {"commit": _maybe_commit, "branch": _text},
    ),
    "fix.rolled_back": (
        {"fix_id": _name, "issue_id": _name, "pattern_id": _pattern, "reason": _text},
        {"strategy": _text, "restored": _flag},
    ),
    "fix.refused": ({"issue_id": _name, "pattern_id": _pattern, "reason": _text}, {"rule": _text}),
    "fix.proposed": ({"issue_id": _name, "pattern_id": _pattern}, {"strategy": _text, "reason": _text}),
    "fix.suggested": (
        {"issue_id": _name, "commit": _maybe_commit, "outcome": _word("proposed", "rejected", "declined")},
        {},
    ),
    "fix.stopped": (
        {"issue_id": _name, "fingerprint": _name, "rule": _word("attempts", "repeats", "cycle"), "reason": _text},
        {},
    ),
    "state.changed": ({"from": _status, "to": _status, "trigger": _name}, {}),
    "state.rolled_back": ({"to_index": _count, "to_event": _digest, "state": _digest, "reason": _text}, {}),
    "state.frozen": ({"reason": _text}, {}),
    "state.unfrozen": ({"reason": _text}, {}),
    "coverage.measured": (
        {
            "metric": _word("line", "branch", "function", "integration", "spec", "prompt", "hee_decision"),
            "value": _maybe_basis_points,
        },
        {"numerator": _count, "denominator": _count},
    ),
    "gate.evaluated": ({"gate": _name, "target": _basis_points, "value": _maybe_basis_points, "met": _flag}, {}),
}
_LIMITS = {_name: (1, 300), _text: (0, 2000)}


def _row(must: dict[str, Check], may: dict[str, Check]) -> tuple[Any, ...]:
    """Sets the plain texts apart: they are most of the fields, and need no call to check."""
    texts = [(key, *_LIMITS[check]) for key, check in must.items() if check in _LIMITS]
    maybe_texts = [(key, *_LIMITS[check]) for key, check in may.items() if check in _LIMITS]
    rest = [(key, check) for key, check in must.items() if check not in _LIMITS]
    maybe = [(key, check) for key, check in may.items() if check not in _LIMITS]
    return texts, maybe_texts, rest, maybe


TYPES = frozenset(_SHAPES)
_ROWS = {type_: _row(*shape) for type_, shape in _SHAPES.items()}


def fits(type_: str, data: Mapping[str, Any]) -> bool:
    """Says whether the fields that the projection reads of this type have the type and range of the catalogue."""
    texts, maybe_texts, rest, maybe = _ROWS[type_]
    for key, least, most in texts:
        value = data.get(key)
        if type(value) is not str or not least <= len(value) <= most:
            return False
    for key, least, most in maybe_texts:
        if key in data:
            value = data[key]
            if type(value) is not str or not least <= len(value) <= most:
                return False
    for key, check in rest:
        if key not in data or not check(data[key]):
            return False
    for key, check in maybe:  # noqa: SIM110 - a generator costs twice as much here
        if key in data and not check(data[key]):
            return False
    return True


def fields(type_: str) -> frozenset[str]:
    """The names that the projection reads of a type."""
    must, may = _SHAPES[type_]
    return frozenset(must) | frozenset(may)
