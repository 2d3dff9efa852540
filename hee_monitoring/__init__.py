"""The world: watch CI, explain every failure, repair under rules, prove the repair, record all of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "1.0.0"

_WHERE: dict[str, str] = {
    "ActSource": "sources.act",
    "Diagnosis": "evidence",
    "Evidence": "evidence",
    "FixContext": "algorithm",
    "HEEAutoFixEngine": "autofix",
    "HEEMonitoringEngine": "engine",
    "HEE_PATTERN_DATABASE": "algorithm",
    "Job": "evidence",
    "Judge": "evidence",
    "Pattern": "database",
    "PatternDB": "database",
    "RollbackRules": "hee_governance.safety",
    "Run": "evidence",
    "SafetyRules": "hee_governance.safety",
    "Source": "evidence",
    "Workspace": "workspace",
    "analyze_hee_impact": "algorithm",
    "apply_hee_compliant_fix": "algorithm",
    "apply_hee_fix_strategy": "algorithm",
    "create_hee_state_backup": "algorithm",
    "explain_log": "classify",
    "get_current_time": "algorithm",
    "hee_rollback": "algorithm",
    "load_hee_state_capsule": "algorithm",
    "run_hee_validation": "algorithm",
    "update_hee_state_capsule": "algorithm",
    "validate_hee_decision_compatibility": "algorithm",
    "watch": "watch",
}

__all__ = ["__version__", *_WHERE]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name not in _WHERE:
        raise AttributeError(f"module 'hee_monitoring' has no attribute {name!r}")
    home = _WHERE[name]
    return getattr(import_module(home if home.startswith("hee_") else f"hee_monitoring.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
