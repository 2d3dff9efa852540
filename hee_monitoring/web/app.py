"""The paths of the pages, each to its view; pages that were made before are given again while nothing changed.

Invariant: a page is kept under the head, the point and the whole address that it was made for, so none outlives what it
shows; what signs or was signed is never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from hee_core.errors import Conflict, HeeError, NotFound
from hee_monitoring import signedrequest
from hee_monitoring.github.receiver import PATH as WEBHOOK
from hee_monitoring.web import pages
from hee_monitoring.web.guard import Guard, TooLarge, TooSlow, too_large, too_slow
from hee_monitoring.web.live import Streams
from hee_monitoring.web.views import (
    acknowledge,
    alerts,
    approve,
    decisions,
    event,
    fix,
    health,
    issue,
    overview,
    signing,
    timeline,
)
from hee_monitoring.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from hee_monitoring.github.receiver import Knocks
    from hee_monitoring.web.book import Book, Look

KEPT = 256
LARGEST_KEPT = 512 * 1024
STATIC = {"hee.css": "text/css", "hee.js": "text/javascript", "hee.svg": "image/svg+xml"}


class Site:
    """The application over one book; `ended` is set when the server goes down."""

    def __init__(self, book: Book, *, knocks: Knocks | None = None) -> None:
        """Takes the book, and whoever is told of webhooks' knocks."""
        self.book = book
        self.ended = Flag()
        self.streams = Streams(book.tip, self.ended.is_set)
        self._knocks = knocks
        self._kept: OrderedDict[tuple[str, str], tuple[str, str, int]] = OrderedDict()
        self._kept_lock = Lock()

    def guarded(self, *, hosts: frozenset[str], secret: str) -> Guard:
        """The application behind its guard."""
        routes = [
            Route("/", self._page("overview.html", overview.values)),
            Route("/timeline", self._page("timeline.html", _timeline)),
            Route("/decisions", self._page("decisions.html", decisions.values)),
            Route("/alerts", self._page("alerts.html", alerts.values)),
            Route("/issue/{name:path}", self._page("issue.html", issue.values)),
            Route("/decision/{name:path}", self._page("decision.html", decisions.one)),
            Route("/fix/{name:path}", self._page("fix.html", fix.values)),
            Route("/event/{name}", self._page("event.html", event.values)),
            Route("/event/{name}/proof", self._answer(self._proof)),
            Route("/approve/{name:path}", self._prepared("approve.html", approve.values)),
            Route("/acknowledge/{name:path}", self._prepared("acknowledge.html", acknowledge.values)),
            Route("/approve", self._handed_in, methods=["POST"]),
            Route("/acknowledge", self._handed_in, methods=["POST"]),
            Route("/health.json", self._answer(self._health)),
            Route("/live", self._live),
            Route("/static/{name}", _static),
        ]
        if self._knocks is not None:
            routes.append(Route(WEBHOOK, self._webhook, methods=["POST"]))
        told = {404: _nothing, TooLarge: too_large, TooSlow: too_slow}
        return Guard(Starlette(routes=routes, exception_handlers=told), hosts, secret)

    # ------------------------------------------------------------------ pages

    def _page(self, template: str, view: Callable[..., dict[str, Any]]) -> Callable[[Request], Any]:
        def made(request: Request) -> Response:
            at = request.query_params.get("at", "").strip()[:80]
            address = f"{request.url.path}?{request.url.query}"
            with self.book.lock:
                if kept := self._recall(self.book.tip(), address):
                    return HTMLResponse(kept)
                look = self.book.look(at)
                given = {name: value for name, value in request.path_params.items() if name == "name"}
                more = (request.query_params,) if view is _timeline else tuple(given.values())
                text = pages.render(template, look, here=request.url.path, **view(self.book, look, *more))
            self._keep(look.head, address, text)
            return HTMLResponse(text)

        return self._answer(made)

    def _answer(self, made: Callable[[Request], Response]) -> Callable[[Request], Any]:
        """Runs in a thread of its own, and makes a page of an error."""

        def told(request: Request) -> Response:
            try:
                return made(request)
            except HeeError as error:
                return self._error(error)

        async def answer(request: Request) -> Response:
            return await run_in_threadpool(told, request)

        return answer

    def _error(self, error: HeeError) -> Response:
        status = 404 if isinstance(error, NotFound) else 409 if isinstance(error, Conflict) else 503
        return HTMLResponse(pages.render("error.html", None, error=str(error), hint=error.hint, status=status), status)

    def _recall(self, head: str, address: str) -> str:
        with self._kept_lock:
            found = self._kept.get((head, address))
            if found is None:
                return ""
            self._kept.move_to_end((head, address))
            return found[0]

    def _keep(self, head: str, address: str, text: str) -> None:
        if len(text) > LARGEST_KEPT:
            return
        with self._kept_lock:
            self._kept[head, address] = (text, head, len(text))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    # ------------------------------------------------------------------ what is no page

    def _health(self, request: Request) -> Response:
        try:
            look = self.book.look(request.query_params.get("at", "").strip()[:80])
        except HeeError as error:
            document = {"status": None, "word": "UNKNOWN", "error": {"code": error.code, "message": str(error)}}
            return JSONResponse(document, 404 if isinstance(error, NotFound) else 503)
        return JSONResponse(health.values(self.book, look))

    def _proof(self, request: Request) -> Response:
        name = request.path_params["name"]
        with self.book.lock:
            look = self.book.look(request.query_params.get("at", "").strip()[:80])
            made = event.proof_of(self.book, look, name)
        kept = f'attachment; filename="event-{name}.tlog-proof"'
        return Response(made, media_type="text/plain", headers={"content-disposition": kept})

    async def _live(self, request: Request) -> Response:
        if self.streams.full():
            return PlainTextResponse("too many pages listen; reload instead\n", 503)
        known = request.query_params.get("head", "")[:64]
        return StreamingResponse(self.streams.events(known), media_type="text/event-stream")

    async def _webhook(self, request: Request) -> Response:
        assert self._knocks is not None  # noqa: S101 - the path exists only then
        status, words = self._knocks.answer(dict(request.headers), await request.body())
        return PlainTextResponse(f"{words}\n", status)

    # ------------------------------------------------------------------ what people sign

    def _prepared(self, template: str, view: Callable[..., dict[str, Any]]) -> Callable[[Request], Any]:
        def made(request: Request) -> Response:
            with self.book.lock:
                look = self.book.look()
                values = view(self.book, look, request.path_params["name"], request.query_params)
                return HTMLResponse(pages.render(template, look, here=request.url.path, **values))

        return self._answer(made)

    async def _handed_in(self, request: Request) -> Response:
        form = QueryParams((await request.body()).decode("utf-8", "replace"))
        return await run_in_threadpool(self._take, form)

    def _take(self, form: QueryParams) -> Response:
        try:
            line, armor = signing.signed(form)
            with Workspace.open(self.book.place, clock=self.book.workspace.clock) as workspace:
                if workspace.log.signer.role == "human":
                    raise NotFound("this server has a person's key, and takes nothing", hint="give it an agent's")
                entry = signedrequest.take(workspace, line, armor)
        except HeeError as error:
            status = 409 if isinstance(error, Conflict) else 403
            text = pages.render("error.html", None, error=f"Not taken: {error}", hint=error.hint, status=status)
            return HTMLResponse(text, status)
        return RedirectResponse(pages.path("event", entry.index), 303)


def _timeline(book: Book, look: Look, query: QueryParams) -> dict[str, Any]:
    asked = {name: query.get(name, "").strip()[:300] for name in ("type", "about", "before")}
    return timeline.values(book, look, type_=asked["type"], about=asked["about"], before=asked["before"])


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return await _nothing(request, Exception())
    return FileResponse(Path(__file__).parent / "static" / name, media_type=STATIC[name])


async def _nothing(_: Request, __: Exception) -> Response:
    text = pages.render("error.html", None, error="There is no such page.", hint="", status=404)
    return HTMLResponse(text, 404)
