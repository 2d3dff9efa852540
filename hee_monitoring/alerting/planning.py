"""Which messages are due now, from the alerts that stand and what the log says was told. Pure.

Each channel hears of a transition once: raised, escalated, closed. A storm becomes few messages: beyond `APART` alerts
of one stage a message tells of all of them, and a channel that took `BUDGET` messages within `WINDOW_S` waits.
Invariant: what is due depends on the state, the channels and the time alone, and telling twice tells nothing new.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hee_core.alerts import NEW
from hee_core.canonical import encode
from hee_monitoring.alerting.message import Message
from hee_monitoring.alerting.standing import Alert, ended, standing
from hee_monitoring.impact import LEVELS, WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hee_core.catalogue import Stage
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_governance.alertsettings import AlertChannel

APART = 3
BUDGET, WINDOW_S = 6, 600
TRIES = 10
LONGEST_PAUSE_S, DAY_S = 3600, 86_400
REMINDER_S = 300  # a channel that was told at once is not told again in the same second
SPARE = 4  # messages beyond the budget that a critical alert may still take


def due(state: State, channels: Sequence[AlertChannel], now: str) -> Iterator[tuple[AlertChannel, Message]]:
    """The messages to send now, with their channels; none for a channel that waits."""
    there, known = standing(state), state.ledger.alerts
    for channel in channels:
        took = state.ledger.channels.get(channel.name)
        sent = took["sent"] if took else []
        room = BUDGET - sum(_apart(time, now) < WINDOW_S for time, _ in sent)
        after = sent[-1][1] if sent else ""
        for stage, alerts in _wanted(state, channel, channels, there, now):
            for part in _grouped(alerts):
                if room + (SPARE if part[0].severity == "critical" else 0) <= 0:
                    continue
                failures = [_failure(known, alert.name, channel.name, stage) for alert in part]
                attempt = 1 + max(each["attempt"] if each else 0 for each in failures)
                message = Message(_name(after, channel.name, stage, part), stage, part, attempt)
                after, room = message.name, room - 1
                yield channel, message


def _wanted(
    state: State, channel: AlertChannel, channels: Sequence[AlertChannel], there: Mapping[str, Alert], now: str
) -> Iterator[tuple[Stage, list[Alert]]]:
    """What a channel has not heard yet, by stage; what is over last."""
    raised, escalated = [], []
    known = state.ledger.alerts
    for alert in there.values():
        if not _takes(channel, alert):
            continue
        record: Mapping[str, Any] = known.get(alert.name) or NEW
        told = record["told"].get(channel.name, "closed")
        if channel.when == "raised" and told == "closed":
            raised.append(alert)
        elif told != "escalated" and _is_overdue(channel, channels, alert, record, now):
            escalated.append(alert)
    over = [
        ended(state, name)
        for name, record in known.items()
        if name not in there and record["told"].get(channel.name, "closed") != "closed"
    ]
    stages: tuple[tuple[Stage, list[Alert]], ...] = (("raised", raised), ("escalated", escalated), ("closed", over))
    for stage, alerts in stages:
        ready = [alert for alert in alerts if _may_try(state, alert.name, channel.name, stage, now)]
        if ready:
            yield stage, sorted(ready, key=lambda alert: -LEVELS.index(alert.severity))


def _is_overdue(
    channel: AlertChannel, channels: Sequence[AlertChannel], alert: Alert, record: Mapping[str, Any], now: str
) -> bool:
    """Whether nobody saw to an alert in its time, and this channel is the one to hear of that."""
    waiting = any(each.when == "unacknowledged" and _takes(each, alert) for each in channels)
    if waiting != (channel.when == "unacknowledged"):
        return False
    within = WITHIN[alert.severity] if waiting else max(WITHIN[alert.severity], REMINDER_S)
    elapsed = _apart(record["since"], now) if record["since"] else 0
    return not record["acknowledged"] and elapsed >= within and (bool(record["since"]) or not within)


def _takes(channel: AlertChannel, alert: Alert) -> bool:
    return LEVELS.index(alert.severity) >= LEVELS.index(channel.least)


def _may_try(state: State, name: str, channel: str, stage: str, now: str) -> bool:
    """Whether the pause after the last failure is over: it grows to an hour, and after `TRIES` failures it is a day.

    A channel that took another message since then works again, and nothing that it missed waits for the day to end.
    """
    failure = _failure(state.ledger.alerts, name, channel, stage)
    if failure is None:
        return True
    attempt = int(failure["attempt"])
    if attempt < TRIES:
        return _apart(failure["time"], now) >= min(15 << attempt, LONGEST_PAUSE_S)
    took = state.ledger.channels.get(channel)
    works = took is not None and bool(took["sent"][-1][0] > failure["time"])
    return works or _apart(failure["time"], now) >= DAY_S


def _failure(known: Mapping[str, Record], name: str, channel: str, stage: str) -> Any:
    """The last failure to tell a channel of this stage of an alert, if there is one."""
    failure = known[name]["failed"].get(channel) if name in known else None
    return failure if failure and failure["stage"] == stage else None


def _grouped(alerts: Sequence[Alert]) -> Iterable[tuple[Alert, ...]]:
    return [tuple(alerts)] if len(alerts) > APART else [(alert,) for alert in alerts]


def _name(after: str, channel: str, stage: str, alerts: Sequence[Alert]) -> str:
    """A message's name: the same while it is tried again, another one when the same is to be told anew."""
    parts = [after, channel, stage, sorted(alert.name for alert in alerts)]
    return hashlib.sha256(encode(parts)).hexdigest()


def _apart(one: str, other: str) -> float:
    """Seconds between two times, whichever is later: a clock that was set back silences nobody until it catches up."""
    return abs((datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds())
