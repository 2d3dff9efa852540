"""The channel that writes an e-mail: `smtp://user:password@host:587/?from=hee@example.org&to=ada@example.org`.

Everything about one alert is one conversation. Invariant: a password crosses a network only after TLS, whose certificate
is checked; a text becomes a header only through the library that refuses line ends in it.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from typing import TYPE_CHECKING

from hee_monitoring.alerting.addresses import LOOPBACK, parsed
from hee_monitoring.alerting.channels import DeliveryFault

if TYPE_CHECKING:
    from hee_monitoring.alerting.message import Message

TIMEOUT_S = 10
_PORTS = {"smtp": 587, "smtps": 465}


class Email:
    """Sends a message to the addresses of one URL."""

    def __init__(self, url: str) -> None:
        """Raises ValueError where the address lacks a host, a sender or a receiver."""
        found = parsed(url)
        self._url = found
        self._from = found.params.get("from", "")
        self._to = [each for each in found.params.get_list("to") for each in each.split(",") if each]
        if found.scheme not in _PORTS or not found.host:
            raise ValueError("holds no address of a mail server, as smtp://HOST:587/?from=…&to=…")
        if not self._to or not all(
            "@" in parseaddr(each)[1] and each.isprintable() for each in [self._from, *self._to]
        ):
            raise ValueError("names no sender and receiver, as ?from=hee@example.org&to=ada@example.org")

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        """Delivers once; returns when the server took it for every receiver."""
        host = "hee.invalid"  # a name that no mail server answers to: these ids only relate messages
        mail = EmailMessage()
        mail["Subject"] = message.title(repository)
        mail["From"] = self._from
        mail["To"] = ", ".join(self._to)
        mail["Message-ID"] = f"<{message.name[:32]}@{host}>"
        if len(message.alerts) == 1:
            about = message.alerts[0].name.replace("/", ".").lower()
            mail["References"] = f"<{about}.{log_id[:16]}@{host}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text(repository))
        try:
            with self._server() as server:
                refused = server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            code = getattr(error, "smtp_code", "")
            raise DeliveryFault(f"the mail server did not take it: {type(error).__name__} {code}".strip()) from None
        if refused:
            raise DeliveryFault(f"the mail server refused {len(refused)} of {len(self._to)} receivers")

    def _server(self) -> smtplib.SMTP:
        url = self._url
        port = url.port or _PORTS[url.scheme]
        context = ssl.create_default_context()
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(url.host, port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(url.host, port, timeout=TIMEOUT_S)
            if url.host not in LOOPBACK:
                server.starttls(context=context)
        if url.username:
            server.login(url.username, url.password)
        return server


def email(url: str, _: str) -> Email:
    """Opens a way to write e-mails."""
    return Email(url)
