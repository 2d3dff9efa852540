"""The simulator's sockets: what it says as HTTP, whole or bent by a fault. What it says is the simulator's."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    Answer = tuple[int, dict[str, str], bytes, str]  # status, headers, body, fault


def handler(
    answer: Callable[[str, str, dict[str, str], bytes], Answer], stalled: threading.Event
) -> type[BaseHTTPRequestHandler]:
    """Serves what `answer` says; a slow answer waits for `stalled`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet for head and body: two would wait for each other

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def do_PATCH(self) -> None:
            self._serve("PATCH")

        def _serve(self, method: str) -> None:
            given = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, body, kind = answer(
                method, self.path, {name.lower(): value for name, value in self.headers.items()}, given
            )
            if kind == "reset":
                self.close_connection = True
                return
            if kind == "garbage":
                body = b"<html>it works</html>"
            length = len(body) + 100 if kind == "truncated" else len(body) // 2 if kind == "short" else len(body)
            self.send_response_only(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(length))
            self.close_connection = kind in ("truncated", "short", "slow")
            self.end_headers()
            if kind == "slow":
                self.wfile.write(body[:1])
                self.wfile.flush()
                stalled.wait(5)
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Says nothing."""

    return Handler
