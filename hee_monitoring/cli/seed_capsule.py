"""`scripts/load_`, `update_` and `generate_hee_state_capsule.py`: the capsule read in, and written out.

Writing is a projection of the log into a file; no capsule that was handed in changes the log.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_governance.capsules import ROOT
from hee_monitoring.cli import actions, options, seed
from hee_monitoring.cli.capsule_files import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.workspace import Workspace

PUBLISHED = "HEE-Monitoring-AutoFix.md"
_output = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A .json, .yaml or .md file."
)


@click.command("load_hee_state_capsule")
@seed.state_capsule
@click.option("--input", "input_", metavar="CAPSULE", help="The same as --state-capsule.")
@seed.governance
@options.as_json
@options.directory
def load(place: str, state_capsule: str | None, input_: str | None, hee_governance: str | None, as_json: bool) -> None:
    """Read the state capsule, hold it against schema and log, and give it to the steps after this one.

    Takes a path, inline JSON or base64 of it, from the flag or from HEE_STATE_CAPSULE; its content is never printed.
    In a job of GitHub Actions the variable then holds a path. Exits 2 for a capsule that does not hold.
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as opened:
        workspace = seed.governed(opened, hee_governance)
        found = seed.capsule_of(state_capsule or input_, workspace, terminal)
        document: Mapping[str, Any] = found.document if found else capsule_now(workspace)
        where = found.where if found else "the log's own capsule"
        path = found.path if found else None
    if actions.here() and path is None:
        path = Path(os.environ.get("RUNNER_TEMP") or Path.cwd()) / "hee_state_capsule.json"
        path.write_text(json.dumps(document), encoding="utf-8")
    if path is not None:
        actions.environment(seed.VARIABLE, str(path))
    state = document["hee_monitoring_state"]
    if as_json:
        terminal.json({"capsule": where, "path": str(path) if path else None, "status": state["current_status"]})
    terminal.status("OK", f"{where}: {state['current_status']}, {len(state.get('recent_issues', []))} recent issue(s)")


@click.command("update_hee_state_capsule")
@_output
@options.as_json
@options.directory
def update(place: str, output: Path, as_json: bool) -> None:
    """Write the capsule as the log has it now."""
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        index = write(workspace, output)
    if as_json:
        terminal.json({"output": str(output), "index": index})
    terminal.status("OK", f"{output}: the state after event {index}")


@click.command("generate_hee_state_capsule")
@_output
@click.option(
    "--publish/--no-publish", default=True, show_default=True, help="Also write it under docs/STATE_CAPSULES."
)
@options.as_json
@options.directory
def generate(place: str, output: Path, publish: bool, as_json: bool) -> None:
    """Write the capsule to a file, and for people to docs/STATE_CAPSULES/DATE/HEE-Monitoring-AutoFix.md.

    The date is the day of the log's last event, in UTC.
    """
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        write(workspace, output)
        root, shown = workspace.repository.root, None
        if publish and root is not None:
            shown = f"{ROOT}{workspace.log.state.time[:10]}/{PUBLISHED}"
            write(workspace, root / shown)
    actions.outputs(hee_state_capsule=shown or str(output))
    if as_json:
        terminal.json({"output": str(output), "published": shown})
    terminal.status("OK", f"{output}{f' and {shown}' if shown else ''}")


def capsule_now(workspace: Workspace) -> dict[str, Any]:
    """The capsule of the log's last event."""
    from hee_core import capsule

    return capsule.build(workspace.log.state, log_id=workspace.log.id)
