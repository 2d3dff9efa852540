"""The one door to the network: asks GitHub, and turns every answer that is not one into an error with a name.

Responsible for the token's header (which never reaches another host), redirects, sizes, times, retries, pauses and the
budget. What an answer means is left to its callers: JSON comes back as it is, and 304, 404 and 410 as a status. Where a
redirect may lead is `addresses`'. What can be asked and told has a module each: `pulls`, `comments`, `checks`, `artifacts`, `history`.

Invariant: no message has a token, a query or a signed link in it; a request that changes something is never repeated.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from hee_core.clock import SYSTEM
from hee_core.errors import Declined, Unauthorized, Unreachable
from hee_monitoring.github import addresses
from hee_monitoring.github.limits import Limits
from hee_monitoring.redact import publishable
from hee_monitoring.sources.kept import join_log
from hee_monitoring.sources.step import HEAD, TAIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from hee_core.clock import Clock
    from hee_monitoring.github.credentials import Credential
    from hee_monitoring.github.place import Place

RETRIES = 3
LARGEST_JSON = 32 * 1024 * 1024
LONGEST_S = 300.0
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="next"')
_MOVED = (301, 302, 307, 308)
_PER_PAGE = "per_page=100"


@dataclass(frozen=True, slots=True)
class _Size:
    """How large an answer may be: what is larger is refused, or with `cut` loses its middle."""

    limit: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub said. `lost` counts the bytes in the middle of a large body that were not kept."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: int = 0

    @property
    def etag(self) -> str:
        """The version of what was said; empty where none is given."""
        return self.headers.get("etag", "")

    @property
    def next(self) -> str:
        """The address of the next page; empty on the last one."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found[1] if found else ""


class Client:
    """Asks one GitHub as one credential. Use it in `with`."""

    def __init__(
        self,
        place: Place,
        credential: Credential,
        *,
        clock: Clock = SYSTEM,
        limits: Limits | None = None,
        timeout: float = 30,
    ) -> None:
        """Opens nothing yet; `timeout` is in seconds, for a connection and for each piece of an answer."""
        self.place = place
        self.credential = credential
        self.clock = clock
        self.limits = limits or Limits(clock)
        self._api = httpx2.URL(place.api)
        self._http = httpx2.Client(timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, *, etag: str = "") -> Answer:
        """Reads a path below the API's address, or a whole address that it gave; 200, 304, 404 or 410 comes back."""
        return self._patiently(path, etag=etag)

    def json(self, path: str) -> Any:
        """Reads JSON; None where there is nothing (404, 410)."""
        answer = self.get(path)
        return parsed(answer) if answer.status == 200 else None

    def pages(self, path: str, key: str, *, whole: bool = False) -> Iterator[Any]:
        """The items of a listing, page after page; with `whole` a page that is not there (404, 410) raises Declined."""
        url = f"{path}{'&' if '?' in path else '?'}{_PER_PAGE}"
        while url:
            answer = self.get(url)
            if answer.status != 200:
                if whole:
                    raise Declined("GitHub has no such listing", status=answer.status)
                return
            yield from items(parsed(answer), key)
            url = answer.next

    def log(self, path: str) -> Answer:
        """Reads something large through the link that the API gives for it; its middle is left out beyond a limit."""
        return self._patiently(path, size=_Size(HEAD, cut=True))

    def whole(self, path: str, *, limit: int) -> Answer:
        """Reads a file through the link that the API gives for it; one of more than `limit` bytes raises Unreachable."""
        return self._patiently(path, size=_Size(limit))

    def post(self, path: str, document: object = None) -> Answer:
        """Asks for something to be done, once; `document` goes along as JSON."""
        return self._once("POST", path, document=document)

    def told(self, method: str, path: str, document: object) -> Any:
        """Writes something, once, and gives what GitHub then shows of it; raises Declined where it does not take it."""
        answer = self._once(method, path, document=document)
        if answer.status not in (200, 201):
            raise Declined(f"GitHub does not take it: {_said(answer)}", status=answer.status)
        return parsed(answer)

    def authorization(self) -> str:
        """The header's value that requests bear, for what else asks the same host (`pushing`)."""
        return self.credential.authorization(self._exchange)

    # ------------------------------------------------------------------ one request

    def _patiently(self, path: str, *, etag: str = "", size: _Size | None = None) -> Answer:
        """Repeats a reading request that failed on the way, with pauses that double; pauses of GitHub's are not ours."""
        for attempt in range(RETRIES + 1):
            try:
                answer = self._once("GET", path, etag=etag, size=size)
                if answer.status == 200 and size is None:
                    parsed(answer)
                return answer
            except Unreachable:
                if attempt == RETRIES:
                    raise
                self.clock.sleep(2**attempt * (0.5 + self.limits.jitter()))
        raise AssertionError  # the last attempt returned or raised

    def _once(
        self, method: str, path: str, *, etag: str = "", size: _Size | None = None, authorization: str = "",
        document: object = None,
    ) -> Answer:  # fmt: skip
        url, ours, content = self._url(path), True, None if document is None else json.dumps(document).encode()
        for _ in range(4):
            ours = ours and _same(url, self._api)  # where another host leads back to, it chose: no token for that
            headers = {
                "accept": "application/vnd.github+json",
                "user-agent": "hee",
                "x-github-api-version": "2022-11-28",
            }
            if ours:
                headers["authorization"] = authorization or self.authorization()
                if etag:
                    headers["if-none-match"] = etag
                self.limits.take()
            request = self._http.build_request(
                method, url, headers=headers if ours else {"user-agent": "hee"}, content=content
            )
            if not ours:
                addresses.pin(request, home=self._api.host)
            answer = self._send(request, size or _Size(LARGEST_JSON), _shown(url))
            if answer.status not in _MOVED or method != "GET":
                return self._judged(answer, url, ours=ours)
            url = self._target(url, answer)
        raise Unreachable(f"{_shown(url)} leads from one address to the next", hint="is the repository's name right?")

    def _send(self, request: httpx2.Request, size: _Size, shown: str) -> Answer:
        began, response = SYSTEM.monotonic(), None
        try:
            response = self._http.send(request, stream=True)
            head, tail, length = bytearray(), bytearray(), 0
            for chunk in response.iter_bytes():
                length += len(chunk)
                room = size.limit - len(head)
                head += chunk[:room]
                if length > size.limit:
                    if not size.cut:
                        raise Unreachable(f"{shown} answers with more than {size.limit} bytes")
                    tail += chunk[max(room, 0) :]
                    if len(tail) > 2 * TAIL:
                        del tail[:-TAIL]
                if SYSTEM.monotonic() - began > LONGEST_S:
                    raise Unreachable(f"{shown} took more than {LONGEST_S:g} seconds")
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise Unreachable(
                f"{shown} cannot be reached: {type(error).__name__}", hint="is the network there? HEE asks again"
            ) from None
        finally:
            if response is not None:
                response.close()
        last = bytes(tail[-TAIL:])
        lost = max(length - size.limit - len(last), 0)
        body = join_log(bytes(head), b"", last, lost) if length > size.limit else bytes(head)
        return Answer(response.status_code, body, dict(response.headers), lost)

    def _judged(self, answer: Answer, url: httpx2.URL, *, ours: bool) -> Answer:
        """The answer, or the error that it is."""
        status, said = answer.status, _said(answer)
        if ours and status in (403, 429) and (status == 429 or _is_limit(answer, said)):
            raise self.limits.refused(answer.headers, said)
        if ours and status in (401, 403):
            why = "does not accept the token" if status == 401 else "does not allow this to the token"
            raise Unauthorized(
                f"GitHub {why} {self.credential.name}: {said} ({_shown(url)})",
                status=status,
                hint="`hee tokens check` tells what a token needs; set a new one in GITHUB_TOKEN",
            )
        if ours:
            self.limits.saw(answer.headers)
        if status in (200, 201, 202, 204, 304, 404, 410) or (ours and 400 <= status < 500):
            return answer
        raise Unreachable(f"{_shown(url)} answers {status}: {said}", hint="HEE asks again")

    def _exchange(self, path: str, authorization: str) -> Any:
        return parsed(self._once("POST", path, authorization=authorization))

    # ------------------------------------------------------------------ addresses

    def _url(self, path: str) -> httpx2.URL:
        """An address of the API; one that it gave itself must lead back to it, since it gets the token."""
        if path.startswith("/"):
            return httpx2.URL(f"{self.place.api}{path}")
        try:
            url = httpx2.URL(path)
        except httpx2.InvalidURL:
            url = httpx2.URL("")
        if not _same(url, self._api):
            raise Unreachable("a page of GitHub's answer continues at another host", hint="is GITHUB_API_URL right?")
        return url

    def _target(self, url: httpx2.URL, answer: Answer) -> httpx2.URL:
        try:
            target = url.join(answer.headers.get("location", ""))
        except httpx2.InvalidURL:
            target = httpx2.URL("")
        if target.scheme not in ("https", url.scheme) or not target.host:
            raise Unreachable(f"{_shown(url)} leads to an address that is not safe")
        return target


def parsed(answer: Answer) -> Any:
    """The JSON of an answer; raises Unreachable if it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unreachable("GitHub's answer is not JSON", hint="HEE asks again") from None


def items(document: Any, key: str) -> list[Any]:
    """The items of one page of a listing; raises Unreachable where they are missing: nothing is not an empty list."""
    found = document.get(key) if key and isinstance(document, dict) else document
    if not isinstance(found, list):
        raise Unreachable(f"GitHub's answer has no list of {key or 'items'}", hint="HEE asks again")
    return found


def _same(one: httpx2.URL, other: httpx2.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _shown(url: httpx2.URL) -> str:
    return publishable(f"{url.host}{url.path}", limit=200)


def _said(answer: Answer) -> str:
    try:
        message = json.loads(answer.body).get("message", "")
    except (ValueError, RecursionError, AttributeError):
        message = ""
    return publishable(str(message), limit=200) or f"status {answer.status}"


def _is_limit(answer: Answer, said: str) -> bool:
    headers = answer.headers
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in said.lower()
