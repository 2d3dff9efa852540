"""`hee approve`: a person lets a repair happen that the matrix leaves to people."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@click.argument("issue")
@click.option("--reason", default="", help="Why; it stays in the record.")
@click.option("--authz", default="", metavar="LINE", help="'AUTHZ: APPROVED_TO_ACT — scope=GLOB', instead of a reason.")
@click.option("--scope", multiple=True, metavar="GLOB", help="Only changes to these files.")
@click.option("--expires", default="", metavar="TIME", help="RFC 3339; after it the approval is void.")
@click.option("--sign-request", is_flag=True, help="Print it signed, to hand in at `hee serve`; record nothing here.")
@options.as_json
@options.directory
def approve(
    place: str, issue: str, reason: str, authz: str, scope: tuple[str, ...], expires: str, sign_request: bool, as_json: bool,
) -> None:  # fmt: skip
    r"""Let a repair of ISSUE happen that waits for a person. Takes a person's key.

    The next cycle decides again; every other guard (freeze, decisions, protected paths) still holds. `rollback/POINT` in
    the place of ISSUE lets one rollback go to exactly there, past a point that a person sealed.

    \b
    Example:
      HEE_ACTOR=human:ada HEE_SIGNING_KEY=~/.ssh/ada hee approve HEE-ISS-1234567890 --reason "looked at it"
      HEE_ACTOR=human:ada HEE_SIGNING_KEY=~/.ssh/ada.pub hee approve HEE-ISS-1234567890 --reason "seen" --sign-request
    """
    from hee_core import returns
    from hee_core.history import resolve
    from hee_monitoring import approving, signedrequest

    terminal = options.terminal(as_json)
    if authz:
        reason, scope, expires = _authorized(authz, reason, scope, expires)
    approving.check(reason, expires)
    with options.workspace(place) as workspace:
        if issue.startswith(returns.PREFIX):
            index = resolve(workspace.log, issue.removeprefix(returns.PREFIX))
            about, subject, command = returns.subject(index), f"event/{index}", f"hee rollback --to {index}"
        else:
            options.must_be_open(workspace, issue)
            about, subject, command = issue, f"issue/{issue}", f"hee fix {issue}"
        seen = workspace.log.event_id(len(workspace.log) - 1) if sign_request else ""
        event = approving.draft(
            about, reason, subject=subject, scope=scope, expires=expires, seen=seen, clock=workspace.clock
        )
        if sign_request:
            terminal.json(signedrequest.signed(workspace.log, event))
            return
        options.allowed(workspace, "approve", about)
        entry = workspace.log.append([event])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"approved with event {entry.index}; next: {command}")


def _authorized(line: str, reason: str, scope: tuple[str, ...], expires: str) -> tuple[str, tuple[str, ...], str]:
    """What the sentence allows; raises EventError for one that is not exact, or that options contradict."""
    from hee_core.errors import EventError
    from hee_governance.authz import NotAuthorized, parse

    found = parse(line)
    if isinstance(found, NotAuthorized):
        raise EventError(
            f"the authorization {found.reason}", hint="AUTHZ: APPROVED_TO_ACT — scope=src/** — authority=NAME"
        )
    if scope or (expires and found.expires):
        raise EventError("the authorization names its scope and end itself", hint="leave --scope and --expires away")
    return f"{found.line} {reason}".strip(), found.scope, found.expires or expires
