"""Who is let in, and what every answer says to the browser: hosts, the secret, sizes, headers. No page is reached without.

A name that we are not called by is turned away (DNS rebinding); beyond loopback there is no answer without the secret.
The webhook has a signature of its own and needs no secret. Invariant: the secret is compared in constant time and not at all
for a peer that guesses too often, and no body is read beyond its limit or its time.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from hee_monitoring.github.receiver import PATH as WEBHOOK
from hee_monitoring.github.webhook import LARGEST
from hee_monitoring.web.guesses import Guesses

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
LARGEST_FORM = 256 * 1024
LONGEST_PATH = 4096
BODY_S = 20.0
LINGER_S = 1.0
LINGER = 4 * LARGEST_FORM


class TooLarge(Exception):
    """A body goes on beyond its limit; the application answers with `too_large`."""


async def too_large(_: Request, __: Exception) -> PlainTextResponse:
    """The answer to it."""
    return _say(413, "it is too large")


class TooSlow(Exception):
    """A body did not come in time; the application answers with `too_slow`."""


async def too_slow(_: Request, __: Exception) -> PlainTextResponse:
    """The answer to it."""
    return _say(408, "it took too long")


@dataclass(frozen=True)
class Guard:
    """Wraps the application. `hosts` are the names that we are called by, `secret` is empty where none is asked for."""

    app: ASGIApp
    hosts: frozenset[str]
    secret: str
    guesses: Guesses = field(default_factory=Guesses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers for the application where something is wrong, and asks it otherwise."""
        if scope["type"] != "http":
            return
        answering = _with_headers(send)
        limit = LARGEST if scope["path"] == WEBHOOK else LARGEST_FORM
        refusal = self._refusal(scope, Headers(scope=scope), limit)
        if refusal is not None:
            await _linger(receive)
            await refusal(scope, receive, answering)
            return
        await self.app(scope, _limited(receive, limit), answering)

    def _refusal(self, scope: Scope, headers: Headers, limit: int) -> PlainTextResponse | None:
        if name_of(headers.get("host", "")) not in self.hosts:
            return _say(421, "this server does not answer to that name; see --allow-host")
        if int(headers.get("content-length", "0")) > limit:  # h11 lets nothing pass that is no number
            return _say(413, "it is too large")
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_PATH:
            return _say(414, "the address is too long")
        if self.secret and scope["path"] != WEBHOOK:
            return self._stranger(headers.get("authorization", ""), (scope["client"] or ("",))[0])
        return None

    def _stranger(self, authorization: str, peer: str) -> PlainTextResponse | None:
        """What a peer without the secret is told; to ask without one is no guess."""
        if wait := self.guesses.wait(peer) if authorization else 0:
            return PlainTextResponse("too many wrong secrets\n", 429, {"retry-after": str(ceil(wait))})
        if self._knows(authorization):
            return None
        if authorization:
            self.guesses.wrong(peer)
        challenge = {"www-authenticate": 'Basic realm="HEE", charset="UTF-8"'}
        return PlainTextResponse("the secret is missing or wrong\n", 401, challenge)

    def _knows(self, authorization: str) -> bool:
        """Whether the secret was given, as a bearer token or as the password of anybody."""
        kind, _, value = authorization.partition(" ")
        given = value.strip().encode("utf-8", "replace")
        if kind.lower() == "basic":
            try:
                given = b64decode(given, validate=True).partition(b":")[2]
            except ValueError:
                return False
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(given, self.secret.encode())


def name_of(host: str) -> str:
    """The name of a Host header without its port, in small letters."""
    if host.startswith("["):
        return host.partition("]")[0][1:].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _say(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(f"{words}\n", status, {"connection": "close"})


def _limited(receive: Receive, limit: int) -> Receive:
    """Reads a body within its limit and its time; after it, whatever comes is waited for as long as it takes."""
    read, whole, due = 0, False, asyncio.get_running_loop().time() + BODY_S

    async def limited() -> Message:
        nonlocal read, whole
        try:
            async with asyncio.timeout_at(None if whole else due):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        whole = not message.get("more_body", False)
        read += len(message.get("body", b""))
        if read > limit:
            await _linger(receive, message)
            raise TooLarge
        return message

    return limited


async def _linger(receive: Receive, message: Message | None = None) -> None:
    """Throws away what a refused peer still sends, for a moment: a connection that is closed before everything was read is
    reset, and the peer may never see why it was refused (RFC 9112, section 9.6).
    """
    read = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (message is None or message.get("more_body", False)) and read < LINGER:
                message = await receive()
                read += len(message.get("body", b""))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
