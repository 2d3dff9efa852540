"""`hee maintain`: the specification's schedule, what is due, and doing it."""

from __future__ import annotations

from typing import Any

import click

from hee_monitoring.cli import options

_WORD = {"done": "OK", "due": "WARNING", "overdue": "CRITICAL"}


@click.command()
@click.option("--list", "only_list", is_flag=True, help="Show what is done, due and overdue; do nothing.")
@click.option("--task", "names", multiple=True, metavar="NAME", help="Do this task now, due or not.")
@options.at
@options.as_json
@options.directory
def maintain(place: str, only_list: bool, names: tuple[str, ...], at: str | None, as_json: bool) -> int:
    """Do every task of the maintenance schedule that is due, and record it; nothing is ever deleted.

    Daily health, weekly performance, patterns every two weeks, archive and dependencies monthly, security, governance
    and migration quarterly, architecture yearly. Exits 1 when a task found something, or had nothing to look
    at. With --at the schedule as it stood at that point is shown.
    """
    from hee_core.errors import NotFound
    from hee_core.history import resolve
    from hee_governance.schedule import TASKS
    from hee_monitoring import maintenance

    terminal = options.terminal(as_json)
    known = [task.name for task in TASKS]
    if unknown := [name for name in names if name not in known]:
        raise NotFound(f"{unknown[0]!r} is no task", hint=f"one of {', '.join(known)}")
    rows: list[dict[str, Any]] = []
    with options.workspace(place) as workspace:
        index = resolve(workspace.log, at) if at else None
        now = workspace.log.entry(index).event.time if index is not None else workspace.clock.now()
        standings = maintenance.standings(workspace, now, until=index)
        if not (only_list or at):
            options.allowed(workspace, "maintain")
        for place_ in standings:
            wanted = place_.task.name in names if names else place_.status != "done"
            row: dict[str, Any] = {
                "task": place_.task.name, "period_days": place_.task.period_days, "status": place_.status,
                "last": place_.last or None, "next_due": place_.next_due, "ran": False,
            }  # fmt: skip
            if wanted and not (only_list or at):
                terminal.progress(place_.task.words)
                done = maintenance.perform(workspace, place_, now)
                row |= {"ran": True, "ok": done.ok, "evaluated": done.evaluated, "findings": list(done.findings)}
            rows.append(row)
    if as_json:
        terminal.json({"as_of": now, "tasks": rows})
    for row, place_ in zip(rows, standings, strict=True):
        if row["ran"]:
            said = f"{row['evaluated']} evaluated, {len(row['findings'])} finding(s)"
            word = "OK" if row["ok"] else "CRITICAL" if row["findings"] else "UNKNOWN"
            terminal.status(word, f"{row['task']}: {said}")
            for text in row["findings"][:5]:
                terminal.line(f"    {terminal.fit(text, terminal.width - 4)}")
        else:
            last = f"done {row['last'][:10]}" if row["last"] else "never done"
            terminal.status(
                _WORD[row["status"]],
                f"{row['task']}: {row['status']}, {last}, next {row['next_due'][:10]} ({place_.task.words})",
            )
    return 1 if any(row["ran"] and not row["ok"] for row in rows) else 0
