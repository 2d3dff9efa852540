"""Whether an event starts a workflow.

Responsible for `on:` with its filters on branches and tags. Filters on changed paths are left aside.

Invariant: a workflow is held back only for a reason that can be said in one sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hee_monitoring.yamltree import Node


def not_triggered(root: Node, event: str, branch: str) -> str:
    """Why the event does not start this workflow; nothing when it does."""
    on = root.get("on")
    table = on.table if on is not None and on.table is not None else {}
    events = tuple(table) or (on.words() if on is not None else ())
    if event not in events:
        return f"the workflow runs on {', '.join(events) or 'nothing'}, not on {event}"
    filters = table.get(event)
    if filters is None or filters.table is None:
        return ""
    only, never = filters.get("branches"), filters.get("branches-ignore")
    if only is None and never is None and (filters.get("tags") or filters.get("tags-ignore")):
        return "the workflow runs on tags only"
    if not branch or "pull_request" in events:
        return ""  # a pull request would start it, whatever its branch is called
    if only is not None and not _selected(only.words(), branch):
        return f"the workflow runs on the branches {', '.join(only.words())}, and this is {branch}"
    if never is not None and _selected(never.words(), branch):
        return f"the workflow leaves out the branch {branch}"
    return ""


def _selected(patterns: tuple[str, ...], name: str) -> bool:
    chosen = False
    for pattern in patterns:
        if _glob(pattern.removeprefix("!")).fullmatch(name):
            chosen = not pattern.startswith("!")
    return chosen


def _glob(pattern: str) -> re.Pattern[str]:
    """GitHub's filter patterns: `*` within a part, `**` anywhere, `?` and `+` after a character, `[]` as usual."""
    parts = re.findall(r"\*\*/?|\*|\?|\+|\[[^\]]*\]|\\.|.", pattern)
    known = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "?", "+": "+"}
    text = "".join(known.get(part, part if part[0] == "[" and len(part) > 1 else re.escape(part[-1])) for part in parts)
    try:
        return re.compile(text)
    except re.error:
        return re.compile(re.escape(pattern))
