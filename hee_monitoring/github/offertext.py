"""What a pull request of a repair says, and what is said beneath it when its checks ended. Pure.

Invariant: every word that was not written here stands as redacted code; a body that would be too long says less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.github import markdown
from hee_monitoring.github.markdown import code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.record import Record

_TOLD = {
    "green": "HEE: the checks of {commit} are green. Merging is yours.\n",
    "red": "HEE: the checks of {commit} are red ({jobs}). The repair counts as rolled back: HEE merges nothing, makes it no "
    "second time unless `hee approve` says so, and leaves this pull request to people.\n",
}


def body(issue: Record, fix: Record, decision: Record | None, message: str) -> str:
    """What was red, why it may be repaired, what was proved, and what is left to people; `message` is the commit's."""
    job = issue["job"].rpartition("#")[2] or issue["category"]
    size = f"{fix['files_changed']} file(s), {fix['insertions']} line(s) added, {fix['deletions']} removed"
    why = f", by {code(decision['rule'])}: {code(decision['rationale'])}" if decision else ""
    story = code(f"hee decisions show {issue['decision_id']}")
    lines = [
        f"{code(job)} is red at {code(issue['commit'][:12])}: {code(issue['title'])}",
        "",
        f"Repaired by {code(fix['strategy'])}: {size}. Before the change the job failed in HEE's own run in the same way; after it:",
        "",
        *(f"- {'green' if check['ok'] else 'red'}: {code(check['name'])}" for check in fix["checks"]),
        "",
        f"Decision {code(issue['decision_id'])}{why}.",
        "",
        markdown.block(message),
        "",
        f"The checks of this pull request decide: red rolls the repair back. Merge it to take it over, close it to refuse it; {story} says why it may be repaired.",
    ]
    text = "\n".join(lines)
    return f"{text}\n" if len(text) <= markdown.LARGEST else f"{lines[0]}\n\nThe log has the rest: {story}\n"


def verdict(word: str, commit: str, jobs: Sequence[str]) -> str:
    """What is said once the checks of a repair are `green` or `red`."""
    return _TOLD[word].format(commit=code(commit[:12]), jobs=", ".join(code(job) for job in jobs[:5]))
