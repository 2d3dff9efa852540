"""The specification's HEEMonitoringEngine: its words over the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_monitoring import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hee_core.capsule import StateCapsule
    from hee_core.steward import HEEStateManager
    from hee_monitoring.algorithm import FixContext
    from hee_monitoring.autofix import HEEAutoFixEngine
    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.database import PatternDB
    from hee_monitoring.evidence import Diagnosis, Job
    from hee_monitoring.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Analysis:
    """A diagnosis with what it was made under: the active decisions and the version of the state."""

    diagnosis: Diagnosis
    decisions: tuple[str, ...]
    state_version: str
    current_status: str


class HEEMonitoringEngine:
    """Watches one workspace. The state manager and the auto-fix engine are given, so that they can be shared."""

    def __init__(self, workspace: Workspace, state_manager: HEEStateManager, auto_fix: HEEAutoFixEngine) -> None:
        """Takes its parts; opens and starts nothing."""
        self.workspace = workspace
        self.state_manager = state_manager
        self.auto_fix = auto_fix

    @property
    def hee_state_capsule(self) -> StateCapsule:
        """The state capsule now."""
        return self.state_manager.current_state

    @property
    def hee_pattern_database(self) -> PatternDB:
        """The patterns that explain failures."""
        return self.workspace.patterns

    def start_hee_monitoring(
        self, *, limit: int | None = None, stop: Callable[[], bool] = lambda: False, **options: Any
    ) -> Iterator[tuple[Cycle, Result]]:
        """Runs cycle after cycle, yielding each; ends after `limit` of them or when `stop` says so."""
        return watch.watch(self.workspace, limit=limit, stop=stop, **options)

    def analyze_with_hee_context(self, job: Job) -> Analysis:
        """Explains a job under the recorded decisions."""
        from hee_monitoring.classify import diagnose

        state = self.workspace.log.state
        capsule = self.hee_state_capsule
        version = capsule.hee_monitoring_state.hee_specific.state_version
        return Analysis(diagnose(job, self.hee_pattern_database), tuple(sorted(state.decisions)), version, state.status)

    def apply_hee_safe_fix(self, pattern_id: str, context: FixContext) -> dict[str, Any]:
        """Hands a repair to the auto-fix engine; the monitoring engine changes nothing itself."""
        return self.auto_fix.apply_hee_compliant_fix(pattern_id, context)
