"""What is public is a list, and the list is held."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CORE = [
    "ANY",
    "CapsuleError",
    "Condition",
    "ConfigError",
    "Conflict",
    "EVENT_TYPES",
    "Entry",
    "Event",
    "EventError",
    "Finding",
    "FixedClock",
    "Frozen",
    "GitError",
    "HEEStateManager",
    "HeeError",
    "IllegalTransition",
    "IntegrityError",
    "KeyFault",
    "Log",
    "LogError",
    "LogNotFound",
    "MemoryLog",
    "NotFound",
    "Report",
    "SourceError",
    "StateCapsule",
    "ToolMissing",
    "__version__",
    "clean",
    "open_log",
    "redact",
    "revert",
    "rollback",
    "schema",
    "seal",
    "state_at",
    "sync",
    "unseal",
    "validate_capsule",
    "verify",
]
MONITORING = [
    "ActSource",
    "Diagnosis",
    "Evidence",
    "FixContext",
    "HEEAutoFixEngine",
    "HEEMonitoringEngine",
    "HEE_PATTERN_DATABASE",
    "Job",
    "Judge",
    "Pattern",
    "PatternDB",
    "RollbackRules",
    "Run",
    "SafetyRules",
    "Source",
    "Workspace",
    "__version__",
    "analyze_hee_impact",
    "apply_hee_compliant_fix",
    "apply_hee_fix_strategy",
    "create_hee_state_backup",
    "explain_log",
    "get_current_time",
    "hee_rollback",
    "load_hee_state_capsule",
    "run_hee_validation",
    "update_hee_state_capsule",
    "validate_hee_decision_compatibility",
    "watch",
]


@pytest.mark.spec("SEED-014", "SEED-019", "SEED-024", "SEED-025", "SEED-026", "SEED-095")
@pytest.mark.parametrize(("package", "names"), [("hee_core", CORE), ("hee_monitoring", MONITORING)])
def test_the_public_names_are_these_and_all_can_be_had(package: str, names: list[str]) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(names)
    assert all(getattr(module, name) is not None for name in names)
    assert set(names) <= set(dir(module))
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_the_names_of_governance_can_all_be_had() -> None:
    module = import_module("hee_governance")
    assert all(getattr(module, name) is not None for name in module.__all__)


@pytest.mark.spec("SEED-240", "SEED-241", "SEED-248", "SEED-249", "SEED-250")
def test_the_versions_are_those_that_the_specification_asks_for() -> None:
    versions = [import_module(name).__version__ for name in ("hee_core", "hee_governance", "hee_monitoring")]
    assert [tuple(map(int, version.split(".")[:2])) for version in versions] == [(1, 2), (1, 1), (1, 0)]


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import hee_core", {"pydantic", "git", "cryptography", "jsonschema", "ruamel", "hypothesis", "click", "json"}),
        ("import hee_core, hee_governance, hee_monitoring", {"pydantic", "git", "jsonschema", "ruamel", "click"}),
        ("import hee_core.log, hee_core.gitstore, hee_core.history", {"pydantic", "git", "jsonschema", "ruamel"}),
        (  # one append and its verification
            "import hee_core as h; log = h.MemoryLog(); log.append([h.Event.new('note.recorded', {'text': 'a'})]); h.verify(log)",
            {"pydantic", "git", "jsonschema", "ruamel", "sqlite3", "subprocess"},
        ),
        (
            "from hee_monitoring.cli.main import run; run(['--version'])",
            {"pydantic", "git", "jsonschema", "ruamel", "cryptography"},
        ),
        (
            "from hee_monitoring.cli.main import run; run(['--help'])",
            {"pydantic", "git", "jsonschema", "ruamel", "cryptography"},
        ),
    ],
)
def test_starting_is_light(code: str, never: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('|', *sys.modules)"],
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},  # it imports much itself
        capture_output=True,
        text=True,
        check=True,
    )
    assert never & set(done.stdout.rpartition("|")[2].split()) - {"json"} == set()


@pytest.mark.spec("SEED-315", "SEED-242", "SEED-246", "SEED-314", "SEED-237")
def test_the_tree_and_the_dependencies_are_those_of_the_card() -> None:
    for name in (
        "pyproject.toml",
        "hee_core",
        "hee_governance",
        "hee_monitoring",
        "tests",
        "docs/STATE_CAPSULES",
        "CHANGELOG.md",
    ):
        assert (ROOT / name).exists()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    names = {entry.split(">")[0].split("~")[0] for entry in project["dependencies"]}
    card = {"pydantic", "GitPython", "jsonschema", "ruamel.yaml", "cryptography", "hypothesis", "pytest"}
    reasons = (ROOT / "docs/adr/0002-dependencies.md").read_text()
    assert card | {"click"} <= names
    assert all(f"| {name} |" in reasons for name in names - card)


@pytest.mark.spec("SEED-317")
def test_library_code_never_prints_exits_or_configures_logging() -> None:
    for path in ROOT.glob("hee_*/**/*.py"):
        programs = ("step.py", "published.py")  # of their own, run in the sandbox
        if "cli" in path.parts or path.name in programs:
            continue
        code = path.read_text(encoding="utf-8")
        found = re.findall(r"(?<![\w.])print\(|sys\.exit|basicConfig|os\._exit", code)
        assert (str(path), found) == (str(path), [])
