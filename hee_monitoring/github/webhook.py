"""A delivery of a webhook: is it from GitHub, was it here before, and which run does it tell of. Pure.

A delivery is a knock on the door, no evidence: what it says is never recorded, the monitor asks GitHub itself. So a
forged, doubled or half-empty one can cost a poll and nothing else.

Invariant: a body whose signature does not hold is not parsed.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST = 25 * 1024 * 1024  # what GitHub sends at most
_PREFIX = "sha256="


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery; `run_id` is 0 where it tells of no run."""

    event: str
    run_id: int


class Refused(Exception):
    """The delivery is not taken; `status` says why to the one who sent it."""

    def __init__(self, status: int, why: str) -> None:
        """Keeps the status."""
        super().__init__(why)
        self.status = status


class Door:
    """Takes deliveries that are signed with the secret, each once."""

    def __init__(self, secret: bytes, is_new: Callable[[str], bool]) -> None:
        """Takes the secret that GitHub was given, and what remembers the names of deliveries."""
        self._secret = secret
        self._is_new = is_new

    def take(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        """The delivery, or None for one that was here before; raises Refused. Header names are in small letters."""
        signed = _PREFIX + hmac.new(self._secret, body, "sha256").hexdigest()
        if not hmac.compare_digest(signed.encode(), headers.get("x-hub-signature-256", "").encode()):
            raise Refused(401, "the signature does not hold")
        name, event = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
        if not name or not event:
            raise Refused(400, "it names no delivery or no event")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "it is not JSON") from None
        return Delivery(event, _run_id(document)) if self._is_new(name) else None


def _run_id(document: Any) -> int:
    """The run that a `workflow_run` or `workflow_job` tells of."""
    for key, name in (("workflow_run", "id"), ("workflow_job", "run_id")):
        part = document.get(key) if isinstance(document, dict) else None
        value = part.get(name) if isinstance(part, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53:
            return value
    return 0
