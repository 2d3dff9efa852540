"""`hee log` and `hee show`: the events, all in a line each or one whole."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options
from hee_monitoring.reports.words import told

if TYPE_CHECKING:
    from hee_core.log import Entry


@click.command()
@click.option("-n", "number", type=click.IntRange(min=1), help="Only the last N events.")
@click.option("--type", "type_", metavar="PREFIX", help="Only types that begin so, as ci. or fix.applied.")
@options.at
@options.as_json
@options.directory
def log(place: str, number: int | None, type_: str | None, at: str | None, as_json: bool) -> None:
    r"""List the events, oldest first.

    \b
    Examples:
      hee log -n 20
      hee log --type fix. --json
    """
    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        last = resolve(workspace.log, at)
        entries = [
            entry for entry in islice(workspace.log.read(), last + 1) if not type_ or entry.event.type.startswith(type_)
        ]
    shown = entries[-number:] if number else entries
    if as_json:
        terminal.json([options.entry_json(entry) for entry in shown])
        return
    terminal.table([_row(entry) for entry in shown], indent=0)


def _row(entry: Entry) -> tuple[str, ...]:
    event = entry.event
    return (
        str(entry.index),
        event.time[:19].replace("T", " "),
        event.type,
        told(event.type, event.data) or event.subject,
    )


@click.command()
@click.argument("event")
@options.at
@options.as_json
@options.directory
def show(place: str, event: str, at: str | None, as_json: bool) -> None:
    """Show one event whole, with what caused it.

    EVENT is an index, an event id, or the first digits of one.
    """
    import json

    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        entry = workspace.log.entry(resolve(workspace.log, event, within=at))
    document = options.entry_json(entry)
    if as_json:
        terminal.json(document)
        return
    terminal.line(terminal.bold(terminal.fit(f"{entry.index}  {entry.event.type}", terminal.width)))
    for name in ("time", "actor", "subject", "id", "commit"):
        terminal.line(terminal.fit(f"  {name:8} {document[name]}", terminal.width))
    for cause in entry.event.causes:
        terminal.line(f"  cause    {cause}")
    terminal.line()
    terminal.exact(terminal.fit_block(json.dumps(entry.event.data, indent=2, ensure_ascii=False)))
