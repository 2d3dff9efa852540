"""`hee state`, `rollback`, `freeze`, `unfreeze`: where things stand, and the ways a person steers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options
from hee_monitoring.status import WORDS

if TYPE_CHECKING:
    from hee_monitoring.workspace import Workspace


@click.command()
@options.at
@options.as_json
@options.directory
@options.status_style
def state(place: str, at: str | None, as_json: bool) -> int:
    r"""Show the state capsule, now or at any earlier point.

    \b
    Examples:
      hee state
      hee state --at 12
      hee state --at 2026-01-24 --json
    """
    from hee_core import capsule
    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        log = workspace.log
        index = resolve(log, at)
        found = log.state if at is None else log.state_after(index)
        document = capsule.build(found, log_id=log.id)
    if as_json:
        terminal.json(document)
        return options.Ended(0, WORDS[found.status])
    terminal.status(WORDS[found.status], f"{found.status} after event {index} ({found.time[:19]}Z)")
    for issue in found.issues.values():
        fix = issue["fix"] or {}
        terminal.line(f"  {terminal.bold(issue['issue_id'])}  {issue['title']}")
        terminal.line(
            f"    {issue['job'] or issue['source']}  {issue['action'] or 'undecided'}  {fix.get('outcome', '')}".rstrip()
        )
    if not found.issues:
        terminal.line("  no open issue")
    decisions = [record for record in found.decisions.values() if record["kind"] == "standing"]
    for record in decisions:
        terminal.line(f"  decision {record['decision_id']}: {record['statement']}")
    if found.frozen:
        terminal.status("WARNING", f"frozen: {found.ledger.frozen_reason}")
    return options.Ended(0, WORDS[found.status])


@click.command()
@click.option("--to", required=True, metavar="POINT", help="Index, commit, event id or time to return to.")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def rollback(place: str, to: str, reason: str, as_json: bool) -> None:
    """Make an earlier point's state the present one.

    One more event replays the operational state of that point. Nothing is rewritten: every decision and every failed
    attempt stays in the record.
    """
    from hee_core.history import rollback as roll_back

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "rollback", to)
        entry = roll_back(workspace.log, to=to, reason=reason)
        status = workspace.log.state.status
    if as_json:
        terminal.json({**options.entry_json(entry), "status": status})
        return
    terminal.status(
        "OK", f"the state is {status} again, as after event {entry.event.data['to_index']} (event {entry.index})"
    )


@click.command()
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def freeze(place: str, reason: str, as_json: bool) -> None:
    """Stop repairs and monitoring until a person ends it.

    What people steer by goes on: approvals, decisions, notes, alerts, rollbacks, changes of keys, and the end of the
    freeze. Only a person's key ends it, so the log has to know one first.
    """
    with options.workspace(place) as workspace:
        options.allowed(workspace, "freeze")
        _must_know_a_person(workspace)
        words = "frozen: repairs and monitoring wait for `hee unfreeze`"
        _say(workspace, "state.frozen", reason, as_json=as_json, words=words)


@click.command()
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def unfreeze(place: str, reason: str, as_json: bool) -> None:
    """End a freeze. Takes a person's key: HEE_ACTOR=human:NAME and a key that the log knows."""
    with options.workspace(place) as workspace:
        options.allowed(workspace, "unfreeze")
        _say(workspace, "state.unfrozen", reason, as_json=as_json, words="unfrozen")


def _must_know_a_person(workspace: Workspace) -> None:
    """Raises KeyFault while the log knows no person: a freeze would last for ever."""
    from hee_core.errors import KeyFault

    head = workspace.log.refresh()
    if head.keyring and not head.keyring.people(head.size):
        raise KeyFault(
            "nobody could end the freeze: the log knows no person's key",
            hint='hee keys add "PUBLIC KEY" --actor human:NAME first; to stop repairs now, stop `hee monitor`',
        )


def _say(workspace: Workspace, type_: str, reason: str, *, as_json: bool, words: str) -> None:
    from hee_core.events import Event

    terminal = options.terminal(as_json)
    entry = workspace.log.append([Event.new(type_, {"reason": reason}, subject="state", clock=workspace.clock)])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", words)
