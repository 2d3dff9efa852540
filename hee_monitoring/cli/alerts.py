"""`hee alerts`: what people must be told, who was told, and who sees to it."""

from __future__ import annotations

import os

import click

from hee_monitoring.cli import options


@click.group(invoke_without_command=True)
@options.at
@options.as_json
@click.pass_context
def alerts(ctx: click.Context, at: str | None, as_json: bool) -> None:
    r"""List the alerts that stand, how far each channel was told, and who acknowledged.

    `hee.yaml` says which channels there are (docs/alerts.md); messages are sent at the end of every cycle.

    \b
    Examples:
      hee alerts
      hee alerts acknowledge HEE-ISS-1234567890 --reason "on it"
      hee alerts send
    """
    if ctx.invoked_subcommand is not None:
        return
    from hee_core.history import resolve
    from hee_monitoring.alerting.standing import listed

    terminal = options.terminal(as_json)
    with options.workspace(ctx.obj) as workspace:
        log = workspace.log
        rows = listed(log.state if at is None else log.state_after(resolve(log, at)))
        channels = workspace.config.alerts
    if as_json:
        terminal.json(rows)
        return
    for row in rows:
        word = {"critical": "CRITICAL", "low": "WARNING"}.get(row["severity"], "WARNING")
        terminal.status(word, f"{row['severity']}: {terminal.whole(row['title'])}  {terminal.dim(row['alert'])}")
        told = [f"{name} {stage}" for name, stage in row["told"].items()]
        told += [f"{name} failed ({each['reason']}, try {each['attempt']})" for name, each in row["failed"].items()]
        terminal.line(f"    told: {', '.join(told) or 'nobody yet'}")
        if seen := row["acknowledged"]:
            terminal.line(f"    seen to by {seen['by']} since {seen['time'][:16]}: {terminal.whole(seen['statement'])}")
    if not rows:
        terminal.status("OK", "nothing stands that people must be told")
    if not channels:
        terminal.line("  no channel is configured: `alerts:` in hee.yaml, see docs/alerts.md")


@alerts.command()
@options.as_json
@options.directory
def send(place: str, as_json: bool) -> int:
    """Send what is due now, as the end of a cycle does: for a timer that calls people between cycles.

    Exits 1 where a channel cannot be used here, or did not take a message.
    """
    from hee_monitoring.alerting.dispatch import deliver

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "monitor")
        size = len(workspace.log)
        said = deliver(workspace)
        done = [entry.event for entry in workspace.log.read(size) if entry.event.type.startswith("alert.")]
    sent = sum(event.type == "alert.delivered" for event in done)
    failed = [event.data for event in done if event.type == "alert.undelivered"]
    said += [f"channel {data['channel']}: {data['reason']}" for data in failed if data["reason"] not in "".join(said)]
    if as_json:
        terminal.json({"delivered": sent, "undelivered": len(failed), "notes": said})
    else:
        for line in said:
            terminal.status("WARNING", line)
        terminal.status("OK" if not said else "WARNING", f"{sent} message(s) delivered, {len(failed)} not")
    return int(bool(said))


@alerts.command()
@click.argument("alert")
@click.option("--reason", default="", help="What you do about it; it stays in the record.")
@click.option("--sign-request", is_flag=True, help="Print it signed, to hand in at `hee serve`; record nothing here.")
@options.as_json
@options.directory
def acknowledge(place: str, alert: str, reason: str, sign_request: bool, as_json: bool) -> None:
    r"""See to ALERT: nobody else is called while it lasts. Takes a person's key.

    \b
    Examples:
      HEE_ACTOR=human:ada HEE_SIGNING_KEY=~/.ssh/ada hee alerts acknowledge HEE-ISS-1234567890 --reason "on it"
      HEE_ACTOR=human:ada HEE_SIGNING_KEY=~/.ssh/ada.pub hee alerts acknowledge state --sign-request
    """
    from hee_core.errors import NotFound
    from hee_monitoring import signedrequest
    from hee_monitoring.alerting.standing import acknowledgement, standing

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        if not sign_request:
            options.allowed(workspace, "acknowledge", alert)
        if alert not in standing(workspace.log.state):
            raise NotFound(f"{alert} is no alert that stands", hint="`hee alerts` lists them")
        seen = workspace.log.event_id(len(workspace.log) - 1) if sign_request else ""
        event = acknowledgement(alert, reason, seen=seen, clock=workspace.clock)
        if sign_request:
            terminal.json(signedrequest.signed(workspace.log, event))
            return
        entry = workspace.log.append([event])
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"acknowledged with event {entry.index}: nobody else is called about {alert}")


@alerts.command()
@click.argument("issue")
@click.option("--question", required=True, help="What people are asked.")
@options.as_json
@options.directory
def ask(place: str, issue: str, question: str, as_json: bool) -> None:
    """Ask people to look at ISSUE: they are told as of every alert."""
    from hee_core.errors import EventError
    from hee_monitoring import facts
    from hee_monitoring.alerting.dispatch import deliver
    from hee_monitoring.impact import WITHIN

    if not question.strip():
        raise EventError("the question is empty", hint="--question says what people are asked")
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "monitor", issue)
        options.must_be_open(workspace, issue)
        found = workspace.log.state.issues[issue]
        event = facts.alerted(
            found,
            title=f"{workspace.log.signer.actor} asks: {question}",
            rationale="a review was asked for",
            next_step=f"asked: {question}; answer with `hee approve {issue}` or `hee decide`",
            within=WITHIN.get(found["severity"], 900),
            clock=workspace.clock,
        )
        entry = workspace.log.append([event])
        said = deliver(workspace)
    if as_json:
        terminal.json({**options.entry_json(entry), "notes": said})
        return
    terminal.status("OK", f"asked with event {entry.index}; `hee alerts` says who was told")
    for line in said:
        terminal.status("WARNING", line)


@alerts.command()
@click.argument("channel")
@options.as_json
@options.directory
def test(place: str, channel: str, as_json: bool) -> int:
    """Send one test message by CHANNEL, and record nothing."""
    from hee_core.errors import NotFound
    from hee_monitoring.alerting.channels import missing
    from hee_monitoring.alerting.dispatch import name_of
    from hee_monitoring.alerting.message import Message
    from hee_monitoring.alerting.standing import Alert
    from hee_monitoring.alerting.trying import tried

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        setting = next((each for each in workspace.config.alerts if each.name == channel), None)
        if setting is None:
            raise NotFound(f"no channel {channel!r} is configured", hint="`alerts:` in hee.yaml, see docs/alerts.md")
        if lacking := missing(setting, os.environ):
            raise NotFound(f"{lacking} is not set here", hint="it holds what the channel needs; see docs/alerts.md")
        message = Message("0" * 64, "raised", (Alert("test", "low", "a test: nothing is wrong", "you asked for it"),))
        fault = tried(setting, os.environ, message, repository=name_of(workspace), log_id=workspace.log.id)
    if as_json:
        terminal.json({"delivered": not fault, "reason": fault or None})
    elif fault:
        terminal.status("CRITICAL", f"{channel}: {fault}")
    else:
        terminal.status("OK", f"{channel} took the message")
    return int(bool(fault))
