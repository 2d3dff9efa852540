"""The specification's quality gates and compliance matrix over one commit, and their record in the log.

Responsible for putting measures, gates, matrix and weakened gates together and for the events that say how they came
out. Invariant: what is unknown is not met, and only what changed since the last record is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core import capsule as capsules
from hee_core.errors import Conflict, HeeError
from hee_core.tree import CommitTree
from hee_core.validation import validate_capsule
from hee_core.views import percent
from hee_governance import ledgermeasures
from hee_governance.analyzer import CoverageAnalyzer
from hee_governance.gates import evaluate
from hee_governance.measures import FULL
from hee_governance.validator import GovernanceValidator
from hee_monitoring import facts, measuring, weakened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.clock import Clock
    from hee_core.events import Event
    from hee_core.git import Repository
    from hee_core.log import Entry, Log
    from hee_core.operational import State
    from hee_governance.config import Config
    from hee_governance.gates import GateResult
    from hee_governance.validator import Compliance
    from hee_monitoring.measuring import Measured
    from hee_monitoring.weakened import Weakening

# The catalogue's names of the coverage metrics.
_METRICS = {
    "line_coverage": "line",
    "branch_coverage": "branch",
    "function_coverage": "function",
    "integration_coverage": "integration",
    "spec_coverage": "spec",
    "prompt_coverage": "prompt",
    "decision_coverage": "hee_decision",
}


@dataclass(frozen=True)
class GateReport:
    """How everything came out. `base` is the commit that gates were compared with, empty where there was none."""

    commit: str
    as_of: str
    gates: tuple[GateResult, ...]
    compliance: Compliance
    measured: Measured
    weakened: tuple[Weakening, ...]
    base: str

    @property
    def open(self) -> tuple[Weakening, ...]:
        """The weakened gates that no decision answers for."""
        return tuple(entry for entry in self.weakened if not entry.decision)

    @property
    def met(self) -> bool:
        """Whether every gate is met, every requirement of the matrix holds, and no gate became weaker unanswered."""
        return all(gate.met for gate in self.gates) and self.compliance.compliant and not self.open

    @property
    def unknown(self) -> bool:
        """Whether something is not met for want of knowledge."""
        return any(gate.unknown for gate in self.gates) or any(
            requirement.status == "UNKNOWN" for requirement in self.compliance.requirements
        )

    def to_json(self) -> dict[str, Any]:
        """The report as `hee gates --json` prints it; values are percentages with at most two decimals."""
        measures = self.measured.measures
        gaps = CoverageAnalyzer().gaps(measures, {gate.gate: gate.target for gate in self.gates})
        return {
            "met": self.met,
            "unknown": self.unknown,
            "commit": self.commit,
            "as_of": self.as_of,
            "gates": [
                {"gate": g.gate, "target": percent(g.target), "value": percent(g.value), "met": g.met, "detail": g.detail}
                for g in self.gates
            ],
            "compliance": [
                {"requirement": r.name, "method": r.method, "status": r.status, "detail": r.detail}
                for r in self.compliance.requirements
            ],
            "compliant": self.compliance.compliant,
            "measures": {
                name: {
                    "value": percent(m.value),
                    "numerator": m.numerator,
                    "denominator": m.denominator,
                    "unit": "percent",
                    "inputs": m.inputs or None,
                    "as_of": self.as_of,
                    "evidence": list(m.evidence),
                }
                for name, m in sorted(measures.items())
            },
            "coverage": [
                {"metric": g.metric, "target": percent(g.target), "current": percent(g.current), "gap": percent(g.gap),
                 "priority": g.priority}
                for g in gaps
            ],
            "timings": [ledgermeasures.to_json(timing) for timing in self.measured.timings],
            "weakened": {"base": self.base or None, "findings": [entry.to_json() for entry in self.weakened]},
            "notes": list(self.measured.notes),
        }  # fmt: skip


def check(
    repository: Repository,
    config: Config,
    commit: str,
    *,
    as_of: str,
    base: str = "",
    coverage: Sequence[tuple[str, bytes]] = (),
    junit: Sequence[tuple[str, bytes]] = (),
    log: Log | None = None,
    index: int = -1,
) -> GateReport:
    """Evaluates a commit as of a time, with the log up to an index where there is one."""
    state = log.state_after(index) if log is not None else None
    with CommitTree(repository, commit) as tree:
        measured = measuring.measure(repository, tree, config, coverage=coverage, junit=junit, log=log, index=index)
        found: tuple[Weakening, ...] = ()
        if base:
            with CommitTree(repository, base) as old:
                found = weakened.between(old, tree)
    measures = measured.measures
    gates = tuple(evaluate(gate, measures.get(gate.name)) for gate in config.gates)
    faults = None
    if log is not None and state is not None:
        faults = [f"{f.pointer}: {f.message}" for f in validate_capsule(capsules.build(state, log_id=log.id))]
    compliance = GovernanceValidator(config).check_compliance(
        capsule_findings=faults,
        continuity=measures.get("decision_continuity"),
        report=measured.report,
        gates=gates,
        spec=measures.get("spec_coverage"),
    )
    found = weakened.answered(found, state.decisions if state else {}, as_of)
    return GateReport(commit, as_of, gates, compliance, measured, found, base)


def record(log: Log, report: GateReport, *, clock: Clock) -> tuple[Entry | None, str]:
    """Records what differs from the last record; the last entry, or None and why nothing was written."""
    while True:
        head, state = log.head, log.state
        events = _news(report, state, clock)
        if not events:
            return None, "nothing changed since the last record"
        try:
            return log.append(events, expected=head), ""
        except Conflict:
            continue
        except HeeError as error:
            return None, f"not recorded: {error}"


def _news(report: GateReport, state: State, clock: Clock) -> list[Event]:
    """Gates, requirements of the matrix (as gates of 100 %) and coverage metrics whose record would change."""
    rows = [(gate.gate, gate.target, gate.value, gate.met) for gate in report.gates]
    for requirement in report.compliance.requirements:
        value = {"OK": FULL, "FAIL": 0, "UNKNOWN": None}[requirement.status]
        rows.append((f"compliance/{requirement.name}", FULL, value, value == FULL))
    made = []
    for gate, target, value, met in rows:
        before = state.operational.gates.get(gate)
        if before is None or (before["target"], before["value"], before["met"]) != (target, value, met):
            data: dict[str, Any] = {"gate": gate, "target": target, "value": value, "met": met}
            made.append(facts.event("gate.evaluated", data, subject=f"gate/{gate}", clock=clock))
    for name, metric in _METRICS.items():
        measure = report.measured.measures.get(name)
        known = state.operational.coverage.get(metric)
        if measure is None or (measure.value is None and not measure.inputs):
            continue  # nobody measured it now: what is known of it stays
        counts = {"numerator": measure.numerator, "denominator": measure.denominator}
        if known is None or any(known[key] != value for key, value in {"value": measure.value, **counts}.items()):
            data = {"metric": metric, "value": measure.value, **counts, "inputs": measure.inputs}
            made.append(facts.event("coverage.measured", data, subject=f"coverage/{metric}", clock=clock))
    return made
