"""`hee reanchor`: the log goes on after its commits were rewritten on purpose."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@click.option("--reason", required=True, help="Why the history was rewritten; it stays in the record.")
@click.option(
    "--old", "old_head", default="", metavar="COMMIT", help="The log's last commit of before, if nobody here knows it."
)
@options.as_json
@options.directory
def reanchor(place: str, reason: str, old_head: str, as_json: bool) -> None:
    """Take over a log whose commits were rewritten, as by git filter-repo.

    Rewriting strips the signatures of commits. Every event keeps its author's signature, so all of them are verified
    first; then one more event, signed with a root key or a person's, says in which commits they stand now.
    """
    from hee_core.reanchor import reanchor as anchor

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "keys", "log.reanchored")
        entry = anchor(workspace.log, reason=reason, old_head=old_head)
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status(
        "OK", f"{entry.event.data['events']} events stand in rewritten commits, and event {entry.index} says so"
    )
