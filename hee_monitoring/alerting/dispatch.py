"""Delivers what is due and records it: the shell around `planning`.

At least once: a message that a channel took and that could not be recorded is sent again, under the same name.
Invariant: a channel that fails, hangs for its timeout or is not configured here keeps neither the other channels nor the
cycle from going on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hee_core.errors import HeeError
from hee_monitoring import facts
from hee_monitoring.alerting.channels import missing
from hee_monitoring.alerting.planning import due
from hee_monitoring.alerting.trying import tried, without_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_governance.alertsettings import AlertChannel
    from hee_monitoring.alerting.message import Message
    from hee_monitoring.workspace import Workspace

TRIES, PAUSE_S = 2, 2.0
_NAMED = 200  # alerts named by one event


def deliver(workspace: Workspace, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Sends every message that is due and appends what came of it; returns why a channel cannot be used here."""
    if not workspace.config.alerts:
        return []
    settings = [each for each in workspace.config.alerts if not missing(each, environment)]
    said = [
        f"channel {each.name}: {missing(each, environment)} is not set here"
        for each in workspace.config.alerts
        if each not in settings
    ]
    state = workspace.log.refresh().state
    broken: set[str] = set()
    for setting, message in due(state, settings, workspace.clock.now()):
        if setting.name in broken:
            continue
        try:
            fault = _sent(workspace, setting, message, environment)
        except HeeError as error:  # the channel itself is wrong: a person has to change its settings
            fault = without_address(str(error), setting, environment)
            said.append(f"channel {setting.name}: {fault}")
        _record(workspace, setting, message, fault)
        if fault:
            broken.add(setting.name)
    return said


def _sent(workspace: Workspace, setting: AlertChannel, message: Message, environment: Mapping[str, str]) -> str:
    """Why a message was not delivered; empty when it was."""
    fault = ""
    for attempt in range(TRIES):
        if attempt:
            workspace.clock.sleep(PAUSE_S)
        fault = tried(setting, environment, message, repository=name_of(workspace), log_id=workspace.log.id)
        if not fault:
            break
    return fault


def _record(workspace: Workspace, setting: AlertChannel, message: Message, fault: str) -> None:
    names = [alert.name for alert in message.alerts]
    events = []
    for start in range(0, len(names), _NAMED):
        data: dict[str, Any] = {
            "channel": setting.name,
            "stage": message.stage,
            "alerts": names[start : start + _NAMED],
            "message": message.name,
            "attempt": message.attempt,
        }
        type_ = "alert.undelivered" if fault else "alert.delivered"
        data |= {"reason": fault} if fault else {}
        events.append(facts.event(type_, data, subject=f"channel/{setting.name}", clock=workspace.clock))
    workspace.log.append(events)


def name_of(workspace: Workspace) -> str:
    """What people call the repository: the end of its remote's address, else its directory's name."""
    address = workspace.repository.attempt("config", "--get", "remote.origin.url").stdout.decode("utf-8", "replace")
    parts = address.strip().removesuffix("/").removesuffix(".git").replace(":", "/").split("/")[-2:]
    remote = "/".join(part for part in parts if part and "@" not in part)
    place = workspace.repository.root or workspace.repository.git_dir
    return remote or place.name
