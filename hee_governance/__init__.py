"""Judgement: rules, gates, the decision matrix, decisions; bytes and values in, values out.

Knows facts (`hee_core`) and never the world: no file system, git, network, process or clock. Names load when first
used, so that importing this package costs nothing. `hee_governance.decide` is the module; its entry is `decide.decide`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hee_governance.config import Config
    from hee_governance.conflicts import Conflict, conflicts_of
    from hee_governance.decide import Approval, Facts, Policy, Verdict
    from hee_governance.decisions import Decision, Subject
    from hee_governance.gates import Gate, GateResult
    from hee_governance.matrix import Matrix, Row
    from hee_governance.measures import Measure
    from hee_governance.rules import Finding, Report, Rule, check
    from hee_governance.safety import RollbackRules, SafetyRules
    from hee_governance.speccoverage import SpecCoverage, spec_coverage
    from hee_governance.validator import GovernanceValidator

__version__ = "1.1.0"

__all__ = [
    "Approval",
    "Config",
    "Conflict",
    "Decision",
    "Facts",
    "Finding",
    "Gate",
    "GateResult",
    "GovernanceValidator",
    "Matrix",
    "Measure",
    "Policy",
    "Report",
    "RollbackRules",
    "Row",
    "Rule",
    "SafetyRules",
    "SpecCoverage",
    "Subject",
    "Verdict",
    "__version__",
    "check",
    "conflicts_of",
    "spec_coverage",
]

_HOMES = {
    "config": ("Config",),
    "conflicts": ("Conflict", "conflicts_of"),
    "decide": ("Approval", "Facts", "Policy", "Verdict"),
    "decisions": ("Decision", "Subject"),
    "gates": ("Gate", "GateResult"),
    "matrix": ("Matrix", "Row"),
    "measures": ("Measure",),
    "rules": ("Finding", "Report", "Rule", "check"),
    "safety": ("RollbackRules", "SafetyRules"),
    "speccoverage": ("SpecCoverage", "spec_coverage"),
    "validator": ("GovernanceValidator",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
