"""`hee sync`: this repository's log and a remote's, brought together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.reconcile import Synced
    from hee_monitoring.cli.terminal import Terminal


@click.command()
@click.argument("remote", default="")
@click.option("--no-fetch", is_flag=True, help="Only send what is new here.")
@click.option("--no-push", is_flag=True, help="Only take what is new there.")
@options.as_json
@options.directory
def sync(place: str, remote: str, no_fetch: bool, no_push: bool, as_json: bool) -> int:
    r"""Bring this log and that of a remote together, verified before anything moves.

    REMOTE is a name or an address; without one it is the only remote, or origin. Where both logs went on, the events
    that only this one has come after the remote's, with their authors' signatures as they are. In a fresh clone this
    takes over the log. Exits 1 when the remote is not to be believed, or when events may not stand at their new place
    (they are kept under refs/hee/unsynced/); 2 when the remote is not reached: then nothing changed.

    \b
    Examples:
      hee sync
      hee sync upstream --no-push --json
    """
    from hee_core.reconcile import sync as synchronize
    from hee_monitoring.workspace import Workspace

    terminal = options.terminal(as_json)
    with Workspace.open(place, create=True) as workspace:
        options.allowed(workspace, "sync", remote)
        done = synchronize(workspace.log, remote, fetch=not no_fetch, push=not no_push)
    if as_json:
        terminal.json(_document(done))
    else:
        _tell(terminal, done)
    return 0 if done.ok else 1


def _document(done: Synced) -> dict[str, object]:
    refused = [
        {
            "id": one.event.id,
            "index": one.index,
            "type": one.event.type,
            "subject": one.event.subject,
            "reason": one.reason,
        }
        for one in done.refused
    ]
    findings = [{"index": one.index, "kind": one.kind, "detail": one.detail} for one in done.findings]
    return {
        "remote": done.remote, "fetched": done.fetched, "pushed": done.pushed, "resequenced": done.resequenced,
        "refused": refused, "unsynced": list(done.unsynced), "findings": findings, "head": done.head, "events": done.events,
    }  # fmt: skip


def _tell(terminal: Terminal, done: Synced) -> None:
    if done.findings:
        terminal.status("CRITICAL", f"the log of {done.remote} is not to be believed: nothing was changed here")
        terminal.table([(f"event {one.index}", one.kind, one.detail) for one in done.findings])
        terminal.line("  next: ask who pushed to hee/log there, and compare with another clone")
        return
    moved = f", {done.resequenced} of ours put after them" if done.resequenced else ""
    terminal.status("OK", f"{done.events} events: {done.fetched} new here{moved}, {done.pushed} new on {done.remote}")
    if done.refused:
        terminal.status(
            "WARNING", f"{len(done.refused)} event(s) of ours may not stand there any more, and are kept aside"
        )
        terminal.table([(f"event {one.index}", one.event.type, one.reason) for one in done.refused])
    for ref in done.unsynced:
        terminal.line(f"  kept  {ref} (look: git log {ref}; done with it: git update-ref -d {ref})")
