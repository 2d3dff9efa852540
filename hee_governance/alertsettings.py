"""Who is told of what: the channels of a configuration, without an address in them.

The configuration is committed, and the address of a channel is its password: so it names the variable of the
environment that holds it. Invariant: what loads can reach somebody at once, since at least one channel does not wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from hee_governance.matrix import LEVELS
from hee_governance.settings import Choice, Entry, Fault, Kind, Rows, Table, Text

if TYPE_CHECKING:
    from hee_core.catalogue import Level
    from hee_governance.document import Node

When = Literal["raised", "unacknowledged"]


@dataclass(frozen=True, slots=True)
class AlertChannel:
    """One way to reach people: `url` and `secret` are names of variables of the environment, `least` a severity.

    `when` is `raised` for who is told at once, `unacknowledged` for who is told when nobody sees to it in time.
    """

    name: str
    type: str
    url: str
    secret: str
    least: Level
    when: When


_VARIABLE = r"[A-Z][A-Z0-9_]{0,99}"
_ROW = {
    "name": Entry(Text(r"[a-z0-9][a-z0-9._-]{0,49}", "a name, as `on-call`"), "", "Its name.", required=True),
    "type": Entry(
        Text(r"[a-z][a-z0-9._-]{0,49}", "webhook, chat, email, apprise, or the name of a plugin's channel"),
        "", "webhook, chat, email, apprise, or the name of a plugin's.", required=True,
    ),
    "url": Entry(
        Text(_VARIABLE, "the name of an environment variable, as HEE_ON_CALL_URL"),
        "", "The variable of the environment that holds the address.", required=True,
    ),
    "secret": Entry(
        Text(_VARIABLE, "the name of an environment variable, as HEE_ON_CALL_SECRET"),
        "", "The variable that holds the key a webhook's messages are signed with.",
    ),
    "least": Entry(Choice(LEVELS[::-1]), "low", "The least severity it is told of."),
    "when": Entry(
        Choice(("raised", "unacknowledged")),
        "raised", "Told at once, or when nobody acknowledged in the time of the escalation matrix.",
    ),
}  # fmt: skip


class _Channels(Kind):
    """A list of channels whose names differ."""

    rows = Rows(Table(_ROW), lambda values, _: AlertChannel(**values))

    def read(self, node: Node, pointer: str, faults: list[Fault]) -> tuple[AlertChannel, ...]:
        found = cast("tuple[AlertChannel, ...]", self.rows.read(node, pointer, faults))
        names = [channel.name for channel in found]
        if len(set(names)) < len(names):
            faults.append(Fault(pointer, node.line, "names the same channel twice"))
        if found and all(channel.when == "unacknowledged" for channel in found):
            faults.append(Fault(pointer, node.line, "tells nobody at once: one channel is `when: raised`"))
        return found

    def schema(self) -> dict[str, Any]:
        return self.rows.schema()


CHANNELS = _Channels()
