"""`hee fix`: repair what may be repaired, or show what a repair would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.record import Record
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.workspace import Workspace


@click.command()
@click.argument("issue", required=False)
@click.option("--dry-run", "--hee-dry-run", "dry_run", is_flag=True, help="Show the diff, write nothing.")
@click.option("--apply", is_flag=True, help="Also bring the repair into the worktree, uncommitted.")
@click.option(
    "--publish",
    type=click.Choice(["branch", "patch", "pull-request"]),
    help="How a proved repair is offered; the configuration's fix.publish by default.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    show_default=True,
    help="Where a patch goes; - is standard output.",
)
@options.as_json
@options.directory
def fix(
    place: str, issue: str | None, dry_run: bool, apply: bool, publish: str | None, output: Path, as_json: bool
) -> int:
    r"""Repair what may be repaired, and prove it.

    ISSUE is an issue id (default: all open ones). A repair is a branch hee/fix/ISSUE with one signed commit; the
    worktree stays as it is unless --apply is given. With --publish a proved repair leaves this clone as well: as a
    patch for `git am`, or as a pull request (origin on GitHub, GITHUB_TOKEN with contents: write and pull_requests: write).

    \b
    Examples:
      hee fix --dry-run
      hee fix HEE-ISS-0123456789ab --publish patch --output repair.patch
      hee fix --publish pull-request
    """
    from hee_monitoring import applying
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.fixes.outcome import KEPT
    from hee_monitoring.watch import one_cycle, ready

    def wanted(record: Record) -> bool:
        return issue in (None, record["issue_id"])

    if dry_run and publish:
        raise click.UsageError("--dry-run keeps nothing, so there is nothing to --publish")
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        if not dry_run:
            options.allowed(workspace, "fix", issue or "")
        if publish in ("patch", "pull-request"):
            options.allowed(workspace, "publish", issue or "")
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
        if publish == "pull-request":
            result.notes += _offer(workspace, wanted)
        if publish == "patch":
            _patches(terminal, workspace, wanted, output)
        elif as_json:
            terminal.json(report_json(workspace, result))
        else:
            screen(terminal, workspace, cycle, result)
        return 1 if workspace.log.state.issues else 0


def _offer(workspace: Workspace, wanted: Callable[[Record], bool]) -> list[str]:
    from hee_monitoring.publishing import Publisher
    from hee_monitoring.watch import github

    client = github(workspace)
    assert client is not None  # noqa: S101 - it is needed, so there is one or an error
    with client:
        return Publisher(workspace, client).offer(wanted)


def _patches(terminal: Terminal, workspace: Workspace, wanted: Callable[[Record], bool], output: Path) -> None:
    """The proved repairs as one mailbox, for `git am`."""
    from hee_monitoring.publishing import patch, proved

    found = proved(workspace.repository, workspace.log.state, wanted)
    made = b"".join(patch(workspace.repository, one.commit) for one in found)
    named = [{"issue_id": one.issue["issue_id"], "commit": one.commit} for one in found]
    if terminal.as_json:
        terminal.json({"patches": named, "text": made.decode("utf-8", "replace")})
    if not found:
        terminal.note("no repair of an open issue is proved: there is no patch")
    elif str(output) != "-":
        output.write_bytes(made)
        terminal.note(f"{len(found)} proved repair(s) in {output}: git am {output}")
    elif not terminal.as_json:
        terminal.raw(made)
