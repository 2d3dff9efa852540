"""A cached head: what a process needs to append without replaying history.

A snapshot is signed by the writer's own key and thrown away unless that signature, its version and its commit hold: a
repository can carry a forged one, but only whoever holds the key can make one that this writer accepts. A program that
knows more types, or newer versions of them, folds anew: it understands events that the one before had to skip.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hee_core import projection, sshsig
from hee_core.chain import Head
from hee_core.errors import HeeError
from hee_core.form_table import FORMS
from hee_core.keyring import KeyRing
from hee_core.merkle import Frontier
from hee_core.store import NO_IDS

if TYPE_CHECKING:
    from hee_core.keys import Signer
    from hee_core.store import Tail

NAMESPACE = "hee-snapshot"
VERSION = 2


def _made_by() -> list[int]:
    """What a program must have in common with the one whose snapshot it takes; the catalogue only grows."""
    return [VERSION, projection.VERSION, sum(newest for newest, _ in FORMS.values())]


def dump(head: Head, signer: Signer, tail: Tail = NO_IDS) -> bytes:
    """Two lines: the signature in base64, and the head as JSON, with the ids that the index has not stored."""
    assert head.keyring is not None  # noqa: S101 - an empty head has no snapshot
    document = {
        "version": _made_by(),
        "log_id": head.log_id,
        "commit": head.commit,
        "frontier": head.frontier.dump(),
        "state": projection.dump(head.state),
        "keyring": head.keyring.dump(),
        "ids": [*tail[:2], [key.hex() for key in tail[2]]],
    }
    body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    return base64.b64encode(signer.sign(body, NAMESPACE)) + b"\n" + body


def load(data: bytes, signer: Signer) -> tuple[Head, Tail] | None:
    """The head and the ids, or None for anything that this signer did not write in this version."""
    signature, _, body = data.partition(b"\n")
    try:
        if sshsig.verify(base64.b64decode(signature, validate=True), body, NAMESPACE) != signer.public_key:
            return None
        document: dict[str, Any] = json.loads(body)
        if document["version"] != _made_by():
            return None
        head = Head(
            document["log_id"],
            document["commit"],
            Frontier.load(document["frontier"]),
            projection.load(document["state"]),
            KeyRing.load(document["keyring"]),
        )
        order, first, keys = document["ids"]
        return head, (str(order), int(first), tuple(map(bytes.fromhex, keys)))
    except (HeeError, ValueError, KeyError, TypeError):
        return None
