"""`hee serve`: the pages in a browser, GitHub's webhooks, or both in one server."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_monitoring.github.receiver import Knocks
    from hee_monitoring.web.server import Server

_EXTRA = ("starlette", "uvicorn", "jinja2", "anyio", "markupsafe")


@click.command()
@click.option("--web", is_flag=True, help="Serve the pages; without --webhook they are served anyway.")
@click.option("--webhook", is_flag=True, help="Take deliveries of GitHub's webhooks at /webhook, and follow its runs.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; loopback, with a proxy in front."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8023, show_default=True, help="0 takes a free one.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name that the pages answer to, as a proxy's.")
@click.option(
    "--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="The pages' secret; or HEE_WEB_SECRET."
)
@click.option("--no-fix", is_flag=True, help="Repair nothing.")
@options.tell
@click.option("--cycles", type=click.IntRange(min=1), help="End after so many cycles.")
@options.as_json
@options.directory
def serve(
    place: str, web: bool, webhook: bool, host: str, port: int, allow_host: tuple[str, ...], secret_file: Path | None,
    no_fix: bool, tell: str | None, cycles: int | None, as_json: bool,
) -> int:  # fmt: skip
    r"""Show in a browser how things stand, and follow GitHub's runs within a second when a webhook tells of one.

    The pages (extra `web`) only read; beyond loopback they need a secret (HEE_WEB_SECRET or --secret-file), given as a
    bearer token or as anybody's password. --webhook takes its secret from HEE_WEBHOOK_SECRET and the token from
    GITHUB_TOKEN; polling goes on as the safety net. With --json each cycle that found something is one line.

    \b
    Examples:
      hee serve
      hee serve --web --webhook --port 8023
    """
    terminal = options.terminal(as_json)
    with ExitStack() as stack:
        knocks: Knocks | None = None
        if webhook:
            from hee_monitoring.github import receiver

            given, known = os.environ.get("HEE_WEBHOOK_SECRET", ""), _known(place)
            if web:
                knocks = receiver.Knocks(given, known=known)
            else:
                knocks = listening = stack.enter_context(receiver.Receiver(given, host=host, port=port, known=known))
                terminal.progress(f"listening at {listening.url}")
        if web or not webhook:
            server = _pages(stack, place, host, port, allow_host, secret_file, knocks)
            if as_json:
                terminal.json({"url": server.url})
            else:
                terminal.status("OK", f"the pages are at {server.url}; Ctrl-C ends them")
            if knocks is None:
                server.wait()
                return 0
        assert knocks is not None  # noqa: S101 - without --webhook the pages were served above
        return _follow(place, knocks, fix=not no_fix, tell=tell or "", cycles=cycles, as_json=as_json)


def _pages(
    stack: ExitStack, place: str, host: str, port: int, allowed: tuple[str, ...], secret_file: Path | None,
    knocks: Knocks | None,
) -> Server:  # fmt: skip
    from hee_core.errors import ToolMissing

    try:
        from hee_monitoring.web.book import Book
        from hee_monitoring.web.server import Server
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ToolMissing("the pages need the extra `web`", hint="pip install 'hee[web]'") from None
    secret = _secret(secret_file)
    book = stack.enter_context(Book(place))
    book.look()  # a log that cannot be read is told here, not in a browser
    return stack.enter_context(Server(book, host=host, port=port, secret=secret, allowed=allowed, knocks=knocks))


def _secret(file: Path | None) -> str:
    if file is None:
        return os.environ.get("HEE_WEB_SECRET", "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise click.ClickException(f"{file}: the secret cannot be read") from None


def _known(place: str) -> Path:
    """Where deliveries are remembered."""
    with options.workspace(place) as workspace:
        return workspace.work / "github" / "deliveries"


def _follow(place: str, knocks: Knocks, *, fix: bool, tell: str, cycles: int | None, as_json: bool) -> int:
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.watch import watch

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        for capability in ("monitor", "fix") if fix else ("monitor",):
            options.allowed(workspace, capability)
        for cycle, result in watch(
            workspace,
            source="github",
            fix=fix,
            limit=cycles,
            progress=terminal.progress,
            trouble=lambda error: terminal.error(f"this cycle failed: {error}", error.hint),
            pause=knocks.wait,
            told=knocks.told,
            tell=tell,
        ):
            if as_json and result.events:
                terminal.json(report_json(workspace, result))
            elif result.events:
                screen(terminal, workspace, cycle, result)
        return 1 if workspace.log.state.issues else 0
