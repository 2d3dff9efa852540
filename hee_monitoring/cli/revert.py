"""`hee revert` and `hee restore`: undo one event; put a capsule file back to what the log says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hee_monitoring.cli import options


@click.command()
@click.argument("event")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def revert(place: str, event: str, reason: str, as_json: bool) -> None:
    r"""Undo what EVENT did, by further events; what cannot be undone is refused, with the reason.

    A decision ends (or holds again), an approval is void, a freeze ends or lasts again, an issue is open again, a key
    or a recipient counts no more. Everything stays in the record.

    \b
    Example:
      hee revert 17 --reason "decided too early"
    """
    from hee_core.reverting import revert as undo

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "rollback", event)
        last = undo(workspace.log, event, reason=reason)
        made = [entry for entry in workspace.log.read(max(0, last.index - 1)) if entry.commit == last.commit]
    if as_json:
        terminal.json({"reverted": made[0].event.causes[0], "events": [options.entry_json(entry) for entry in made]})
        return
    terminal.status("OK", f"reverted by {', '.join(f'{entry.event.type} (event {entry.index})' for entry in made)}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.at
@options.as_json
@options.directory
def restore(place: str, file: Path, at: str | None, as_json: bool) -> None:
    """Put a capsule FILE (.md, .json, .yaml) back to what the log says, as of the event that it names itself, or --at.

    Nothing is appended: the log is what such files follow from. A file that no longer says which event it is of needs
    --at; a file that never was a capsule of this log is left alone.
    """
    from hee_monitoring.cli.capsule_files import write

    terminal = options.terminal(as_json)
    before = file.read_bytes() if file.is_file() else None
    with options.workspace(place) as workspace:
        index = write(workspace, file, at if at is not None else str(_named(file, before or b"", workspace.log.id)))
    changed = file.read_bytes() != before
    if as_json:
        terminal.json({"path": str(file), "index": index, "changed": changed})
        return
    terminal.status("OK", f"{file}: {'restored to' if changed else 'is already'} the state after event {index}")


def _named(file: Path, data: bytes, log_id: str) -> int:
    """The index of the event that a capsule file of this log is of; raises CapsuleError for any other file."""
    from hee_core.errors import CapsuleError, HeeError
    from hee_core.validation import load_capsule

    try:
        document: Any = load_capsule(data, file.name)
        index, named = int(document["hee_log"]["size"]) - 1, str(document["hee_log"]["id"])
    except (HeeError, LookupError, TypeError, ValueError):
        raise CapsuleError(f"{file} does not say which event it is of", hint="name it: --at POINT") from None
    if named != log_id:
        raise CapsuleError(
            f"{file} is of log {named[:12]}, this is log {log_id[:12]}", hint="restore it where its log is"
        )
    return index
