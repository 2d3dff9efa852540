"""`hee points`: the points to return to, and those that people sealed."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.group()
def points() -> None:
    """The points to return to, and those that people sealed."""


@points.command("list")
@options.at
@options.as_json
@options.directory
def list_(place: str, at: str | None, as_json: bool) -> None:
    """List the checkpoints of repairs and the sealed points."""
    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ledger = workspace.log.state_after(resolve(workspace.log, at)).ledger
    rows = [
        *(
            {"index": r["index"], "sealed_by": None, "reason": r["reason"], "time": r["time"]}
            for r in ledger.checkpoints.values()
        ),
        *(
            {"index": r["index"], "sealed_by": r["actor"], "reason": r["reason"], "time": r["time"]}
            for r in ledger.seals.values()
        ),
    ]
    if as_json:
        terminal.json(rows)
        return
    terminal.table(
        [
            (
                f"event {r['index']}",
                f"sealed by {r['sealed_by']}" if r["sealed_by"] else "",
                r["time"][:19],
                r["reason"],
            )
            for r in rows
        ],
        indent=0,
    )
    terminal.line(f"{len(rows)} checkpoint(s), {len(ledger.seals)} sealed")


@points.command()
@click.argument("point", required=False)
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def seal(place: str, point: str | None, reason: str, as_json: bool) -> None:
    r"""Seal POINT (default: now): no rollback goes to before it unless a person does it or approves it. Takes a person's key.

    \b
    Example:
      HEE_ACTOR=human:ada HEE_SIGNING_KEY=~/.ssh/ada hee points seal --reason "release 2.0"
    """
    from hee_core.events import Event
    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "approve", "state.checkpoint_sealed")
        log = workspace.log
        index = resolve(log, point)
        data = {"index": index, "event": log.entry(index).event.id, "reason": reason}
        entry = log.append(
            [Event.new("state.checkpoint_sealed", data, subject=f"event/{index}", clock=workspace.clock)]
        )
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"event {index} is sealed with event {entry.index}: a rollback to before it takes a person")
