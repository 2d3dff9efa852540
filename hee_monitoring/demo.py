"""The demonstration's repository: a small tide library whose pipeline is broken the way real ones break.

It shows all three verdicts of the decision matrix and both ends of a repair: a format failure and a missing executable
bit are repaired and proved, a repair that would break a vendored file's checksum is rolled back, a test that found a
real bug waits for a reviewer, a requirement without a test gets a pending skeleton, and a security job that can't fail
is for people only.
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from typing import TYPE_CHECKING

from hee_core.errors import HeeError
from hee_core.git import Repository, run_in

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.clock import Clock

FIRST = "Tide tables for small harbors"
SECOND = "Watch this repository with HEE"
_NOTICE = (
    "Harmonic constants, public domain.  \nKeep this file as it was received:\nits checksum is part of the license.\n"
)

FILES: dict[str, str] = {
    "README.md": "# harbor\n\nTide tables for small harbors. What it must do: docs/spec/tides.md.\n",
    "pyproject.toml": """\
[project]
name = "harbor"
version = "0.3.0"

[tool.ruff]
line-length = 100

[tool.pytest.ini_options]
pythonpath = ["."]
markers = ["spec(id): the requirement that a test proves"]
""",
    "harbor/__init__.py": "",
    "harbor/tides.py": '''\
"""High and low water from a mean level and a range."""


def high_water(mean_cm: int, range_cm: int) -> int:
    """Centimeters above chart datum, rounded up: a skipper must never read too little."""
    return mean_cm + range_cm // 2


def low_water(mean_cm: int, range_cm: int) -> int:
    """Centimeters above chart datum, rounded down."""
    return mean_cm - (range_cm + 1) // 2
''',
    "harbor/table.py": '''\
"""A day as text."""
def render( rows:list[tuple[str,int]] )->str:
    """One line a row: the time, and the height in meters."""
    return "\\n".join( f'{time}  {height/100:5.2f} m' for time,height in rows )
''',
    "tests/test_tides.py": """\
import pytest

from harbor.table import render
from harbor.tides import high_water, low_water


@pytest.mark.spec("MUST-TIDE-001")
def test_high_water_rounds_up() -> None:
    assert high_water(250, 301) == 401


@pytest.mark.spec("MUST-TIDE-002")
def test_low_water_rounds_down() -> None:
    assert low_water(250, 301) == 99


def test_a_table_has_a_line_for_each_row() -> None:
    assert render([("04:12", 401), ("10:30", 99)]).count("\\n") == 1
""",
    "docs/spec/tides.md": """\
# What harbor must do

- MUST-TIDE-001 High water is rounded up to the next centimeter.
- MUST-TIDE-002 Low water is rounded down to the next centimeter.
- MUST-TIDE-003 A table refuses heights below the chart datum.
""",
    "scripts/release-notes.sh": "#!/bin/sh\nset -eu\necho \"harbor $(sed -n 's/^version = //p' pyproject.toml)\"\n",
    "vendor/NOTICE.txt": _NOTICE,
    "vendor/SHA256SUMS": f"{sha256(_NOTICE.encode()).hexdigest()}  vendor/NOTICE.txt\n",
    ".github/workflows/ci.yml": """\
name: CI
on: [push]
permissions: {}
jobs:
  format:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: ruff format --check .
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: pytest -q -p no:cacheprovider
  scripts:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: ./scripts/release-notes.sh
  whitespace:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: git diff --check "$(git hash-object -t tree /dev/null)" HEAD
  vendor:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: sha256sum --check vendor/SHA256SUMS
""",
    ".github/workflows/security.yml": """\
name: Security
on: [push]
permissions: {}
jobs:
  secrets:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    continue-on-error: true
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - name: Look for passwords in the code
        run: ruff check --isolated --select S105,S106,S107 .
""",
}


def build(directory: Path, *, clock: Clock) -> bool:
    """Makes the repository in `directory` with its log; whole or not at all. Returns False if it is there already."""
    from hee_monitoring.workspace import initialize

    directory = directory.absolute()
    for left in directory.parent.glob(f".{directory.name}.making-*"):
        shutil.rmtree(left, ignore_errors=True)
    if directory.exists() and any(directory.iterdir()):
        _check(directory)
        return False
    making = directory.parent / f".{directory.name}.making-{os.getpid()}"
    making.mkdir(parents=True)
    for name, text in FILES.items():
        path = making / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    run_in(making, "init", "--quiet", "--initial-branch=main", f"--template={_nothing(making)}")
    _commit(making, FIRST)
    initialize(making, clock=clock)
    _commit(making, SECOND)
    if directory.exists():
        directory.rmdir()
    making.rename(directory)
    return True


def _check(directory: Path) -> None:
    try:
        repository = Repository.discover(directory)
        ours = repository.root == directory.resolve() and FIRST in repository.text("log", "--format=%s", "main")
    except HeeError:
        ours = False
    if not ours:
        raise HeeError(
            f"{directory} is not empty and not a demonstration", hint="name another directory: hee demo --dir DIR"
        )


def _nothing(making: Path) -> str:
    return str(making / ".github" / "no-template")


def _commit(place: Path, subject: str) -> None:
    run_in(place, "add", "--all")
    run_in(place, "-c", "user.name=Ada Moor", "-c", "user.email=ada@harbor.example", "commit", "--quiet", "-m", subject)
