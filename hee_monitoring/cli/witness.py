"""`hee witness`: to remember what a log said, outside of it, and to sign only what goes on from that."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.keys import Signer

_name = click.option("--name", help="The name of the witness (default: made of its key).")
_output = click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")


@click.group()
def witness() -> None:
    r"""Cosign a log (C2SP tlog-cosignature), from another machine, repository or CI.

    The witness is -C the log's repository, a clone of it, with a key of its own: HEE_SIGNING_KEY, or the file beside the
    agent's key, which is made when it is first needed. What it cosigned last it keeps under $XDG_STATE_HOME/hee/witness.

    \b
    Example, in the CI of another repository:
      git clone --quiet URL log && git -C log fetch origin hee/log:hee/log
      hee -C log witness cosign --output cosigned.note
    and where the log is:
      hee witness record cosigned.note
      hee verify --witness "$(cat their.vkey)"
    """


@witness.command()
@_name
@options.as_json
def key(name: str | None, as_json: bool) -> None:
    """Print the key of this witness, as `hee verify --witness` takes it (a vkey)."""
    from hee_core.cosignature import Witness
    from hee_core.witness import name_of

    terminal, signer = options.terminal(as_json), _signer()
    who = Witness(name or name_of(signer.public_key), signer.public_key)
    if as_json:
        terminal.json({"name": who.name, "key": who.vkey, "key_id": signer.key_id})
        return
    terminal.line(who.vkey)


@witness.command()
@_name
@_output
@options.as_json
@options.directory
def cosign(place: str, name: str | None, output: Path | None, as_json: bool) -> int:
    """Verify the log, prove that it goes on from what was cosigned last, remember, and print the cosigned checkpoint.

    Exits 1 without cosigning for a log that does not hold, was rolled back, or was rewritten.
    """
    from hee_core import checkpoint
    from hee_core import witness as witnesses
    from hee_core.disk import Disk
    from hee_monitoring.cli.prove import write

    terminal, signer = options.terminal(as_json), _signer()
    with options.workspace(place) as workspace:
        made = witnesses.cosign(workspace.log, signer, name or witnesses.name_of(signer.public_key), disk=Disk())
    if output and made.note:
        write(output, made.note)
    if as_json:
        findings = [{"index": f.index, "kind": f.kind, "detail": f.detail} for f in made.findings]
        terminal.json(
            {"ok": bool(made.note), "note": made.note.decode() or None, "before": made.before.decode() or None,
             "size": checkpoint.parse(made.note).size if made.note else None, "findings": findings}
        )  # fmt: skip
    elif made.findings:
        terminal.status("CRITICAL", "not cosigned: the log is not what this witness saw, or does not hold")
        terminal.table([(f"event {f.index}", f.kind, f.detail) for f in made.findings[:50]])
        terminal.line(
            "  next: keep both checkpoints, they are the evidence; `hee witness cosign --json` prints the earlier one"
        )
    elif output:
        terminal.status("OK", f"the cosigned checkpoint is in {output}")
    else:
        sys.stdout.write(made.note.decode())
    return 0 if made.note else 1


@witness.command()
@click.argument("note", metavar="NOTE")
@options.as_json
@options.directory
def record(place: str, note: str, as_json: bool) -> int:
    """Put a cosigned checkpoint (a file or -) into the log, where `hee verify --witness` finds it."""
    from hee_core import checkpoint, consistency
    from hee_core.errors import IntegrityError
    from hee_core.events import Event
    from hee_monitoring.cli.prove import note_of

    terminal, text = options.terminal(as_json), note_of(note)
    with options.workspace(place) as workspace:
        log = workspace.log
        log_id, head = log.id, log.refresh()
        parsed = checkpoint.parse(text)
        if head.keyring is None or head.commit is None or len(parsed.signatures) < 2:
            raise IntegrityError("the checkpoint has no cosignature", hint="`hee witness cosign` makes one")
        past = consistency.Past.read(log.store, head.commit, log_id, head.keyring)
        shown = consistency.since(past, text)
        if not isinstance(shown, consistency.Since):
            raise IntegrityError(f"{shown.kind}: {shown.detail}", hint="`hee verify`; keep the note, it is evidence")
        options.allowed(workspace, "sync", "checkpoint.cosigned")
        data = {"note": text.decode()}
        entry = log.append([Event.new("checkpoint.cosigned", data, subject="witness", clock=workspace.clock)])
    if as_json:
        terminal.json(options.entry_json(entry))
    else:
        terminal.status(
            "OK", f"the cosignatures of the first {shown.size} events are in the log with event {entry.index}"
        )
    return 0


def _signer() -> Signer:
    from hee_core.keys import create_agent_key, default_key_path, load_signer

    if os.environ.get("HEE_SIGNING_KEY", "").strip():
        return load_signer()
    return create_agent_key(default_key_path().with_name("witness_ed25519"), actor="ci:witness")
