"""Runs a formatter over the files that a gate named: what the strategies for single-file tools have in common.

Responsible for telling a tool that did its work from one that could not, in one sentence without anything of its output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.strategy import Change, Declined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_monitoring.fixes.tools import Tools
    from hee_monitoring.fixes.toolversion import Pin

_PER_RUN = 400  # files on one command line


def rewrite(
    tools: Tools,
    name: str,
    arguments: Sequence[str],
    files: Sequence[str],
    *,
    verb: str,
    fine: tuple[int, ...] = (0,),
    otherwise: Pin | None = None,
) -> Change | Declined:
    """Gives the files to the tool, which changes them in place; `fine` are the exit statuses that mean success.

    `otherwise` is the version where the repository pins none.
    """
    if not files:
        return Declined(f"the job's log names no tracked file that {name} would change")
    tool = tools.provide(name, otherwise)
    for start in range(0, len(files), _PER_RUN):
        done = tools.run(tool, *arguments, "--", *files[start : start + _PER_RUN])
        if done.timed_out:
            return Declined(f"{name} did not end in time")
        if done.exit_code not in fine:
            return Declined(f"{name} {tool.version} could not process the files (exit status {done.exit_code})")
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    return Change(f"{verb} {count} with {name}", str(tool))
