"""A state capsule that somebody hands in: found, read, and held against the log.

Responsible for the forms in which one arrives (a file, inline JSON, base64 of it, the word `current`) and for the
question whether it is what the log says. Leaves schemas to `hee_core.validation`. Invariant: the log decides, a
capsule never does; what was handed in inline is never repeated in a message.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core import capsule
from hee_core.errors import CapsuleError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hee_core.log import Log

CURRENT = "current"
_ALIAS = re.compile(r"(\./)?current(\.(md|json|ya?ml))?")
_PATH = re.compile(r"[^\x00-\x1f\x7f{}]{1,400}\.(md|json|ya?ml)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{16,}={0,2}\s*")


@dataclass(frozen=True, slots=True)
class Handed:
    """A capsule with where it came from; `path` is None for one that came inline or from the log."""

    where: str
    document: Mapping[str, Any]
    path: Path | None = None


def take(text: str, *, name: str, root: Path) -> Handed | None:
    """Reads the capsule that a text is or names; None where it means the log's own, as `current` does without a file.

    `name` is the flag or the variable that had it, for messages. Raises CapsuleError for what is no capsule.
    """
    text = text.strip()
    if text.startswith("{"):
        return Handed(f"{name} (inline)", _json(text, name))
    if _PATH.fullmatch(text) and (root / text).is_file():
        return Handed(text, read(root / text), root / text)
    if not text or _ALIAS.fullmatch(text):
        return None
    if _PATH.fullmatch(text):
        raise CapsuleError(
            f"{name}: {text} does not exist",
            hint="`hee capsule export FILE` writes one; the word `current` means the log's own",
        )
    if _BASE64.fullmatch(text):
        try:
            return Handed(f"{name} (base64)", _json(base64.b64decode(text, validate=False).decode(), name))
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise CapsuleError(
        f"{name} is no path of a capsule, no JSON and no base64 of it",
        hint="name a .md, .json or .yaml file, or leave it empty for the log's own capsule",
    )


def read(path: Path) -> dict[str, Any]:
    """Reads a capsule file; raises CapsuleError."""
    from hee_core.validation import load_capsule

    try:
        document = load_capsule(path.read_bytes(), path.name)
    except OSError as error:
        raise CapsuleError(f"{path}: {error.strerror}", hint="name a capsule file") from None
    if not isinstance(document, dict):
        raise CapsuleError(f"{path.name}: a capsule is one JSON object")
    return document


def _json(text: str, name: str) -> dict[str, Any]:
    from hee_core import canonical
    from hee_core.errors import EventError

    try:
        document = canonical.loads(text)
    except EventError:
        document = None  # the fault's own words could quote what is in it
    if not isinstance(document, dict):
        raise CapsuleError(f"{name} is not the JSON of a capsule", hint="base64 of a capsule's JSON works as well")
    return document


def faults(handed: Handed, log: Log | None) -> tuple[tuple[str, ...], int | None]:
    """What the strict schema says against a capsule, and its point in the log; raises what `point` does.

    What the log says itself is valid by construction, and that is quicker to see.
    """
    index = point(handed, log)
    if index is not None:
        return (), index
    from hee_core.validation import validate_capsule

    found = validate_capsule(handed.document)
    return tuple(f"{handed.where}: {fault.pointer or '/'} {fault.message}" for fault in found), None


def point(handed: Handed, log: Log | None) -> int | None:
    """The index of the event after which the log says exactly this; None where the capsule names no log to ask.

    Raises IntegrityError where the log says something else, CapsuleError where it cannot be asked.
    """
    claim = handed.document.get("hee_log")
    if not isinstance(claim, dict) or not claim.get("id"):
        return None
    if log is None:
        raise CapsuleError(
            f"{handed.where} names log {str(claim['id'])[:12]}, and there is no log here", hint="hee init"
        )
    size = claim.get("size")
    if claim["id"] != log.id:
        raise IntegrityError(
            f"{handed.where} is of log {str(claim['id'])[:12]}, this repository's is {log.id[:12]}",
            hint="hand in a capsule of this repository",
        )
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= len(log):
        raise IntegrityError(
            f"{handed.where} speaks of {size} events, the log here has {len(log)}",
            hint="fetch the log: git fetch origin hee/log:hee/log",
        )
    state = log.state if size == len(log) else log.state_after(size - 1)
    if capsule.to_bytes(handed.document) != capsule.write(state, log_id=log.id):
        raise IntegrityError(
            f"{handed.where} is not what the log says after event {size - 1}: it was changed",
            hint="make it anew: `hee capsule render`; the log decides, never a file",
        )
    return size - 1
