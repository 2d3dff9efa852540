"""The timeline: events newest first, a page at a time, by type and by what they are about."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from hee_monitoring.reports.words import told

if TYPE_CHECKING:
    from hee_core.store import Entry
    from hee_monitoring.web.book import Book, Look

PAGE = 50


def values(book: Book, look: Look, *, type_: str = "", about: str = "", before: str = "") -> dict[str, Any]:
    """What the page shows; `before` is the index that the page ends at, anything else than a number is the last one."""
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else look.index
    last = min(number, look.index)
    names = (about, f"issue/{about}", f"fix/{about}") if about else ()
    if names:
        every = book.index.about(*names, upto=look.index)
        wanted = set(book.index.of_type(type_, upto=look.index)) if type_ else None
        chosen = [index for index in every if wanted is None or index in wanted]
    elif type_:
        chosen = book.index.of_type(type_, upto=look.index)
    else:
        chosen = []
    total = len(chosen) if names or type_ else look.index + 1
    if names or type_:
        end = bisect_right(chosen, last)
        page = chosen[max(0, end - PAGE) : end]
        newer = chosen[min(end + PAGE, total) - 1] if end < total else None
        older = chosen[end - PAGE - 1] if end > PAGE else None
    else:
        page = list(range(max(0, last - PAGE + 1), last + 1))
        newer = min(last + PAGE, look.index) if last < look.index else None
        older = last - PAGE if last >= PAGE else None
    return {
        "rows": [row(entry) for entry in reversed(book.entries(page))],
        "types": sorted({name.partition(".")[0] + "." for name in book.index.types} | set(book.index.types)),
        "type": type_, "about": about, "total": total, "newer": newer, "older": older,
    }  # fmt: skip


def row(entry: Entry) -> dict[str, Any]:
    """An event in a line."""
    event = entry.event
    data = event.data
    issue = data.get("issue_id")
    return {
        "index": entry.index,
        "time": event.time,
        "type": event.type,
        "actor": event.actor,
        "subject": event.subject,
        "told": told(event.type, data),
        "issue": issue if isinstance(issue, str) else "",
    }
