"""What the linters of workflows find in some files: zizmor offline, and actionlint where it is installed.

Responsible for findings that can be compared between two texts of a file: by rule and file, as often as they are found. A linter that
cannot be understood is an error, so that nothing counts as clean unread.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from hee_core.errors import SourceError
from hee_monitoring import sandbox
from hee_monitoring.fixes.toolcache import Tool
from hee_monitoring.fixes.toolversion import Pin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_monitoring.fixes.tools import Tools

_ZIZMOR = Pin("1.32.0", "HEE, since the repository pins none")


def findings(tools: Tools, files: Sequence[str]) -> Counter[str]:
    """Each finding of each linter as `linter rule in file`, with how often it is there."""
    zizmor = tools.provide("zizmor", _ZIZMOR)
    done = tools.run(zizmor, "--offline", "--format", "json", "--no-progress", "--quiet", *files, merge=False)
    found = Counter(
        f"zizmor {each['ident']} in {_place(each)}" for each in _read("zizmor", done.stdout) if not each.get("ignored")
    )
    if path := sandbox.find("actionlint"):
        actionlint = Tool("actionlint", "", (path,), "of this machine")
        done = tools.run(actionlint, "-format", "{{json .}}", *files, merge=False)
        found += Counter(
            f"actionlint {each['kind']} in {each['filepath']}" for each in _read("actionlint", done.stdout)
        )
    return found


def named(tools: Tools) -> str:
    """The linters that were asked, with zizmor's version."""
    both = " and actionlint" if sandbox.find("actionlint") else ""
    return f"{tools.provide('zizmor', _ZIZMOR)}{both}"


def _read(linter: str, output: bytes) -> list[dict[str, object]]:
    try:
        found = json.loads(output)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise SourceError(f"{linter} can't be understood here", hint=f"run {linter} by hand")
    return found


def _place(finding: dict[str, object]) -> str:
    return (
        json.dumps(finding.get("locations"), sort_keys=True).partition('"verbatim_path": "')[2].partition('"')[0]
        or "a workflow"
    )
