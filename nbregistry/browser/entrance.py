"""The entrance of the server: what is checked and taken away before any route sees a request.

A token in an address would end up in logs, in a kernel's environment and in what a page tells of itself, so it leaves
the address here, at the first place that reads it. Headers that only we may set are dropped from what a client sent.
"""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import parse_qsl, urlencode

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application

from nbregistry.errors import InvalidInput, NotAllowed, RegistryError
from nbregistry.serving.door import Door

TOKEN = "X-Nbregistry-Shown-Token"  # noqa: S105 - the header's name, not what it holds
"""Header in which routes find the token that a request showed."""
IN_ADDRESS = "X-Nbregistry-Token-Stood-In-Address"
"""Header that is there when the token stood in the address, which the browser should forget."""
_OURS = (TOKEN, IN_ADDRESS)
_METHODS = frozenset({"GET", "HEAD", "POST"})
_REASONS = {400: "Bad Request", 403: "Forbidden", 405: "Method Not Allowed"}


class Entrance(HTTPServerConnectionDelegate):
    """Stands in front of an application.

    Parameters
    ----------
    door : Door
        Which names the server may be called by, and which pages may ask it.
    """

    def __init__(self, application: Application, door: Door) -> None:
        self._application, self._door = application, door

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return who reads the next request."""
        return _Request(self._application.start_request(server_conn, request_conn), request_conn, self._door)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection was closed."""
        self._application.on_close(server_conn)


class _Request(HTTPMessageDelegate):
    """One request on its way in."""

    def __init__(self, inner: HTTPMessageDelegate, connection: HTTPConnection, door: Door) -> None:
        self._inner, self._connection, self._door = inner, connection, door
        self._refused: tuple[int, str] | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)  # noqa: S101 - a server reads requests; narrows the type
        try:
            if start_line.method not in _METHODS:
                self._refused = 405, "This server takes GET and POST."
                return None
            self._check(start_line, headers)
            cleaned = _cleaned(start_line, headers)
        except RegistryError as error:
            self._refused = 400 if isinstance(error, InvalidInput) else 403, str(error)
            return None
        return self._inner.headers_received(cleaned, headers)

    def _check(self, start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        named = headers.get_list("Host")
        if len(named) != 1 or not start_line.path.startswith("/"):
            raise InvalidInput("A request names its server once, in the Host header, and its path begins with a slash.")
        pages = self._door.host(named[0].encode("latin-1", "replace"))
        changes = start_line.method == "POST" or "Upgrade" in headers
        if changes:
            if len(headers.get_list("Origin")) > 1:
                raise NotAllowed("A request comes from one page.")
            found = {name: headers[name].encode("latin-1", "replace") for name in headers}
            self._door.origin(
                {name.lower().encode("latin-1", "replace"): value for name, value in found.items()}, pages
            )

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return None if self._refused else self._inner.data_received(chunk)

    def finish(self) -> None:
        if self._refused is None:
            self._inner.finish()
            return
        status, told = self._refused
        body = told.encode()
        headers = HTTPHeaders(
            {
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": str(len(body)),
                "X-Content-Type-Options": "nosniff",
            }
        )
        self._connection.write_headers(ResponseStartLine("HTTP/1.1", status, _REASONS[status]), headers, body)
        self._connection.finish()

    def on_connection_close(self) -> None:
        if self._refused is None:
            self._inner.on_connection_close()


def _cleaned(start_line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """Move a token out of the address and the Authorization header into a header of ours."""
    for name in _OURS:
        if name in headers:
            del headers[name]
    scheme, _, shown = headers.get("Authorization", "").partition(" ")
    if "Authorization" in headers:
        del headers["Authorization"]
    if scheme.lower() not in ("bearer", "token"):
        shown = ""
    path, mark, query = start_line.path.partition("?")
    if mark and "token" in query.lower():
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
        except ValueError as error:
            raise InvalidInput("The address has more parameters than any page here.") from error
        in_address = [value for name, value in pairs if name == "token"]
        if in_address:
            headers[IN_ADDRESS], shown = "1", in_address[0]
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            start_line = start_line._replace(path=f"{path}?{rest}" if rest else path)
    if shown.strip():
        headers[TOKEN] = shown.strip()
    return start_line
