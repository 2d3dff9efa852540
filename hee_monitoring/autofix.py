"""The specification's HEEAutoFixEngine: its words over the fix transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_governance.safety import RollbackRules, SafetyRules
from hee_monitoring import algorithm
from hee_monitoring.verdicts import verdict_of

if TYPE_CHECKING:
    from hee_core.steward import HEEStateManager
    from hee_monitoring.algorithm import FixContext


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """What a repair would meet: the governed action, the rule that decides, and every reason that spoke."""

    action: str
    rule: str
    reasons: tuple[str, ...]
    decisions: tuple[str, ...]
    governance_compliance: bool | None
    current_status: str


class HEEAutoFixEngine:
    """Repairs what the rules allow, through the transaction that every other caller uses."""

    def __init__(
        self,
        state_manager: HEEStateManager,
        *,
        safety_protocols: SafetyRules | None = None,
        rollback_mechanisms: RollbackRules | None = None,
    ) -> None:
        """Takes the state manager; the safety and rollback rules are the specification's unless given."""
        self.state_manager = state_manager
        self.hee_safety_protocols = safety_protocols or SafetyRules()
        self.hee_rollback_mechanisms = rollback_mechanisms or RollbackRules()

    def apply_hee_compliant_fix(self, pattern_id: str, context: FixContext) -> dict[str, Any]:
        """The specification's algorithm for the open issue of a pattern."""
        return algorithm.apply_hee_compliant_fix(pattern_id, context)

    def validate_hee_impact(self, pattern_id: str, context: FixContext) -> ImpactReport:
        """What decides about repairing a pattern's open issue; raises NotFound if none is open."""
        state = self.state_manager.log.state
        verdict = verdict_of(context.cycle, context.issue(pattern_id), state)
        return ImpactReport(
            verdict.action, verdict.rule, verdict.reasons, verdict.decisions, state.operational.compliance, state.status
        )
