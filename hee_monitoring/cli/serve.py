"""`hee serve`: listen for GitHub's webhooks, and look as soon as something happened."""

from __future__ import annotations

import os

import click

from hee_monitoring.cli import options


@click.command()
@click.option("--webhook", is_flag=True, help="Take deliveries of GitHub's webhooks at /webhook.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; loopback, with a proxy in front."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8023, show_default=True, help="0 takes a free one.")
@click.option("--no-fix", is_flag=True, help="Repair nothing.")
@options.tell
@click.option("--cycles", type=click.IntRange(min=1), help="End after so many cycles.")
@options.as_json
@options.directory
def serve(
    place: str, webhook: bool, host: str, port: int, no_fix: bool, tell: str | None, cycles: int | None, as_json: bool
) -> int:
    r"""Follow GitHub's runs, and look within a second when a webhook tells of something.

    Takes the secret from HEE_WEBHOOK_SECRET and the token from GITHUB_TOKEN. Polling goes on as the safety net. With
    --json each cycle that found something is one line.

    \b
    Example:
      hee serve --webhook --port 8023
    """
    from hee_core.errors import SourceError
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.github.receiver import Receiver
    from hee_monitoring.watch import watch

    if not webhook:
        raise SourceError("there is nothing to serve", hint="hee serve --webhook")
    terminal = options.terminal(as_json)
    with (
        options.workspace(place) as workspace,
        Receiver(
            os.environ.get("HEE_WEBHOOK_SECRET", ""),
            host=host,
            port=port,
            known=workspace.work / "github" / "deliveries",
        ) as receiver,
    ):
        for capability in ("monitor",) if no_fix else ("monitor", "fix"):
            options.allowed(workspace, capability)
        terminal.progress(f"listening at {receiver.url}")
        for cycle, result in watch(
            workspace,
            source="github",
            fix=not no_fix,
            limit=cycles,
            progress=terminal.progress,
            trouble=lambda error: terminal.error(f"this cycle failed: {error}", error.hint),
            pause=receiver.wait,
            told=receiver.told,
            tell=tell or "",
        ):
            if as_json and result.events:
                terminal.json(report_json(workspace, result))
            elif result.events:
                screen(terminal, workspace, cycle, result)
        return 1 if workspace.log.state.issues else 0
