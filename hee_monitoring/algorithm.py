"""The specification's fix algorithm, with its names, its results and its error strings, over the one machinery.

`apply_hee_compliant_fix` reads like the specification's pseudocode. What it adds stands in the oddities list: the
matrix, severity, safety and governance guards before its first step, errors without secrets, and a freeze when the
rollback itself fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hee_core import chain, history, machine
from hee_core.canonical import digest
from hee_core.clock import SYSTEM, Clock
from hee_core.errors import HeeError, NotFound
from hee_monitoring import facts, repairs
from hee_monitoring.alerting.dispatch import deliver
from hee_monitoring.database import PatternDB
from hee_monitoring.redact import publishable, redact
from hee_monitoring.verdicts import verdict_of

if TYPE_CHECKING:
    from hee_core.capsule import StateCapsule
    from hee_core.events import Event
    from hee_core.record import Record
    from hee_governance.decide import Verdict
    from hee_monitoring.attempts import Attempt
    from hee_monitoring.cycle import Cycle
    from hee_monitoring.database import Pattern
    from hee_monitoring.observe import Picture


@dataclass
class FixContext:
    """Where a fix happens: the cycle, the picture it works from, and the issue (default: the pattern's open one)."""

    cycle: Cycle
    picture: Picture
    issue_id: str = ""
    attempt: Attempt | None = field(default=None, init=False)
    backup: Event | None = field(default=None, init=False)

    def issue(self, pattern_id: str) -> Record:
        """The open issue that is meant; raises NotFound."""
        for issue in self.cycle.workspace.log.state.issues.values():
            if issue["pattern_id"] == pattern_id and self.issue_id in ("", issue["issue_id"]):
                return issue
        raise NotFound(f"no open issue of {pattern_id}", hint="`hee state` lists the open issues")


class _Database(Mapping[str, "Pattern"]):
    """The shipped patterns by id, loaded when first asked."""

    def __getitem__(self, pattern_id: str) -> Pattern:
        found = PatternDB.load().get(pattern_id)
        if found is None:
            raise KeyError(pattern_id)
        return found

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
        return (pattern.pattern_id for pattern in PatternDB.load())

    def __len__(self) -> int:
        return len(PatternDB.load())


HEE_PATTERN_DATABASE: Mapping[str, Pattern] = _Database()


def apply_hee_compliant_fix(pattern_id: str, context: FixContext) -> dict[str, Any]:
    """Repairs the open issue of a pattern, or says why not; the dictionaries are the specification's."""
    pattern = HEE_PATTERN_DATABASE.get(pattern_id)
    if not pattern:
        return {"success": False, "error": "HEE pattern not found"}
    state_capsule = load_hee_state_capsule(context)
    if not validate_hee_decision_compatibility(pattern, context):
        return {"success": False, "error": "HEE decision conflict"}
    if not run_hee_validation(pattern, context, "pre"):
        return {"success": False, "error": "HEE pre-validation failed"}
    backup_result = create_hee_state_backup(context, state_capsule)
    if not backup_result["success"]:
        return backup_result
    try:
        result = apply_hee_fix_strategy(pattern, context)
        if result.success and run_hee_validation(pattern, context, "post"):
            updated = update_hee_state_capsule(context)
            return {"success": True, "hee_state_update": updated, "hee_decision_impact": analyze_hee_impact(result)}
        hee_rollback(backup_result["backup_id"], context)
    except Exception as error:  # noqa: BLE001 - the specification rolls back whatever went wrong
        return _failed(backup_result["backup_id"], context, redact(str(error)))
    return {"success": False, "error": "HEE validation failed"}


def _failed(backup_id: str, context: FixContext, words: str) -> dict[str, Any]:
    try:
        hee_rollback(backup_id, context)
    except Exception as error:  # noqa: BLE001 - a rollback that fails is the one thing that must never look restored
        stop(context, f"the rollback of {backup_id} failed: {redact(str(error))}")
        return {"success": False, "error": words, "hee_rollback": False, "hee_state_restored": None}
    return {"success": False, "error": words, "hee_rollback": True, "hee_state_restored": backup_id}


def load_hee_state_capsule(context: FixContext) -> StateCapsule:
    """The capsule now, from the log."""
    return history.state_at(context.cycle.workspace.log)


def validate_hee_decision_compatibility(pattern: Pattern, context: FixContext) -> bool:
    """Whether no active decision speaks against repairing this pattern's issue automatically."""
    verdict = _verdict(pattern, context)
    return verdict is None or not verdict.rule.startswith("decision/")


def run_hee_validation(pattern: Pattern, context: FixContext, phase: str) -> bool:
    """`pre`: matrix, limits, freeze and an open issue allow the repair. `post`: every check after the change held."""
    if phase == "pre":
        verdict = _verdict(pattern, context)
        return verdict is not None and verdict.action == "auto-fix"
    attempt = context.attempt
    return attempt is not None and attempt.success and all(check.ok for check in attempt.outcome.post)


def _verdict(pattern: Pattern, context: FixContext) -> Verdict | None:
    try:
        issue = context.issue(pattern.pattern_id)
    except NotFound:
        return None
    return verdict_of(context.cycle, issue, context.cycle.workspace.log.state)


def create_hee_state_backup(context: FixContext, state_capsule: StateCapsule) -> dict[str, Any]:
    """Records the point to return to before anything changes; a failure to do so is the result."""
    log = context.cycle.workspace.log
    index = len(log) - 1
    capsule = digest(chain.capsule_bytes(log.refresh()))
    data = {
        "backup_id": f"HEE-BACKUP-{capsule[:12]}-{index}",
        "index": index,
        "capsule": capsule,
        "decisions": len(log.state.decisions),
        "reason": f"before a repair in state {state_capsule.hee_monitoring_state.current_status}",
    }
    try:
        context.backup = facts.event("state.checkpointed", data, subject="state", clock=context.cycle.workspace.clock)
        log.append([context.backup])
    except (HeeError, OSError) as error:
        return {"success": False, "error": redact(str(error))}
    return {"success": True, "backup_id": data["backup_id"]}


def apply_hee_fix_strategy(pattern: Pattern, context: FixContext) -> Attempt:
    """Runs the transaction; nothing of the repository but its object store changes."""
    context.attempt = repairs.transact(context.cycle, context.issue(pattern.pattern_id), context.picture)
    return context.attempt


def update_hee_state_capsule(context: FixContext) -> StateCapsule:
    """Records the repair, makes its branch, and returns the capsule after it."""
    assert context.attempt is not None  # noqa: S101 - a repair came before
    repairs.conclude(context.cycle, context.attempt, backup=context.backup)
    return load_hee_state_capsule(context)


def hee_rollback(backup_id: str, context: FixContext) -> None:
    """Records that nothing of the attempt is left, and that the state is the one of the backup."""
    if context.attempt is not None:
        context.attempt = context.attempt.undone("HEE validation failed")
        repairs.conclude(context.cycle, context.attempt, backup=context.backup)
        return
    log = context.cycle.workspace.log
    issue = next(iter(log.state.issues.values()), None)
    data = {
        "fix_id": f"HEE-FIX-{digest(backup_id.encode())[:12]}",
        "issue_id": issue["issue_id"] if issue else context.issue_id or "none",
        "pattern_id": issue["pattern_id"] if issue else "HEE-PAT-001",
        "reason": "the repair ended before it changed anything",
        "backup_id": backup_id,
    }
    log.append([facts.event("fix.rolled_back", data, subject="state", clock=context.cycle.workspace.clock)])


def stop(context: FixContext, reason: str) -> None:
    """Stops automation and alerts: the state after a failed rollback is not known.

    A freeze, which a person ends; in a log that knows no person, whom nobody could end it for, the state `failed`.
    """
    workspace = context.cycle.workspace
    head, clock = workspace.log.refresh(), workspace.clock
    words = publishable(reason, limit=300)
    if head.keyring is not None and head.keyring.people(head.size):
        events = [facts.event("state.frozen", {"reason": words}, subject="state", clock=clock)]
        next_step = "look at the repository, then `hee unfreeze`"
    else:
        events = [
            facts.changed(step.from_, step.to, step.label, words, clock=clock)
            for step in machine.path(head.state.status, "failed")
        ]
        next_step = "look at the repository, then `hee rollback` to a state that you trust"
    alert = {"severity": "critical", "title": words, "next_step": next_step}
    workspace.log.append([*events, facts.event("alert.raised", alert, subject="state", clock=clock)])
    deliver(workspace)


def get_current_time(clock: Clock = SYSTEM) -> str:
    """RFC 3339 in UTC, from the clock that is given."""
    return clock.now()


def analyze_hee_impact(result: Attempt) -> str:
    """How much of a decision a repair touches: none, as decisions that forbid a path refuse the repair."""
    return "none" if result.success else "not applied"
