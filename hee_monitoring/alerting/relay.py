"""The channel that hands a message to apprise, which knows over a hundred services; it comes with the extra `alerts`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from hee_core.errors import ToolMissing
from hee_monitoring.alerting.channels import DeliveryFault

if TYPE_CHECKING:
    from hee_monitoring.alerting.message import Message


class Relay:
    """Sends by one address of apprise."""

    def __init__(self, url: str) -> None:
        """Raises ToolMissing without apprise, ValueError for an address that it does not know."""
        try:
            import apprise
        except ImportError:
            raise ToolMissing("a channel of the type apprise needs apprise", hint="pip install 'hee[alerts]'") from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its own words may hold the address
        self._apprise: Any = apprise.Apprise()
        if not self._apprise.add(url):
            raise ValueError("holds no address that apprise knows")

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        """Delivers once; apprise says no more than yes or no."""
        del log_id
        kind = "success" if message.stage == "closed" else "warning" if message.severity == "low" else "failure"
        if not self._apprise.notify(
            body=message.text(repository), title=message.title(repository), notify_type=kind, body_format="text"
        ):
            raise DeliveryFault("apprise could not deliver it")


def relay(url: str, _: str) -> Relay:
    """Opens a way through apprise."""
    return Relay(url)
