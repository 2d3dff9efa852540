"""What HEE relies on of a channel of alerts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from hee_monitoring.alerting.channels import DeliveryFault
from hee_monitoring.alerting.message import Message
from hee_monitoring.alerting.standing import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.catalogue import Stage
    from hee_monitoring.alerting.channels import Channel

_STAGES: tuple[Stage, ...] = ("raised", "escalated", "closed")


def message(stage: Stage = "raised", alerts: int = 1) -> Message:
    """A message about so many alerts."""
    found = tuple(Alert(f"HEE-ISS-{n}", "high", f"test {n} failed", "a person has to look") for n in range(alerts))
    return Message(f"{alerts:064x}", stage, found)


class ChannelContract(ABC):
    """Give it a channel whose other end is yours: what arrived there, and how to make it refuse."""

    @pytest.fixture
    @abstractmethod
    def channel(self) -> Channel:
        """An open channel."""

    @abstractmethod
    def arrived(self) -> Sequence[str]:
        """What the other end took, as text."""

    @abstractmethod
    def refuse(self) -> None:
        """Makes the other end take nothing from now on."""

    @pytest.mark.parametrize("stage", _STAGES)
    def test_each_stage_arrives_with_what_it_is_about(self, channel: Channel, stage: Stage) -> None:
        channel.send(message(stage), repository="ada/app", log_id="ab" * 32)
        (text,) = self.arrived()
        assert "ada/app" in text
        assert "test 0 failed" in text

    def test_a_message_about_many_arrives_once_and_says_how_many(self, channel: Channel) -> None:
        channel.send(message(alerts=1000), repository="ada/app", log_id="ab" * 32)
        (text,) = self.arrived()
        assert "1000 alerts" in text

    def test_what_is_not_taken_is_a_delivery_fault(self, channel: Channel) -> None:
        self.refuse()
        with pytest.raises(DeliveryFault) as raised:
            channel.send(message(), repository="ada/app", log_id="ab" * 32)
        assert "://" not in str(raised.value), "a fault is recorded: it names no address"
        assert not self.arrived()
