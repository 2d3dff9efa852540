"""How often a peer may guess the secret: a few times at once, then once in a while. Pure but for the clock it is given.

Invariant: what is remembered has a fixed size, however many peers there are; a peer waits at most `EVERY_S` seconds once it
stops guessing wrong, so nobody is locked out for long.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 10
EVERY_S = 2.0
PEERS = 1024


class Guesses:
    """The wrong guesses of each peer, as the time at which they are forgiven."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Takes the clock, in seconds."""
        self._now = now
        self._forgiven: OrderedDict[str, float] = OrderedDict()

    def wait(self, peer: str) -> float:
        """How many seconds a peer must wait before it may guess; 0 for now."""
        return max(0.0, self._forgiven.get(_network(peer), 0.0) - self._now() - (BURST - 1) * EVERY_S)

    def wrong(self, peer: str) -> None:
        """Counts a wrong guess."""
        name = _network(peer)
        self._forgiven[name] = max(self._now(), self._forgiven.get(name, 0.0)) + EVERY_S
        self._forgiven.move_to_end(name)
        while len(self._forgiven) > PEERS:
            self._forgiven.popitem(last=False)

    def __len__(self) -> int:
        return len(self._forgiven)


def _network(peer: str) -> str:
    """One household is one peer: of an address of IPv6 the first 64 bits."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer[:64]
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
