"""What people were told, by alert and by channel: handlers that fold one event into a draft.

An alert is named by what it is about: an issue's id, `state`, or `source/NAME`. It begins with the first message about
it and ends when each channel that was told of it was told of its end. Invariant: a rollback takes nothing of it back,
since nobody can be untold; an acknowledgement lasts as long as what it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.draft import Draft

    Data = Mapping[str, Any]

ALERTS_KEPT = 2000
CHANNELS_KEPT = 50
SENT_KEPT = 20
NEW: Data = {"since": "", "told": {}, "failed": {}, "acknowledged": {}}


def delivered(draft: Draft, _: Any, data: Data) -> None:
    """Remembers how far a channel was told of each alert, and when the channel took a message."""
    channel, stage = data["channel"], data["stage"]
    for name in data["alerts"]:
        before: Data = draft.alerts.get(name) or {"alert": name, **NEW}
        told = {**before["told"], channel: stage}
        failed = {key: value for key, value in before["failed"].items() if key != channel}
        if set(told.values()) == {"closed"}:
            draft.own("alerts").pop(name, None)
            continue
        _put(draft, {**before, "since": _since(draft, before, channel, stage), "told": told, "failed": failed})
    took = draft.channels.get(channel)
    sent = took["sent"] if took else []
    if not sent or sent[-1][1] != data["message"]:
        sent = [*sent, [draft.time, data["message"]]][-SENT_KEPT:]
    draft.put("channels", Record(channel=channel, sent=sent), channel, keep=CHANNELS_KEPT)


def undelivered(draft: Draft, _: Any, data: Data) -> None:
    """Remembers how often a channel did not take a message about each alert, and why not the last time."""
    failure = {"stage": data["stage"], "attempt": data["attempt"], "reason": data["reason"], "time": draft.time}
    for name in data["alerts"]:
        before: Data = draft.alerts.get(name) or {"alert": name, **NEW}
        since = _since(draft, before, data["channel"], data["stage"])
        _put(draft, {**before, "since": since, "failed": {**before["failed"], data["channel"]: failure}})


def acknowledged(draft: Draft, event: Any, data: Data) -> None:
    """Remembers who has seen to it; what is not there cannot be seen to in advance."""
    name = data["alert"]
    before: Data | None = draft.alerts.get(name) or ({"alert": name, **NEW} if _stands(draft, name) else None)
    if before is None:
        return
    seen = {"by": event.actor, "time": draft.time, "statement": data.get("statement", "")}
    _put(draft, {**before, "acknowledged": seen})


def ended(draft: Draft, name: str) -> None:
    """Forgets who has seen to what is over; what no channel was told of is forgotten whole."""
    before = draft.alerts.get(name)
    if before is None:
        return
    if not before["told"]:
        draft.own("alerts").pop(name)
    else:
        _put(draft, {**before, "acknowledged": {}})


def _stands(draft: Draft, name: str) -> bool:
    """Whether there is something that an alert of this name could be about."""
    if name == "state":
        return draft.frozen or draft.status == "failed"
    return name in draft.issues or "blind" in draft.sources.get(name.removeprefix("source/"), ())


def _since(draft: Draft, before: Data, channel: str, stage: str) -> str:
    """When somebody first was, or should have been, told of what is going on now."""
    again = stage == "raised" and before["told"].get(channel) == "closed" and channel not in before["failed"]
    since: str = before["since"]
    return draft.time if again or not since else since


def _put(draft: Draft, record: Data) -> None:
    # Room for what is open comes on top: an alert that stands and is forgotten would be told again for ever.
    draft.put("alerts", Record(record), record["alert"], keep=ALERTS_KEPT + len(draft.issues))
