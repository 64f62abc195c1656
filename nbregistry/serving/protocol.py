"""HTTP/1.1 on a socket: uvicorn's protocol with limits on what a client may keep us waiting or reading for.

Headers have a deadline from their first byte, so that one byte now and then does not hold a connection. A body has to
keep coming, an answer has to be taken. What two parsers could read in two ways is refused and the connection closed.

Source: RFC 9112, in particular sections 2.2, 3.2, 5.2, 6.3 and 11.2; llhttp refuses most of it by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from nbregistry.serving.limits import BROKEN, LATE
from nbregistry.serving.measures import Measures
from nbregistry.serving.options import Options
from nbregistry.serving.short import Short

HEADERS = 64 * 1024
"""Bytes of a request's line and headers."""

FIELDS = 100
"""Headers of one request."""

TARGET = 8 * 1024
"""Bytes of a request's target."""

PROGRESS = 16 * 1024
"""Bytes of a body that come within ``Options.body_timeout`` at least, while it is not complete."""

RATE = 64 * 1024
"""Bytes a second that a body has to come at on the whole, once ``Options.body_time`` is over."""

LINGER = 5.0
"""Seconds in which a client takes the end of what it was sent; then the connection is cut."""

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class Cycle(RequestResponseCycle):
    """One request and its answer, which is written at once.

    Attributes
    ----------
    trouble : str
        Why the rest of the body will not come: a key of a disconnect event.
    """

    trouble = ""
    _head: list[bytes] | None = None

    async def receive(self) -> Any:
        """Return what came of the body; that the client stopped sending, when it did."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if self.more_body and not self.body and not self.disconnected and not self.trouble:
            self.flow.resume_reading()
            self.message_event.clear()
            await self.message_event.wait()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        if self.trouble:
            return {"type": "http.disconnect", self.trouble: True}
        if self.more_body:
            self.flow.resume_reading()
        message = {"type": "http.request", "body": bytes(self.body), "more_body": self.more_body}
        self.body = bytearray()
        return message

    async def send(self, message: Any) -> None:
        """Send an answer of known length in one piece; anything else uvicorn's way."""
        if message["type"] == "http.response.start" and not self.response_started:
            headers = message["headers"]
            if any(name == b"content-length" for name, _ in headers) and self.scope["method"] != "HEAD":
                self.response_started, self.waiting_for_100_continue = True, False
                self._head = [STATUS_LINE[message["status"]]]
                for name, value in headers:
                    self._head += (name, b": ", value, b"\r\n")
                    if name == b"connection" and value == b"close":
                        self.keep_alive = False
                return
        if self._head is None:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head = self._head
        head.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self.transport.write(b"".join((*head, message["body"])))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    ``bound`` gives uvicorn a class that knows the options of its server.
    """

    options = Options()
    measures = Measures()
    express: Callable[[HttpProtocol, Short], bool] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Take the connection, or turn it away where there are too many."""
        super().connection_made(transport)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._heading, self._headed, self._fields, self._arrived = True, 0, 0, 0
        self._idle_since, self._came, self._since = 0.0, 0, 0.0
        self._broken = False
        self._short: Short | None = None
        self._coding = b""
        self._open = self.measures.connections.labels()
        self._open.inc()
        if len(self.connections) > self.options.connections:
            self._refuse(503, "Too many connections.")
        else:
            self._arm("header", self.options.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything that was waited for."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._open.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if self._broken:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._lengthen()
            # What should follow is another protocol, which we do not speak: this request is the last here.
            self._broken = True
            if self.cycle is not None:
                self.cycle.keep_alive = self.cycle.more_body = False
                self.cycle.message_event.set()
            return
        except httptools.HttpParserError:
            self._lengthen()
            self._refuse(400, "The request is not HTTP as we read it.")
            return
        if self._short is not None:
            self._lengthen()
        if self._broken:
            return
        if self._heading:
            self._headed += len(data)
            if self._headed > HEADERS:
                self._refuse(431, "The headers are too long.")
            elif "header" not in self._timers:
                self._arm("header", self.options.header_timeout)
        elif self.cycle is not None and self.cycle.more_body and "body" not in self._timers:
            self._arrived, self._since = 0, self.loop.time()
            self._arm("body", self.options.body_timeout)

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._heading, self._headed, self._fields, self._coding = True, 0, 0, b""
        self._came = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, if there are not too many."""
        self._fields += 1
        self._headed += len(name) + len(value)
        if self._fields <= FIELDS and self._headed <= HEADERS:
            name = name.lower()
            self.headers.append((name, value))
            if name == b"expect":
                self.expect_100_continue = value.lower() == b"100-continue"
            elif name == b"transfer-encoding":
                self._coding = (self._coding + b"," if self._coding else b"") + value.strip().lower()

    def on_headers_complete(self) -> None:
        """Start to answer, unless nobody should."""
        self._heading = False
        if self._timers:
            self._disarm("header")
        url = self.url
        if self._broken:
            return
        if self._fields > FIELDS or self._headed > HEADERS:
            self._refuse(431, "The headers are too long, or too many.")
        elif len(url) > TARGET:
            self._refuse(414, "The target is too long.")
        elif not url.startswith(b"/") or not url.isascii():
            self._refuse(400, "The request's target is a path in ASCII, nothing else.")
        elif self._coding and self._coding != b"chunked":
            self._refuse(400, "The only transfer coding is chunked.")
        else:
            self._headed = 0
            self._begin(url)

    def _begin(self, url: bytes) -> None:
        """Have the application answer, now or after what was asked before; or see first whether the short way does."""
        version, method, before = self.parser.get_http_version(), self.parser.get_method(), self.cycle
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        if (
            self.express is not None and method == b"POST" and (before is None or before.response_complete)
            and not self._coding and not self.expect_100_continue and not self.flow.write_paused
        ):  # fmt: skip
            self._short = Short(url, self.headers, version, keep_alive=keep_alive)
            self.cycle = cast(Any, self._short)
        else:
            self._take(url, self.headers, method, version, keep_alive=keep_alive)

    def _lengthen(self) -> None:
        """Have a request that does not fit the short way answered on the long one, from where it is."""
        short, self._short = self._short, None
        if short is None:
            return
        self.cycle = cast(Any, None)
        self._take(short.url, short.headers, b"POST", short.version, keep_alive=short.keep_alive)
        self.cycle.body += short.body
        self.cycle.more_body = short.more_body

    def _take(
        self, url: bytes, headers: list[tuple[bytes, bytes]], method: bytes, version: str, *, keep_alive: bool
    ) -> None:
        raw_path, _, query = url.partition(b"?")
        path = raw_path.decode("ascii")
        scope: Any = {
            "type": "http", "http_version": version, "method": method.decode("ascii"),
            "scheme": self.scheme, "path": unquote(path) if "%" in path else path, "raw_path": raw_path,
            "query_string": query, "root_path": "", "headers": headers, "server": self.server,
            "client": self.client, "asgi": _ASGI,
        }  # fmt: skip
        before = self.cycle
        self.cycle = Cycle(
            scope, self.transport, self.flow, self.logger, self.access_logger, False,
            self.server_state.default_headers, asyncio.Event(), self.expect_100_continue, keep_alive,
            self.on_response_complete,
        )  # fmt: skip
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        cycle = self.cycle
        if self._broken or cycle.response_complete:
            return
        self._arrived += len(body)
        self._came += len(body)
        cycle.body += body
        if self._short is not None:
            return
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Know that the body is complete."""
        if self._broken:
            return
        if self._timers:
            self._disarm("body")
        self.cycle.more_body = False
        if (short := self._short) is not None and self.express is not None:
            if self.express(self, short):
                self._short = None
            else:
                self._lengthen()
            return
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Begin the request that waits, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._arm("linger", LINGER)
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        # One timer a connection, which looks at when it fell idle, costs less than one a request.
        self._idle_since = self.loop.time()
        if "idle" not in self._timers:
            self._arm("idle", self.options.keep_alive)

    def pause_writing(self) -> None:
        """Give the client a while to take what it was sent."""
        super().pause_writing()
        self._arm("write", LINGER * 4)

    def resume_writing(self) -> None:
        """Go on writing."""
        self._disarm("write")
        super().resume_writing()

    def _arm(self, what: str, seconds: float) -> None:
        self._disarm(what)
        self._timers[what] = self.loop.call_later(seconds, self._due, what)

    def _disarm(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer is not None:
            timer.cancel()

    def _due(self, what: str) -> None:
        """Act on what took too long."""
        self._timers.pop(what, None)
        if what == "header":
            if self._headed:
                self._refuse(408, "The headers did not arrive in time.")
            else:
                self._end()
        elif what == "body":
            self._stalled()
        elif what == "idle":
            self._idle()
        else:
            self.transport.abort()

    def _idle(self) -> None:
        """Close a connection that nobody uses."""
        rest = self._idle_since + self.options.keep_alive - self.loop.time()
        if self._heading or not self.cycle.response_complete:
            rest = self.options.keep_alive
        if rest > 0:
            self._arm("idle", rest)
        else:
            self._end()

    def _end(self) -> None:
        self.transport.close()
        self._arm("linger", LINGER)

    def _stalled(self) -> None:
        """See whether the body of the request that is read keeps coming."""
        cycle = cast("Cycle | None", self.cycle)
        if cycle is None or not cycle.more_body or cycle.response_complete:
            return
        if self.flow.read_paused:
            self._since += self.options.body_timeout
        late = self.loop.time() - self._since > self.options.body_time + self._came / RATE
        if self.flow.read_paused or (self._arrived >= PROGRESS and not late):
            self._arrived = 0
            self._arm("body", self.options.body_timeout)
            return
        self._give_up(cycle, LATE)

    def _give_up(self, cycle: Cycle, trouble: str) -> None:
        """Let the application know that no more of the body comes; what it answers is the last here."""
        cycle.trouble, cycle.keep_alive, self._broken = trouble, False, True
        cycle.message_event.set()

    def _refuse(self, status: int, why: str) -> None:
        """Say why, and close; an answer under way is finished first, as its client waits for that one."""
        self._broken = True
        self.pipeline.clear()
        cycle = cast("Cycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            if cycle.more_body:
                self._give_up(cycle, BROKEN)
            else:
                cycle.keep_alive = False
            return
        self.measures.rejected.labels(f"http_{status}").inc()
        body = b'{"error":"http","message":"' + why.encode("ascii") + b'"}'
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            + body
        )
        self._end()


def bound(
    options: Options, measures: Measures, express: Callable[[HttpProtocol, Short], bool] | None = None
) -> type[HttpProtocol]:
    """Return the class of a server's connections.

    Parameters
    ----------
    express : callable
        Offered every POST that came in one piece; says whether it answers.
    """
    held = {"options": options, "measures": measures, "express": None if express is None else staticmethod(express)}
    return type("BoundProtocol", (HttpProtocol,), held)
