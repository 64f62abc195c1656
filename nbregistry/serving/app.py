"""The door of the server: a bare ASGI application over the route table.

A request passes, in this order: the name it was called by, the route, the page it comes from, its token, the limits;
only then its body is read and somebody is asked. Whatever refuses it answers in the words of the route's protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sized
from time import perf_counter, time
from typing import Any

from nbregistry.errors import Overloaded, RegistryError, TooLarge
from nbregistry.serving import limits, refusals
from nbregistry.serving.accesslog import AccessLog
from nbregistry.serving.answers import ACTIONS
from nbregistry.serving.boundary import guarded
from nbregistry.serving.deadlines import Deadlines
from nbregistry.serving.decoding import Decoding
from nbregistry.serving.door import PREDICT, Door
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import By, Endpoints
from nbregistry.serving.options import Options
from nbregistry.serving.refusals import WrongMethod
from nbregistry.serving.request import Answer, Noted, Receive, Request, Scope, Send
from nbregistry.serving.routes import OPERATIONS, ROUTES, Route, RouteTable
from nbregistry.serving.samples import Samples
from nbregistry.serving.snapshots import Snapshots

Action = Callable[["Application", Request], Awaitable[Answer]]
Pairs = tuple[tuple[bytes, bytes], ...]

_ALLOWED_HEADERS = b"Authorization, Content-Type, Content-Encoding, X-Request-Id, X-Explain, X-Route-Key"


class Application:
    """ASGI application of one process.

    Parameters
    ----------
    endpoints : Endpoints
        What is served.
    options : Options
        Who may ask, and how much.
    measures : Measures
        Counted here and wherever models run.
    routes : tuple of Route
        The table; only tests give another.

    Attributes
    ----------
    beside : Sized
        Predictions that came the short way (``express``).
    leaving : bool
        Set while the process finishes what it has: readiness says no, and connections end with their answer.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        options: Options | None = None,
        measures: Measures | None = None,
        routes: tuple[Route, ...] = ROUTES,
    ) -> None:
        self.endpoints = endpoints
        self.options = options or Options()
        self.measures = measures or Measures()
        self.table = RouteTable(routes)
        self.actions: Mapping[str, Action] = {route.action: ACTIONS[route.action] for route in self.table.routes}
        self.door = Door(self.options)
        self.deadlines = Deadlines(self.options.answer_timeout)
        self.beside: Sized = ()
        self.budget = limits.Budget(self.options.bodies_limit)
        self.decoding = Decoding()
        self.snapshots = Snapshots(self.measures, self.options.folder, self.options.index)
        self.log = AccessLog(self.options, self.measures)
        self.samples = Samples(self.options, self.measures)
        self.started = time()
        self.leaving = False
        self._in_flight = self.measures.in_flight.labels()
        self._cells: dict[tuple[str, str, str, str], Any] = {}
        self._signatures: dict[By, Pairs] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through one life of the server."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    @property
    def under_way(self) -> int:
        """Predictions that are being made, whichever way they came."""
        return len(self.deadlines) + len(self.beside)

    def start(self) -> None:
        """Begin to write statistics and logs."""
        self.measures.workers.labels().set(1)
        self.snapshots.start()
        self.log.start()
        self.samples.start()

    def stop(self) -> None:
        """Write what is left to be written."""
        self.leaving = True
        self.decoding.stop()
        self.samples.stop()
        self.log.stop()
        self.snapshots.stop()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self._in_flight.value += 1
        try:
            answer = await self._answer(request)
        except limits.Gone:
            self.note(request, 499, 0)
            return
        finally:
            self._in_flight.value -= 1
        body = answer.body
        headers = [
            (b"content-type", answer.media), (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request.id.encode("ascii")), *answer.headers,
        ]  # fmt: skip
        if (by := request.by) is not None:
            headers += self._signatures.get(by) or self.sign(by)
        if answer.close or self.leaving:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self.note(request, answer.status, len(body))

    async def _answer(self, request: Request) -> Answer:
        try:
            return await guarded(request, lambda: self._entered(request))
        except limits.Gone:
            raise
        except RegistryError as error:
            return self.refused(request, error)
        except MemoryError:
            return self.refused(request, Overloaded("The server is out of memory for this request.", 5.0))

    async def _entered(self, request: Request) -> Answer:
        """Let the request through the door and to its route."""
        headers = request.headers
        request.check_headers()
        pages = self.door.host(headers.get(b"host"))
        match = self.table.match(request.path)
        method = request.method
        if method == "OPTIONS":
            return self._offered(request, match.routes)
        route = match.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise WrongMethod(", ".join(sorted(match.routes)))
        request.route, request.values = route, match.values
        origin = b""
        if method != "GET" or route.permission == PREDICT:
            origin = self.door.origin(headers, pages)
        self.door.permission(route.permission, headers)
        if route.media:
            share = limits.Share(self.budget)
            try:
                await self._read(request, route, share)
                answer = await self.actions[route.action](self, request)
            finally:
                share.release()
        else:
            answer = await self.actions[route.action](self, request)
        return answer._replace(headers=(*answer.headers, *_shared(origin))) if origin else answer

    async def _read(self, request: Request, route: Route, share: limits.Share) -> None:
        """Read the body; a route that takes little may be asked with none."""
        media, limit = "", self.options.body_limit if route.limit is None else route.limit
        if route.limit is None or b"content-type" in request.headers:
            media = limits.media_of(request.headers, route.media)
        request.body = await limits.body_of(request.receive, request.headers, limit, share)
        request.media, request.received = media, len(request.body)  # without a type: refusing it closes the connection
        if request.body and not media:
            limits.media_of(request.headers, route.media)

    def _offered(self, request: Request, routes: Mapping[str, Route]) -> Answer:
        """Answer OPTIONS: what there is, and to a configured page of another origin that it may ask."""
        methods = b", ".join(sorted({m.encode("ascii") for m in routes} | {b"OPTIONS"}))
        headers: Pairs = ((b"allow", methods),)
        if (origin := request.headers.get(b"origin")) is not None and self.door.allows_origin(origin):
            headers += _shared(origin)
            headers += (
                (b"access-control-allow-methods", methods), (b"access-control-allow-headers", _ALLOWED_HEADERS),
                (b"access-control-max-age", b"600"),
            )  # fmt: skip
        return Answer(b"", 204, headers=headers)

    def refused(self, request: Noted, error: RegistryError) -> Answer:
        """Tell an error in the words of the protocol that was asked in, and count it."""
        protocol = request.route.protocol if request.route else OPERATIONS
        name, number = request.name, str(request.by.number) if request.by else ""
        kind = refusals.kind_of(error)
        if name:
            self.measures.errors.labels(name, number, kind).inc()
        else:
            self.measures.rejected.labels(kind).inc()
        status, body, headers = refusals.told(protocol, error, request.id)
        # What was not read to its end cannot be followed by another request.
        unread = isinstance(error, TooLarge) or status in (408, 415) or not request.media
        return Answer(body, status, headers=headers, close=unread and request.method not in ("GET", "HEAD"))

    def sign(self, by: By) -> Pairs:
        """Return the headers that name a version; made once."""
        text = by.name.encode("ascii", "backslashreplace")  # a header carries no other alphabet
        found = (
            (b"x-model-name", text), (b"x-model-version", b"%d" % by.number),
            (b"x-model-digest", by.digest.encode("ascii")),
        )  # fmt: skip
        self._signatures[by] = found
        return found

    def note(self, request: Noted, status: int, sent: int) -> None:
        """Count and log what became of a request."""
        seconds = perf_counter() - request.since
        protocol = request.route.protocol if request.route else OPERATIONS
        number = str(request.by.number) if request.by else ""
        key = (request.name, number, protocol, f"{status // 100}xx")
        cells = self._cells.get(key)
        if cells is None:
            first = key[:3]
            measures = self.measures
            cells = measures.requests.labels(*key), measures.seconds.labels(*first), measures.rows.labels(*first)
            self._cells[key] = cells
        cells[0].value += 1
        cells[1].observe(seconds)
        if status == 200:
            cells[2].value += request.rows
        self.log.write(request, status, sent, seconds)


def application(
    endpoints: Endpoints, *, options: Options | None = None, measures: Measures | None = None
) -> Application:
    """Return the ASGI application that serves these endpoints."""
    return Application(endpoints, options=options, measures=measures)


def _shared(origin: bytes) -> Pairs:
    return ((b"access-control-allow-origin", origin), (b"vary", b"Origin"))
