"""Sets the executable bit of the scripts that a job could not start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.changes import REGULAR
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_NAMED = (
    r"(?:^|[\s:'\"(])(?P<path>[^\s:'\"()]+)['\"]?: (?:cannot execute: )?[Pp]ermission denied",
    r"^(?P<path>\S+): has a shebang but is not marked executable!",
    r"\[Errno 13\] Permission denied: '(?P<path>[^'\n]+)'",
    r"spawn (?P<path>\S+) EACCES",
)


class ExecutableBit:
    """`git update-index --chmod=+x`, without touching the content."""

    name = "executable-bit"
    rows: tuple[str, ...] = ("exec-bit",)
    network = False
    terms = Terms(paths=("**",), keeps=Keeps.BYTES, executable=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Every failure of its row."""
        return None

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Marks the tracked scripts with a `#!` line that the log names."""
        named = tools.named(*_NAMED)
        scripts = [
            path for path in named if tools.modes[path] == REGULAR and (tools.read(path) or b"").startswith(b"#!")
        ]
        if not scripts:
            return Declined("the job's log names no tracked script that lacks the executable bit")
        tools.make_executable(scripts)
        return Change(f"Make {len(scripts)} script{'' if len(scripts) == 1 else 's'} executable", "HEE (mode only)")
