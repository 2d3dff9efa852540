"""The capsule as typed values: the specification's schema and our keys, frozen and strict.

Field for field what `schemas/capsule.strict.json` says; a differential test holds the two together. None means that
the document does not have the key; the document itself never holds a null.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from hee_core.canonical import MAX_INT
from hee_core.errors import CapsuleError
from hee_core.rfc3339 import is_date_time


def _real_time(value: str) -> str:
    if not is_date_time(value):
        raise ValueError("not an RFC 3339 date-time with an offset")
    return value


Percent = Annotated[int | float, Field(ge=0, le=100, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MAX_INT)]
Time = Annotated[str, Field(max_length=40), AfterValidator(_real_time)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=2000)]
Unknown = Annotated[str, Field(min_length=1, max_length=700)]
Digest = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
Commit = Annotated[str, Field(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\z")]
PatternId = Annotated[str, Field(pattern=r"\AHEE-PAT-[0-9]{3}\z")]
DecisionId = Annotated[str, Field(pattern=r"\AHEE-DEC-[0-9a-f]{8,64}\z")]
StateVersion = Annotated[str, Field(pattern=r"\Astate-v[0-9]+\z", max_length=20)]
Level = Literal["critical", "high", "medium", "low"]
Action = Literal["auto-fix", "rerun", "agent-review", "manual-only", "none"]
Status = Literal["operational", "degraded", "failed", "maintenance", "hee-compliance-check"]


class Part(BaseModel):
    """The base of the capsule and of everything in it; None stands for a key that is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} is null: leave the key out")
        return self


class Evidence(Part):
    """A line that proves something."""

    channel: Literal["log", "annotation", "job", "run", "file"]
    line: Count | None = None
    text: Text | None = None
    where: Text | None = None


class Check(Part):
    """A gate that was run, and how it ended."""

    name: Name
    ok: bool


class Repair(Part):
    """The last repair of an issue, or why there was none."""

    outcome: Literal["verified", "applied", "rolled_back", "refused", "pending_review"]
    branch: Text | None = None
    strategy: Text | None = None
    reason: Text | None = None
    rule: Text | None = None
    fix_id: Name | None = None


class Issue(Part):
    """Something that is or was red."""

    issue_id: Name
    timestamp: Time
    resolved: bool
    pattern_id: PatternId | None = None
    severity: Level | None = None
    hee_impact: Level | None = None
    hee_decision_conflict: bool | None = None
    count: Annotated[int, Field(ge=1, le=MAX_INT)] | None = None
    first_seen: Time | None = None
    fingerprint: Name | None = None
    category: Name | None = None
    title: Text | None = None
    source: Name | None = None
    workflow: Text | None = None
    job: Text | None = None
    step: Text | None = None
    branch: Text | None = None
    commit: Commit | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=10)] | None = None
    action: Action | None = None
    decision_id: DecisionId | None = None
    rationale: Text | None = None
    next_step: Text | None = None
    resolved_at: Time | None = None
    resolved_by: Text | None = None
    fix: Repair | None = None


def _unique(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    if len({issue.issue_id for issue in issues}) != len(issues):
        raise ValueError("two issues have the same issue_id")
    return issues


class Specific(Part):
    """What HEE itself promises; a missing percentage is not known."""

    state_version: StateVersion
    governance_compliance: bool
    decision_stability: Percent | None = None
    spec_coverage: Percent | None = None
    prompt_compatibility: Percent | None = None


class Coverage(Part):
    """Coverage in percent; a missing one is not known."""

    line: Percent | None = None
    branch: Percent | None = None
    function: Percent | None = None
    integration: Percent | None = None
    spec: Percent | None = None
    prompt: Percent | None = None
    hee_decision: Percent | None = None


class Monitoring(Part):
    """How things stand; `last_run_id` is 0 while there was no run."""

    last_run_id: Count
    current_status: Status
    hee_specific: Specific
    coverage_metrics: Coverage
    recent_issues: Annotated[tuple[Issue, ...], Field(max_length=50), AfterValidator(_unique)] = ()


class Context(Part):
    """What a repair meant for state, decisions and governance."""

    state_capsule_version: StateVersion
    governance_validation: bool
    decision_impact: Text | None = None
    context_preservation: bool | None = None


class Fix(Part):
    """One attempt at a repair."""

    timestamp: Time
    pattern_id: PatternId
    success: bool
    hee_context: Context
    rollback: bool | None = None
    fix_id: Name | None = None
    issue_id: Name | None = None
    outcome: Literal["verified", "applied", "rolled_back"] | None = None
    strategy: Text | None = None
    branch: Text | None = None
    commit: Commit | None = None
    reason: Text | None = None
    files: Annotated[tuple[Name, ...], Field(max_length=50)] | None = None
    files_changed: Count | None = None
    insertions: Count | None = None
    deletions: Count | None = None
    diff: Digest | None = None
    checks: Annotated[tuple[Check, ...], Field(max_length=50)] | None = None


class Decision(Part):
    """An active decision."""

    kind: Literal["issue", "standing"]
    key: Name
    statement: Text
    decided_by: Name
    decided_at: Time
    event: Digest
    action: Action | None = None
    safety: Level | None = None
    rule: Text | None = None
    rationale: Text | None = None
    issue_id: Text | None = None
    value: Text | None = None
    deny_paths: tuple[Name, ...] | None = None
    scope: tuple[Name, ...] | None = None
    alternatives: tuple[Text, ...] | None = None
    evidence: tuple[Text, ...] | None = None
    policy: Text | None = None
    supersedes: Text | None = None
    review_by: Text | None = None


class Gate(Part):
    """A quality gate; without a value it is not met."""

    gate: Name
    target: Percent
    met: bool
    value: Percent | None = None


class Measures(Part):
    """Measures that the specification's schema has no place for."""

    decision_continuity: Percent | None = None


class Totals(Part):
    """Numbers over the whole log, and digests of what the windows above no longer show."""

    cycles: Count | None = None
    polls: Count | None = None
    detections: Count | None = None
    resolutions: Count | None = None
    decisions_recorded: Count | None = None
    approvals: Count | None = None
    alerts: Count | None = None
    fixes_started: Count | None = None
    fixes_applied: Count | None = None
    fixes_verified: Count | None = None
    fixes_rolled_back: Count | None = None
    fixes_refused: Count | None = None
    fixes_proposed: Count | None = None
    transitions: Count | None = None
    rollbacks: Count | None = None
    decisions_active: Count | None = None
    decisions_ended: Count | None = None
    issues_open: Count | None = None
    issues_earlier: Count | None = None
    fixes_earlier: Count | None = None
    events_unknown: Count | None = None
    events_malformed: Count | None = None
    events_refused: Count | None = None
    issues_earlier_digest: Digest | None = None
    fixes_earlier_digest: Digest | None = None


class LogState(Part):
    """Which log the capsule follows from, how long it was, and the digest of the state behind the capsule."""

    size: Count
    status: Literal["open", "frozen"]
    state: Digest | None = None
    id: Digest | None = None
    as_of: Time | None = None
    frozen_reason: Text | None = None
    config: Digest | None = None
    governance: Literal["strict", "warn", "off"] | None = None
    patterns: Name | None = None
    patterns_digest: Digest | None = None


class StateCapsule(Part):
    """The specification's state capsule with our keys beside it."""

    hee_monitoring_state: Monitoring
    hee_auto_fix_history: Annotated[tuple[Fix, ...], Field(max_length=100)]
    hee_decisions: dict[DecisionId, Decision] | None = None
    hee_gates: Annotated[tuple[Gate, ...], Field(max_length=100)] | None = None
    hee_measures: Measures | None = None
    hee_totals: Totals | None = None
    hee_unknown: Annotated[tuple[Unknown, ...], Field(max_length=500)] | None = None
    hee_log: LogState | None = None

    @property
    def status(self) -> str:
        """The word of `current_status`."""
        return self.hee_monitoring_state.current_status

    def document(self) -> dict[str, Any]:
        """The capsule as plain JSON, with the keys that it was read with and no others."""
        return self.model_dump(mode="json", exclude_unset=True)

    def to_bytes(self) -> bytes:
        """The canonical bytes (RFC 8785)."""
        from hee_core.capsule import to_bytes

        return to_bytes(self.document())


def read(document: object) -> StateCapsule:
    """The model of a capsule's JSON; raises CapsuleError with the pointer of each fault."""
    try:
        # JSON mode: lists become tuples, while numbers and texts stay strict.
        return StateCapsule.model_validate_json(json.dumps(document, allow_nan=False))
    except ValidationError as error:
        faults = "; ".join(f"/{'/'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
        raise CapsuleError(f"the capsule breaks its schema: {faults}", hint="run `hee capsule validate`") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise CapsuleError(f"the capsule is not JSON: {error}") from None
