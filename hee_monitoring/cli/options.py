"""What several commands share: `--json`, `--at`, opening the log, and events as JSON."""

from __future__ import annotations

import contextlib
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

import click

from hee_monitoring.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hee_core.log import Entry
    from hee_monitoring.workspace import Workspace

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
sarif = click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, for code scanning and editors.")
at = click.option("--at", metavar="POINT", help="As of an index, commit, event id or time.")
directory = click.pass_obj
tell = click.option(
    "--tell",
    type=click.Choice(["nothing", "comment", "check"]),
    help="Tell pull requests on GitHub what is red; the configuration's pull_requests by default.",
)
NAGIOS = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}
_USUAL = {0: "OK", 1: "CRITICAL"}


class Ended(int):
    """An exit status that knows the status word it stands for."""

    word: str

    def __new__(cls, status: int, word: str) -> Self:
        """Joins the two."""
        made = super().__new__(cls, status)
        made.word = word
        return made


def content(path: Path, hint: str = "name a file that can be read") -> bytes:
    """The bytes of a regular file that an option names; a pipe is refused, because nobody may ever write to it."""
    from hee_core.errors import SourceError

    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path}: is no regular file", hint=hint)
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", hint=hint) from None


def status_style(command: Callable[..., int]) -> Callable[..., int]:
    """Adds `--status-style`: with `nagios` the exit status is 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""

    @click.option(
        "--status-style",
        type=click.Choice(["hee", "nagios"]),
        default="hee",
        help="nagios: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    )
    @wraps(command)
    def styled(*arguments: Any, status_style: str, **options: Any) -> int:
        if status_style == "hee":
            return command(*arguments, **options)
        from hee_core.errors import HeeError

        try:
            ended = command(*arguments, **options)
        except HeeError as error:
            Terminal().error(str(error), error.hint)
            return NAGIOS["UNKNOWN"]
        return NAGIOS[ended.word if isinstance(ended, Ended) else _USUAL.get(ended, "UNKNOWN")]

    return styled


def terminal(as_json: bool) -> Terminal:
    """The terminal of a command."""
    return Terminal(as_json=as_json)


def workspace(place: str) -> Workspace:
    """The repository that the command is about."""
    from hee_monitoring.workspace import Workspace

    return Workspace.open(place)


def allowed(workspace: Workspace, capability: str, subject: str = "") -> None:
    """Raises KeyFault, and records the refusal, unless the role of the signing key may do this."""
    from hee_core.errors import HeeError, KeyFault
    from hee_core.events import Event
    from hee_governance.access import may

    try:
        role = workspace.log.signer.actor.partition(":")[0]
    except KeyFault:
        return  # nothing can be written without a key, and the write says so
    access = may(role, capability, workspace.config.access)
    if access.allowed:
        return
    data = {"capability": capability, "role": role or "none", "subject": subject, "reason": access.reason}
    with contextlib.suppress(HeeError):  # a key that the log does not know cannot even record that it was refused
        workspace.log.append([Event.new("access.denied", data, subject=f"access/{capability}", clock=workspace.clock)])
    raise KeyFault(access.reason, hint="sign it with a key whose role may: HEE_ACTOR=human:NAME and HEE_SIGNING_KEY")


def must_be_open(workspace: Workspace, issue: str) -> None:
    """Raises NotFound unless the issue is an open one of the log."""
    from hee_core.errors import NotFound

    if issue not in workspace.log.state.issues:
        raise NotFound(f"{issue} is not an open issue", hint="`hee state` lists them; `hee monitor` finds new ones")


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as `hee log --json` prints it."""
    event = entry.event
    return {
        "index": entry.index,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "actor": event.actor,
        "subject": event.subject,
        "commit": entry.commit,
        "causes": list(event.causes),
        "version": event.version,
        "data": event.data,
    }
