"""The event catalogue: every type, its payload model and its version; `upcasters` says how older ones are read.

This file is data. A payload is frozen, knows its fields and nothing else, and holds no floats: percentages are
integers of basis points (10000 is 100 %), durations are integers of milliseconds. A type is never removed and a
version never changes its meaning: add a version and an upcaster.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hee_core import forms
from hee_core.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Mapping

Text = Annotated[str, Field(max_length=2000)]
Long = Annotated[str, Field(max_length=60000)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Box = Annotated[str, Field(max_length=400000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
BasisPoints = Annotated[int, Field(ge=0, le=10000)]
Count = Annotated[int, Field(ge=0)]
PatternId = Annotated[str, Field(pattern=r"^HEE-PAT-[0-9]{3}$")]
CandidateId = Annotated[str, Field(pattern=r"^HEE-CAN-[0-9a-f]{12}$")]
Level = Literal["critical", "high", "medium", "low"]
Action = Literal["auto-fix", "rerun", "agent-review", "manual-only", "none"]
Status = Literal["operational", "degraded", "failed", "maintenance", "hee-compliance-check"]
Metric = Literal["line", "branch", "function", "integration", "spec", "prompt", "hee_decision"]
Role = Literal["human", "agent", "ci"]
PublicKey = Annotated[str, Field(min_length=1, max_length=3000)]  # RSA of 16384 bits as text


class Payload(BaseModel):
    """The base of every payload and of the records inside one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, ser_json_inf_nan="strings")


class Evidence(Payload):
    """A line that proves something: `channel` says where it was read, `line` counts from 1, 0 is no line."""

    channel: Literal["log", "annotation", "job", "run", "file"]
    line: Count = 0
    text: Text = ""
    where: Text = ""


class RootKey(Payload):
    """A key that genesis trusts."""

    public_key: PublicKey
    actor: Name
    role: Role = "agent"


# ------------------------------------------------------------------ the log and its keys


class LogCreated(Payload):
    """The first event; its id is the log's id."""

    format: Literal[1] = 1
    root_keys: Annotated[tuple[RootKey, ...], Field(min_length=1)]
    threshold: Annotated[int, Field(ge=1)] = 1
    note: Text = ""


class KeyAdded(Payload):
    """From the next event on, this key may sign as this actor."""

    public_key: PublicKey
    actor: Name
    role: Role
    reason: Text = ""


class LogReanchored(Payload):
    """The commits of the log were rewritten; its first events, under this root, now stand in those up to `new_head`."""

    events: Annotated[int, Field(ge=1)]
    root: Digest
    old_head: Commit
    new_head: Commit
    reason: Text


class KeyRevoked(Payload):
    """From the next event on, this key may sign nothing."""

    key_id: Name
    reason: Text


class KeyRotated(Payload):
    """From the next event on, this key signs in the place of the one that signed this event, with its actor and rights."""

    public_key: PublicKey
    reason: Text = ""


class KeyExpirySet(Payload):
    """From event `until` on, the key may sign nothing; null is no end. `not_after` (a claimed time) is a warning only."""

    key_id: Name
    until: Count | None = None
    not_after: Text = ""
    reason: Text = ""


class KeyRootGranted(Payload):
    """From the next event on, this key is a root key."""

    key_id: Name
    reason: Text = ""


class KeyThresholdChanged(Payload):
    """From the next event on, a change of keys takes as many root keys."""

    threshold: Annotated[int, Field(ge=1)]
    reason: Text = ""


class CheckpointCosigned(Payload):
    """A checkpoint of this log with the cosignatures of witnesses, as they gave it (a C2SP signed note)."""

    note: Long


class NoteRecorded(Payload):
    """Free text that somebody wants to be remembered."""

    text: Long


# ------------------------------------------------------------------ sealed payloads


class RecipientAdded(Payload):
    """From the next event on, what is sealed is sealed for the holder of this X25519 key too."""

    public_key: Name
    actor: Name
    reason: Text = ""


class RecipientRemoved(Payload):
    """From the next event on, nothing is sealed for this key; what was sealed for it before, it can still read."""

    key_id: Name
    reason: Text


class Wrap(Payload):
    """One recipient's copy of the secret of a payload: HPKE, base64 of the encapsulated key and the ciphertext."""

    key_id: Name
    wrapped: Name


class PayloadSealed(Payload):
    """The boxes behind the markers of the event with this `nonce`, the secret for each recipient, and what the share is.

    `boxes` has a base64 ciphertext for each sealed field; the SHA-256 of its bytes is in the field's marker.
    """

    nonce: Name
    sealed_type: Name
    boxes: dict[str, Box]
    wraps: Annotated[tuple[Wrap, ...], Field(min_length=1)]
    share: Digest
    commitment: Digest


class PayloadShared(Payload):
    """More recipients can read the payload of the event with this `nonce`."""

    nonce: Name
    wraps: Annotated[tuple[Wrap, ...], Field(min_length=1)]


class PayloadRedacted(Payload):
    """The share of the payload of the event with this `nonce` is destroyed: nobody can open its boxes any more."""

    nonce: Name
    reason: Text


# ------------------------------------------------------------------ a monitoring cycle


class ConfigLoaded(Payload):
    """A configuration came into force."""

    path: Text
    digest: Digest
    governance: Literal["strict", "warn", "off"] = "strict"


class PatternsLoaded(Payload):
    """A pattern database came into force."""

    version: Name
    digest: Digest
    count: Count


class PatternsExtended(Payload):
    """The project's own pattern file is another one: the git blob that holds it, or null when there is none any more."""

    path: Name
    blob: Commit | None
    count: Count


class PatternProposed(Payload):
    """What no pattern explained has a template in common: a candidate, with what it would have matched on all that was read.

    `support` counts distinct runs; `failures` and `successes` are the logs that it was replayed on, `lines` their lines.
    """

    candidate: CandidateId
    regex: Annotated[str, Field(min_length=1, max_length=600)]
    template: Text
    category: Name
    support: Count
    repositories: Count
    examples: Annotated[tuple[Text, ...], Field(min_length=1)]
    failures: Count = 0
    successes: Count = 0
    lines: Count = 0
    database: Name
    policy: Text = ""


class PatternAccepted(Payload):
    """A person brought a candidate into force: from the next event on it is part of the pattern database."""

    candidate: CandidateId
    pattern_id: PatternId
    version: Annotated[int, Field(ge=1)]
    category: Name
    title: Name
    what: Text
    remedy: Text


class PatternRefused(Payload):
    """A person did not want a candidate; it is proposed again only when far more runs show it."""

    candidate: CandidateId
    reason: Text


class PatternRetired(Payload):
    """From the next event on, a learned pattern explains nothing any more."""

    pattern_id: PatternId
    reason: Text


class MonitorStarted(Payload):
    """A cycle began with the state as it was at `capsule` (digest of the capsule's bytes)."""

    source: Name
    capsule: Digest
    status: Status
    decisions: tuple[Name, ...] = ()


class GovernanceEvaluated(Payload):
    """The rules were evaluated over `scope`: `cycle`, or a fix id with its phase."""

    scope: Name
    phase: Literal["cycle", "before", "during", "after"] = "cycle"
    verdict: Literal["pass", "fail", "unknown"]
    evaluated: Count
    rules: tuple[Name, ...] = ()
    detail: Text = ""


class CiPolled(Payload):
    """A source was asked about a commit; what could not be judged is UNKNOWN and named.

    `analysis_ms` is how long the explanation of what it showed took; null in version 1, which did not say.
    """

    source: Name
    commit: Commit | None = None
    branch: Text = ""
    run_id: Count = 0
    jobs_passed: tuple[Name, ...] = ()
    jobs_failed: tuple[Name, ...] = ()
    jobs_unknown: tuple[Name, ...] = ()
    files: Count = 0
    issues_detected: bool
    duration_ms: Count = 0
    analysis_ms: Count | None = None


class RunSeen(Payload):
    """A finished run; `conclusion` is the source's own word."""

    run_id: Count
    attempt: Count = 1
    conclusion: Name
    workflow: Text = ""
    branch: Text = ""
    commit: Commit | None = None
    completed_at: Text = ""


class CursorMoved(Payload):
    """Finished runs that are dealt with, so that a catch-up neither loses nor doubles one.

    `pending` are runs that are not finished yet, `floor` is the id up to which every other run counts as dealt with,
    `skipped` are digests of items that could not be read, `left_aside` counts runs from before the first look.
    """

    source: Name
    runs: tuple[RunSeen, ...] = ()
    pending: tuple[Count, ...] = ()
    floor: Count = 0
    skipped: tuple[Name, ...] = ()
    left_aside: Count = 0


class RerunRequested(Payload):
    """The platform was asked to run the failed jobs of a run again, which is its attempt number `attempt`."""

    source: Name
    issue_id: Name
    run_id: Count
    attempt: Count
    reason: Text = ""


class FailureDetected(Payload):
    """Something is red: which job of which run at which commit, and the evidence that says so."""

    issue_id: Name
    fingerprint: Name
    source: Name
    workflow: Text = ""
    job: Text = ""
    step: Text = ""
    commit: Commit | None = None
    branch: Text = ""
    run_id: Count = 0
    attempt: Count = 1
    evidence: tuple[Evidence, ...]
    completed_at: Text = ""
    decisions: tuple[Name, ...] = ()


class FailureClassified(Payload):
    """Which pattern of which database explains it, and how sure that is."""

    issue_id: Name
    pattern_id: PatternId
    category: Name
    title: Text
    confidence: BasisPoints
    database: Name
    captures: dict[str, Text] = Field(default_factory=dict)
    secondary: tuple[Text, ...] = ()


class ImpactAssessed(Payload):
    """What it hits and how badly."""

    issue_id: Name
    impact: Level
    severity: Level
    reasons: tuple[Text, ...] = ()
    decision_conflict: bool = False


class DecisionRecorded(Payload):
    """A decision: about one issue (the matrix's), or standing (a person's or an agent's)."""

    kind: Literal["issue", "standing"] = "standing"
    key: Name
    statement: Text
    action: Action | None = None
    rule: Text = ""
    rationale: Text = ""
    safety: Level | None = None
    issue_id: Text = ""
    value: Text = ""
    deny_paths: tuple[Name, ...] = ()
    scope: tuple[Name, ...] = ()
    alternatives: tuple[Text, ...] = ()
    evidence: tuple[Text, ...] = ()
    policy: Text = ""
    supersedes: Text = ""
    review_by: Text = ""


class DecisionEnded(Payload):
    """A decision no longer holds, and why."""

    decision_id: Name
    how: Literal["superseded", "revoked", "expired", "settled"]
    reason: Text


class ApprovalGranted(Payload):
    """A person allowed an action on a subject (an issue, a decision, a freeze)."""

    subject: Name
    statement: Text
    scope: tuple[Name, ...] = ()
    expires: Text = ""


class ApprovalRevoked(Payload):
    """What a person allowed is allowed no more; `approval_id` is the id of the event that allowed it."""

    approval_id: Digest
    reason: Text


class RedOn(Payload):
    """Where a failure was seen: a branch, with the job and the run that showed it there last."""

    branch: Text
    workflow: Text = ""
    job: Text = ""
    commit: Commit | None = None
    run_id: Count = 0
    attempt: Count = 1
    completed_at: Text = ""


class FailureTriaged(Payload):
    """Why it is there, with the probability of each cause, what that rests on, and what nobody could look at.

    `red_on` are the branches that are now known to be red. The counts are the signs that were weighed: other attempts of the
    commit, earlier episodes that passed by themselves or needed a change, sightings before, and other commits that went red
    within minutes; null is what was not known. The same signs under the same `model` give the same verdict.
    """

    issue_id: Name
    verdict: Literal["flaky", "infrastructure", "broken-base", "known", "new", "unknown"]
    probability: BasisPoints
    flaky: BasisPoints
    infrastructure: BasisPoints
    broken_base: BasisPoints
    change: BasisPoints
    green: Count = 0
    red: Count = 0
    passed: Count = 0
    lasted: Count = 0
    seen: Count = 0
    base: bool | None = None
    storm: Count | None = None
    evidence: tuple[Text, ...] = ()
    missing: tuple[Text, ...] = ()
    model: Name
    red_on: tuple[RedOn, ...] = ()


class BranchCleared(Payload):
    """A failure ended on one branch and is still open on others: it was seen green there, or the branch is gone."""

    issue_id: Name
    branch: Text
    how: Literal["green", "gone"]
    by: Text
    commit: Commit | None = None


class IssueResolved(Payload):
    """The job of an issue was seen green; silence never resolves one."""

    issue_id: Name
    by: Text
    evidence: tuple[Evidence, ...] = ()
    commit: Commit | None = None


class AlertRaised(Payload):
    """Somebody was told."""

    issue_id: Text = ""
    severity: Level
    title: Text
    rationale: Text = ""
    next_step: Text = ""
    channel: Name = "console"
    within_s: Count = 0


Stage = Literal["raised", "escalated", "closed"]


class AlertDelivered(Payload):
    """A channel took a message about these alerts; `message` names it, the same at each try."""

    channel: Name
    stage: Stage
    alerts: tuple[Name, ...]
    message: Digest
    attempt: Count = 1


class AlertUndelivered(Payload):
    """A channel did not take a message; it is tried again later, and `attempt` counts."""

    channel: Name
    stage: Stage
    alerts: tuple[Name, ...]
    message: Digest
    attempt: Count
    reason: Text


class AlertAcknowledged(Payload):
    """A person sees to what an alert is about: nobody else is called while it lasts."""

    alert: Name
    statement: Text = ""


class MonitorCompleted(Payload):
    """The cycle's end: capsule updated and saved with this very commit.

    `state_update_ms` is the longest that events of this cycle took until they and their capsule were durable; null in
    version 1, which did not say.
    """

    failures: Count
    open_issues: Count
    unknown: Count = 0
    duration_ms: Count = 0
    state_update_ms: Count | None = None


class MonitorHeartbeat(Payload):
    """Quiet polls since the last heartbeat, in one event."""

    source: Name
    polls: Count
    since: Text
    longest_gap_ms: Count = 0


class MonitorBlinded(Payload):
    """The source could not be asked: from here on nothing is known of it."""

    source: Name
    kind: Literal["authentication", "network"]
    reason: Text


class MonitorRecovered(Payload):
    """The source answers again; what happened meanwhile is caught up."""

    source: Name
    since: Text


# ------------------------------------------------------------------ tokens


class TokenRegistered(Payload):
    """A token is in use: what it is called, its fingerprint and what it may do, never the token itself."""

    name: Name
    fingerprint: Name
    kind: Literal["classic", "fine-grained", "app", "actions", "other"]
    scopes: tuple[Name, ...] = ()
    account: Text = ""
    issued: Text = ""
    expires: Text = ""


class TokenRotated(Payload):
    """Another token took the place of one."""

    name: Name
    fingerprint: Name
    replaces: Name
    kind: Literal["classic", "fine-grained", "app", "actions", "other"]
    scopes: tuple[Name, ...] = ()
    account: Text = ""
    issued: Text = ""
    expires: Text = ""


class TokenApproved(Payload):
    """A person allowed the permissions of a token; another token or other permissions need another approval."""

    name: Name
    fingerprint: Name
    scopes: tuple[Name, ...] = ()
    statement: Text


# ------------------------------------------------------------------ a fix


class Check(Payload):
    """One gate that was run: a job, a policy, an idempotence run."""

    name: Name
    ok: bool
    detail: Text = ""
    duration_ms: Count = 0


class StateCheckpointed(Payload):
    """The point to return to, taken before anything changes."""

    backup_id: Name
    index: Count
    capsule: Digest
    decisions: Count
    reason: Text = ""


class CheckpointSealed(Payload):
    """A person sealed a point: a rollback to before event `index` takes a person from here on."""

    index: Count
    event: Digest
    reason: Text


class FixStarted(Payload):
    """A repair began, in isolation, at a commit."""

    fix_id: Name
    issue_id: Name
    pattern_id: PatternId
    strategy: Name
    tool: Text = ""
    commit: Commit | None = None
    branch: Text = ""
    backup_id: Text = ""
    rollback_plan: Text = ""


class FixValidated(Payload):
    """Checks before (the failure is reproduced) or after (the gates are green) the change."""

    fix_id: Name
    phase: Literal["pre", "post"]
    ok: bool
    checks: tuple[Check, ...]


class FixApplied(Payload):
    """What changed; `diff` is the SHA-256 of the unified diff."""

    fix_id: Name
    issue_id: Name
    files: tuple[Name, ...]
    insertions: Count
    deletions: Count
    diff: Digest
    summary: Text = ""
    outcome: Literal["verified", "applied"]
    branch: Text = ""
    commit: Commit | None = None
    duration_ms: Count = 0
    decision_impact: Text = "none"
    context_preserved: bool = True


class FixVerified(Payload):
    """The failed job ran again at the fix's commit, and is green."""

    fix_id: Name
    issue_id: Name
    commit: Commit | None = None
    branch: Text = ""
    checks: tuple[Check, ...]


class FixRolledBack(Payload):
    """Nothing of the attempt is left; the attempt itself stays in the record."""

    fix_id: Name
    issue_id: Name
    pattern_id: PatternId
    strategy: Text = ""
    reason: Text
    backup_id: Text = ""
    restored: bool = True
    duration_ms: Count = 0


class FixRefused(Payload):
    """The repair was not attempted, and which rule said so."""

    issue_id: Name
    pattern_id: PatternId
    reason: Text
    rule: Text = ""


class FixProposed(Payload):
    """A repair waits for a review."""

    issue_id: Name
    pattern_id: PatternId
    strategy: Text = ""
    reason: Text = ""


class FixSuggested(Payload):
    """What a command was asked about a failure and what it proposed: enough to judge and to repeat it without asking again."""

    issue_id: Name
    pattern_id: PatternId
    commit: Commit
    command: Name
    request: Long
    response: Long = ""
    outcome: Literal["proposed", "rejected", "declined"]
    reason: Text


class PlaybookStep(Payload):
    """One step of the failure playbook, and what was or is to be done."""

    step: Literal["stop", "capture", "classify", "correct", "verify", "report"]
    said: Text


class FixStopped(Payload):
    """Repairs of a failure do not converge: nothing repairs it any more until a person approves; `playbook` is in its order."""

    issue_id: Name
    pattern_id: PatternId
    fingerprint: Name
    rule: Literal["attempts", "repeats", "cycle"]
    reason: Text
    fixes: tuple[Name, ...] = ()
    playbook: tuple[PlaybookStep, ...]


# ------------------------------------------------------------------ state


class StateChanged(Payload):
    """A transition of the specification's state machine, with the label the specification gives it."""

    from_: Status = Field(alias="from")
    to: Status
    trigger: Name
    reason: Text = ""


class StateTransitionRefused(Payload):
    """Somebody asked for an edge that the state machine does not have."""

    from_: Status = Field(alias="from")
    to: Status
    reason: Text = ""


class StateRolledBack(Payload):
    """The operational state is again what it was after event `to_index`; decisions and attempts stay."""

    to_index: Count
    to_event: Digest
    state: Digest
    reason: Text


class StateFrozen(Payload):
    """Only approvals, decisions and the end of the freeze may be written from here on."""

    reason: Text


class StateUnfrozen(Payload):
    """A person ended the freeze."""

    reason: Text


class CoverageMeasured(Payload):
    """One coverage metric in basis points, or null where it could not be measured."""

    metric: Metric
    value: BasisPoints | None
    numerator: Count = 0
    denominator: Count = 0
    inputs: Text = ""


class GateEvaluated(Payload):
    """A quality gate of the configuration; an unknown value is not met."""

    gate: Name
    target: BasisPoints
    value: BasisPoints | None
    met: bool


# ------------------------------------------------------------------ what people wrote, what was asked, what was kept up


class ImportedFact(Payload):
    """One thing that an imported file says; nobody verified it. `line` counts from 1."""

    kind: Literal["field", "decision", "task", "claim", "commit"]
    key: Text
    text: Text
    line: Count


class CapsuleImported(Payload):
    """A capsule that people wrote was read: what it says, as it stands, unverified. `file` is the SHA-256 of its bytes."""

    path: Text
    file: Digest
    format: Name
    confidence: BasisPoints
    date: Text = ""
    lossless: bool
    facts: tuple[ImportedFact, ...] = ()
    facts_total: Count
    issues: tuple[Text, ...] = ()
    contradictions: tuple[Text, ...] = ()


class AccessDenied(Payload):
    """Somebody asked for what their role may not do; nothing else happened."""

    capability: Name
    role: Name
    subject: Text = ""
    reason: Text


class MaintenanceRecorded(Payload):
    """A task of the maintenance schedule was done, with what it found, or was seen to be due or overdue."""

    task: Name
    period_days: Count
    status: Literal["done", "due", "overdue"]
    ok: bool | None = None
    evaluated: Count = 0
    findings: tuple[Text, ...] = ()
    next_due: Text = ""


TYPES: dict[str, type[Payload]] = {
    "log.created": LogCreated,
    "log.reanchored": LogReanchored,
    "key.added": KeyAdded,
    "key.revoked": KeyRevoked,
    "key.rotated": KeyRotated,
    "key.expiry_set": KeyExpirySet,
    "key.root_granted": KeyRootGranted,
    "key.threshold_changed": KeyThresholdChanged,
    "checkpoint.cosigned": CheckpointCosigned,
    "note.recorded": NoteRecorded,
    "recipient.added": RecipientAdded,
    "recipient.removed": RecipientRemoved,
    "payload.sealed": PayloadSealed,
    "payload.shared": PayloadShared,
    "payload.redacted": PayloadRedacted,
    "config.loaded": ConfigLoaded,
    "patterns.loaded": PatternsLoaded,
    "patterns.extended": PatternsExtended,
    "pattern.proposed": PatternProposed,
    "pattern.accepted": PatternAccepted,
    "pattern.refused": PatternRefused,
    "pattern.retired": PatternRetired,
    "monitor.started": MonitorStarted,
    "governance.evaluated": GovernanceEvaluated,
    "ci.polled": CiPolled,
    "ci.cursor_moved": CursorMoved,
    "ci.rerun_requested": RerunRequested,
    "ci.failure_detected": FailureDetected,
    "ci.failure_classified": FailureClassified,
    "ci.impact_assessed": ImpactAssessed,
    "ci.failure_triaged": FailureTriaged,
    "ci.branch_cleared": BranchCleared,
    "decision.recorded": DecisionRecorded,
    "decision.ended": DecisionEnded,
    "approval.granted": ApprovalGranted,
    "approval.revoked": ApprovalRevoked,
    "ci.issue_resolved": IssueResolved,
    "alert.raised": AlertRaised,
    "alert.delivered": AlertDelivered,
    "alert.undelivered": AlertUndelivered,
    "alert.acknowledged": AlertAcknowledged,
    "monitor.completed": MonitorCompleted,
    "monitor.heartbeat": MonitorHeartbeat,
    "monitor.blinded": MonitorBlinded,
    "monitor.recovered": MonitorRecovered,
    "token.registered": TokenRegistered,
    "token.rotated": TokenRotated,
    "token.approved": TokenApproved,
    "state.checkpointed": StateCheckpointed,
    "state.checkpoint_sealed": CheckpointSealed,
    "fix.started": FixStarted,
    "fix.validated": FixValidated,
    "fix.applied": FixApplied,
    "fix.verified": FixVerified,
    "fix.rolled_back": FixRolledBack,
    "fix.refused": FixRefused,
    "fix.proposed": FixProposed,
    "fix.stopped": FixStopped,
    "fix.suggested": FixSuggested,
    "state.changed": StateChanged,
    "state.transition_refused": StateTransitionRefused,
    "state.rolled_back": StateRolledBack,
    "state.frozen": StateFrozen,
    "state.unfrozen": StateUnfrozen,
    "coverage.measured": CoverageMeasured,
    "gate.evaluated": GateEvaluated,
    "capsule.imported": CapsuleImported,
    "access.denied": AccessDenied,
    "maintenance.recorded": MaintenanceRecorded,
}

VERSIONS: dict[str, int] = {**dict.fromkeys(TYPES, 1), "ci.polled": 2, "monitor.completed": 2}


def version(type_: str) -> int:
    """The newest version of a type's payload; raises EventError for a type that does not exist."""
    if type_ not in TYPES:
        raise EventError(f"{type_!r} is not in the event catalogue", hint="`hee_core.EVENT_TYPES` lists the types")
    return VERSIONS[type_]


def payload(type_: str, data: Mapping[str, Any] | Payload) -> dict[str, Any]:
    """Checks a new payload and returns it as JSON; raises EventError with the pointer of each fault."""
    version(type_)
    if isinstance(data, Payload):
        data = data.model_dump(mode="json", by_alias=True)
    return _validated(type_, data).model_dump(mode="json", by_alias=True)


def model(type_: str, at_version: int, data: Mapping[str, Any]) -> Payload:
    """Reads a stored payload as the newest model; raises EventError for a type or version from the future."""
    newest = version(type_)
    if at_version > newest:
        raise EventError(
            f"{type_} version {at_version} is newer than this program (knows {newest})", hint="upgrade hee"
        )
    current = forms.upcast(type_, at_version, data) if at_version < newest else data
    if current is None:
        raise EventError(f"{type_}: the payload does not fit version {at_version}, which it says it is of")
    return _validated(type_, current)


def schema(type_: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a type's newest payload."""
    version(type_)
    return TYPES[type_].model_json_schema(by_alias=True)


def _validated(type_: str, data: Mapping[str, Any]) -> Payload:
    try:
        # JSON mode: lists become tuples, while numbers and texts stay strict.
        return TYPES[type_].model_validate_json(_JSON.encode(data), by_alias=True)
    except ValidationError as error:
        faults = "; ".join(f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise EventError(f"{type_}: {faults}", hint=f"hee_core.schema({type_!r}) describes the payload") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"{type_}: not JSON: {error}") from None


def _refuse(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"{type(value).__name__} is not JSON")


_JSON = json.JSONEncoder(default=_refuse, ensure_ascii=False)
