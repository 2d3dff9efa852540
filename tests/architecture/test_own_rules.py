"""HEE under its own rules: this repository's configuration loads, and its files pass `hee governance check`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hee_governance.config import load
from hee_governance.rules import check

ROOT = Path(__file__).parents[2]
LOOKED_AT = ("hee_core", "hee_governance", "hee_monitoring", "docs", ".github", "scripts", "bench", "tests")


@pytest.mark.spec("SEED-007", "SEED-275")
def test_this_repository_passes_its_own_rules():
    files = [
        path
        for name in LOOKED_AT
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    tree = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}
    config = replace(load((ROOT / "hee.yaml").read_bytes()), as_of="2026-11-24")
    report = check(tree, config)
    assert [finding for finding in report.findings if finding.severity != "WARNING"] == []
    assert report.verdict == "pass"
    assert all(report.looked_at[rule.id] for rule in config.rules.project)
