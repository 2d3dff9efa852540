"""`scripts/hee_monitor.py`: one whole cycle, one run with its context, or the check before a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import actions, options, seed

if TYPE_CHECKING:
    from hee_core.catalogue import Level
    from hee_core.projection import State
    from hee_core.record import Record
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.workspace import Workspace


@click.command("hee_monitor")
@click.option(
    "--mode",
    type=click.Choice(["full", "pre-commit"]),
    default="full",
    show_default=True,
    help="full: one whole cycle, then end. pre-commit: hold what is staged against the rules, offline.",
)
@seed.state_capsule
@seed.governance
@click.option(
    "--alert-level",
    type=click.Choice(["low", "medium", "high", "critical"]),
    default="low",
    show_default=True,
    help="The least severity that people are told of.",
)
@click.option("--run-id", type=click.IntRange(min=1), help="One run: what is known of it, or else ask GitHub.")
@click.option(
    "--hee-context",
    type=click.Choice(["full", "minimal", "none"]),
    default="minimal",
    show_default=True,
    help="How much of the state and the decisions is shown with what is red.",
)
@click.option("--detailed", is_flag=True, help="All the evidence, and what was decided and tried.")
@click.option(
    "--source", type=click.Choice(["auto", "github", "act"]), default="auto", show_default=True,
    help="Where evidence comes from.",
)  # fmt: skip
@options.as_json
@options.directory
def hee_monitor(
    place: str, mode: str, state_capsule: str | None, hee_governance: str | None, alert_level: Level, run_id: int | None,
    hee_context: str, detailed: bool, source: str, as_json: bool,
) -> int:  # fmt: skip
    r"""Detect, explain, decide and record; repairs are `hee_auto_fix`'s.

    Exits 0 when nothing is red, 1 when something is, 2 when it could not look. In a job of GitHub Actions what is red
    does not fail the step: the outputs hee_fix_required, hee_status and hee_open_issues carry it.

    \b
    Examples:
      python scripts/hee_monitor.py --mode full --hee-governance strict --alert-level high
      python scripts/hee_monitor.py --run-id 12345 --hee-context full --detailed
    """
    terminal = options.terminal(as_json)
    if mode == "pre-commit":
        from hee_monitoring.cli.precommit import monitor_check

        return monitor_check(place, terminal, state_capsule, hee_governance)
    with options.workspace(place) as opened:
        workspace = seed.governed(opened, hee_governance)
        seed.capsule_of(state_capsule, workspace, terminal)
        options.allowed(workspace, "monitor")
        if run_id is not None:
            return _one_run(terminal, workspace, run_id, hee_context, source, detailed=detailed)
        return _whole_cycle(terminal, workspace, alert_level, hee_context, source, detailed=detailed)


def _whole_cycle(
    terminal: Terminal, workspace: Workspace, alert_level: Level, context: str, source: str, *, detailed: bool
) -> int:
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.watch import one_cycle

    cycle, result = one_cycle(
        workspace,
        source=source,
        fix=False,
        alert_level=alert_level,
        progress=terminal.progress,
    )
    state = workspace.log.state
    waiting = repairable(state)
    if terminal.as_json:
        document = report_json(workspace, result)
        terminal.json({**document, "hee_fix_required": bool(waiting), "context": context_of(state, context)})
    else:
        screen(terminal, workspace, cycle, result)
        if detailed:
            for issue in state.issues.values():
                details(terminal, issue)
        _context(terminal, state, context)
        if waiting:
            terminal.line(f"  hee_auto_fix may repair {len(waiting)} of them: {', '.join(waiting)}")
    actions.outputs(
        hee_fix_required=bool(waiting), hee_status=state.status, hee_open_issues=len(state.issues),
        hee_events=result.events,
    )  # fmt: skip
    actions.annotate(issue for issue in state.issues.values() if not issue["fix"])
    actions.summary(summary_of(workspace))
    return actions.exit_status(len(state.issues))


def repairable(state: State) -> list[str]:
    """The open issues that were decided to be repaired, or run again, and were not yet."""
    from hee_monitoring.repairs import is_open

    return [name for name, issue in state.issues.items() if issue["action"] in ("auto-fix", "rerun") and is_open(issue)]


def summary_of(workspace: Workspace) -> str:
    """The capsule for people, as the summary of a job."""
    from hee_core import capsule, render

    document = capsule.build(workspace.log.state, log_id=workspace.log.id)
    head, size = workspace.log.head, len(workspace.log)
    return render.to_markdown(document, log_id=workspace.log.id, head=head, index=size - 1, data=False)


def _one_run(
    terminal: Terminal, workspace: Workspace, run_id: int, context: str, source: str, *, detailed: bool
) -> int:
    """What is known of one run; one that the log does not know is asked for, and raises SourceError where it cannot be."""
    from hee_core.errors import SourceError
    from hee_monitoring.status import failure
    from hee_monitoring.watch import one_cycle

    if not _knows(workspace, run_id):
        try:
            one_cycle(workspace, source=source, fix=False, run_id=run_id, progress=terminal.progress)
        except SourceError as error:
            raise SourceError(f"the log has no run {run_id}, and {error}", hint=error.hint) from None
    state = workspace.log.state
    found = [i for i in (*state.issues.values(), *state.operational.closed.values()) if i["run_id"] == run_id]
    opened = [issue for issue in found if not issue["resolved"]]
    if terminal.as_json:
        failures = [{**failure(issue), "resolved": issue["resolved"]} for issue in found]
        terminal.json({"run_id": run_id, "failures": failures, "context": context_of(state, context)})
    else:
        words = f"run {run_id}: {len(found)} issue(s), {len(opened)} still open"
        terminal.status("WARNING" if opened else "OK", words)
        for issue in found:
            terminal.line(
                f"  {terminal.bold(issue['issue_id'])}  {issue['title']}  {terminal.dim(issue['pattern_id'])}"
            )
            if detailed:
                details(terminal, issue)
        _context(terminal, state, context)
    return actions.exit_status(len(opened))


def _knows(workspace: Workspace, run_id: int) -> bool:
    types = ("ci.polled", "ci.failure_detected")
    return any(e.event.type in types and e.event.data.get("run_id") == run_id for e in workspace.log.read())


def details(terminal: Terminal, issue: Record) -> None:
    """Everything that is known of one issue."""
    fix = issue["fix"] or {}
    rows = [
        ("issue", f"{issue['issue_id']}, {'resolved' if issue['resolved'] else 'open'}, seen {issue['count']} time(s)")
    ]
    rows += [
        (f"{item['channel']}:{item['line']}" if item["line"] else item["channel"], item["text"].strip())
        for item in issue["evidence"]
    ]
    rows += [("why so bad", reason) for reason in issue["reasons"]]
    rows.append(
        ("decided", f"{issue['action'] or 'not yet'}: {issue['rationale']} ({issue['decision_id'] or 'no decision'})")
    )
    if fix:
        rows.append(("repair", f"{fix['outcome']}: {fix['reason']}"))
    if issue["next_step"]:
        rows.append(("next", issue["next_step"]))
    terminal.line()
    terminal.table(rows, indent=6)


def context_of(state: State, much: str) -> dict[str, Any]:
    """The state and the decisions under which something is looked at; `none` is nothing of it."""
    if much == "none":
        return {}
    operational = state.operational
    said: dict[str, Any] = {
        "status": state.status,
        "events": state.size,
        "frozen": state.frozen,
        "governance_compliance": operational.compliance,
    }
    if much == "full":
        said["decisions"] = [
            {"decision_id": name, "key": record["key"], "statement": record["statement"], "by": record["decided_by"]}
            for name, record in state.decisions.items()
        ]
        said["governance"] = dict(operational.governance)
        said["unknown"] = sorted({job for source in operational.sources.values() for job in source["unknown"]})
    return said


def _context(terminal: Terminal, state: State, much: str) -> None:
    said = context_of(state, much)
    if not said:
        return
    holds = {True: "holds", False: "is broken", None: "is unknown"}[said["governance_compliance"]]
    terminal.line(f"  context: {said['status']} after {said['events']} events; governance {holds}")
    for decision in said.get("decisions", ()):
        terminal.line(f"    {decision['decision_id']} {decision['key']}: {terminal.fit(decision['statement'], 70)}")
