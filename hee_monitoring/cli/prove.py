"""`hee prove`: the proof that an event is in the log, for somebody who has neither the repository nor reason to trust us."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hee_monitoring.cli import options


@click.command()
@click.argument("event", metavar="EVENT")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the proof there, not to the terminal."
)
@options.at
@options.as_json
@options.directory
def prove(place: str, event: str, output: Path | None, at: str | None, as_json: bool) -> int:
    r"""Write an offline proof (C2SP tlog-proof) that EVENT (an index, id, commit or time) is in the log.

    \b
    Example:
      hee prove 17 --output event-17.tlog-proof
    """
    from hee_core import history, proof

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        index = history.resolve(workspace.log, event, within=at)
        made = proof.prove(workspace.log, index, within=None if at is None else history.resolve(workspace.log, at))
        log_id = workspace.log.id
    if output:
        try:
            output.write_bytes(made)
        except OSError as error:
            raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    if as_json:
        terminal.json({"index": index, "log": log_id, "proof": made.decode(), "file": str(output) if output else None})
    elif output:
        terminal.status("OK", f"event {index} of log {log_id[:12]} is proved by {output}")
    else:
        sys.stdout.write(made.decode())
    return 0


def check_proof(place: str, file: Path, *, log_id: str, signers: Path | None, as_json: bool) -> int:
    """Checks a proof: with a log id and an allowed-signers file alone, or with the repository's own for the one not given."""
    from hee_core import proof

    terminal = options.terminal(as_json)
    keys: tuple[str, ...] = ()
    if signers:
        lines = signers.read_text(encoding="utf-8").splitlines()
        keys = tuple(" ".join(line.split()[-2:]) for line in lines if line.strip() and not line.startswith("#"))
    if not signers or not log_id:
        with options.workspace(place) as workspace:
            log_id = log_id or workspace.log.id
            head = workspace.log.refresh()
            keys = keys if signers or not head.keyring else head.keyring.public_keys(head.size)
    shown = proof.check(file.read_bytes(), log_id=log_id, keys=keys)
    if as_json:
        found = {"ok": True, "index": shown.index, "size": shown.size, "log": shown.log_id, "id": shown.event.id}
        terminal.json(found | {"type": shown.event.type, "actor": shown.event.actor, "time": shown.event.time})
    else:
        event = shown.event
        terminal.status(
            "OK", f"event {shown.index} is in log {log_id[:12]} (of {shown.size} events): {event.type} by {event.actor}"
        )
    return 0
