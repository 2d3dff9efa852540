"""The sentence with which a person authorizes: `AUTHZ: APPROVED_TO_ACT — scope=GLOB,GLOB — authority=WHO`, read strictly.

The sentinel begins the line exactly; fields follow behind em dashes, and a scope is required. Invariant: what is nearly
the sentence authorizes nothing, and says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hee_governance.paths import any_match, escapes

SENTINEL = "AUTHZ: APPROVED_TO_ACT"
_FIELDS = ("scope", "authority", "expires")
_NEAR = re.compile(r"authz|approved[ _-]?to[ _-]?act", re.IGNORECASE)
# Paths that have nothing in common: a scope that holds all of them holds everything.
_ANYTHING = ("a", "README.md", ".github/workflows/ci.yml", "src/b/c/d.py", "0-9/Z", "hee.yaml")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a person allowed: globs of paths, under whose authority, until when; `line` is the sentence as written."""

    scope: tuple[str, ...]
    authority: str
    expires: str
    line: str


@dataclass(frozen=True, slots=True)
class NotAuthorized:
    """Why a text is no authorization."""

    reason: str


def parse(text: str) -> Authorization | NotAuthorized:
    """Reads one line; anything but the exact sentence is refused with the reason."""
    if not text.startswith(SENTINEL):
        near = (
            " (it is near: the sentinel is exact, in capitals, at the line's beginning)" if _NEAR.search(text) else ""
        )
        return NotAuthorized(f"does not begin with {SENTINEL!r}{near}")
    if text != text.rstrip() or "\n" in text or "\r" in text:
        return NotAuthorized("is not one line without blanks at its end")
    rest = text.removeprefix(SENTINEL)
    if rest and not rest.startswith(" — "):
        return NotAuthorized("has something behind the sentinel that is no field: fields stand behind ` — ` (em dash)")
    fields: dict[str, str] = {}
    for part in rest.split(" — ")[1:]:
        name, equals, value = part.partition("=")
        if not equals or name not in _FIELDS or not value or value != value.strip():
            return NotAuthorized(f"{part[:60]!r} is not one of {', '.join(f'{field}=…' for field in _FIELDS)}")
        if name in fields:
            return NotAuthorized(f"names {name} twice")
        fields[name] = value
    scope = tuple(glob.strip() for glob in fields.get("scope", "").split(",") if glob.strip())
    if not scope:
        return NotAuthorized("names no scope: ` — scope=src/**` says what it is for")
    if bad := next((glob for glob in scope if escapes(glob.removeprefix("/"))), ""):
        return NotAuthorized(f"scope {bad!r} {escapes(bad.removeprefix('/'))}")
    if "expires" in fields and not _TIME.fullmatch(fields["expires"]):
        return NotAuthorized(f"expires={fields['expires'][:40]} is no time with an offset, as 2026-12-31T18:00:00Z")
    if "expires" not in fields and all(any_match(scope, path) for path in _ANYTHING):
        return NotAuthorized(
            f"has the scope of everything ({', '.join(scope)[:60]}) and no end: expires=TIME says until when"
        )
    return Authorization(scope, fields.get("authority", ""), fields.get("expires", ""), text)
