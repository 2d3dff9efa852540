"""`hee recipients`: who can read what is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_monitoring.workspace import Workspace


@click.group()
def recipients() -> None:
    """Who can read what is sealed."""


@recipients.command()
@options.as_json
def key(as_json: bool) -> None:
    """Print this user's public key for sealed payloads; makes the key, outside of every repository, if there is none."""
    from hee_core import recipientfile

    terminal, found = options.terminal(as_json), recipientfile.load_or_create()
    if as_json:
        terminal.json(
            {"key_id": found.key_id, "public_key": found.public_key, "path": str(recipientfile.default_path())}
        )
    terminal.exact(found.public_key)


@recipients.command("list")
@options.at
@options.as_json
@options.directory
def list_(place: str, at: str | None, as_json: bool) -> None:
    """List the recipients, those that were removed among them."""
    from hee_core import sealed

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        known = sealed.recipients_at(workspace.log, at)
    if as_json:
        terminal.json(
            [
                {"key_id": r.key_id, "actor": r.actor, "public_key": r.public_key, "since": r.since, "until": r.until}
                for r in known.values()
            ]
        )
        return
    if not known:
        terminal.line("no recipients: `hee recipients add` adds this user's key")
    terminal.table(
        [
            (r.actor, r.key_id, f"from event {r.since}", f"until event {r.until}" if r.until else "")
            for r in known.values()
        ]
    )


@recipients.command()
@click.argument("public_key", required=False)
@click.option("--actor", help="Whose it is: human:NAME, agent:NAME or ci:NAME (default: who signs).")
@click.option("--reason", default="", help="Why; it stays in the record.")
@options.as_json
@options.directory
def add(place: str, public_key: str | None, actor: str | None, reason: str, as_json: bool) -> None:
    r"""Seal for this key too, from the next event on. Without PUBLIC_KEY: this user's own.

    What was sealed before stays closed to it until somebody who can read it runs `hee recipients share`.

    \b
    Examples:
      hee recipients add
      hee recipients add "x25519 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" --actor human:ada
    """
    from hee_core import recipientfile, recipientkey
    from hee_core.errors import EventError
    from hee_core.keychanges import role_of

    text = public_key or recipientfile.load_or_create().public_key
    with options.workspace(place) as workspace:
        whose = actor or workspace.log.signer.actor
        role_of(whose)
        if recipientkey.key_id(text) in _active(workspace):
            raise EventError(f"{recipientkey.key_id(text)} is a recipient already", hint="`hee recipients list`")
        _say(
            workspace,
            "recipient.added",
            {"public_key": text, "actor": whose, "reason": reason},
            f"{whose} reads",
            as_json=as_json,
        )


@recipients.command()
@click.argument("key_id")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def remove(place: str, key_id: str, reason: str, as_json: bool) -> None:
    """Seal nothing for this key any more. What was sealed for it so far, its holder can still read: `hee redact` ends that."""
    from hee_core.errors import NotFound

    with options.workspace(place) as workspace:
        if key_id not in _active(workspace):
            raise NotFound(f"{key_id} is no recipient", hint="`hee recipients list` has them")
        _say(
            workspace,
            "recipient.removed",
            {"key_id": key_id, "reason": reason},
            f"{key_id} reads nothing",
            as_json=as_json,
        )


@recipients.command()
@click.argument("event")
@click.option("--to", multiple=True, required=True, metavar="WHO", help="An actor or key id.")
@options.as_json
@options.directory
def share(place: str, event: str, to: tuple[str, ...], as_json: bool) -> None:
    """Let a recipient who was added later read EVENT too; takes the key of one who can read it."""
    from hee_core import sealed

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "keys", "payload.shared")
        entry = sealed.share(workspace.log, event, to)
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"shared with event {entry.index}; they also need the share: hee vault export FILE")


def _active(workspace: Workspace) -> set[str]:
    from hee_core import sealed

    return {name for name, held in sealed.recipients_at(workspace.log).items() if held.until is None}


def _say(workspace: Workspace, type_: str, data: dict[str, str], words: str, *, as_json: bool) -> None:
    from hee_core.events import Event

    terminal = options.terminal(as_json)
    options.allowed(workspace, "keys", type_)
    entry = workspace.log.append([Event.new(type_, data, subject="recipients", clock=workspace.clock)])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"{words} what is sealed from event {entry.index + 1} on")
