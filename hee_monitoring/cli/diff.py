"""`hee diff`: what changed between two points of the log, and the events that changed it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options
from hee_monitoring.reports.words import told

if TYPE_CHECKING:
    from hee_core.log import Entry
    from hee_monitoring.cli.terminal import Terminal

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@click.argument("a")
@click.argument("b", required=False)
@options.as_json
@options.directory
def diff(place: str, a: str, b: str | None, as_json: bool) -> None:
    r"""Show what changed from point A to point B (default: now): state, issues, decisions, repairs, keys, recipients.

    A point is an index, a commit, an event id or a time. The events between the two follow, whichever is the later.

    \b
    Examples:
      hee diff 12
      hee diff 2026-01-24 2026-01-25 --json
    """
    from hee_core import difference, history, sealed

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        log = workspace.log
        one, two = history.resolve(log, a), history.resolve(log, b)
        found = difference.difference(log.state_after(one), log.state_after(two))
        rings = (history.ring_at(log, one), history.ring_at(log, two))
        found["keys"] = difference.key_difference(*rings, (one + 1, two + 1))
        found["recipients"] = difference.recipient_difference(
            *(sealed.recipients_at(log, index) for index in (one, two))
        )
        ends = [log.entry(index) for index in (one, two)]
        between = list(islice(log.read(min(one, two) + 1), abs(two - one)))
    if as_json:
        terminal.json(
            {"from": _point(ends[0]), "to": _point(ends[1]), "empty": difference.is_empty(found), **found,
             "events": [options.entry_json(entry) for entry in between]}
        )  # fmt: skip
        return
    terminal.line(
        terminal.bold(f"event {one} ({ends[0].event.time[:19]}Z) -> event {two} ({ends[1].event.time[:19]}Z)")
    )
    for name, sides in found.pop("values").items():
        terminal.line(terminal.fit(f"  {name}: {_plain(sides['from'])} -> {_plain(sides['to'])}", terminal.width))
    for kind, parts in found.items():
        _show(terminal, kind, parts)
    terminal.line(f"  {len(between)} event(s) between" if between else "  no event between: nothing changed")
    terminal.table([(str(e.index), e.event.type, told(e.event.type, e.event.data) or e.event.subject) for e in between])


def _show(terminal: Terminal, kind: str, parts: dict[str, list[dict[str, Any]]]) -> None:
    rows = []
    for part, records in parts.items():
        for record in records:
            rest = {
                name: value
                for name, value in record.items()
                if name not in ("id", "fields") and value not in ("", None)
            }
            words = [
                f"{name}: {_plain(sides['from'])} -> {_plain(sides['to'])}"
                for name, sides in record.get("fields", {}).items()
            ]
            rows.append((_SIGNS[part], record["id"], "; ".join(words) or "  ".join(map(_plain, rest.values()))))
    if rows:
        terminal.line(f"  {kind}")
        terminal.table(rows, indent=4)


def _plain(value: Any) -> str:
    return "none" if value in ("", None, {}, []) else str(value)


def _point(entry: Entry) -> dict[str, Any]:
    return {"index": entry.index, "id": entry.event.id, "time": entry.event.time, "commit": entry.commit}
