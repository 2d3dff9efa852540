"""`hee prove`: the proof that an event is in the log, for somebody who has neither the repository nor reason to trust us."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.cosignature import Witness


@click.command()
@click.argument("event", metavar="EVENT")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the proof there, not to the terminal."
)
@click.option(
    "--checkpoint", "note", metavar="CHECKPOINT", help="Prove it under this one, cosigned perhaps (a file or -)."
)
@options.at
@options.as_json
@options.directory
def prove(place: str, event: str, output: Path | None, note: str | None, at: str | None, as_json: bool) -> int:
    r"""Write an offline proof (C2SP tlog-proof) that EVENT (an index, id, commit or time) is in the log.

    \b
    Examples:
      hee prove 17 --output event-17.tlog-proof
      hee prove 17 --checkpoint cosigned.note
    """
    from hee_core import history, proof

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        index = history.resolve(workspace.log, event, within=at)
        last = None if at is None else history.resolve(workspace.log, at)
        made = proof.prove(workspace.log, index, within=last, note=note_of(note) if note else b"")
        log_id = workspace.log.id
    if output:
        write(output, made)
    if as_json:
        terminal.json({"index": index, "log": log_id, "proof": made.decode(), "file": str(output) if output else None})
    elif output:
        terminal.status("OK", f"event {index} of log {log_id[:12]} is proved by {output}")
    else:
        sys.stdout.write(made.decode())
    return 0


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, not to the terminal.")
@options.at
@options.as_json
@options.directory
def checkpoint(place: str, output: Path | None, at: str | None, as_json: bool) -> int:
    r"""Print the signed checkpoint (C2SP signed note) of the append that made the log's last event, or the one --at.

    Keep it elsewhere: `hee verify --from` proves later that nothing was rewritten since.

    \b
    Example:
      hee checkpoint --output then.note
      hee verify --from then.note
    """
    from base64 import b64encode

    from hee_core import checkpoint as notes
    from hee_core import history

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        entry = workspace.log.entry(history.resolve(workspace.log, at))
        note = workspace.log.store.file(entry.commit, "checkpoint")
        log_id = workspace.log.id
    parsed = notes.parse(note)
    if output:
        write(output, note)
    if as_json:
        terminal.json(
            {"log": log_id, "size": parsed.size, "root": b64encode(parsed.root).decode(), "commit": entry.commit,
             "note": note.decode(), "file": str(output) if output else None}
        )  # fmt: skip
    elif output:
        terminal.status("OK", f"the checkpoint of {parsed.size} events of log {log_id[:12]} is in {output}")
    else:
        sys.stdout.write(note.decode())
    return 0


def note_of(value: str) -> bytes:
    """A signed note: the text itself, the content of the file of that name, or with `-` the standard input."""
    from hee_core import checkpoint as notes

    if "\n" in value:
        return value.encode("utf-8", "surrogateescape")
    most = notes.MAX_BYTES + 1  # what is longer is no note, and is not read to its end
    try:
        if value == "-":
            return sys.stdin.buffer.read(most)
        with Path(value).open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{value!a}: no checkpoint can be read there: {error}") from None


def write(output: Path, data: bytes) -> None:
    """Writes a file that somebody named."""
    try:
        output.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None


def check_proof(
    place: str, file: Path, *, log_id: str, signers: Path | None, trusted: tuple[Sequence[Witness], int], as_json: bool
) -> int:
    """Checks a proof: with a log id and an allowed-signers file alone, or with the repository's own for the one not given."""
    from hee_core import proof

    terminal = options.terminal(as_json)
    made = file.read_bytes()
    witnesses, quorum = trusted
    keys: tuple[str, ...] = ()
    if signers:
        lines = signers.read_text(encoding="utf-8").splitlines()
        keys = tuple(" ".join(line.split()[-2:]) for line in lines if line.strip() and not line.startswith("#"))
    if not signers or not log_id:
        with options.workspace(place) as workspace:
            log_id = log_id or workspace.log.id
            ring = workspace.log.refresh().keyring
            keys = keys if signers or not ring else ring.public_keys(max(proof.size_of(made) - 1, 0))
    shown = proof.check(made, log_id=log_id, keys=keys, witnesses=witnesses, quorum=quorum)
    if as_json:
        found = {"ok": True, "index": shown.index, "size": shown.size, "log": shown.log_id, "id": shown.event.id}
        terminal.json(found | {"type": shown.event.type, "actor": shown.event.actor, "time": shown.event.time})
    else:
        event = shown.event
        terminal.status(
            "OK", f"event {shown.index} is in log {log_id[:12]} (of {shown.size} events): {event.type} by {event.actor}"
        )
    return 0
