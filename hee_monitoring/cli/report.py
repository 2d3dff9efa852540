"""`hee report`: what happened, against the targets, as a page, as Markdown, or for programs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.history import At
    from hee_monitoring.workspace import Workspace

FORMATS = ("md", "html", "json", "junit")
_ENDINGS = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".json": "json", ".xml": "junit"}


@click.command()
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Default: what --output ends in, else md.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file (default: standard output).")
@click.option("--include-governance-metrics", "governance", is_flag=True, help="Add rules, approvals and freezes.")
@options.at
@options.as_json
@options.directory
def report(
    place: str, format_: str | None, output: Path | None, governance: bool, at: str | None, as_json: bool
) -> None:
    r"""Report state over time, failures by cause, repairs with their proof, and how the targets are met.

    Every number names the events that it was counted from; what was not measured is unknown. --json prints the
    document itself.

    \b
    Examples:
      hee report
      hee report --output report.html --include-governance-metrics
      hee report --at 2026-01-24 --format json
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        document = made(workspace, at, governance=governance)
    if as_json:
        terminal.json(document)
    elif output is None:
        terminal.exact(text_of(document, format_ or "md").rstrip("\n"))
    if output is not None:
        write(output, document, format_)
        terminal.status("OK", f"{output}: {document['events']} events, {document['open_issues']} open issue(s)")


def made(workspace: Workspace, at: At, *, governance: bool) -> dict[str, Any]:
    """The document of a log as of a point."""
    from hee_core.history import resolve
    from hee_monitoring.reports.document import build

    log = workspace.log
    index = resolve(log, at)
    entries = list(islice(log.read(), index + 1))
    return build(entries, log_id=log.id, head=entries[-1].commit, governance=governance)


def text_of(document: dict[str, Any], format_: str) -> str:
    """The document in one of the forms."""
    from importlib import import_module

    if format_ == "json":
        from hee_core.fences import json_text

        return json_text(document) + "\n"
    module = {"md": "markdown", "html": "page", "junit": "junit"}[format_]
    text: str = import_module(f"hee_monitoring.reports.{module}").write(document)
    return text


def write(output: Path, document: dict[str, Any], format_: str | None = None) -> None:
    """Writes a file whole or not at all, in the form that was asked for or that its ending names; raises HeeError."""
    import os

    from hee_core.errors import HeeError

    text = text_of(document, format_ or _ENDINGS.get(output.suffix.lower(), "md"))
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        raise HeeError(f"{output}: {error.strerror}", hint="name a file in a directory that can be written") from None
