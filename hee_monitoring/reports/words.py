"""How numbers and events read to people: percentages that are floored, durations, verdicts as icon and word. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_governance.measures import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS_SHOWN = 12
MET = {True: "✔ OK", False: "✖ CRITICAL", None: "? UNKNOWN"}
OUTCOME = {
    "verified": "✔ OK verified",
    "applied": "✔ OK applied",
    "rolled_back": "▲ WARNING rolled back",
}


def value(figure: Mapping[str, Any], number: int | None) -> str:
    """A number of a figure, in its unit; `unknown` for null."""
    if number is None:
        return "unknown"
    return duration(number) if figure["unit"] == "ms" else percent(number)


def counted(figure: Mapping[str, Any]) -> str:
    """What a figure was counted from, with the 95 % interval of that share where it has one."""
    said = f"{figure['numerator']} of {figure['denominator']}"
    found = figure.get("interval")
    return f"{said} ({percent(found[0])} to {percent(found[1])})" if found else said


def duration(milliseconds: int) -> str:
    """Milliseconds as people say them; never rounded down to a target."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:g} s"
    minutes, rest = divmod(-(-milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if rest else f"{minutes} min"


def target(figure: Mapping[str, Any]) -> str:
    """The target of a figure with the direction in which it is met; empty for none."""
    if figure["target"] is None:
        return ""
    return f"{'within' if figure['unit'] == 'ms' else 'at least'} {value(figure, figure['target'])}"


def delivery(message: Mapping[str, Any]) -> str:
    """A message that a channel took, with how long after the failure was seen."""
    late = message["latency_ms"]
    return f"{message['channel']} {message['stage']}{'' if late is None else f' after {duration(late)}'}"


def seen_to(acknowledged: Mapping[str, Any] | None) -> str:
    """Who acknowledged an alert, and with which words."""
    if acknowledged is None:
        return "nobody"
    said = f": {acknowledged['statement']}" if acknowledged["statement"] else ""
    return f"{acknowledged['by']}, {day(acknowledged['time'])}{said}"


def day(time: str) -> str:
    """A time to the minute, in UTC."""
    return f"{time[:10]} {time[11:16]} UTC" if time else "never"


def shown(events: list[int]) -> tuple[list[int], int]:
    """The last events of a list, and how many came before them."""
    return events[-EVENTS_SHOWN:], max(0, len(events) - EVENTS_SHOWN)


def told(type_: str, data: Mapping[str, object]) -> str:
    """The part of a payload that a person reads first."""
    first = {
        "ci.failure_detected": "job",
        "ci.failure_classified": "title",
        "ci.impact_assessed": "severity",
        "ci.failure_triaged": "verdict",
        "ci.branch_cleared": "by",
        "decision.recorded": "statement",
        "fix.applied": "summary",
        "fix.rolled_back": "reason",
        "fix.refused": "reason",
        "fix.proposed": "reason",
        "fix.stopped": "reason",
        "fix.suggested": "reason",
        "fix.started": "strategy",
        "alert.raised": "title",
        "alert.delivered": "channel",
        "alert.undelivered": "reason",
        "alert.acknowledged": "statement",
        "approval.granted": "statement",
        "note.recorded": "text",
        "state.changed": "trigger",
        "ci.issue_resolved": "by",
        "governance.evaluated": "verdict",
        "payload.sealed": "sealed_type",
        "payload.redacted": "reason",
        "recipient.added": "actor",
    }.get(type_)
    return str(data.get(first, "")) if first else ""
