"""Channels that post to an address: a webhook for programs, an incoming webhook of a chat for people.

A webhook's body is the message's document; with a secret it is signed as GitHub signs (`X-Hub-Signature-256`), so that a
receiver verifies both with the same code. Its `names` group what it says: a receiver updates in place by them.
Invariant: no redirect is followed, nothing but https leaves this machine, and no fault names the address.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
from typing import TYPE_CHECKING, Any

import httpx2

from hee_monitoring.alerting.addresses import LOOPBACK, parsed
from hee_monitoring.alerting.channels import DeliveryFault

if TYPE_CHECKING:
    from hee_monitoring.alerting.message import Message

TIMEOUT_S = 10


class Webhook:
    """Posts the document of a message."""

    def __init__(self, url: str, secret: str) -> None:
        """Raises ValueError for an address that is not https."""
        self._url, self._secret = _checked(url), secret

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        """Delivers once; any answer of 2xx is a yes."""
        body = json.dumps(message.document(repository, log_id), ensure_ascii=False).encode()
        headers = {"idempotency-key": message.name}
        if self._secret:
            mac = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["x-hub-signature-256"] = f"sha256={mac}"
        _post(self._url, body, headers)


class Chat:
    """Posts the text of a message, as Slack, Mattermost, Rocket.Chat (`text`) and Discord (`content`) take it."""

    def __init__(self, url: str, _: str) -> None:
        """Raises ValueError for an address that is not https."""
        self._url = _checked(url)

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        """Delivers once; any answer of 2xx is a yes."""
        del log_id
        text = message.text(repository)
        body: dict[str, Any] = {"text": html.escape(text, quote=False)}
        if self._url.host.endswith(("discord.com", "discordapp.com")):  # it knows no entities
            body = {"content": text[:1900], "allowed_mentions": {"parse": []}}
        _post(self._url, json.dumps(body).encode(), {})


def webhook(url: str, secret: str) -> Webhook:
    """Opens a webhook."""
    return Webhook(url, secret)


def chat(url: str, secret: str) -> Chat:
    """Opens an incoming webhook of a chat."""
    return Chat(url, secret)


def _checked(url: str) -> httpx2.URL:
    found = parsed(url)
    if not (found.scheme == "https" or (found.scheme == "http" and found.host in LOOPBACK)) or not found.host:
        raise ValueError("holds no https address")
    return found


def _post(url: httpx2.URL, body: bytes, headers: dict[str, str]) -> None:
    sent = {"content-type": "application/json", "user-agent": "hee", **headers}
    try:
        with (
            httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream("POST", url, content=body, headers=sent) as answer,
        ):
            status = answer.status_code  # the rest is never read: it may have no end
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise DeliveryFault(f"it cannot be reached: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise DeliveryFault(f"it answers {status}")
