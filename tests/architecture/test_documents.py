"""The documents are in step with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hee_core import machine
from hee_monitoring.cli.main import COMMANDS, SECTIONS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_the_events_is_generated_from_the_catalogue() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "build_events_doc.py"), "--check"], check=False)
    assert done.returncode == 0


@pytest.mark.spec("SEED-270")
def test_the_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"`hee ([a-z]+)", (ROOT / "README.md").read_text()))
    named |= set(re.findall(r"`([a-z]+)`", re.search(r"\| `hee capsule`[^|]*", (ROOT / "README.md").read_text())[0]))  # type: ignore[index]
    assert named - set(COMMANDS) <= {"hee"}
    assert set(COMMANDS) - named <= {"unfreeze", "demo", "init"}


def test_the_help_has_every_command_in_one_section() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.spec("SEED-269")
def test_the_changelog_speaks_of_events_and_state_transitions() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert all(heading in text for heading in ("## [Unreleased]", "### Event catalogue", "### State transitions"))
    assert len(machine.TRANSITIONS) == 11


def test_no_path_of_a_machine_and_no_index_address_is_committed() -> None:
    listed = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    )
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", "") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not re.search(r"(?<![\w.])/(?:tmp/w|opt/pypi)/", text), name
    assert "://" not in (ROOT / "constraints.txt").read_text()
