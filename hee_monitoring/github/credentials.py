"""Who asks GitHub: a token of the environment, or an app that gets itself a token for an hour.

Responsible for keeping a secret out of everything that is printed: a credential shows its name and its fingerprint.
The permissions of a token are `hee tokens`' business. Invariant: no `repr`, message or exception here holds a secret.
"""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hee_core.errors import SourceError
from hee_core.rfc3339 import is_date_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hee_core.clock import Clock

VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
_EARLY = 300  # seconds before its end at which a token of an app is not used any more


class Credential(Protocol):
    """Something that can sign a request."""

    name: str

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        ...

    @property
    def account(self) -> str:
        """The app's number; empty for a token, which has to ask."""
        ...

    @property
    def lasting(self) -> str:
        """The fingerprint of what a person has to replace: the token, or an app's key."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names the secret in use without giving it away."""
        ...

    def authorization(self, exchange: Callable[[str, str], Any]) -> str:
        """The header's value; `exchange(path, authorization)` posts to the API with another one."""
        ...


class Token:
    """A token as it was given."""

    account = ""

    def __init__(self, value: str, name: str) -> None:
        """Takes the secret, and where it came from; raises SourceError for what could not be a header."""
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SourceError(f"{name} holds no token: it has blanks or line breaks in it", hint="set it again")
        self._value = value
        self.name = name

    def __repr__(self) -> str:
        return f"<Token {self.name} {self.fingerprint}>"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self._value)

    @property
    def lasting(self) -> str:
        return self.fingerprint

    @property
    def kind(self) -> str:
        """What its prefix says that it is."""
        prefixes = {"ghp_": "classic", "github_pat_": "fine-grained", "ghs_": "actions"}
        return next((kind for prefix, kind in prefixes.items() if self._value.startswith(prefix)), "other")

    def authorization(self, exchange: Callable[[str, str], Any]) -> str:
        del exchange
        return f"Bearer {self._value}"


class App:
    """A GitHub App installation: signs a short statement with its key and gets a token for it."""

    name = "HEE_GITHUB_APP_KEY"
    kind = "app"

    def __init__(self, app_id: str, installation: str, key: bytes, clock: Clock) -> None:
        """Takes the key as PEM; raises SourceError if it is none."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            loaded = load_pem_private_key(key, None)
        except (ValueError, TypeError):
            loaded = None
        if not isinstance(loaded, RSAPrivateKey):
            raise SourceError("the app's key is no RSA private key", hint="HEE_GITHUB_APP_KEY names its PEM file")
        self._key, self._app_id, self._installation, self._clock = loaded, app_id, installation, clock
        self._token, self._until = "", 0.0

    @property
    def account(self) -> str:
        return self._app_id

    @property
    def lasting(self) -> str:
        return fingerprint(str(self._key.public_key().public_numbers().n))

    def __repr__(self) -> str:
        return f"<App {self._app_id} {self.fingerprint}>"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self._token or f"app {self._app_id}")

    def authorization(self, exchange: Callable[[str, str], Any]) -> str:
        if self._seconds() > self._until - _EARLY:
            answer = exchange(f"/app/installations/{self._installation}/access_tokens", f"Bearer {self._statement()}")
            told = answer if isinstance(answer, dict) else {}
            token, end = told.get("token"), told.get("expires_at")
            if (
                not isinstance(token, str)
                or not token.isascii()
                or not token.isprintable()
                or not isinstance(end, str)
                or not is_date_time(end)
            ):
                raise SourceError("GitHub gave the app no token", hint="is the app installed on this repository?")
            self._token, self._until = token, datetime.fromisoformat(end).timestamp()
        return f"Bearer {self._token}"

    def _seconds(self) -> float:
        return datetime.fromisoformat(self._clock.now()).timestamp()

    def _statement(self) -> str:
        """A JSON Web Token (RFC 7519, RS256) that holds for nine minutes, and a minute back for clocks that are behind."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        now = int(self._seconds())
        parts = ({"alg": "RS256", "typ": "JWT"}, {"iat": now - 60, "exp": now + 540, "iss": self._app_id})
        text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        return f"{text}.{_base64url(self._key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def find(clock: Clock, environment: Mapping[str, str] = os.environ) -> Credential | None:
    """The credential of the environment, an app's before a token; None without one."""
    app_id, installation = environment.get("HEE_GITHUB_APP_ID", ""), environment.get("HEE_GITHUB_APP_INSTALLATION", "")
    if app_id and (path := environment.get("HEE_GITHUB_APP_KEY", "")):
        if not installation.isdigit():
            raise SourceError(
                "HEE_GITHUB_APP_INSTALLATION is not the number of an installation",
                hint="it is the last part of the address of the app's installation settings",
            )
        try:
            key = Path(path).read_bytes()
        except OSError as error:
            raise SourceError(
                f"the app's key cannot be read: {error.strerror}", hint="HEE_GITHUB_APP_KEY is a path"
            ) from None
        return App(app_id, installation, key, clock)
    for name in VARIABLES:
        if value := environment.get(name, "").strip():
            return Token(value, name)
    return None


def fingerprint(secret: str) -> str:
    """Sixteen digits that name a secret; a token has far too much randomness to be guessed back from them."""
    return sha256(b"hee-token\0" + secret.encode()).hexdigest()[:16]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
