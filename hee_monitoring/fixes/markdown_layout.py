"""Repairs the layout of the documents that markdownlint named: blank lines, indentation, list marks, line ends.

Only where every finding is of a rule that is layout, which the pattern database tells apart; the words of a document stay
as they are, and the diff policy holds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_TOOL = "markdownlint-cli2"
_NAMED = (r"^(?P<path>\S[^:\n]*\.mdx?):\d+(?::\d+)? (?:error )?MD\d{3}\b",)


class MarkdownLayout:
    """`markdownlint-cli2 --fix`."""

    name = "markdownlint"
    rows: tuple[str, ...] = ("lint-safe",)
    network = False
    terms = Terms(paths=("*.md", "*.mdx", "*.markdown"), keeps=Keeps.WORDS)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where a gate calls markdownlint-cli2."""
        return None if gatecommand.mentions(tree, _TOOL) else f"no gate of this repository calls `{_TOOL}`"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Repairs what the log names."""
        files = tools.named(*_NAMED)
        if not files:
            return Declined(f"the job's log names no tracked document that {_TOOL} would change")
        tool = tools.provide(_TOOL)
        done = tools.run(tool, "--fix", "--no-globs", *(f":{path}" for path in files))  # a colon: a path, no pattern
        if done.timed_out or done.exit_code not in (0, 1):
            return Declined(f"{_TOOL} {tool.version} could not process the files (exit status {done.exit_code})")
        return Change(f"Repair the layout of {len(files)} document{'' if len(files) == 1 else 's'}", str(tool))
