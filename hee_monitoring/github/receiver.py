"""Listens for GitHub's webhooks and wakes the monitor; polling goes on as the safety net.

Responsible for the sockets: size before reading, how many senders at once and how long each, one short answer. Whether a
delivery counts is `webhook`'s, which were here before is `deliveries`'. The standard library
serves it: one path, no page, and a proxy in front for TLS (docs/adr/0008). Where the pages are served, their server asks `Knocks`.

Invariant: it listens on loopback unless told otherwise, reads nothing beyond the limit, and answers before the monitor works.
No sender holds a connection longer than `LONGEST`, however slowly he sends, and all together no more memory than `ROOM`.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from hee_core.clock import SYSTEM
from hee_core.errors import SourceError
from hee_monitoring.github.deliveries import Deliveries
from hee_monitoring.github.webhook import LARGEST, Door, Refused

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

PATH = "/webhook"
EVENTS = ("workflow_run", "workflow_job", "check_run", "check_suite", "push", "pull_request")
TIMEOUT = 10.0  # seconds without a byte
LONGEST = 30.0  # seconds of a connection
MOST = 32  # connections at once
ROOM = 64 * 1024 * 1024  # bytes of all bodies at once
_LEAST_SECRET = 16


class Knocks:
    """What signed deliveries tell the monitor, whichever server takes them; its methods may be called by any thread."""

    def __init__(self, secret: str, *, known: Path | None = None) -> None:
        """Remembers deliveries in the file `known`; raises SourceError for a secret that is too short."""
        if len(secret) < _LEAST_SECRET:
            raise SourceError(
                "HEE_WEBHOOK_SECRET is missing or shorter than 16 characters",
                hint="make one: `openssl rand -hex 32`; GitHub's webhook settings take the same",
            )
        self._door = Door(secret.encode(), Deliveries(known).new)
        self._knock = threading.Event()
        self._lock = threading.Lock()
        self._runs: set[int] = set()

    def wait(self, seconds: float) -> bool:
        """Waits for a delivery, at most so long; says whether one came."""
        came = self._knock.wait(seconds)
        self._knock.clear()
        return came

    def told(self) -> frozenset[int]:
        """The runs that deliveries told of since this was asked last."""
        with self._lock:
            told, self._runs = frozenset(self._runs), set()
        return told

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Takes one delivery."""
        try:
            with self._lock:
                delivery = self._door.take(headers, body)
                if delivery is None:
                    return 200, "it was here before"
                if delivery.event not in EVENTS:
                    return 200, "nothing to do"
                if delivery.run_id:
                    self._runs.add(delivery.run_id)
        except Refused as refused:
            return refused.status, str(refused)
        self._knock.set()
        return 202, "the monitor looks"


class Receiver(Knocks):
    """The endpoint alone, without the pages and the extra `web`. Use it in `with`."""

    def __init__(self, secret: str, *, host: str = "127.0.0.1", port: int = 0, known: Path | None = None) -> None:
        """Listens at once; raises SourceError for a secret that is too short, or a place that is taken."""
        super().__init__(secret, known=known)
        self._room = ROOM
        try:
            self._server = _Server((host, port), _handler(self))
        except OSError as error:
            raise SourceError(f"cannot listen at {host}:{port}: {error.strerror}", hint="name another --port") from None

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._server.server_address[0]!s}:{self._server.server_port}{PATH}"

    def reserve(self, size: int) -> bool:
        """Takes room for a body, or gives it back with a negative size; False if there is none now."""
        with self._lock:
            if size > self._room:
                return False
            self._room -= size
            return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        """Counts its connections."""
        self._open: dict[socket.socket, float] = {}
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Takes a connection, or ends it at once where there are too many."""
        if len(self._open) >= MOST:
            self.shutdown_request(request)
            return
        self._open[request] = SYSTEM.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Ends a connection."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Ends the connections that have lasted too long: a byte now and then keeps no place."""
        for request, began in list(self._open.items()):
            if SYSTEM.monotonic() - began > LONGEST:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a sender that hung up, which any stranger can do as often as he likes."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT
        wbufsize = 1 << 12

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != PATH:
                self._say(404, f"deliveries go to {PATH}")
            elif not (length.isascii() and length.isdigit()):
                self._say(411, "it names no length")
            elif len(length) > 9 or int(length) > LARGEST:
                self._say(413, "it is too large")
            elif not receiver.reserve(int(length)):
                self._say(503, "too much at once")
            else:
                try:
                    self._say(*self._taken(int(length)))
                finally:
                    receiver.reserve(-int(length))

        def _taken(self, length: int) -> tuple[int, str]:
            body = self.rfile.read(length)
            if len(body) != length:
                return 400, "it is not whole"
            return receiver.answer({name.lower(): value for name, value in self.headers.items()}, body)

        def do_GET(self) -> None:
            self._say(404, f"deliveries go to {PATH}")

        def _say(self, status: int, words: str) -> None:
            text = f"{words}\n".encode()
            self.close_connection = status >= 400  # what was not read would be taken for the next request
            self.send_response_only(status)
            for name, value in (("content-type", "text/plain"), ("content-length", str(len(text)))):
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Says nothing: what a stranger sends is no line of ours."""

    return Handler
