"""`hee keys`: where the signing key is, and whom the log trusts."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.group()
def keys() -> None:
    """Where the key is, and whom the log trusts."""


@keys.command()
@options.as_json
def path(as_json: bool) -> None:
    """Print the file of this user's signing key."""
    from hee_core.keys import default_key_path

    terminal, found = options.terminal(as_json), str(default_key_path())
    if as_json:
        terminal.json({"path": found})
    terminal.line(found)


@keys.command("allowed-signers")
@options.as_json
@options.directory
def allowed_signers(place: str, as_json: bool) -> None:
    r"""Print the allowed-signers file for stock git and ssh-keygen.

    \b
    Example:
      hee keys allowed-signers > signers
      git -c gpg.ssh.allowedSignersFile=signers verify-commit hee/log
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ring = workspace.log.refresh().keyring
        workspace.log.id  # noqa: B018 - raises when there is no log
    text = ring.allowed_signers() if ring else ""
    if as_json:
        terminal.json({"allowed_signers": text})
    terminal.line(text.rstrip("\n"))


@keys.command("list")
@options.at
@options.as_json
@options.directory
def list_(place: str, at: str | None, as_json: bool) -> None:
    """List the keys of the log and from which event on they count; with --at those that were known then."""
    from dataclasses import replace

    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ring = workspace.log.refresh().keyring
        last = resolve(workspace.log, at)
    # An event at `last` adds a key from the next index on, and revokes one from there on.
    known = {
        name: replace(key, until=key.until if key.until is not None and key.until <= last + 1 else None)
        for name, key in (ring.keys if ring else {}).items()
        if key.since <= last + 1
    }
    if as_json:
        terminal.json(
            [
                {"key_id": name, "actor": key.actor, "root": key.root, "since": key.since, "until": key.until}
                for name, key in known.items()
            ]
        )
        return
    terminal.table(
        [(key.actor, name, f"from event {key.since}", "root" if key.root else f"until event {key.until}" if key.until else "")
         for name, key in known.items()]
    )  # fmt: skip


@keys.command()
@click.argument("public_key")
@click.option("--actor", required=True, help="Whose it is: human:NAME, agent:NAME or ci:NAME.")
@click.option("--reason", default="", help="Why; it stays in the record.")
@options.as_json
@options.directory
def add(place: str, public_key: str, actor: str, reason: str, as_json: bool) -> None:
    """Let a key sign, from the next event on. PUBLIC_KEY is the text of a .pub file without its comment."""
    _change(
        place,
        "key.added",
        {"public_key": public_key, "actor": actor, "role": actor.partition(":")[0], "reason": reason},
        as_json=as_json,
    )


@keys.command()
@click.argument("key_id")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def revoke(place: str, key_id: str, reason: str, as_json: bool) -> None:
    """Let a key sign nothing from the next event on. KEY_ID is its SHA256 fingerprint."""
    _change(place, "key.revoked", {"key_id": key_id, "reason": reason}, as_json=as_json)


def _change(place: str, type_: str, data: dict[str, str], *, as_json: bool) -> None:
    from hee_core.errors import Frozen
    from hee_core.events import Event

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        log = workspace.log
        person = data.get("role") == "human"
        if type_ == "key.added" and person and log.state.frozen and not log.signer.actor.startswith("human:"):
            raise Frozen(
                f"the log is frozen: {log.signer.actor} cannot add a person, who could end the freeze for it",
                hint="a person whose key the log knows adds it, or ends the freeze first: `hee unfreeze`",
            )
        entry = log.append([Event.new(type_, data, subject="keys", clock=workspace.clock)])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"{type_.replace('.', ' ')} with event {entry.index}")
