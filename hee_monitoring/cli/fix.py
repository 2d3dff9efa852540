"""`hee fix`: repair what may be repaired, or show what a repair would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.record import Record


@click.command()
@click.argument("issue", required=False)
@click.option("--dry-run", "--hee-dry-run", "dry_run", is_flag=True, help="Show the diff, write nothing.")
@click.option("--apply", is_flag=True, help="Also bring the repair into the worktree, uncommitted.")
@options.as_json
@options.directory
def fix(place: str, issue: str | None, dry_run: bool, apply: bool, as_json: bool) -> int:
    """Repair what may be repaired, and prove it.

    ISSUE is an issue id (default: all open ones). A repair is a branch hee/fix/ISSUE with one signed commit; the
    worktree stays as it is unless --apply is given.
    """
    from hee_monitoring import applying
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.fixes.outcome import KEPT
    from hee_monitoring.watch import one_cycle, ready

    def wanted(record: Record) -> bool:
        return issue in (None, record["issue_id"])

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        if not dry_run:
            options.allowed(workspace, "fix", issue or "")
        if issue:
            options.must_be_open(workspace, issue)
        ready(workspace)
        if dry_run:
            proposals = applying.preview(workspace, wanted, progress=terminal.progress)
            if as_json:
                terminal.json({"dry_run": True, "fixes": proposals})
                return 0
            for proposal in proposals:
                word = "OK" if proposal["outcome"] in KEPT else "WARNING"
                terminal.status(word, f"{proposal['issue_id']}: {proposal['outcome']}: {proposal['reason']}")
                terminal.exact(terminal.fit_block(proposal["diff"]))
            if not proposals:
                terminal.status("OK", "nothing that may be repaired is open")
            return 0
        cycle, result = one_cycle(workspace, source="auto", rerun=True, wanted=wanted, progress=terminal.progress)
        if apply:
            result.notes += applying.apply(workspace, issue)
        if as_json:
            terminal.json(report_json(workspace, result))
        else:
            screen(terminal, workspace, cycle, result)
        return 1 if workspace.log.state.issues else 0
