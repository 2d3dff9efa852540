"""One entry, `decide`: given the facts of an issue and the policy, who may act and which rule said so.

The matrix proposes; guards may only make the proposal more careful, so that adding a constraint never gives more
automation. A person's approval replaces the proposal and the guards that it has judged (safety, confidence, status),
never a freeze, a decision, the paths or the severity limit; attempts are counted anew from it on.

Leaves to the fix transaction what is known only after a change: call `decide` again with the paths of the change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hee_governance.decisions import Decision, Subject
from hee_governance.matrix import ACTIONS, LEVELS, Matrix, Row, careful
from hee_governance.paths import any_match, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.catalogue import Action, Level, Status
    from hee_governance.config import Config

MIN_CONFIDENCE = 6000
MAX_ATTEMPTS = 3
MAX_REPEATS = 3
# History is never rewritten by a tool, and nobody repairs the rules that judge the repair.
DENY_PATHS = ("/hee.yaml", "/docs/STATE_CAPSULES/", "/docs/history/", "CODEOWNERS")


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's permission. `subject` is an issue id or its fingerprint; `scope` limits the paths it covers.

    `expires` is RFC 3339 or empty. Who signed it has been verified before it comes here.
    """

    approval_id: str
    subject: str
    role: str
    scope: tuple[str, ...] = ()
    expires: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an issue when it is decided.

    `matrix_row` is the row that the pattern names (empty: the category's own), `safety_level` the pattern's word on
    how safe automation is, `confidence` basis points, `attempts` the failed repairs of this fingerprint since the last
    approval, `repeats` its successful ones of the last day since then, `stopped` why it is not repaired any more,
    `paths` the files a repair touches where that is known, `as_of` the time approvals are held against,
    `author` the actor whose repair it would be, who cannot approve it.
    """

    pattern_id: str
    category: str
    hee_impact: Level
    safety_level: Level
    confidence: int
    matrix_row: str = ""
    severity: Level | None = None
    decisions: tuple[Decision, ...] = ()
    frozen: bool = False
    current_status: Status = "operational"
    attempts: int = 0
    repeats: int = 0
    stopped: str = ""
    approvals: tuple[Approval, ...] = ()
    paths: tuple[str, ...] = ()
    issue_id: str = ""
    fingerprint: str = ""
    branch: str = ""
    as_of: str = ""
    author: str = ""

    @property
    def subject(self) -> Subject:
        """The issue as decisions see it."""
        return Subject(self.category, self.pattern_id, self.branch, self.issue_id, self.paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration says. `min_safety` means at least: an issue below it is not repaired automatically."""

    matrix: Matrix = field(default_factory=Matrix.load)
    max_severity: Level = "critical"
    min_safety: Level = "medium"
    min_confidence: int = MIN_CONFIDENCE
    max_attempts: int = MAX_ATTEMPTS
    max_repeats: int = MAX_REPEATS
    fix_paths: tuple[str, ...] = ()
    deny_paths: tuple[str, ...] = DENY_PATHS
    quorum: int = 1
    digest: str = ""

    @classmethod
    def of(cls, config: Config) -> Policy:
        """The policy that a configuration asks for, over the matrix that ships with this package."""
        return cls(
            max_severity=config.max_severity,
            min_safety=config.safety,
            min_confidence=config.min_confidence,
            max_attempts=config.max_attempts,
            max_repeats=config.max_repeats,
            fix_paths=config.fix_paths,
            deny_paths=config.deny_paths,
            quorum=config.quorum,
            digest=config.digest,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be done. `rule` is the rule that decided, `reasons` all that spoke, `row` the matrix row's key.

    `rationale` and `safety` are the row's, `proposed` the action before any guard, `decisions` the ids of the active
    decisions that applied.
    """

    action: Action
    rule: str
    rationale: str
    safety: Level
    reasons: tuple[str, ...]
    row: str
    proposed: Action
    decisions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule that spoke: nothing less careful than `floor` may be done."""

    rule: str
    floor: Action
    reason: str


def decide(facts: Facts, policy: Policy) -> Verdict:
    """Decides an issue; the same facts and policy always give the same verdict."""
    row = row_of(facts, policy.matrix)
    applied = tuple(decision for decision in facts.decisions if decision.applies(facts.subject))
    approval = _approval(facts, policy.quorum) if row.action in ("agent-review", "manual-only", "auto-fix") else None
    proposed: Action = "auto-fix" if approval else row.action
    rule = f"approval/{approval.approval_id}" if approval else f"matrix/{row.key}"
    reasons = [f"{row.issue_type}: {row.label}. {row.rationale}."]
    if approval:
        reasons.append(f"a person approved {approval.subject}")
    elif facts.author and any(each.actor == facts.author for each in facts.approvals):
        reasons.append(f"{facts.author} would make the repair, and nobody approves their own")
    action = proposed
    if proposed != "none":
        for guard in _guards(facts, policy, row, applied, approved=approval is not None):
            reasons.append(guard.reason)
            if ACTIONS.index(guard.floor) > ACTIONS.index(action):
                action, rule = guard.floor, guard.rule
    ids = tuple(decision.decision_id for decision in applied)
    return Verdict(action, rule, row.rationale, row.safety, tuple(reasons), row.key, proposed, ids)


def row_of(facts: Facts, matrix: Matrix) -> Row:
    """The row that decides an issue: the pattern's, unless the specification ties a more careful one to the pattern."""
    named = matrix.row(facts.matrix_row or facts.category)
    tied = matrix.of_pattern(facts.pattern_id)
    return tied if tied and careful(named.action, tied.action) == tied.action else named


def _guards(
    facts: Facts, policy: Policy, row: Row, applied: tuple[Decision, ...], *, approved: bool
) -> Iterator[Guard]:
    """The guards that speak, weightiest first; of equally careful ones the first is the rule that decided."""
    if facts.frozen:
        yield Guard("freeze", "manual-only", "the log is frozen until a person ends the freeze")
    yield from _decision_guards(facts, applied)
    yield from _path_guards(facts, policy)
    severity = facts.severity or facts.hee_impact
    if LEVELS.index(severity) > LEVELS.index(policy.max_severity):
        yield Guard("max-severity", "agent-review", f"severity {severity} is above the limit {policy.max_severity}")
    if facts.stopped:
        yield Guard(
            "stopped", "agent-review", f"repairs of this failure were stopped until a person approves: {facts.stopped}"
        )
    if facts.attempts >= policy.max_attempts:
        yield Guard(
            "attempts", "agent-review", f"{facts.attempts} repairs of this failure did not hold; a person looks"
        )
    if row.action != "rerun" and facts.repeats >= policy.max_repeats:
        yield Guard(
            "repeats", "agent-review", f"this failure was repaired {facts.repeats} times within a day; a person looks"
        )
    if approved:
        return
    if facts.current_status == "failed":
        yield Guard("status/failed", "manual-only", "the state is failed: manual intervention is required")
    safety = min(facts.safety_level, row.safety, key=LEVELS.index)
    if LEVELS.index(safety) < LEVELS.index(policy.min_safety):
        yield Guard(
            "safety", "agent-review", f"automation is {safety} safe here, the policy asks for {policy.min_safety}"
        )
    if facts.confidence < policy.min_confidence and row.action != "rerun":  # a second run changes nothing
        yield Guard(
            "confidence",
            "agent-review",
            f"the diagnosis is {facts.confidence / 100:g} % sure, the policy asks for {policy.min_confidence / 100:g} %",
        )


def _decision_guards(facts: Facts, applied: tuple[Decision, ...]) -> Iterator[Guard]:
    for decision in applied:
        rule = f"decision/{decision.decision_id}"
        if denied := decision.denied(facts.paths):
            yield Guard(rule, "agent-review", f"decision {decision.decision_id} forbids to change {denied[0]}")
        if decision.action and decision.kind == "standing":
            # No decision silences a failure: `none` means that nobody acts without a person.
            floor: Action = "manual-only" if decision.action == "none" else decision.action
            said = f": {decision.statement}" if decision.statement else ""
            yield Guard(rule, floor, f"decision {decision.decision_id} allows at most {floor}{said}")


def _path_guards(facts: Facts, policy: Policy) -> Iterator[Guard]:
    for path in facts.paths:
        if glob := any_match(policy.deny_paths, path):
            yield Guard("paths", "agent-review", f"{path} is protected by {glob}")
        elif policy.fix_paths and not any_match(policy.fix_paths, path):
            yield Guard("paths", "agent-review", f"{path} is outside the paths that may be repaired")


def _approval(facts: Facts, quorum: int) -> Approval | None:
    """The first of as many valid approvals as the quorum asks, each of another person, none of the author's own."""
    names = {name for name in (facts.issue_id, facts.fingerprint) if name}
    valid: dict[str, Approval] = {}
    for approval in facts.approvals:
        own = bool(facts.author) and approval.actor == facts.author
        if approval.subject in names and approval.role == "human" and not own and _alive(approval, facts.as_of):
            covered = all(any(matches(glob, path) for glob in approval.scope) for path in facts.paths)
            if covered or not approval.scope:
                valid.setdefault(approval.actor, approval)
    return next(iter(valid.values())) if valid and len(valid) >= quorum else None


def _alive(approval: Approval, as_of: str) -> bool:
    """An expiry that cannot be held against a time counts as past."""
    if not approval.expires:
        return True
    try:
        return datetime.fromisoformat(as_of) < datetime.fromisoformat(approval.expires)
    except (ValueError, TypeError):
        return False
