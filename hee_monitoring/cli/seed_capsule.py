"""`scripts/load_`, `update_` and `generate_hee_state_capsule.py`: the capsule read in, and written out.

Writing is a projection of the log into a file; no capsule that was handed in changes the log.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import actions, options, seed

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
        write(path, document)
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
        size = len(workspace.log)
        write(output, capsule_now(workspace), workspace)
    if as_json:
        terminal.json({"output": str(output), "events": size})
    terminal.status("OK", f"{output}: the state after event {size - 1}")


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
        document = capsule_now(workspace)
        write(output, document, workspace)
        page = published(workspace) if publish else None
        if page:
            write(page, document, workspace)
    shown = page.relative_to(workspace.repository.root or page.anchor).as_posix() if page else None
    actions.outputs(hee_state_capsule=shown or str(output))
    if as_json:
        terminal.json({"output": str(output), "published": shown})
    terminal.status("OK", f"{output}{f' and {shown}' if shown else ''}")


def capsule_now(workspace: Workspace) -> dict[str, Any]:
    """The capsule of the log's last event."""
    from hee_core import capsule

    return capsule.build(workspace.log.state, log_id=workspace.log.id)


def published(workspace: Workspace) -> Path | None:
    """Where the capsule is published for people: a page a day; nowhere in a bare repository."""
    from hee_governance.capsules import ROOT

    root = workspace.repository.root
    return root / ROOT / workspace.log.state.time[:10] / PUBLISHED if root else None


def write(path: Path, document: Mapping[str, Any], workspace: Workspace | None = None) -> None:
    """Writes a capsule in the form that its file's ending names, whole or not at all; raises CapsuleError."""
    from hee_core.errors import CapsuleError

    text = _text(path, document, workspace)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise CapsuleError(f"{path}: {error.strerror}", hint="name a file in a directory that can be written") from None


def _text(path: Path, document: Mapping[str, Any], workspace: Workspace | None) -> str:
    from hee_core import fences, render
    from hee_core.errors import CapsuleError

    ending = path.suffix.lower()
    if ending == ".md":
        log = workspace.log if workspace else None
        head, index = (log.head, len(log) - 1) if log else (None, document.get("hee_log", {}).get("size", 1) - 1)
        return render.to_markdown(document, log_id=document.get("hee_log", {}).get("id", ""), head=head, index=index)
    if ending in (".json", ".yaml", ".yml"):  # JSON is YAML
        return fences.json_text(document) + "\n"
    raise CapsuleError(f"{path}: a capsule is a .json, .yaml or .md file", hint="give the file one of these endings")
