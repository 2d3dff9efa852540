"""`hee keys`: where the signing key is, whom the log trusts, and how that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.keyring import KeyRing
    from hee_monitoring.workspace import Workspace

_reason = click.option("--reason", default="", help="Why; it stays in the record.")


@click.group()
def keys() -> None:
    """Where the key is, and whom the log trusts."""


# ------------------------------------------------------------------ reading


@keys.command()
@options.as_json
def path(as_json: bool) -> None:
    """Print the file of this user's signing key."""
    from hee_core.keys import default_key_path

    terminal, found = options.terminal(as_json), str(default_key_path())
    if as_json:
        terminal.json({"path": found})
    terminal.exact(found)


@keys.command("allowed-signers")
@options.at
@options.as_json
@options.directory
def allowed_signers(place: str, at: str | None, as_json: bool) -> None:
    r"""Print the allowed-signers file for stock git and ssh-keygen.

    \b
    Example:
      hee keys allowed-signers > signers
      git -c gpg.ssh.allowedSignersFile=signers verify-commit hee/log
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ring, next_ = _ring(workspace, at)
    text = ring.allowed_signers(next_)
    if as_json:
        terminal.json({"allowed_signers": text})
    terminal.exact(text.rstrip("\n"))


@keys.command("list")
@options.at
@options.as_json
@options.directory
def list_(place: str, at: str | None, as_json: bool) -> None:
    """List the keys of the log and from which event on they count; with --at those that were known then."""
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ring, next_ = _ring(workspace, at)
    rows: list[dict[str, Any]] = [
        {
            "key_id": name,
            "actor": key.actor,
            "role": key.role,
            "root": key.root,
            "since": key.since,
            "until": key.until,
            "ended": key.ended or None,
            "not_after": key.not_after or None,
            "valid": key.valid(next_),
            "public_key": key.public_key,
        }
        for name, key in ring.keys.items()
    ]
    if as_json:
        terminal.json(rows)
        return
    lines = [(row["actor"], row["key_id"], f"from event {row['since']}", _words(row)) for row in rows]
    terminal.table(lines, last=70)


def _words(row: dict[str, Any]) -> str:
    end = "" if row["until"] is None else f"{row['ended']} from event {row['until']} on"
    late = f"meant until {row['not_after']}" if row["not_after"] else ""
    return ", ".join(filter(None, ("root" if row["root"] else "", end, late)))


def _ring(workspace: Workspace, at: str | None) -> tuple[KeyRing, int]:
    """The key ring after a point of the log, and the index of the event after it."""
    from hee_core.history import resolve, ring_at

    last = resolve(workspace.log, at)
    return ring_at(workspace.log, last), last + 1


# ------------------------------------------------------------------ changing


@keys.command()
@click.argument("public_key")
@click.option("--actor", required=True, help="Whose it is: human:NAME, agent:NAME or ci:NAME.")
@_reason
@options.as_json
@options.directory
def add(place: str, public_key: str, actor: str, reason: str, as_json: bool) -> None:
    """Let a key sign, from the next event on. PUBLIC_KEY is the text of a .pub file, or the file."""
    data = {"public_key": public_text(public_key), "actor": actor, "role": actor.partition(":")[0], "reason": reason}
    _change(place, "key.added", data, as_json=as_json)


@keys.command()
@click.option("--to", metavar="PUBLIC_KEY", help="The successor, for a key that is not in this machine's key file.")
@_reason
@options.as_json
@options.directory
def rotate(place: str, to: str | None, reason: str, as_json: bool) -> None:
    """Replace the signing key: the old one vouches for a new one, which has the same actor and rights.

    Makes the new key and puts it into the key file, the old one staying beside it; safe to run again. With a key from
    HEE_SIGNING_KEY or ssh-agent, --to names the successor, and you switch to it afterwards.
    """
    import os

    from hee_core import rotation
    from hee_core.errors import KeyFault
    from hee_core.keys import DEFAULT_ACTOR, default_key_path
    from hee_core.sshkey import fingerprint

    terminal = options.terminal(as_json)
    elsewhere = bool(os.environ.get("HEE_SIGNING_KEY", "").strip())
    if elsewhere and not to:
        raise KeyFault("the key comes from HEE_SIGNING_KEY, so only you can replace it there", hint="name it with --to")
    with options.workspace(place) as workspace:
        options.allowed(workspace, "rotate")
        log = workspace.log
        if to:
            text = public_text(to)
            rotation.rotated(log.signer, text, log, reason=reason)
            name = fingerprint(text)
        else:
            actor = os.environ.get("HEE_ACTOR") or DEFAULT_ACTOR
            name = rotation.rotate_file(default_key_path(), log, actor=actor, reason=reason).key_id
        ring, _ = _ring(workspace, None)
    since = ring.keys[name].since
    if as_json:
        terminal.json({"key_id": name, "since": since, "actor": ring.keys[name].actor})
        return
    terminal.status("OK", f"{name} signs from event {since} on")
    if to:
        terminal.line("  next: sign with it from now on; the old key signs nothing more")


@keys.command()
@click.argument("key_id")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def revoke(place: str, key_id: str, reason: str, as_json: bool) -> None:
    """Let a key sign nothing from the next event on. KEY_ID is its SHA256 fingerprint."""
    _change(place, "key.revoked", {"key_id": key_id, "reason": reason}, as_json=as_json)


@keys.command()
@click.argument("key_id")
@click.option("--event", "until", type=click.IntRange(min=1), help="It signs nothing from this event (an index) on.")
@click.option("--not-after", default="", metavar="TIME", help="verify warns of its events that claim a later time.")
@click.option("--never", is_flag=True, help="It has no end any more.")
@_reason
@options.as_json
@options.directory
def expire(place: str, key_id: str, until: int | None, not_after: str, never: bool, reason: str, as_json: bool) -> None:
    """Give a key an end: an event's index, which is binding, or a time, which is its signer's word and only warned of."""
    if never == (until is not None or bool(not_after)):
        raise click.UsageError("say --event, --not-after or both; or --never")
    data = {"key_id": key_id, "until": until, "not_after": not_after, "reason": reason}
    _change(place, "key.expiry_set", data, as_json=as_json)


@keys.command()
@click.argument("key_id")
@_reason
@options.as_json
@options.directory
def promote(place: str, key_id: str, reason: str, as_json: bool) -> None:
    """Make a key of the log a root key, which may change keys."""
    _change(place, "key.root_granted", {"key_id": key_id, "reason": reason}, as_json=as_json)


@keys.command()
@click.argument("number", type=click.IntRange(min=1), required=False)
@_reason
@options.as_json
@options.directory
def threshold(place: str, number: int | None, reason: str, as_json: bool) -> None:
    """Set how many root keys a change of keys takes; without NUMBER show it, and who has asked for what so far."""
    if number is not None:
        _change(place, "key.threshold_changed", {"threshold": number, "reason": reason}, as_json=as_json)
        return
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ring, next_ = _ring(workspace, None)
    roots = [name for name, key in ring.keys.items() if key.root and key.valid(next_)]
    pending = {change: list(who) for change, who in ring.pending.items()}
    if as_json:
        terminal.json({"threshold": ring.threshold, "roots": roots, "pending": pending})
        return
    terminal.line(f"{ring.threshold} of {len(roots)} root key(s) change keys")
    terminal.table([(change, f"asked by {', '.join(who)}") for change, who in pending.items()])


def _change(place: str, type_: str, data: dict[str, Any], *, as_json: bool) -> None:
    from hee_core.errors import Frozen
    from hee_core.events import Event
    from hee_core.sshkey import ED25519

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "keys", type_)
        log = workspace.log
        person = data.get("role") == "human"
        if type_ == "key.added" and person and log.state.frozen and not log.signer.actor.startswith("human:"):
            raise Frozen(
                f"the log is frozen: {log.signer.actor} cannot add a person, who could end the freeze for it",
                hint="a person whose key the log knows adds it, or ends the freeze first: `hee unfreeze`",
            )
        before, _ = _ring(workspace, None)
        entry = log.append([Event.new(type_, data, subject="keys", clock=workspace.clock)])
        after, _ = _ring(workspace, None)
    waits = [who for change, who in after.pending.items() if who != before.pending.get(change)]
    if as_json:
        terminal.json(options.entry_json(entry) | {"effective": not waits})
    elif waits:
        terminal.status("OK", f"asked for with event {entry.index}: {len(waits[0])} key(s) so far, it takes more")
        terminal.line(
            "  next: another root key, or a person, runs the same command; `hee keys threshold` shows who asked"
        )
    else:
        terminal.status("OK", f"{type_.replace('.', ' ').replace('_', ' ')} with event {entry.index}")
    if not as_json and not data.get("public_key", ED25519).startswith(ED25519):
        terminal.status(
            "WARNING", f"only {ED25519} writes the log: with this key somebody is an author, and another writes"
        )


def public_text(value: str) -> str:
    """A public key as the log writes it, from its text or the name of its file."""
    from hee_core import sshkey
    from hee_core.errors import KeyFault

    if " " in value.strip():
        return sshkey.canonical(value)
    try:
        return sshkey.canonical(Path(value).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RuntimeError, ValueError):
        raise KeyFault(
            f"{value!a} is neither a public key nor its file", hint="give the text or the .pub file"
        ) from None
