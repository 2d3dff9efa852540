"""`hee demo`: the whole loop on a real broken pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_monitoring.cycle import Cycle, Result
    from hee_monitoring.workspace import Workspace


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("hee-demo"),
    show_default=True,
    help="Where to make the repository.",
)
@click.option("--github", is_flag=True, help="Let a simulated GitHub show the runs, and follow them as the real one.")
@options.as_json
def demo(directory: Path, github: bool, as_json: bool) -> int:
    """Show the whole loop on a real broken pipeline.

    Makes a git repository with a GitHub Actions workflow, runs it here with act, and lets HEE explain, decide, repair,
    prove and record. Takes about a minute, needs no account and no network. Run it again: nothing is doubled.
    """
    from hee_core.audit import verify
    from hee_core.clock import SYSTEM
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.demo import FILES, build
    from hee_monitoring.watch import one_cycle
    from hee_monitoring.workspace import Workspace

    terminal = options.terminal(as_json)
    new = build(directory, clock=SYSTEM)
    terminal.line(
        f"{terminal.bold('1')} {'made' if new else 'found'} {directory}: a library with {len(FILES)} files and two workflows, broken"
    )
    terminal.line(
        f"{terminal.bold('2')} running its workflows for real, then explaining, deciding, repairing and proving"
    )
    with Workspace.open(directory) as workspace:
        if github:
            cycle, result = follow(workspace, terminal.progress)
        else:
            cycle, result = one_cycle(workspace, source="act", progress=terminal.progress)
        report = verify(workspace.log)
        if as_json:
            terminal.json({**report_json(workspace, result), "directory": str(directory), "verified": report.ok})
            return 0 if report.ok else 2
        terminal.line()
        screen(terminal, workspace, cycle, result)
        terminal.line()
        terminal.status(
            "OK" if report.ok else "CRITICAL",
            f"{report.events} signed events in branch hee/log {'hold' if report.ok else 'do not hold'}",
        )
    terminal.line()
    terminal.line(terminal.bold("Look around"))
    for command, what in (
        (f"cd {directory}", ""),
        ("git log --oneline hee/log", "the story"),
        ("git show hee/log:README.md", "the state, for people"),
        ("hee log --type fix.", "every repair, also the one that was rolled back"),
        ("git diff main hee/fix/…", "a repair (TAB completes the branch)"),
        ("hee verify", "every byte and signature"),
    ):
        terminal.line(f"  {command:28} {terminal.dim(what)}".rstrip())
    return 0 if report.ok else 2


def follow(workspace: Workspace, progress: Callable[[str], None]) -> tuple[Cycle, Result]:
    """Runs the workflows here, lets a simulated GitHub show the runs, and follows it."""
    from hee_monitoring.demo_github import followed
    from hee_monitoring.watch import local

    act = local(workspace, progress)
    with followed(workspace, act.runs(workspace.commit()[0]), act, progress) as (_, follower):
        return follower.cycle(workspace)
