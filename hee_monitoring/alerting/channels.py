"""What delivers: the interface of a channel, and how one is opened from the configuration and the environment.

A plugin brings a channel by an entry point of the group `hee.alert_channels`: its name is the `type` of a configuration,
its object is called as the built-in ones are. Invariant: a fault's words hold no address, since an address is a password.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from hee_core.errors import ConfigError, HeeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_governance.alertsettings import AlertChannel
    from hee_monitoring.alerting.message import Message

    Opener = Callable[[str, str], "Channel"]

GROUP = "hee.alert_channels"
# type -> (module, function): called with the address and the secret (empty where none is configured)
_BUILT_IN = {
    "webhook": ("posting", "webhook"),
    "chat": ("posting", "chat"),
    "email": ("mail", "email"),
    "apprise": ("relay", "relay"),
}


class DeliveryFault(HeeError):
    """A channel did not take a message; it will be tried again."""

    code = "delivery"


class Channel(Protocol):
    """What takes messages. It may be opened anew for each of them."""

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        """Delivers, or raises DeliveryFault; returns only when the other side said that it has it."""
        ...


def missing(setting: AlertChannel, environment: Mapping[str, str]) -> str:
    """The variable of the environment that a channel needs and does not have here; empty if none is missing."""
    return next((name for name in (setting.url, setting.secret) if name and not environment.get(name, "").strip()), "")


def open_channel(setting: AlertChannel, environment: Mapping[str, str]) -> Channel:
    """Opens a channel; raises ConfigError for a type nobody brings, or an address that it cannot use."""
    secret = environment[setting.secret].strip() if setting.secret else ""
    try:
        return _opener(setting.type)(environment[setting.url].strip(), secret)
    except HeeError:
        raise
    except ValueError as error:
        raise ConfigError(
            f"channel {setting.name}: {setting.url} {error}", hint="docs/alerts.md says what it holds"
        ) from None
    except Exception as error:
        raise ConfigError(
            f"channel {setting.name}: {setting.type} cannot be opened: {type(error).__name__}",
            hint="is its plugin whole?",
        ) from error


def _opener(type_: str) -> Opener:
    if type_ in _BUILT_IN:
        module, name = _BUILT_IN[type_]
        return cast("Opener", getattr(import_module(f"hee_monitoring.alerting.{module}"), name))
    from importlib.metadata import entry_points  # takes longer than all the rest here

    for found in entry_points(group=GROUP, name=type_):
        return cast("Opener", found.load())
    brought = sorted(entry_points(group=GROUP).names)
    raise ConfigError(
        f"no channel of the type {type_!r}: there are {', '.join([*_BUILT_IN, *brought])}",
        hint="install the plugin that brings it",
    )
