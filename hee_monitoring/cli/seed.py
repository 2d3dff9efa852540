"""The specification's scripts: which there are, and the flags that several of them share.

`scripts/NAME.py` runs the command NAME from here; each is a thin command over the machinery that `hee` runs. A flag
beats the environment, which beats the configuration.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from hee_governance.config import Config, Mode
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.handed import Handed
    from hee_monitoring.workspace import Workspace

# script -> (module, attribute)
SCRIPTS = {
    "load_hee_state_capsule": ("seed_capsule", "load"),
    "hee_monitor": ("seed_monitor", "hee_monitor"),
    "update_hee_state_capsule": ("seed_capsule", "update"),
    "hee_auto_fix": ("seed_fix", "hee_auto_fix"),
    "generate_hee_state_capsule": ("seed_capsule", "generate"),
    "validate_hee_state_capsule": ("seed_validate", "validate"),
    "generate_hee_state_report": ("seed_report", "generate"),
}
VARIABLE = "HEE_STATE_CAPSULE"
MODES = ("strict", "warn", "off")

state_capsule = click.option(
    "--state-capsule",
    is_flag=False,
    flag_value="",
    metavar="CAPSULE",
    help=f"A .md, .json or .yaml file, `current`, or inline JSON; else ${VARIABLE}, else the log's own.",
)
governance = click.option(
    "--hee-governance",
    type=click.Choice(MODES),
    envvar="HEE_GOVERNANCE",
    help="strict fails closed, warn only reports, off does not look; else $HEE_GOVERNANCE, else the configuration.",
)


def main(name: str) -> None:
    """Runs one script's command and exits."""
    from hee_monitoring.cli.main import run

    sys.exit(run(None, command(name)))


def command(name: str) -> click.Command:
    """The command of a script, imported when it is asked for."""
    module, attribute = SCRIPTS[name]
    found: click.Command = getattr(import_module(f"hee_monitoring.cli.{module}"), attribute)
    return found


def named(given: str | None, terminal: Terminal, config: str = "") -> tuple[str, str]:
    """The capsule that a flag, else the environment, else the configuration names, and which of them it was."""
    if given:
        return given, "--state-capsule"
    if value := os.environ.get(VARIABLE, "").strip():
        return value, VARIABLE
    if given is not None:
        terminal.note(f"--state-capsule is empty and {VARIABLE} is not set: the log's own capsule counts")
    elif config and Path(config).is_file():
        return config, "state_capsule"
    return "", "--state-capsule"


def capsule_of(given: str | None, workspace: Workspace, terminal: Terminal) -> Handed | None:
    """The capsule handed in, checked against the schema and the log; None where the log's own counts.

    What the schema refuses stops a strict run; in other modes it is told.
    """
    from hee_core.errors import CapsuleError
    from hee_monitoring import handed

    text, name = named(given, terminal, workspace.config.state_capsule)
    found = handed.take(text, name=name, root=Path.cwd())
    if found is None:
        return None
    faults, index = handed.faults(found, workspace.log)
    for words in faults if workspace.config.governance_rules != "off" else ():
        if workspace.config.governance_rules == "strict":
            raise CapsuleError(words, hint="`hee capsule validate` lists every fault; the governance mode is strict")
        terminal.note(words)
    behind = len(workspace.log) - 1 - index if index is not None else 0
    if index is None:
        terminal.note(f"{found.where} names no log, so nothing vouches for it; the log's own state counts")
    elif behind:
        terminal.note(f"{found.where} is the state after event {index}; {behind} event(s) came since, and count")
    return found


def governed(workspace: Workspace, mode: str | None) -> Workspace:
    """The workspace under the governance mode that was asked for."""
    return replace(workspace, config=in_mode(workspace.config, mode))


def in_mode(config: Config, mode: str | None) -> Config:
    """A configuration under another governance mode; its own without one."""
    return replace(config, governance_rules=cast("Mode", mode or config.governance_rules))


if __name__ == "__main__":
    main(sys.argv.pop(1) if sys.argv[1:2] and sys.argv[1] in SCRIPTS else "hee_monitor")
