"""Where a redirect may lead: to a public address, never into the network that this machine stands in.

Logs and artifacts lie where an answer says. Whoever can bend that answer could otherwise have this machine ask its own
services: other programs on loopback, a cloud's metadata at a link-local address, a router. A server of one's own in a
private network may lead into private networks, and one on loopback (the simulator) to loopback; link-local is never asked.

Invariant: the address that was judged is the one that is connected to, whatever its name means a moment later. Through a
proxy, which looks up names itself, only addresses that are written as such can be judged.
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from typing import TYPE_CHECKING

from hee_core.errors import Unreachable

if TYPE_CHECKING:
    import httpx2

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def pin(request: httpx2.Request, *, home: str) -> None:
    """Has a request go to an address that was judged; raises Unreachable for one inside. `home` is the API's own host."""
    url = request.url
    written = _written(url.host)
    if written is None and _proxied(url.scheme, url.host):
        return
    found = (written,) if written else _resolved(url.host)
    kinds = {kind(address) for address in found} - {"public"}
    if kinds and not (len(kinds) == 1 and kinds <= {"private", "loopback"} and kinds == _kinds(home)):
        raise Unreachable(
            f"{url.host} is an address inside of this network ({', '.join(sorted(kinds))}): nothing is fetched from there",
            hint="is GITHUB_API_URL right, and is it GitHub that answers?",
        )
    if written is None:
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        request.url = url.copy_with(host=str(found[0]))  # its host header keeps the name


def kind(address: Address) -> str:
    """`public`, `private`, `loopback` or `link-local`; an IPv4 address within an IPv6 one is judged as what it is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return kind(inner)
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return "public" if address.is_global and not address.is_multicast else "private"


def _kinds(host: str) -> set[str]:
    written = _written(host)
    return {kind(written)} if written else {kind(address) for address in _resolved(host)}


def _written(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _resolved(host: str) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError):
        raise Unreachable(f"{host} cannot be found", hint="is the network there? HEE asks again") from None
    return tuple(dict.fromkeys(ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found))


def _proxied(scheme: str, host: str) -> bool:
    proxies = urllib.request.getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not urllib.request.proxy_bypass(host)
