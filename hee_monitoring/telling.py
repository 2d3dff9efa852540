"""The end of a cycle: alerts that are due, the state machine's steps, and the closing event (nodes K to M)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core import machine
from hee_monitoring import facts, loops
from hee_monitoring.alerting.dispatch import deliver
from hee_monitoring.cycle import record
from hee_monitoring.impact import LEVELS, WITHIN

if TYPE_CHECKING:
    from hee_core.catalogue import Level
    from hee_core.events import Event
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.cycle import Cycle, Result


def tell(cycle: Cycle, result: Result, duration_ms: int) -> None:
    """Raises the alerts that are due, moves the state machine, and closes the cycle."""

    def closing(state: State) -> list[Event]:
        events = [*alerts(cycle, state), *settle(cycle, state)]
        if not events and not result.events:
            return []
        count = len(state.issues)
        data = {
            "failures": count, "open_issues": count, "unknown": len(result.unknown), "duration_ms": duration_ms,
            "state_update_ms": result.longest_append_ms,
        }  # fmt: skip
        return [*events, facts.event("monitor.completed", data, subject="monitor", clock=cycle.workspace.clock)]

    record(cycle, result, closing)
    send(cycle, result)


def warn(cycle: Cycle, result: Result) -> None:
    """Tells people what only they can take further, before repairs that may take minutes."""
    record(cycle, result, lambda state: alerts(cycle, state))
    send(cycle, result)


def send(cycle: Cycle, result: Result) -> None:
    """Delivers what is due to the configured channels; a channel that cannot be used here is a note, not a fault."""
    result.notes += [said for said in deliver(cycle.workspace) if said not in result.notes]


def alerts(cycle: Cycle, state: State) -> list[Event]:
    """The alerts that are due: one for each issue that needs a person and was not told yet."""
    return [
        alert(cycle, issue)
        for issue in state.issues.values()
        if not issue["next_step"] and needs_person(issue) and is_told(issue, cycle.alert_level)
    ]


def needs_person(issue: Record) -> bool:
    """Whether only a person can take an issue further."""
    fix = issue["fix"] or {}
    return issue["action"] in ("agent-review", "manual-only") or fix.get("outcome") in ("rolled_back", "refused")


def is_told(issue: Record, least: Level) -> bool:
    """Whether an issue is severe enough for people to be told this time; what is not yet assessed is."""
    return LEVELS.index(issue["severity"] or "critical") >= LEVELS.index(least)


def alert(cycle: Cycle, issue: Record) -> Event:
    """What a person is told: what broke, why nothing repaired it, and what to do next."""
    pattern = cycle.workspace.patterns.get(issue["pattern_id"])
    fix = issue["fix"] or {}
    place = issue["job"].rpartition("#")[2] or next(
        (item["where"] for item in issue["evidence"] if item["where"]), "files"
    )
    title = f"{place}: {issue['title']}"
    if fix.get("outcome") in ("rolled_back", "refused"):
        title += f"; a repair was {fix['outcome'].replace('_', ' ')}: {fix['reason']}"
    next_step = pattern.remedy if pattern and pattern.remedy else "read the evidence: `hee show` and the job's log"
    if stop := loops.stopped(cycle.workspace.log.state, issue):
        title += f"; repairs were stopped: {stop}"
        next_step = f"decide which state is right; then `hee approve {issue['issue_id']}` lets repairs begin anew"
    return facts.alerted(
        issue,
        title=title,
        rationale=issue["rationale"] or issue["action"],
        next_step=next_step,
        within=WITHIN.get(issue["severity"], 900),
        clock=cycle.workspace.clock,
    )


def transitions(cycle: Cycle, state: State, *, opened: bool) -> list[Event]:
    """The legal steps from the present status to `degraded` when something is open that was not."""
    if opened and state.status == "operational":
        return [step(cycle, "operational", "degraded", "an issue was detected")]
    return []


def settle(cycle: Cycle, state: State) -> list[Event]:
    """The legal steps to the status that the open issues ask for at the end of a cycle."""
    if state.status in ("failed", "maintenance"):
        return []  # only a person leads out of these
    governance = any(issue["category"] == "governance" for issue in state.issues.values())
    target = "hee-compliance-check" if governance else "degraded" if state.issues else "operational"
    steps, at = [], state.status
    for move in machine.path(at, target):
        words = "a governance violation is open" if move.to == "hee-compliance-check" else "the open issues ask for it"
        steps.append(step(cycle, at, move.to, words if state.issues else "every issue was seen green"))
        at = move.to
    return steps


def step(cycle: Cycle, from_: str, to: str, reason: str) -> Event:
    """One edge of the state machine, with the label that the specification gives it."""
    return facts.changed(from_, to, machine.label(from_, to) or "", reason, clock=cycle.workspace.clock)
