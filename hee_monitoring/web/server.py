"""The socket of the pages: loopback unless told otherwise, and beyond it only with a secret. Runs beside whoever waits.

Responsible for where it listens, and for ending: streams first, then what is being answered. Invariant: it does not start
where strangers could reach it without a secret.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from hee_core.errors import SourceError
from hee_monitoring.web.app import Site
from hee_monitoring.web.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from hee_monitoring.github.receiver import Knocks
    from hee_monitoring.web.book import Book

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LEAST_SECRET = 16
GRACE_S = 2


class Server:
    """The pages of a book at an address. Use it in `with`."""

    def __init__(
        self, book: Book, *, host: str = "127.0.0.1", port: int = 0, secret: str = "", allowed: Sequence[str] = (),
        knocks: Knocks | None = None,
    ) -> None:  # fmt: skip
        """Listens at once; raises SourceError for an open place without a secret, a short one, or a place that is taken."""
        if secret and len(secret) < LEAST_SECRET:
            raise SourceError("the secret of the pages is shorter than 16 characters", hint="openssl rand -hex 32")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, *_, address = found[0]
            if not secret and not all(_is_loopback(each[4][0]) for each in found):
                raise SourceError(
                    f"{host} can be reached by others, and there is no secret",
                    hint="put one of 16 characters or more into HEE_WEB_SECRET, or listen at 127.0.0.1 behind a proxy",
                )
            self._socket = socket.create_server(address[:2], family=family)
        except OSError as error:
            raise SourceError(f"cannot listen at {host}:{port}: {error.strerror}", hint="name another --port") from None
        self.host, self.port = host, self._socket.getsockname()[1]
        self.site = Site(book, knocks=knocks)
        hosts = frozenset(name.lower() for name in (*LOOPBACK, host, *allowed))
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self.site.guarded(hosts=hosts, secret=secret), log_config=None, access_log=False, lifespan="off",
                http=Patience, ws="none", proxy_headers=False, server_header=False, limit_concurrency=128,
                timeout_keep_alive=5, timeout_graceful_shutdown=GRACE_S, h11_max_incomplete_event_size=32 * 1024,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.site.ended.set()
        self._uvicorn.should_exit = True
        self._thread.join(GRACE_S * 5)
        if not self._thread.is_alive():  # what still ends on a busy machine closes it itself
            self._socket.close()

    def _serve(self) -> None:
        try:
            self._uvicorn.run([self._socket])
        except BaseException:
            if not self.site.ended.is_set():  # what is cut off by the end is no fault to tell
                raise

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/"

    def wait(self) -> None:
        """Waits until the server ended by itself, or somebody interrupts."""
        while self._thread.is_alive():
            self._thread.join(1)


def _is_loopback(address: str | int) -> bool:
    return ipaddress.ip_address(str(address).partition("%")[0]).is_loopback
