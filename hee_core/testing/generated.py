"""Whole logs, signed by several people and machines, drawn as Hypothesis draws: in memory, or in real repositories.

What an event may be is `strategies`' business, what a log must keep `promises`'. Invariant: every drawn log verifies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from hee_core import catalogue, git
from hee_core.chain import PLAIN
from hee_core.clock import SYSTEM, Clock, FixedClock
from hee_core.events import Event
from hee_core.gitstore import open_log
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryLog
from hee_core.testing.strategies import ACTORS, next_draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from hee_core.keys import Signer

_OF_ITS_OWN = ("log.", "key.")  # genesis comes once, and a drawn key belongs to nobody: `logs` adds real ones


@st.composite
def logs(
    draw: st.DrawFn,
    *,
    new: Callable[..., Log] = MemoryLog,
    types: Iterable[str] | None = None,
    min_size: int = 0,
    max_size: int = 20,
) -> Log:
    """Logs of an agent, a person and a CI, of `min_size` to `max_size` appends; close them when done.

    `new(signer=…, clock=…)` makes the log with its first event, as `MemoryLog` does, or `git_log` in a directory.
    """
    signers = [_signer(actor, number) for number, actor in enumerate(ACTORS, 1)]
    log = new(signer=signers[0], clock=FixedClock())
    writers = {signer.actor: Log(log.store, signer=signer) for signer in signers}
    for signer in signers[1:]:
        data = {"public_key": signer.public_key, "actor": signer.actor, "role": signer.role}
        log.append([Event.new("key.added", data, clock=log.clock)])
    names = sorted(name for name in types or catalogue.TYPES if not name.startswith(_OF_ITS_OWN))
    plain = [name for name in names if name in PLAIN]
    for _ in range(draw(st.integers(min_size, max_size))):
        actor, draft = next_draft(draw, names, log.state, log)
        group = [draft]
        if draft.type in PLAIN and draw(st.booleans()):
            _, another = next_draft(draw, plain, log.state, log)
            group.append(replace(another, nonce=f"f{another.nonce[1:]}", subject="one more"))
        writers[actor].append(group)
    return log


def git_log(directory: Path, *, signer: Signer | None = None, clock: Clock = SYSTEM) -> Log:
    """A log with its first event in a new repository; `directory` is made, and must not exist."""
    directory.mkdir(parents=True)
    git.run_in(directory, "init", "--quiet")
    log = open_log(directory, signer=signer or EphemeralSigner(), clock=clock, create=True)
    log.create("for a test")
    return log


def _signer(actor: str, number: int) -> EphemeralSigner:
    """The same key every time, so that a failing example can be drawn again."""
    return EphemeralSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32), actor=actor)
