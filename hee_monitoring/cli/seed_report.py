"""`scripts/generate_hee_state_report.py`: the report of the point that a capsule stands for."""

from __future__ import annotations

from pathlib import Path

import click

from hee_monitoring.cli import options


@click.command("generate_hee_state_report")
@click.option("--input", "input_", metavar="CAPSULE", help="Report the log up to this capsule (default: all of it).")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A .md, .html, .json or .xml file."
)
@click.option("--include-governance-metrics", "governance", is_flag=True, help="Add rules, approvals and freezes.")
@options.as_json
@options.directory
def generate(place: str, input_: str | None, output: Path, governance: bool, as_json: bool) -> None:
    r"""Write a report of the monitoring state: the same as `hee report --at` the capsule's event.

    Exits 2 for a capsule that is not what the log says.

    \b
    Example:
      python scripts/generate_hee_state_report.py --input current.json --output report.md --include-governance-metrics
    """
    from hee_monitoring import handed
    from hee_monitoring.cli.report import made, write

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        found = handed.take(input_ or "", name="--input", root=Path.cwd())
        index = handed.point(found, workspace.log) if found else None
        if found is not None and index is None:
            terminal.note(f"{found.where} names no log: this is the report of the whole log here")
        document = made(workspace, index, governance=governance)
    write(output, document)
    if as_json:
        terminal.json({"output": str(output), "events": document["events"], "status": document["status"]})
    terminal.status("OK", f"{output}: {document['status']} after {document['events']} events")
