"""`hee seal`, `unseal`, `redact`: what only its recipients read, and what nobody reads any more."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import BinaryIO

import click

from hee_monitoring.cli import options
from hee_monitoring.cli.terminal import safe

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--type", "type_", default="note.recorded", show_default=True, help="A type of the event catalogue.")
@click.option(
    "--data", type=click.File("rb"), help="The payload as JSON (- is stdin); without it stdin is the text of a note."
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="PATH",
    help="What to seal, as evidence.*.text (default: all that may be).",
)
@click.option("--to", multiple=True, metavar="WHO", help="An actor or key id (default: every recipient).")
@click.option("--subject", default="", help="What it is about; everybody reads this.")
@options.as_json
@options.directory
def seal(
    place: str, type_: str, data: BinaryIO | None, fields: tuple[str, ...], to: tuple[str, ...], subject: str, as_json: bool
) -> None:  # fmt: skip
    r"""Record an event with fields that only its recipients can read.

    The text comes from stdin, so that no argument list or shell history has it.

    \b
    Examples:
      hee seal < incident.txt
      hee seal --type decision.recorded --data decision.json --field rationale --to human:ada
    """
    from hee_core import sealed
    from hee_core.errors import EventError
    from hee_core.events import Event

    terminal = options.terminal(as_json)
    if data is None:
        text = sys.stdin.read().rstrip("\n")
        if not text.strip():
            raise EventError("there is nothing to seal", hint="hee seal < FILE")
        payload = {"text": text}
    else:
        try:
            payload = json.loads(data.read())
        except ValueError as error:
            raise EventError(
                f"--data is not JSON: {error}", hint=f"hee_core.schema({type_!r}) describes the payload"
            ) from None
    with options.workspace(place) as workspace:
        for capability in ("seal", "decide") if type_.startswith("decision.") else ("seal",):
            options.allowed(workspace, capability, type_)
        event = Event.new(type_, payload, subject=subject, clock=workspace.clock)
        entry = sealed.seal(workspace.log, event, fields, to=to)
        envelope = workspace.log.entry(entry.index + 1).event.data
    keys = [wrap["key_id"] for wrap in envelope["wraps"]]
    if as_json:
        terminal.json({**options.entry_json(entry), "sealed": sorted(envelope["boxes"]), "recipients": keys})
        return
    terminal.status(
        "OK", f"event {entry.index}: {', '.join(sorted(envelope['boxes']))} sealed for {len(keys)} recipient(s)"
    )
    terminal.line(f"  next: hee unseal {entry.index}")


@click.command()
@click.argument("event")
@click.option("--key", type=_FILE, help="The private key (default: HEE_RECIPIENT_KEY, else this user's).")
@options.at
@options.as_json
@options.directory
def unseal(place: str, event: str, key: Path | None, at: str | None, as_json: bool) -> None:
    """Read the sealed fields of EVENT (an index, id, commit or time)."""
    from hee_core import history, recipientfile, sealed

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        index = history.resolve(workspace.log, event, within=at)
        found = sealed.unseal(workspace.log, index, key=recipientfile.load(key) if key else None)
    if as_json:
        terminal.json({**options.entry_json(found.entry), "data": found.data, "sealed": found.fields})
        return
    for path, value in found.fields.items():
        terminal.line(terminal.bold(path))
        terminal.exact(safe(str(value)))


@click.command()
@click.argument("event")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def redact(place: str, event: str, reason: str, as_json: bool) -> None:
    """Make the sealed fields of EVENT unreadable for ever. Takes a person's key once the log knows a person.

    The log stays as it is, with every proof and signature; what is destroyed is the share, the half of the key that is
    outside of it. Other machines destroy theirs when they next look; copies that somebody made, and backups, are
    yours to delete.
    """
    from hee_core import sealed
    from hee_core.vault import Vault

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "keys", event)
        vault, payload = Vault(workspace.log.id), sealed.find(workspace.log, event)
        here = vault.holds(payload.entry.event.nonce)
        entry = sealed.redact(workspace.log, event, reason=reason, vault=vault)
    share = "destroyed" if here else "was not here"
    if as_json:
        terminal.json({**options.entry_json(entry), "share": share})
        return
    terminal.status(
        "OK", f"redacted with event {entry.index}; on this machine the share {'is destroyed' if here else share}"
    )
    terminal.line(
        "  next: hee sync or push; other machines destroy their share when they next look; delete exports and backups"
    )
