"""`hee tokens`: which token is in use, what it may do, who allowed that, and whether it is time for a new one."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_monitoring.tokens import Token
    from hee_monitoring.workspace import Workspace


@click.group(invoke_without_command=True)
@options.at
@options.as_json
@click.pass_context
def tokens(ctx: click.Context, at: str | None, as_json: bool) -> None:
    """Show the tokens that the log knows: fingerprint, permissions, approval, age. Never a token itself."""
    from hee_core.history import resolve

    if ctx.invoked_subcommand is None:
        terminal = options.terminal(as_json)
        with options.workspace(ctx.obj) as workspace:
            now = workspace.clock.now() if at is None else workspace.log.entry(resolve(workspace.log, at)).event.time
            rows = [row(token, now) for token in _known(workspace, at).values()]
        if as_json:
            terminal.json(rows)
            return
        for each in rows:
            approved = f"approved by {each['approved_by']}" if each["approved_by"] else "not approved"
            terminal.line(f"{each['name']}  {each['fingerprint']}  {each['kind']}  {each['age_days']} days  {approved}")
            terminal.line(f"  may: {', '.join(each['scopes']) or 'unknown'}")
        if not rows:
            terminal.line("the log knows no token; `hee tokens check` registers the one in use")


@tokens.command()
@options.as_json
@options.directory
def check(place: str, as_json: bool) -> int:
    """Ask GitHub what the token in use may do, record what is new, and hold it against the rules: a gate.

    Exits 1 if a permission is missing or not approved, or the token is 90 days old or older. The token that a workflow
    gets for one job is GitHub's to rotate: it is not recorded.
    """
    from hee_core.errors import SourceError
    from hee_monitoring import facts
    from hee_monitoring import tokens as rules
    from hee_monitoring.github import credentials
    from hee_monitoring.github import place as places
    from hee_monitoring.github.client import Client

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        credential, where = credentials.find(workspace.clock), places.find(workspace.repository)
        if credential is None or where is None:
            what = "no token was given" if credential is None else "`origin` is not on GitHub"
            raise SourceError(
                f"there is nothing to check: {what}", hint="set GITHUB_TOKEN, in a clone of the repository"
            )
        if credential.kind != "actions":
            with Client(where, credential, clock=workspace.clock) as client:
                found = rules.probe(client)
            said = rules.event_of(found, _known(workspace))
            if said is not None:
                options.allowed(workspace, "monitor", f"token/{found['name']}")
                event = facts.event(said[0], said[1], subject=f"token/{found['name']}", clock=workspace.clock)
                workspace.log.append([event])
        now = workspace.clock.now()
        in_use = [token for token in _known(workspace).values() if token.name == credential.name]
        findings = rules.check(in_use, now)
    blocking = any(finding.severity == "CRITICAL" for finding in findings)
    if as_json:
        rows = [row(token, now) for token in in_use]
        terminal.json({"ok": not blocking, "tokens": rows, "findings": [asdict(finding) for finding in findings]})
        return int(blocking)
    for finding in findings:
        terminal.status(finding.severity, f"{finding.name} {finding.message}; {finding.remedy}")
    if not blocking:
        terminal.status("OK", f"{credential.name} {credential.lasting} passes")
    return int(blocking)


@tokens.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@options.as_json
@options.directory
def approve(place: str, name: str, reason: str, as_json: bool) -> None:
    """Allow the permissions that the token NAME has now. Takes a person's key."""
    from hee_core.errors import NotFound
    from hee_core.events import Event

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "approve", f"token/{name}")
        token = _known(workspace).get(name)
        if token is None:
            raise NotFound(f"the log knows no token {name}", hint="`hee tokens check` registers the one in use")
        data = {"name": name, "fingerprint": token.fingerprint, "scopes": list(token.scopes), "statement": reason}
        event = Event.new("token.approved", data, subject=f"token/{name}", clock=workspace.clock)
        entry = workspace.log.append([event])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"{name} {token.fingerprint} may: {', '.join(token.scopes)}")


def row(token: Token, now: str) -> dict[str, Any]:
    """A token as JSON."""
    return {**asdict(token), "age_days": token.age_days(now)}


def _known(workspace: Workspace, at: str | None = None) -> dict[str, Token]:
    from hee_core.history import resolve
    from hee_monitoring.tokens import known

    return known(islice(workspace.log.read(), resolve(workspace.log, at) + 1))
