"""What a command tells the GitHub Actions runner that it runs in: outputs, environment, summary, annotations.

Outside of Actions nothing here does anything. Invariant: a text can only ever be data of the message that it belongs
to; a log line that looks like a command of the runner does not become one.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN = 10  # annotations; the runner keeps ten of a kind and drops the rest


def here() -> bool:
    """Whether this process runs in a job of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def exit_status(findings: int) -> int:
    """1 for findings; in a job 0, since its outputs carry them and a red step would skip the job that repairs."""
    return 0 if here() else 1 if findings else 0


def outputs(**values: str | bool | int) -> None:
    """Sets outputs of the step: `hee_fix_required=true` and the like."""
    _append("GITHUB_OUTPUT", "".join(f"{name}={_word(value)}\n" for name, value in values.items()))


def environment(name: str, value: str) -> None:
    """Gives a variable to the steps after this one."""
    _append("GITHUB_ENV", f"{name}={_word(value)}\n")


def summary(markdown: str) -> None:
    """Adds to the page of the job."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip("\n") + "\n")


def annotate(issues: Iterable[Mapping[str, Any]]) -> None:
    """Shows issues beside the lines that they are about, where their evidence names a file."""
    if not here():
        return
    for issue in list(issues)[:SHOWN]:
        place = next((item for item in issue["evidence"] if item["channel"] in ("file", "annotation")), None)
        level = "error" if issue["severity"] in ("critical", "high") else "warning"
        known: dict[str, str | int] = {"title": f"{issue['pattern_id']} {issue['category']}"}
        if place and place["where"]:
            known = {"file": place["where"], "line": max(1, place["line"]), **known}
        parts = ",".join(f"{name}={_property(str(value))}" for name, value in known.items())
        said = f"{issue['title']}: {issue['next_step'] or issue['rationale'] or issue['action'] or 'undecided'}"
        sys.stderr.write(f"::{level} {parts}::{_data(said)}\n")
    sys.stderr.flush()


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if path:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - the runner's own file, appended to
            file.write(text)


def _word(value: str | bool | int) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(char for char in text if char.isprintable())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
