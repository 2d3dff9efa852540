"""`hee vault`: the shares of sealed payloads on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.recipients import Payload


@click.group()
def vault() -> None:
    """The shares of sealed payloads on this machine."""


@vault.command("list")
@options.at
@options.as_json
@options.directory
def list_(place: str, at: str | None, as_json: bool) -> None:
    """List the sealed payloads: for how many keys, and whether the share is here, not here, or destroyed."""
    from hee_core import sealed
    from hee_core.vault import Vault

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        kept = Vault(workspace.log.id)
        known = sealed.sweep(workspace.log, kept)
        known = known if at is None else sealed.all_payloads(workspace.log, at)
        rows = [
            _row(payload, kept.get(nonce, payload.envelope["share"]) is not None) for nonce, payload in known.items()
        ]
    if as_json:
        terminal.json(rows)
        return
    terminal.table(
        [
            (str(r["index"]), r["type"], f"{len(r['recipients'])} key(s)", r["share"], ", ".join(r["sealed"]))
            for r in rows
        ],
        indent=0,
    )
    terminal.line(f"{len(rows)} sealed")


def _row(payload: Payload, here: bool) -> dict[str, Any]:
    event = payload.entry.event
    return {
        "index": payload.entry.index,
        "id": event.id,
        "type": event.type,
        "sealed": sorted(payload.envelope["boxes"]),
        "recipients": sorted(payload.wraps),
        "share": "redacted" if payload.redacted else "here" if here else "not here",
    }


@vault.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.as_json
@options.directory
def export(place: str, file: Path, as_json: bool) -> None:
    """Write the shares into FILE, which must not exist, for another machine. Delete it when it got there."""
    from hee_core import privatefile, sealed
    from hee_core.errors import KeyFault
    from hee_core.keys import repository_around
    from hee_core.vault import Vault

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        if inside := repository_around(file):
            raise KeyFault(
                f"{file}: shares may not lie inside the git repository {inside}", hint="name a file elsewhere"
            )
        data = sealed.export_shares(workspace.log, Vault(workspace.log.id))
        if not privatefile.create(file, data, unique=str(len(data))):
            raise KeyFault(f"{file} exists already", hint="name a new file")
    if as_json:
        terminal.json({"file": str(file)})
        return
    terminal.status("OK", f"the shares are in {file}; there: hee vault import {file.name}")


@vault.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.as_json
@options.directory
def import_(place: str, file: Path, as_json: bool) -> None:
    """Keep the shares of FILE that this log speaks of; what was redacted is refused."""
    from hee_core import sealed
    from hee_core.vault import Vault

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "seal", "shares")
        said = sealed.import_shares(workspace.log, Vault(workspace.log.id), file.read_bytes())
    if as_json:
        terminal.json(said)
        return
    terminal.status("OK", ", ".join(f"{count} {word}" for word, count in said.items()))
