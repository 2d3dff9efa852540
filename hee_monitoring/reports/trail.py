"""One pass over the events: what was open when, which issue came of what, which attempt ended how. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hee_core import catalogue
from hee_core.clock import seconds_between
from hee_core.errors import HeeError
from hee_core.forms import stored
from hee_core.replay import Replay
from hee_governance.ledgermeasures import TARGETS
from hee_monitoring.reports.course import Course
from hee_monitoring.reports.figures import Durations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.events import Event
    from hee_core.log import Entry
    from hee_core.projection import State

MINUTE = 60_000


@dataclass
class Issue:
    """One issue over its whole life; `events` are all that name it."""

    issue_id: str
    seen: list[tuple[int, str]] = field(default_factory=list)
    category: str = "unknown"
    pattern_id: str = ""
    title: str = ""
    resolved: int | None = None
    events: list[int] = field(default_factory=list)


@dataclass
class Attempt:
    """One repair from its start to its end; `proof` are the checks that were run."""

    fix_id: str
    issue_id: str = ""
    pattern_id: str = ""
    strategy: str = ""
    outcome: str = ""
    reason: str = ""
    branch: str = ""
    commit: str = ""
    time: str = ""
    proof: dict[str, dict[str, Any]] = field(default_factory=dict)
    preserved: bool = True
    events: list[int] = field(default_factory=list)


@dataclass
class Telling:
    """What people were told of one alert: each message that a channel took, how many were not, who saw to it last."""

    alert: str
    title: str = ""
    delivered: list[dict[str, Any]] = field(default_factory=list)
    failed: int = 0
    acknowledged: dict[str, Any] | None = None
    events: list[int] = field(default_factory=list)


class Trail:
    """What a pass over the events from the first on collects; what the projection refuses, changes nothing here either."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Reads them in order."""
        self.issues: dict[str, Issue] = {}
        self.attempts: dict[str, Attempt] = {}
        self.types: dict[str, list[int]] = {}
        self.last: dict[str, list[int]] = {}  # gate or metric -> the event that measured it last
        self.governance: list[tuple[int, str, str]] = []  # index, phase, verdict
        self.alerts: dict[str, Telling] = {}
        self.durations = _durations()
        self._analysis: int | None = None  # what the last poll said of its own
        events = [entry.event for entry in entries]
        self.course = Course(Replay(lambda start, stop: events[start:stop]).state_after)
        for entry in entries:
            self._read(entry)

    @property
    def state(self) -> State:
        """The state after the last event."""
        return self.course.state

    def _read(self, entry: Entry) -> None:
        event, index, before = entry.event, entry.index, self.state
        self.course.add(entry)
        if _left_out(self.state) == _left_out(before):
            self.types.setdefault(event.type, []).append(index)
            handler = getattr(self, "_" + event.type.replace(".", "_"), None)
            if handler is not None and is_whole(event):
                handler(index, event.time, event.data)

    # ------------------------------------------------------------------ failures

    def _issue(self, index: int, data: Any) -> Issue:
        issue = self.issues.setdefault(data["issue_id"], Issue(data["issue_id"]))
        issue.events.append(index)
        return issue

    def _ci_failure_detected(self, index: int, time: str, data: Any) -> None:
        issue = self._issue(index, data)
        issue.seen.append((index, time))
        issue.resolved = None
        if data.get("completed_at"):
            self._since("detection_latency", data["completed_at"], time, index)

    def _ci_failure_classified(self, index: int, _: str, data: Any) -> None:
        issue = self._issue(index, data)
        issue.category, issue.pattern_id, issue.title = data["category"], data["pattern_id"], data["title"]

    def _ci_impact_assessed(self, index: int, time: str, data: Any) -> None:
        issue = self._issue(index, data)
        if self._analysis is not None:
            self.durations["analysis_time"].add(self._analysis, index)
        else:
            self._since("analysis_time", issue.seen[-1][1] if issue.seen else "", time, index)

    def _ci_issue_resolved(self, index: int, _: str, data: Any) -> None:
        self._issue(index, data).resolved = index

    # ------------------------------------------------------------------ alerts

    def _telling(self, name: str, index: int) -> Telling:
        telling = self.alerts.setdefault(name, Telling(name))
        telling.events.append(index)
        return telling

    def _alert_raised(self, index: int, time: str, data: Any) -> None:
        if data.get("issue_id") in self.issues:
            issue = self._issue(index, data)
            self._telling(issue.issue_id, index).title = data["title"]
            self._since("alert_delivery", issue.seen[-1][1] if issue.seen else "", time, index)

    def _alert_delivered(self, index: int, time: str, data: Any) -> None:
        for name in data["alerts"]:
            seen = self.issues[name].seen if name in self.issues else []
            delay = _delay(seen[-1][1], time) if seen and data["stage"] == "raised" else None
            said = {
                "channel": data["channel"],
                "stage": data["stage"],
                "time": time,
                "latency_ms": delay,
                "event": index,
            }
            self._telling(name, index).delivered.append(said)
            if seen and data["stage"] == "raised":
                self._since("alert_delivery", seen[-1][1], time, index)

    def _alert_undelivered(self, index: int, _: str, data: Any) -> None:
        for name in data["alerts"]:
            self._telling(name, index).failed += 1

    def _alert_acknowledged(self, index: int, time: str, data: Any) -> None:
        if data["alert"] in self.state.ledger.alerts:
            by = self.state.ledger.alerts[data["alert"]]["acknowledged"].get("by", "")
            said = {"by": by, "time": time, "statement": data.get("statement", ""), "event": index}
            self._telling(data["alert"], index).acknowledged = said

    # ------------------------------------------------------------------ repairs

    def _attempt(self, index: int, time: str, data: Any) -> Attempt:
        attempt = self.attempts.setdefault(data["fix_id"], Attempt(data["fix_id"]))
        attempt.events.append(index)
        attempt.time = time
        for name in ("issue_id", "pattern_id", "strategy", "branch", "commit", "reason"):
            if data.get(name):
                setattr(attempt, name, data[name])
        return attempt

    def _fix_started(self, index: int, time: str, data: Any) -> None:
        attempt = self._attempt(index, time, data)
        attempt.commit = attempt.branch = ""  # of the failure; a repair that is kept has its own

    def _fix_validated(self, index: int, time: str, data: Any) -> None:
        proof = self._attempt(index, time, data).proof
        for check in data["checks"]:  # a check that ran again counts as it ended last
            proof[check["name"]] = {"name": check["name"], "ok": check["ok"], "event": index}

    def _fix_applied(self, index: int, time: str, data: Any) -> None:
        attempt = self._attempt(index, time, data)
        attempt.outcome, attempt.reason = data["outcome"], data.get("summary", "")
        attempt.preserved = data.get("context_preserved", True)
        self._ended(attempt, index, time)

    def _fix_verified(self, index: int, time: str, data: Any) -> None:
        self._fix_validated(index, time, data)
        self.attempts[data["fix_id"]].outcome = "verified"

    def _fix_rolled_back(self, index: int, time: str, data: Any) -> None:
        attempt = self._attempt(index, time, data)
        attempt.outcome, attempt.preserved = "rolled_back", data.get("restored", True)
        self.durations["rollback_time"].add(data.get("duration_ms", 0), index)

    def _ended(self, attempt: Attempt, index: int, time: str) -> None:
        issue = self.issues.get(attempt.issue_id)
        if issue is not None and issue.seen:
            self._since("fix_execution", issue.seen[-1][1], time, index)

    # ------------------------------------------------------------------ cycles

    def _ci_polled(self, _: int, __: str, data: Any) -> None:
        self._analysis = data.get("analysis_ms")

    def _monitor_completed(self, index: int, _: str, data: Any) -> None:
        if data.get("state_update_ms") is not None:
            self.durations["state_update"].add(data["state_update_ms"], index)

    def _gate_evaluated(self, index: int, _: str, data: Any) -> None:
        self.last[data["gate"]] = [index]

    def _coverage_measured(self, index: int, _: str, data: Any) -> None:
        self.last[data["metric"]] = [index]

    def _governance_evaluated(self, index: int, _: str, data: Any) -> None:
        self.governance.append((index, data.get("phase", "cycle"), data["verdict"]))

    def _monitor_heartbeat(self, index: int, time: str, data: Any) -> None:
        if data["polls"]:
            self._since("polling", data["since"], time, index, parts=data["polls"])

    def _since(self, name: str, earlier: str, later: str, index: int, *, parts: int = 1) -> None:
        try:
            self.durations[name].add(seconds_between(earlier, later) * 1000 / parts, index)
        except (ValueError, TypeError):  # a time that a source wrote in a way of its own
            return


def _delay(earlier: str, later: str) -> int | None:
    """Milliseconds between two times; None where one is no time, or the two clocks disagree."""
    try:
        found = int(seconds_between(earlier, later) * 1000)
    except ValueError:
        return None
    return found if found >= 0 else None


def is_whole(event: Event) -> bool:
    """Whether the payload is what the catalogue says; the projection reads only parts of it."""
    if stored(event.type, event.version, event.data) is not None:
        return True
    try:
        catalogue.model(event.type, event.version, event.data)
    except HeeError:
        return False
    return True


def _left_out(state: State) -> int:
    ledger = state.ledger
    return ledger.unknown + ledger.malformed + ledger.refused


def _durations() -> dict[str, Durations]:
    """The specification's targets, and how each is measured here."""
    said = {
        "detection_latency": ("Detection latency", "from the job's end to the event that detects it"),
        "analysis_time": (
            "Analysis time",
            "the poll's own duration of reading and explaining; of older polls, from detection to the assessed impact",
        ),
        "alert_delivery": ("Alert delivery", "from detection to the alert"),
        "state_update": ("State update", "the longest append of the cycle, until events and capsule are durable"),
        "fix_execution": ("Fix execution", "from detection to the repair that is kept"),
        "rollback_time": ("Rollback time", "the attempt's own duration up to its end"),
    }
    polling = Durations("Polling frequency", MINUTE, "mean time between polls, from heartbeats", inclusive=True)
    timed = {name: Durations(title, TARGETS[name] * 1000, how) for name, (title, how) in said.items()}
    return {"polling": polling, **timed}
