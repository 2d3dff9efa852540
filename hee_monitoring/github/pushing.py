"""How git gets the credential to push with: by its environment, for one address, never in an argument or a file.

Responsible for when git may have it at all: only where the remote is the very repository that the API is asked about, on
the host that gets the token anyway. Any other remote is reached as its owner configured it, and gets nothing of ours.

Invariant: the settings name the whole address, so git sends the header nowhere else, follows no redirect with it, and
checks the server's certificate, whatever the repository's own configuration says.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from hee_monitoring.github.place import PUBLIC, of_remote

if TYPE_CHECKING:
    from hee_monitoring.github.client import Client

_URL = re.compile(r"(?P<scheme>https?)://(?:[^@/\s]*@)?(?P<host>[^@/\s]+)(?P<path>/\S*)")


def login(client: Client, url: str) -> dict[str, str]:
    """The environment with which git pushes to a remote's address; empty where the credential is none of its business."""
    api = client.place.api
    place, there = of_remote(url, "" if api == PUBLIC else api), _URL.fullmatch(url)
    web = _URL.fullmatch("https://github.com/" if api == PUBLIC else f"{api}/")
    if place is None or there is None or web is None or place.repository.lower() != client.place.repository.lower():
        return {}
    if (there["scheme"], there["host"].lower()) != (web["scheme"], web["host"].lower()):
        return {}
    secret = client.authorization().partition(" ")[2]
    basic = base64.b64encode(f"x-access-token:{secret}".encode()).decode()
    address = f"{there['scheme']}://{there['host']}{there['path']}"
    said = (
        ("extraHeader", ""),  # what a workflow's checkout left there would be a second one, which GitHub refuses
        ("extraHeader", f"Authorization: Basic {basic}"),
        ("followRedirects", "false"),
        ("sslVerify", "true"),
    )
    settings = {"GIT_CONFIG_COUNT": str(len(said))}
    for number, (name, value) in enumerate(said):
        settings |= {f"GIT_CONFIG_KEY_{number}": f"http.{address}.{name}", f"GIT_CONFIG_VALUE_{number}": value}
    return settings
