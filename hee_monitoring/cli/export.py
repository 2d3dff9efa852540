"""`hee export`: the log for programs that know nothing of HEE."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.history import At
    from hee_monitoring.workspace import Workspace


@click.group()
def export() -> None:
    """Print the log as CloudEvents, in-toto statements or Prometheus metrics."""


@export.command()
@click.option("--since", metavar="POINT", help="Only what came after this point.")
@options.at
@options.as_json
@options.directory
def cloudevents(place: str, since: str | None, at: str | None, as_json: bool) -> None:
    r"""Print the events as CloudEvents 1.0 in JSON: the very bytes that were signed, one a line.

    --json prints one JSON array instead (`application/cloudevents-batch+json`).

    \b
    Examples:
      hee export cloudevents --since 2026-01-24
      hee export cloudevents --json
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        lines = _lines(workspace, since, at)
        if as_json:
            terminal.json([json.loads(line) for line in lines])
            return
        for line in lines:
            sys.stdout.write(line.decode() + "\n")


def _lines(workspace: Workspace, since: At, at: At) -> Iterator[bytes]:
    from hee_core.history import resolve

    log = workspace.log
    end = len(log) if at is None else resolve(log, at) + 1
    start = 0 if since is None else resolve(log, since) + 1
    return (entry.event.to_bytes() for entry in islice(log.read(start), max(0, end - start)))


@export.command("in-toto")
@click.argument("event", metavar="EVENT")
@click.option("--unsigned", is_flag=True, help="The bare statement, without an envelope.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file (default: standard output).")
@options.at
@options.as_json
@options.directory
def in_toto(place: str, event: str, unsigned: bool, output: Path | None, at: str | None, as_json: bool) -> None:
    r"""Print EVENT (an index, id, commit or time) as an in-toto statement in a DSSE envelope, signed with your key.

    A verified repair is a test result about its commit; any other event is a predicate of its own.

    \b
    Examples:
      hee export in-toto 17 --output repair.intoto.json
      hee export in-toto 0 --unsigned
    """
    from hee_core.history import resolve
    from hee_monitoring.cli.prove import write
    from hee_monitoring.exports import intoto

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        entry = workspace.log.entry(resolve(workspace.log, event, within=at))
        made = intoto.statement(entry, workspace.log.id)
        document = made if unsigned else intoto.envelope(made, workspace.log.signer)
    if output:
        write(output, json.dumps(document, indent=2).encode() + b"\n")
    if as_json or not output:
        options.terminal(as_json=True).json(document)
    else:
        terminal.status("OK", f"event {entry.index} as {made['predicateType']}: {output}")


@export.command()
@options.at
@options.as_json
@options.directory
def metrics(place: str, at: str | None, as_json: bool) -> None:
    r"""Print the state as Prometheus metrics, for a textfile collector or a push gateway.

    \b
    Example:
      hee export metrics > /var/lib/node_exporter/hee.prom
    """
    from hee_core.history import resolve
    from hee_monitoring.exports import metrics as exposition

    with options.workspace(place) as workspace:
        log = workspace.log
        text = exposition.text(log.state if at is None else log.state_after(resolve(log, at)))
    if as_json:
        options.terminal(as_json=True).json({"format": "text/plain; version=0.0.4", "text": text})
    else:
        sys.stdout.write(text)
