"""One try to hand a message to a channel, whoever wrote the channel: it may hang, break, or name its address.

Invariant: a try ends within `DEADLINE_S`, nothing that a channel raises gets past it, and what it returns holds no part
of the address or of the secret.
"""

from __future__ import annotations

import re
from threading import Thread
from typing import TYPE_CHECKING

from hee_monitoring.alerting.channels import DeliveryFault, open_channel
from hee_monitoring.alerting.message import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_governance.alertsettings import AlertChannel
    from hee_monitoring.alerting.message import Message

DEADLINE_S = 60.0
_TELLING = 8  # characters from which on a part of an address is worth hiding
_ADDRESS = re.compile(r"[^\s:]*://\S*")


def tried(
    setting: AlertChannel, environment: Mapping[str, str], message: Message, *, repository: str, log_id: str
) -> str:
    """Why a channel did not take a message; empty when it did. Raises ConfigError for one that cannot be opened.

    What hangs is left behind: where it arrives after all, the message arrives twice under the same name.
    """
    channel = open_channel(setting, environment)
    came: list[str] = []

    def send() -> None:
        try:
            channel.send(message, repository=repository, log_id=log_id)
        except DeliveryFault as error:
            came.append(without_address(str(error), setting, environment) or "it did not say why")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and its words may be the address
            came.append(f"it broke: {type(error).__name__}")
        else:
            came.append("")

    thread = Thread(target=send, name=f"channel {setting.name}", daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return came[0] if came else f"it did not answer within {DEADLINE_S:.0f} seconds"


def without_address(words: str, setting: AlertChannel, environment: Mapping[str, str]) -> str:
    """The words on one line, without an address and without any telling part of this channel's."""
    held = [(name, environment.get(name, "").strip()) for name in (setting.url, setting.secret) if name]
    parts = {part: name for name, value in held for part in (value, *re.split(r"[/:@?&=#]+", value))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _TELLING:
            words = words.replace(part, parts[part])
    return one_line(_ADDRESS.sub("an address", words))
