"""Sealing, reading, sharing and redacting in a log: where recipients, boxes and shares come together.

Invariant: a share is kept before its event is in the log, and destroyed only after the log says so; every use of the
vault first destroys what the log calls redacted, so that a redaction reaches every machine that still looks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from hee_core import history, recipientfile, recipientkey, recipients, sealing
from hee_core.errors import EventError, KeyFault, NotFound
from hee_core.events import Event
from hee_core.store import Condition
from hee_core.vault import SIZE, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hee_core.history import At
    from hee_core.log import Entry, Log
    from hee_core.recipientkey import RecipientKey
    from hee_core.recipients import Payload, Recipient


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A sealed event in clear: the fields that were sealed, by path, and the payload with them in their places."""

    entry: Entry
    fields: dict[str, Any]
    data: dict[str, Any]


def recipients_at(log: Log, at: At = None) -> dict[str, Recipient]:
    """Everybody who was made a recipient up to a point, by key id; `until` says who is none any more."""
    last = history.resolve(log, at)
    return recipients.current(_until(log, last))


def seal(
    log: Log, event: Event, fields: Sequence[str] = (), *, to: Sequence[str] = (), vault: Vault | None = None
) -> Entry:
    """Appends a draft with fields sealed (without `fields`: all that may be) for the recipients, or for some of them.

    `to` has actors or key ids. Returns the event's entry; raises KeyFault where nobody could read it.
    """
    size = len(log)
    chosen = _chosen(recipients.current(_until(log, size - 1)), to)
    made = sealing.seal(
        event,
        fields,
        {name: partial(_wrap, each.public_key) for name, each in chosen.items()},
        log_id=log.id,
        keys=(_fresh(), _fresh()),
        clock=log.clock,
    )
    vault = vault or Vault(log.id)
    if not vault.keep(event.nonce, made.share):
        raise EventError("this draft was sealed here before: a log holds it once", hint="make it anew with Event.new")
    try:  # whoever was removed in the meantime must not be sealed for
        changed = Condition(size - 1, (recipients.ADDED, recipients.REMOVED))
        entry = log.append([made.event, made.envelope], unless=changed)
    except BaseException:
        if not any(later.event.nonce == event.nonce for later in log.read(size)):
            vault.destroy(event.nonce)
        raise
    return log.entry(entry.index - 1)


def unseal(log: Log, at: At, *, key: RecipientKey | None = None, vault: Vault | None = None) -> Unsealed:
    """Reads a sealed event; raises KeyFault naming the keys that can, or what is missing, and NotFound for what is gone."""
    vault = vault or Vault(log.id)
    payload = find(log, at, sweep(log, vault))
    event = payload.entry.event
    _refuse_redacted(payload)
    secret = _secret(log, payload, key or recipientfile.load())
    share = vault.get(event.nonce, payload.envelope["share"])
    if share is None:
        raise KeyFault(
            f"event {payload.entry.index} cannot be opened here: its share is not on this machine",
            hint="where it was sealed: `hee vault export FILE`; here: `hee vault import FILE`",
        )
    fields = sealing.opened(event, payload.envelope, (secret, share), log_id=log.id)
    return Unsealed(payload.entry, fields, sealing.filled(event.data, fields))


def share(log: Log, at: At, to: Sequence[str], *, key: RecipientKey | None = None) -> Entry:
    """Lets more recipients read a sealed event, by one more event with the secret wrapped for them."""
    payload = find(log, at)
    _refuse_redacted(payload)
    chosen = _chosen(recipients_at(log), to)
    new = {name: each for name, each in chosen.items() if name not in payload.wraps}
    if not new:
        raise EventError(
            f"event {payload.entry.index} is sealed for them already", hint="`hee unseal` shows it to them"
        )
    secret = _secret(log, payload, key or recipientfile.load())
    nonce = payload.entry.event.nonce
    bound = sealing.context(log.id, nonce)
    wraps = [{"key_id": name, "wrapped": _wrap(each.public_key, secret, bound)} for name, each in new.items()]
    event = Event.new(
        recipients.SHARED, {"nonce": nonce, "wraps": wraps}, causes=(payload.entry.event.id,), clock=log.clock
    )
    return log.append([event])


def redact(log: Log, at: At, *, reason: str, vault: Vault | None = None) -> Entry:
    """Makes a sealed payload unreadable for ever: the log says so first, then the share is destroyed."""
    if not reason.strip():
        raise EventError("a redaction needs a reason", hint="say why: --reason")
    payload, vault = find(log, at), vault or Vault(log.id)
    if payload.redacted is None:
        mark = payload.entry.event
        event = Event.new(
            recipients.REDACTED,
            {"nonce": mark.nonce, "reason": reason},
            subject=mark.subject,
            causes=(mark.id,),
            clock=log.clock,
        )
        payload.redacted = log.append([event])
    vault.destroy(payload.entry.event.nonce)
    return payload.redacted


def sweep(log: Log, vault: Vault) -> dict[str, Payload]:
    """Destroys every share here whose payload the log calls redacted, wherever that was said; returns all payloads."""
    known = all_payloads(log)
    for nonce, payload in known.items():
        if payload.redacted:
            vault.destroy(nonce)
    return known


def all_payloads(log: Log, at: At = None) -> dict[str, Payload]:
    """Every sealed payload up to a point, by its event's nonce."""
    return recipients.payloads(_until(log, history.resolve(log, at)))


def find(log: Log, at: At, known: dict[str, Payload] | None = None) -> Payload:
    """The sealed payload of an event, named by it or by one of the events about it; raises NotFound."""
    entry = log.entry(history.resolve(log, at))
    nonce = entry.event.data.get("nonce") if entry.event.type.startswith("payload.") else entry.event.nonce
    payload = (all_payloads(log) if known is None else known).get(str(nonce))
    if payload is None:
        raise NotFound(
            f"event {entry.index} ({entry.event.type}) has no sealed field", hint="`hee vault list` has those that do"
        )
    return payload


def _refuse_redacted(payload: Payload) -> None:
    if payload.redacted:
        end = payload.redacted
        raise NotFound(
            f"event {payload.entry.index} was redacted with event {end.index} by {end.event.actor}: {end.event.data['reason']}",
            hint="its share is destroyed: nobody can read it any more",
        )


def _secret(log: Log, payload: Payload, key: RecipientKey) -> bytes:
    wrapped = payload.wraps.get(key.key_id)
    if wrapped is None:
        known = recipients_at(log)
        names = ", ".join(f"{name} ({known[name].actor})" if name in known else name for name in payload.wraps)
        raise KeyFault(
            f"event {payload.entry.index} is not sealed for {key.key_id}; it needs one of: {names}",
            hint=f"one of them runs: hee recipients share {payload.entry.index} --to {key.key_id}",
        )
    return key.unwrap(wrapped, sealing.context(log.id, payload.entry.event.nonce))


def _chosen(known: dict[str, Recipient], to: Sequence[str]) -> dict[str, Recipient]:
    active = {name: each for name, each in known.items() if each.until is None}
    if not active:
        raise KeyFault("this log has no recipients: nobody could read it", hint="hee recipients add")
    chosen = {name: each for name, each in active.items() if not to or name in to or each.actor in to}
    for word in to:
        if not any(word in (name, each.actor) for name, each in chosen.items()):
            raise NotFound(f"{word} is no recipient of this log", hint="`hee recipients list` has them")
    return chosen


def _wrap(public_key: str, secret: bytes, context: bytes) -> str:
    return recipientkey.wrap(secret, public_key, context)


def _fresh() -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM.generate_key(8 * SIZE)


def _until(log: Log, last: int) -> Iterator[Entry]:
    return islice(log.read(), last + 1)


# ------------------------------------------------------------------ shares on their way to another machine


def export_shares(log: Log, vault: Vault) -> bytes:
    """The shares that are here as one JSON document, for `import_shares` on another machine; alone it opens nothing."""
    shares = {}
    for nonce, payload in sweep(log, vault).items():
        if found := vault.get(nonce, payload.envelope["share"]):
            shares[nonce] = found.hex()
    return json.dumps({"log": log.id, "shares": shares}, indent=1, sort_keys=True).encode() + b"\n"


def import_shares(log: Log, vault: Vault, data: bytes) -> dict[str, int]:
    """Keeps the shares of an export that this log speaks of; says how many were new, known, redacted and foreign."""
    try:
        document = json.loads(data)
        shares = {str(nonce): bytes.fromhex(text) for nonce, text in document["shares"].items()}
        log_id = document["log"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KeyFault("this is no export of shares", hint="`hee vault export FILE` writes one") from None
    if log_id != log.id:
        raise KeyFault(f"these are the shares of log {str(log_id)[:12]}, this is log {log.id[:12]}")
    known, said = sweep(log, vault), dict.fromkeys(("imported", "known", "redacted", "foreign"), 0)
    for nonce, share in shares.items():
        payload = known.get(nonce)
        if payload is None or hashlib.sha256(share).hexdigest() != payload.envelope["share"]:
            said["foreign"] += 1
        elif payload.redacted:
            said["redacted"] += 1
        else:
            said["imported" if vault.keep(nonce, share) else "known"] += 1
    return said
