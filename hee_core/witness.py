"""A witness: somebody beside the log who remembers what it said, and cosigns only what goes on from that.

Responsible for the memory (the last cosigned checkpoint of each log, kept outside of every repository) and for the
order of things: verify the whole log, prove that it goes on from what was seen, remember, and only then sign. Invariant:
of one log a witness never cosigns two histories, nor a shorter one after a longer one, whichever process asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from hee_core import audit, checkpoint, consistency, cosignature
from hee_core.cosignature import Witness
from hee_core.errors import HeeError, IntegrityError, KeyFault
from hee_core.inspection import Finding
from hee_core.seen import state_directory

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.disk import Disk
    from hee_core.keys import Signer
    from hee_core.log import Log


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The cosigned note, or the findings for which there is none; `before` is what the witness had cosigned last."""

    note: bytes
    findings: tuple[Finding, ...]
    before: bytes


def name_of(public_key: str) -> str:
    """The name of a witness that nobody gave one: it is in no other key's way."""
    return f"hee-witness/{sha256(public_key.encode()).hexdigest()[:16]}"


def cosign(log: Log, signer: Signer, name: str, *, disk: Disk, base: Path | None = None) -> Cosigned:
    """Cosigns the checkpoint of a log's last append, if all of it holds and goes on from what was cosigned before."""
    report = audit.verify(log)
    before = b""
    if report.head is None or not report.ok:
        return Cosigned(b"", report.findings or report.unknown, before)
    head = log.refresh()
    if head.keyring is None or head.commit != report.head:
        raise IntegrityError("the log moved while it was verified", hint="run the same command again")
    if signer.key_id in head.keyring.keys:
        raise KeyFault(f"{signer.key_id} is a key of this log, which cannot be its own witness", hint="use another key")
    note = log.store.file(report.head, "checkpoint")
    # By the key alone: what a witness signs does not hold its name, so under two names it would still be one.
    who = sha256(signer.public_key.encode()).hexdigest()[:16]
    path = (base or state_directory("witness")) / f"{head.log_id[:32]}-{who}.note"
    with disk.lock(path.with_suffix(".lock")):
        if path.exists():
            before = path.read_bytes()
            past = consistency.Past.read(log.store, report.head, head.log_id, head.keyring)
            fault = _contradiction(past, before, signer.public_key, path)
            if fault:
                return Cosigned(b"", (fault,), before)
        time = int(datetime.fromisoformat(log.clock.now()).timestamp())
        made = cosignature.cosign(note, name, signer, time)
        beside = path.with_name(f".{path.name}.{log.clock.nonce()[:8]}")
        disk.write(beside, made)
        disk.rename(beside, path)
        disk.sync_directory(path.parent)
    return Cosigned(made, (), before)


def _contradiction(past: consistency.Past, before: bytes, public_key: str, path: Path) -> Finding | None:
    try:
        then = checkpoint.parse(before)
        mine = any(cosignature.cosigners(then, [Witness(line.name, public_key)]) for line in then.signatures)
    except HeeError:
        mine = False
    if not mine:
        raise IntegrityError(
            f"{path}: the memory of this witness is damaged, so it cannot tell what it saw",
            hint="put back a copy of the file; without it begin as another witness (--name)",
        )
    now = len(past.leaves)
    if then.size > now:
        return Finding(now, "rolled-back", f"{then.size} events were cosigned before, and only {now} are left ({path})")
    try:
        consistency.prove(past, then)
    except IntegrityError as error:
        return Finding(
            1, "rewritten", f"the first {then.size} events are not those that were cosigned: {error} ({path})"
        )
    return None
