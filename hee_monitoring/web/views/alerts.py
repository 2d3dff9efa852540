"""The alerts that stand: how far each channel was told, who sees to them, and what was sent last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_monitoring.alerting.standing import listed, telling
from hee_monitoring.web.views.timeline import row

if TYPE_CHECKING:
    from hee_monitoring.web.book import Book, Look

HISTORY = 50
SEARCHED = 500


def values(book: Book, look: Look) -> dict[str, Any]:
    """What the page shows."""
    indexes = book.index.of_type("alert.", upto=look.index)
    return {
        "alerts": [{**alert, "is_issue": alert["alert"] in look.state.issues} for alert in listed(look.state)],
        "channels": [setting.name for setting in book.workspace.config.alerts],
        "history": [row(entry) for entry in reversed(book.entries(indexes[-HISTORY:]))],
        "more": max(0, len(indexes) - HISTORY),
    }


def about(book: Book, look: Look, name: str) -> dict[str, Any]:
    """Who was told of one alert by which channel and when, and who sees to it; of the last messages of the log."""
    messages = []
    for entry in book.entries(book.index.of_type("alert.", upto=look.index)[-SEARCHED:]):
        event = entry.event
        if event.fits and name in event.fields.get("alerts", ()):
            fields = event.fields
            messages.append(
                {
                    "index": entry.index,
                    "time": event.time,
                    "channel": fields["channel"],
                    "stage": fields["stage"],
                    "reason": fields.get("reason", ""),
                }
            )
    return {**telling(look.state, name), "messages": messages}
