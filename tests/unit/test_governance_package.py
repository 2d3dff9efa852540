"""The package's face: its names, its version, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import hee_governance
from hee_governance import config, rulesettings
from hee_governance.matrix import Matrix
from hee_governance.rules import ALL, RULESETS
from hee_governance.safety import PROTOCOLS

GUIDE = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
HEAVY = ("pydantic", "ruamel", "jsonschema", "git", "re2", "click", "cryptography", "hypothesis")


@pytest.mark.spec("SEED-241", "SEED-249")
def test_the_version_is_the_one_the_specification_requires():
    assert hee_governance.__version__ == "1.1.0"


def test_every_public_name_loads_and_no_other_exists():
    assert dir(hee_governance) == hee_governance.__all__ == sorted(hee_governance.__all__)
    for name in hee_governance.__all__:
        assert getattr(hee_governance, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hee_governance.nothing


def test_public_names_are_those_of_their_modules():
    for home, names in hee_governance._HOMES.items():
        for name in names:
            assert getattr(hee_governance, name).__module__.startswith(f"hee_governance.{home}")


@pytest.mark.parametrize(
    "module",
    [
        "hee_governance",
        "hee_governance.decide",
        "hee_governance.config",
        "hee_governance.rules",
        "hee_governance.validator",
    ],
)
def test_importing_judgement_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_judgement_is_pure():
    forbidden = {
        "os",
        "subprocess",
        "socket",
        "time",
        "random",
        "uuid",
        "shutil",
        "pathlib",
        "tempfile",
        "threading",
        "datetime.now",
    }
    import ast

    for path in Path(hee_governance.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not {module.partition(".")[0], *(name.partition(".")[0] for name in names)} & forbidden, path
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            assert called not in ("open", "print", "exec", "eval", "input"), path


@pytest.mark.spec("SEED-001")
def test_the_guide_names_every_rule_row_setting_and_protocol():
    rows = [
        f"| {row.key} | {row.issue_type} | {row.label} | {row.rationale} | {row.safety.capitalize()} |"
        for row in Matrix.load().rows
    ]
    settings = [
        f"`{name}`"
        for table in (config.FIELDS, config._LOG, config._FIX, config._SPEC, rulesettings.RULES, rulesettings.PROJECT)
        for name in table
    ]
    rules = [f"| {rule.id} | {rule.severity} | {rule.clause} | {rule.looks_at} |" for rule in ALL]
    protocols = [protocol.statement for protocol in PROTOCOLS]
    versions = [f"| {entry.version} | {entry.valid_from} | {entry.note} |" for entry in RULESETS]
    assert [text for text in (*rows, *settings, *rules, *protocols, *versions) if text not in GUIDE] == []


@pytest.mark.spec("SEED-001")
def test_the_guides_configuration_loads():
    block = GUIDE.partition("```yaml\n")[2].partition("```")[0]
    assert config.load(block.encode()).max_severity == "medium"
