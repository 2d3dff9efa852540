"""`hee monitor` and `hee fix`: run cycles, and say in one screen what is red, why, and who acts next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options
from hee_monitoring.status import WORDS

if TYPE_CHECKING:
    from hee_core.projection import State
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.workspace import Workspace

_OUTCOME = {
    "verified": ("OK", "repaired and proved"),
    "applied": ("OK", "applied, waits for its review"),
    "rolled_back": ("WARNING", "repair rolled back, nothing left behind"),
    "refused": ("WARNING", "repair refused"),
    "pending_review": ("WARNING", "waits for a review"),
}
_source = click.option(
    "--source",
    default="auto",
    show_default=True,
    metavar="auto|github|act|logs|PLUGIN",
    help="Where evidence comes from; a plugin's name where hee.yaml lists it.",
)
_logs = click.option(
    "--log", "logs", type=click.Path(path_type=Path), multiple=True, help="A log file (with --source logs)."
)


@click.command()
@click.option("--once", is_flag=True, help="One cycle, then end.")
@_source
@_logs
@click.option("--no-fix", is_flag=True, help="Repair nothing.")
@click.option("--rerun", is_flag=True, help="Run the jobs of a commit that was judged before once more.")
@click.option("--run-id", type=click.IntRange(min=0), default=0, metavar="N", help="Look at one run of GitHub.")
@options.tell
@click.option("--cycles", type=click.IntRange(min=1), help="End after so many cycles.")
@options.sarif
@options.as_json
@options.directory
@options.status_style
def monitor(
    place: str,
    once: bool,
    source: str,
    logs: tuple[Path, ...],
    no_fix: bool,
    rerun: bool,
    run_id: int,
    tell: str | None,
    cycles: int | None,
    sarif: bool,
    as_json: bool,
) -> int:
    r"""Watch the CI: detect, explain, decide, repair, record.

    Follows the runs on GitHub if `origin` is there and GITHUB_TOKEN is set; otherwise runs the workflows of the commit
    at HEAD here (uncommitted changes are left aside). Looks every 60 seconds, every 30 while something is open; --once
    looks once. Exits 1 while something is red.

    \b
    Examples:
      hee monitor --once
      hee monitor --once --no-fix --json
      hee monitor --source github
    """
    from hee_monitoring.watch import watch

    terminal = options.terminal(as_json or sarif)
    with options.workspace(place) as workspace:
        for capability in ("monitor",) if no_fix else ("monitor", "fix"):
            options.allowed(workspace, capability)
        last = None
        for cycle, result in watch(
            workspace,
            source=source,
            logs=logs,
            fix=not no_fix,
            rerun=rerun,
            run_id=run_id,
            limit=1 if once or run_id else cycles,
            tell=tell or "",
            progress=terminal.progress,
            trouble=lambda error: terminal.error(f"this cycle failed: {error}", error.hint),
        ):
            last = result
            if not terminal.as_json and (once or run_id or result.events or last is None):
                screen(terminal, workspace, cycle, result)
        state = workspace.log.state
        if sarif:
            terminal.json(sarif_json(workspace))
        elif as_json and last is not None:
            terminal.json(report_json(workspace, last))
    return options.Ended(1 if state.issues else 0, headline(state, last))


def headline(state: State, result: Result | None) -> str:
    """The status word of a cycle: what nobody could look at is not OK."""
    blind = result is not None and result.polled and not state.issues and not result.passed
    return "UNKNOWN" if blind else WORDS[state.status]


def report_json(workspace: Workspace, result: Result) -> dict[str, Any]:
    from hee_monitoring.status import document

    return document(
        workspace.log.state,
        head=workspace.log.head,
        events_appended=result.events,
        unknown=result.unknown,
        notes=result.notes,
    )


def sarif_json(workspace: Workspace) -> dict[str, Any]:
    """The open issues as SARIF."""
    from hee_monitoring import __version__
    from hee_monitoring.reports import sarif

    issues = workspace.log.state.issues.values()
    return sarif.document(sarif.of_issues(issues), version=__version__, commit=workspace.commit()[0])


def screen(terminal: Terminal, workspace: Workspace, cycle: Cycle, result: Result) -> None:
    """What a person paged at night is glad of."""
    state = workspace.log.state
    at = f"{cycle.branch + '@' if cycle.branch else ''}{cycle.commit[:7]}"
    count = len(state.issues)
    words = f"{count} open issue(s)" if count else f"nothing is red ({looked_at(result)})"
    terminal.status(headline(state, result), f"{terminal.bold(state.status)} at {at}: {words}")
    for issue in state.issues.values():
        _issue(terminal, issue)
    for job, reason in result.unknown.items():
        terminal.status("UNKNOWN", f"{job.rpartition('#')[2]}: {reason}")
    terminal.line()
    for note in result.notes:
        terminal.line(f"  note: {note}")
    _aside(terminal, workspace)
    if not result.events and cycle.source.name == "github":
        terminal.line("  nothing new on GitHub since the last look")
    elif result.events:
        terminal.line(f"  recorded {result.events} events; the story: git log hee/log")
    else:
        terminal.line(
            f"  nothing new: {'judged now' if result.polled else f'{at} was judged before (--rerun judges it again)'}"
        )
    proved = [i["fix"]["branch"] for i in state.issues.values() if i["fix"] and i["fix"]["branch"]]
    if proved:
        terminal.exact(f"  next: review and merge  git merge {' '.join(proved)}")


def looked_at(result: Result) -> str:
    """What was evaluated: a green must prove that it looked."""
    jobs = (
        f"{result.passed} job(s) green, {len(result.unknown)} unknown"
        if result.polled
        else "its jobs were judged before"
    )
    return f"{jobs}; {result.evaluated} rule checks"


def _issue(terminal: Terminal, issue: Any) -> None:
    from hee_monitoring.recall import triage_of, triage_told

    fix = issue["fix"]
    word, words = (
        _OUTCOME[fix["outcome"]] if fix else ("CRITICAL" if issue["severity"] == "critical" else "WARNING", "")
    )
    place = issue["job"].rpartition("#")[2] or issue["category"]
    terminal.line()
    terminal.line(
        f"  {terminal.badge(word)} {terminal.bold(place)}  {terminal.fit(issue['title'], 70)}  {terminal.dim(issue['pattern_id'])}"
    )
    for item in issue["evidence"][:2]:
        where = item["where"] if item["channel"] in ("file", "annotation") else item["channel"]
        at = f"{where}:{item['line']}" if item["line"] else where
        terminal.line(
            f"      {terminal.dim(at)}  {terminal.fit(item['text'].strip(), max(40, terminal.width - 8 - len(at)))}"
        )
    if issue["job"] and (found := triage_of(issue)) is not None:  # what stands in a file is no matter of chance
        terminal.line(f"      verdict: {terminal.fit(triage_told(found), max(40, terminal.width - 15))}")
    said = f"{issue['action'] or 'undecided'}: {words or issue['rationale']}"
    terminal.line(f"      {said}{' by ' + fix['strategy'] if fix and fix['strategy'] else ''}")
    if fix and fix["outcome"] in ("rolled_back", "refused"):
        terminal.line(f"      why: {terminal.whole(fix['reason'])}")
    if issue["action"] in ("agent-review", "manual-only") and issue["next_step"]:
        terminal.line(f"      next: {terminal.whole(issue['next_step'])}")


def _aside(terminal: Terminal, workspace: Workspace) -> None:
    aside = workspace.repository.left_aside()
    if aside:
        terminal.line(f"  left aside: {len(aside)} uncommitted path(s); commits are judged")
    if workspace.repository.is_shallow():
        terminal.line("  shallow clone: history before its edge was not looked at")
