"""The short way of the commonest request: JSON rows for one model, all there at once, with nothing unusual about it.

It skips what such a request has no use for (a task of its own, a scope, a channel for the body, a future) and nothing
that protects: host, token, limits, signature, counts and log are the same. Whatever does not fit exactly, or would be
refused, takes the long way through the application, which decides.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from nbregistry.errors import ModelFailed, Overloaded, RegistryError
from nbregistry.serving.app import Application
from nbregistry.serving.boundary import attempted
from nbregistry.serving.codec.asked import Asked
from nbregistry.serving.door import PREDICT
from nbregistry.serving.followed import Followed
from nbregistry.serving.live import Live
from nbregistry.serving.node import Batch, By
from nbregistry.serving.request import SAFE_ID, id_of, meant
from nbregistry.serving.routes import Route
from nbregistry.serving.scoring import CODECS
from nbregistry.serving.short import Short

if TYPE_CHECKING:
    from nbregistry.serving.protocol import HttpProtocol

LONGEST = 64 * 1024
"""Bytes of a body; decoding more may keep others waiting."""

_LOOK = 0.25
_REMEMBERED = 512
_JSON = b"application/json"
_UNUSUAL = frozenset({
    b"origin", b"sec-fetch-site", b"content-encoding", b"transfer-encoding", b"expect", b"upgrade", b"x-explain",
    b"inference-header-content-length",
})  # fmt: skip
"""Headers that take a request the long way."""


class _Way(NamedTuple):
    route: Route
    name: str
    which: str
    codec: ModuleType


class Reply:
    """Who waits for the outputs of one request; what a ``Request`` is to the application's counts and log."""

    __slots__ = (
        "asked", "by", "codec", "endpoint", "express", "id", "live", "media", "method", "name", "protocol", "question",
        "received", "route", "rows", "short", "since",
    )  # fmt: skip

    route: Route | None
    asked: Asked
    question: Batch

    def __init__(self, express: Express, protocol: HttpProtocol, short: Short, way: _Way, endpoint: Followed) -> None:
        self.since = perf_counter()
        self.express, self.protocol, self.short, self.endpoint = express, protocol, short, endpoint
        self.live: Live = endpoint.serving
        self.route, self.codec, self.name = way.route, way.codec, endpoint.name
        self.method, self.media = "POST", "application/json"
        self.by: By | None = self.live.by
        self.received, self.rows = len(short.body), 0
        self.id = ""

    def __str__(self) -> str:
        """Say which request this is, without anything that may be a secret."""
        return f"Request {self.id} (POST {self.route.pattern if self.route else '?'})"

    def done(self) -> bool:
        """Whether nobody waits any more."""
        return self.short.disconnected or self.short.response_complete

    def set_result(self, outputs: Any, /) -> None:
        """Answer."""
        if not attempted(str(self), lambda: self._encoded(outputs), False):
            self.set_exception(ModelFailed("The model's answer has no form in this protocol."))

    def set_exception(self, error: Any, /) -> None:
        """Refuse."""
        answer = self.express.app.refused(self, error)
        self.short.keep_alive &= not answer.close
        head = [STATUS_LINE[answer.status], b"content-type: ", answer.media, b"\r\n"]
        for name, value in answer.headers:
            head += (name, b": ", value, b"\r\n")
        self._write(answer.status, b"".join(head), answer.body)

    def _encoded(self, outputs: Any) -> bool:
        question, live = self.question, self.live
        answer = question.answered(outputs, (live.by,))
        classes = None if question.method == "predict" else getattr(live.loaded.engine, "classes", None)
        body, media, headers = self.codec.encode(answer, self.asked, classes=classes)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: " + media.encode("ascii") + b"\r\n"
        if headers:
            head += b"".join(f"{k.lower()}: {v}\r\n".encode("ascii") for k, v in headers.items())
        self.rows = question.table.rows
        self.express.app.samples.offer(self.endpoint, answer)
        self._write(200, head, body)
        return True

    def _write(self, status: int, head: bytes, body: bytes) -> None:
        express, short, protocol = self.express, self.short, self.protocol
        express.leave(self)
        if short.disconnected:
            express.app.note(self, 499, 0)
            return
        short.response_complete = True
        if express.app.leaving:
            short.keep_alive = False
        end = b"\r\n" if short.keep_alive else b"connection: close\r\n\r\n"
        protocol.transport.write(b"".join((
            head, b"content-length: %d\r\nx-request-id: " % len(body), self.id.encode("ascii"), b"\r\n",
            express.signed(self.by), end, body,
        )))  # fmt: skip
        if not short.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
        express.app.note(self, status, len(body))


class Express:
    """Takes requests the short way, for all connections of one process.

    Parameters
    ----------
    app : Application
        Whose door, limits, counts and log hold here too.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._ways: dict[bytes, _Way | None] = {}
        self._signed: dict[By, bytes] = {}
        self._pending: dict[Reply, None] = {}
        self._looking = False
        self._in_flight = app.measures.in_flight.labels()
        app.beside = self._pending

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._pending)

    def __call__(self, protocol: HttpProtocol, short: Short) -> bool:
        """Take a request whose body is complete; False when it has to go the long way."""
        app, body = self.app, short.body
        way = self._ways.get(short.url) if short.url in self._ways else self._learned(short.url)
        headers = dict(short.headers)
        if (
            way is None or app.leaving or len(body) > LONGEST or len(headers) != len(short.headers)
            or headers.get(b"content-type") != _JSON or not _UNUSUAL.isdisjoint(headers)
            or app.under_way >= app.options.concurrency
        ):  # fmt: skip
            return False
        try:
            app.door.host(headers.get(b"host"))
            app.door.permission(PREDICT, headers)
            endpoint = app.endpoints.find(way.name, way.which)
            if type(endpoint) is not Followed:  # a graph's nodes are asked one after the other, by a task
                return False
            reply = Reply(self, protocol, short, way, endpoint)
            reply.id = id_of(headers)
            intake = reply.live.loaded.intake.limited(app.options.rows_limit)
            asked = way.codec.decode(body, "application/json", intake)
            question = asked.question(endpoint.methods, reply.id)
        except RegistryError:
            return False
        if asked.explain or asked.table.rows > app.options.rows_limit:
            return False
        if question.id != reply.id and SAFE_ID.match(question.id):
            reply.id = question.id
        reply.asked, reply.question = asked, question
        self._enter(reply)
        try:
            reply.live.batcher.put(question, reply)
        except RegistryError as error:
            reply.set_exception(error)
        return True

    def _learned(self, url: bytes) -> _Way | None:
        """Return whom a target means: a path of a model's predictions, without query or escapes; None for others."""
        found: _Way | None = None
        if b"?" not in url and b"%" not in url:
            try:
                match = self.app.table.match(url.decode("ascii"))
            except RegistryError:
                return None
            route = match.routes.get("POST")
            if route is not None and route.action == "predict":
                found = _Way(route, *meant(match.values), CODECS[route.protocol])
        if len(self._ways) >= _REMEMBERED:
            self._ways.clear()
        self._ways[url] = found
        return found

    def signed(self, by: By | None) -> bytes:
        """Return the headers that name the version which answered."""
        if by is None:
            return b""
        found = self._signed.get(by)
        if found is None:
            if len(self._signed) >= _REMEMBERED:
                self._signed.clear()
            found = b"".join(name + b": " + value + b"\r\n" for name, value in self.app.sign(by))
            self._signed[by] = found
        return found

    # -- who is under way

    def _enter(self, reply: Reply) -> None:
        self._pending[reply] = None
        self._in_flight.value += 1
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_LOOK, self._look)

    def leave(self, reply: Reply) -> None:
        """Forget a request that was answered."""
        if self._pending.pop(reply, self) is None:
            self._in_flight.value -= 1

    def _look(self) -> None:
        """End what takes too long; one timer looks at all, the oldest first."""
        oldest = perf_counter() - self.app.options.answer_timeout
        for reply in list(self._pending):
            if reply.done():
                self.leave(reply)
                self.app.note(reply, 499, 0)
            elif reply.since < oldest:
                seconds = self.app.options.answer_timeout
                reply.set_exception(
                    Overloaded(f"The model did not answer within {seconds:g} seconds; ask again later.")
                )
            else:
                break
        self._looking = bool(self._pending)
        if self._looking:
            asyncio.get_running_loop().call_later(_LOOK, self._look)
