"""Replacing the signing key of this machine by a new one that the old one vouches for.

Responsible for the key files and the one event of it; what the event means is `keychanges`' business. The new key is
durable before the log hears of it, and takes its place after: whatever is interrupted, running it again finishes it.
One machine's key may sign many logs. So the old key stays beside the new one, and the next log in which the old one
still counts is told by it. Invariant: no private key is overwritten or removed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hee_core.errors import KeyFault
from hee_core.events import Event
from hee_core.keys import FileSigner, create_agent_key
from hee_core.log import Log
from hee_core.sshkey import ED25519

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.keys import Signer
    from hee_core.store import Entry


def rotated(signer: Signer, public_key: str, log: Log, *, reason: str) -> Entry:
    """Appends, as the old key, that another key signs in its place from the next event on."""
    if not public_key.startswith(f"{ED25519} "):
        raise KeyFault(
            f"only {ED25519} signs checkpoints: with another successor this key could write the log no more",
            hint="`ssh-keygen -t ed25519` makes one",
        )
    event = Event.new("key.rotated", {"public_key": public_key, "reason": reason}, subject="keys", clock=log.clock)
    return Log(log.store, signer=signer, clock=log.clock, pin=log.pin, seen=log.seen).append([event])


def rotate_file(path: Path, log: Log, *, actor: str, reason: str) -> FileSigner:
    """Rotates the key of a file in a log, or finishes that; returns the signer that counts from then on."""
    successor = path.with_name(f"{path.name}.next")
    now = FileSigner(path, actor=actor)
    ring, size = log.refresh().keyring, len(log)
    if ring is None:
        raise KeyFault("there is no log whose key could be rotated", hint="run `hee init`")
    fault = ring.fault(now, size)
    if fault is None:
        new = create_agent_key(successor, actor=actor)
        rotated(now, new.public_key, log, reason=reason)
        return _installed(path, now, new)
    if successor.exists():  # the log was told, and then we were interrupted
        new = FileSigner(successor, actor=actor)
        if ring.fault(new, size) is None:
            return _installed(path, now, new)
    for old in sorted(path.parent.glob(f"{path.name}.was-*")):
        before = FileSigner(old, actor=actor)
        if ring.fault(before, size) is None:
            rotated(before, now.public_key, log, reason=reason)
            return now
    raise fault


def _installed(path: Path, old: FileSigner, new: FileSigner) -> FileSigner:
    """Puts the new key in the old one's place; the old one keeps a name of its own."""
    kept = path.with_name(f"{path.name}.was-{old.public_key[-8:].replace('/', '_')}")
    try:
        if not kept.exists():
            os.link(path, kept)
        new.path.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KeyFault(
            f"the log knows the new key, and {new.path} could not take its place: {error.strerror}",
            hint="run `hee keys rotate` again when it can",
        ) from None
    return FileSigner(path, actor=new.actor)
