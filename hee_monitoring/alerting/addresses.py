"""An address of a channel as an URL, and the places that are this machine itself.

Invariant: what cannot be an address gives an empty one, which no channel takes, and no error that would quote it.
"""

from __future__ import annotations

import httpx2

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def parsed(url: str) -> httpx2.URL:
    """The URL; an empty one for what is none, or has a host that no resolver takes."""
    try:
        found = httpx2.URL(url)
        found.host.encode("idna")
    except (httpx2.InvalidURL, UnicodeError):
        return httpx2.URL("")
    return found
