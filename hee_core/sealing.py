"""Sealed fields: what only its recipients read, and nobody once its share is destroyed. Pure.

A field that is sealed holds a marker, `sealed:` and the SHA-256 of its box, so that the event keeps its type and its
author signs the boxes. Boxes and wrapped secret stand in a second event, `payload.sealed`. The key of the boxes takes
two halves: the *secret*, wrapped in the log for each recipient, and the *share*, which is never in the log. Whoever
destroys the share has redacted the payload, although nothing of the log changes.

Invariant: a box opens only in the log, the event, the type and the field that it was made for, and with the very key
that its author used (the commitment).
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hee_core import canonical
from hee_core.errors import EventError, IntegrityError
from hee_core.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hee_core.clock import Clock

SEALED = "payload.sealed"
_MARKER = re.compile(r"sealed:([0-9a-f]{64})")
_VERSION = "hee-sealed-v1"
_STEP = 64  # what a box gives away is the length of its text in steps of as many bytes

# What people read and no rule does; * stands for any place in a list or key of a map.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "note.recorded": ("text",),
    "ci.failure_detected": ("evidence.*.text",),
    "ci.failure_classified": ("captures.*",),
    "ci.issue_resolved": ("by", "evidence.*.text"),
    "decision.recorded": ("statement", "rationale", "alternatives.*", "evidence.*"),
    "decision.ended": ("reason",),
    "approval.granted": ("statement",),
    "alert.raised": ("title", "rationale", "next_step"),
    "governance.evaluated": ("detail",),
    "fix.applied": ("summary",),
    "fix.rolled_back": ("reason",),
    "fix.refused": ("reason",),
    "fix.proposed": ("reason",),
    "fix.suggested": ("request", "response", "reason"),
    "fix.stopped": ("reason", "playbook.*.said"),
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event with markers, the event with its boxes (to be appended together), and the share, to be kept elsewhere."""

    event: Event
    envelope: Event
    share: bytes


def seal(
    event: Event,
    fields: Sequence[str],
    wrap: Mapping[str, Any],
    *,
    log_id: str,
    keys: tuple[bytes, bytes],
    clock: Clock,
) -> Sealed:
    """Seals fields of a draft; without `fields` every one that may be and says something.

    `keys` are secret and share, 32 fresh random bytes each; `wrap` has for each recipient's key id the function that
    wraps a secret in a context.
    """
    if event.source:
        raise EventError("an event that is bound cannot be sealed any more", hint="seal the draft, then append")
    if not wrap:
        raise EventError("a payload is sealed for at least one recipient", hint="`hee recipients add` adds one")
    secret, share = keys
    key, commitment = _derive(secret, share, log_id, event.nonce)
    data = json.loads(canonical.encode(event.data))
    boxes: dict[str, str] = {}
    for path in _chosen(event.type, data, fields):
        plain = canonical.encode(_at(data, path))
        box = _cipher(key).encrypt(_nonce(path), _padded(plain), _about(log_id, event.nonce, event.type, path))
        boxes[path] = b64encode(box).decode()
        _put(data, path, f"sealed:{hashlib.sha256(box).hexdigest()}")
    envelope = {
        "nonce": event.nonce,
        "sealed_type": event.type,
        "boxes": boxes,
        "wraps": [{"key_id": name, "wrapped": wrapped(secret, context(log_id, event.nonce))} for name, wrapped in wrap.items()],
        "share": hashlib.sha256(share).hexdigest(),
        "commitment": commitment.hex(),
    }  # fmt: skip
    masked = replace(event, data=data, _data=canonical.encode(data).decode())
    return Sealed(masked, Event.new(SEALED, envelope, subject=event.subject, clock=clock), share)


def opened(event: Event, envelope: Mapping[str, Any], keys: tuple[bytes, bytes], *, log_id: str) -> dict[str, Any]:
    """The sealed fields of an event by path; raises IntegrityError for what was changed or belongs elsewhere."""
    key, commitment = _derive(*keys, log_id, event.nonce)
    if commitment.hex() != envelope["commitment"]:
        raise IntegrityError("the key of the sealed payload is not the one that its author used")
    return {path: _open(key, event, path, box, log_id) for path, box in envelope["boxes"].items()}


def _open(key: bytes, event: Event, path: str, text: str, log_id: str) -> Any:
    from cryptography.exceptions import InvalidTag

    try:
        box = b64decode(text, validate=True)
        if _at(event.data, path) != f"sealed:{hashlib.sha256(box).hexdigest()}":
            raise ValueError
        return json.loads(_cipher(key).decrypt(_nonce(path), box, _about(log_id, event.nonce, event.type, path)))
    except (LookupError, TypeError, ValueError, RecursionError, InvalidTag):
        raise IntegrityError(
            f"the box of field {path} does not open: it was changed, or belongs to another event",
            hint="run `hee verify`",
        ) from None


def is_marker(value: object) -> bool:
    """Says whether a field's value stands for a box."""
    return isinstance(value, str) and _MARKER.fullmatch(value) is not None


def filled(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A payload with the sealed fields in clear."""
    whole: dict[str, Any] = json.loads(canonical.encode(data))
    for path, value in values.items():
        _put(whole, path, value)
    return whole


def context(log_id: str, nonce: str) -> bytes:
    """What a wrapped secret is bound to."""
    return canonical.encode([_VERSION, "wrap", log_id, nonce])


def _derive(secret: bytes, share: bytes, log_id: str, nonce: str) -> tuple[bytes, bytes]:
    """The key of the boxes, and what commits their author to it: GCM alone opens under more than one key."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = canonical.encode([_VERSION, "key", log_id, nonce])
    both = HKDF(SHA256(), length=64, salt=share, info=info).derive(secret)
    return both[:32], both[32:]


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(path: str) -> bytes:
    return hashlib.sha256(path.encode()).digest()[:12]  # a key is one payload's, and has one box for each path


def _about(log_id: str, nonce: str, type_: str, path: str) -> bytes:
    return canonical.encode([_VERSION, "box", log_id, nonce, type_, path])


def _padded(plain: bytes) -> bytes:
    return plain.ljust(-(-len(plain) // _STEP) * _STEP)


# ------------------------------------------------------------------ paths


def _chosen(type_: str, data: Mapping[str, Any], fields: Sequence[str]) -> tuple[str, ...]:
    may = FIELDS.get(type_, ())
    texts = [path for path, value in _texts(data, "") if value and any(_fits(path, each) for each in may)]
    chosen = [path for path in texts if not fields or any(_fits(path, each) for each in fields)]
    for each in fields:
        if not any(_fits(path, each) for path in chosen):
            raise EventError(f"{type_}: field {each!r} has nothing that may be sealed", hint=_may(type_))
    if not chosen:
        raise EventError(f"{type_}: there is nothing that may be sealed", hint=_may(type_))
    return tuple(chosen)


def _may(type_: str) -> str:
    may = FIELDS.get(type_, ())
    return f"of this type: {', '.join(may)}" if may else f"only of these types: {', '.join(FIELDS)}"


def _fits(path: str, pattern: str) -> bool:
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) >= len(wanted) and all(one in ("*", part) for part, one in zip(parts, wanted, strict=False))


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            if "." in str(name):
                continue  # no path names it
            yield from _texts(item, f"{path}.{name}" if path else str(name))


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data


def _put(data: Any, path: str, value: Any) -> None:
    *first, last = path.split(".")
    parent = _at(data, ".".join(first)) if first else data
    parent[int(last) if isinstance(parent, list) else last] = value
