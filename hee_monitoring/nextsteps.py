"""What a person does next, from how things stand: commands with what they are for, the most urgent first. Pure.

The terminal and the page say it in the same words. Invariant: a command is only named where it would do something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.config import Config

_URGENT = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def next_steps(state: State, config: Config) -> Iterator[tuple[str, str]]:
    """Commands with what they are for, the most urgent first."""
    if state.frozen:
        yield "hee unfreeze --reason WHY", "ends the freeze; takes a person's key"
    waiting = by_urgency(state)
    for issue in waiting:
        fix = issue["fix"] or {}
        if fix.get("branch") and fix.get("outcome") in ("verified", "applied"):
            said = "a proved repair" if fix["outcome"] == "verified" else "a repair that waits for its review"
            yield f"git merge {fix['branch']}", f"{said}: {issue['title']}"
    if any(issue["action"] in ("auto-fix", "rerun") and not issue["fix"] for issue in waiting):
        yield "hee fix", "repairs what the rules allow, and proves it"
    for issue in waiting:
        if issue["action"] in ("agent-review", "manual-only"):
            yield f"hee approve {issue['issue_id']} --reason WHY", f"or repair it: {issue['title']}"
    if not config.log_id:
        yield f"git add {config.path}", "commit it, so that another log in this one's place is noticed"
    yield "hee monitor --once", "looks at the commit at HEAD"
    if state.size > 1:
        yield "git log --oneline hee/log", "the story"


def by_urgency(state: State) -> list[Record]:
    """The open issues, the most urgent first."""
    return sorted(state.issues.values(), key=lambda issue: (_URGENT.get(issue["severity"], 0), issue["issue_id"]))
