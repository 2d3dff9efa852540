"""Tokens as the log knows them: fingerprint, permissions, who approved them, and how old they are; never a token itself.

Responsible for reading that from the events, for what a credential's own answers say of it, and for the findings of the
gate. Keys that sign events are `hee keys`' business. Invariant: what could not be found out is UNKNOWN, and an approval
holds for one fingerprint with exactly its permissions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hee_core.clock import seconds_between
from hee_core.rfc3339 import is_date_time
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hee_core.log import Entry
    from hee_monitoring.github.client import Client

ROTATE_DAYS = 90
WARN_DAYS = 76
_DAY = 86400.0
REQUIRED = ("actions:read",)
# Scopes of a classic token that HEE has a use for; `repo` holds what it needs of a private repository.
USEFUL = frozenset({"repo", "public_repo", "actions:read", "workflow"})
TYPES = ("token.registered", "token.rotated", "token.approved")


@dataclass(frozen=True, slots=True)
class Token:
    """One token in use. `since` is when the log first saw it, `approved` the scopes that a person allowed it, or None."""

    name: str
    fingerprint: str
    kind: str
    scopes: tuple[str, ...]
    account: str
    expires: str
    since: str
    approved: tuple[str, ...] | None = None
    approved_by: str = ""

    def age_days(self, now: str) -> int:
        """Whole days since the log first saw it."""
        return max(int(seconds_between(self.since, now) // _DAY), 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a token; `severity` is CRITICAL, WARNING or UNKNOWN."""

    severity: str
    name: str
    message: str
    remedy: str


def known(entries: Iterable[Entry]) -> dict[str, Token]:
    """The tokens of a log by name, each as its last events say."""
    tokens: dict[str, Token] = {}
    for entry in entries:
        event = entry.event
        if event.type not in TYPES or not event.fits:
            continue
        data = event.data
        if event.type == "token.approved":
            token = tokens.get(data["name"])
            if token is not None and token.fingerprint == data["fingerprint"] and event.actor.startswith("human:"):
                tokens[token.name] = replace(token, approved=tuple(data["scopes"]), approved_by=event.actor)
            continue
        tokens[data["name"]] = Token(
            data["name"],
            data["fingerprint"],
            data["kind"],
            tuple(data["scopes"]),
            data["account"],
            data["expires"],
            event.time,
        )
    return tokens


def probe(client: Client) -> dict[str, Any]:
    """What GitHub tells of the credential in use: its scopes as far as they show, and when it ends."""
    answer = client.get(client.place.path("actions/runs?per_page=1"))
    told = answer.headers.get("x-oauth-scopes", "")
    scopes = {publishable(scope.strip(), limit=100) for scope in told.split(",")} - {""}
    if answer.status == 200:
        scopes.add("actions:read")
    credential = client.credential
    return {
        "name": credential.name,
        "fingerprint": credential.lasting,
        "kind": credential.kind,
        "scopes": sorted(scopes),
        "account": publishable(client.place.repository, limit=200),
        "expires": _expiry(answer.headers),
    }


def event_of(found: Mapping[str, Any], tokens: Mapping[str, Token]) -> tuple[str, dict[str, Any]] | None:
    """The event that a probe asks for: a new token, another one in its place, other permissions, or none at all."""
    before = tokens.get(found["name"])
    if before is None:
        return "token.registered", dict(found)
    if before.fingerprint != found["fingerprint"]:
        return "token.rotated", {**found, "replaces": before.fingerprint}
    return ("token.registered", dict(found)) if before.scopes != tuple(found["scopes"]) else None


def check(tokens: Iterable[Token], now: str) -> list[Finding]:
    """What keeps tokens from passing the gate: permissions that are missing, too wide or not approved, and age."""
    findings = []
    for token in tokens:
        say = [
            ("CRITICAL", f"may not {scope}", "give it that permission")
            for scope in REQUIRED
            if scope not in token.scopes
        ]
        excess = sorted(set(token.scopes) - USEFUL)
        if excess:
            say.append(("WARNING", f"may more than HEE needs: {', '.join(excess)}", "make one with fewer permissions"))
        if token.kind in ("fine-grained", "app", "other"):
            say.append(
                ("UNKNOWN", "GitHub does not tell all that it may", "look at its page, then approve what it says")
            )
        if token.approved is None or set(token.scopes) - set(token.approved):
            say.append(
                (
                    "CRITICAL",
                    "its permissions are not approved",
                    f"a person: hee tokens approve {token.name} --reason WHY",
                )
            )
        age = token.age_days(now)
        if age >= ROTATE_DAYS:
            say.append(("CRITICAL", f"is {age} days old, the limit is {ROTATE_DAYS}", "make a new one and set it"))
        elif age >= WARN_DAYS:
            say.append(("WARNING", f"is {age} days old and has to be replaced at {ROTATE_DAYS}", "make a new one soon"))
        if is_date_time(token.expires) and seconds_between(now, token.expires) < 14 * _DAY:
            say.append(("WARNING", f"ends at {token.expires}", "make a new one"))
        findings += [Finding(severity, token.name, message, remedy) for severity, message, remedy in say]
    return findings


def _expiry(headers: Mapping[str, str]) -> str:
    """GitHub's `2026-03-01 12:00:00 UTC`, or with an offset, as RFC 3339; empty where it says none."""
    text = headers.get("github-authentication-token-expiration", "")
    day, _, rest = text.partition(" ")
    clock, _, zone = rest.partition(" ")
    offset = "Z" if zone in ("", "UTC") else f"{zone[:3]}:{zone[3:]}" if len(zone) == 5 else zone
    made = f"{day}T{clock}{offset}"
    return made if is_date_time(made) else ""
