"""One request on its way, and its answer."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from nbregistry.errors import InvalidInput
from nbregistry.serving.node import By
from nbregistry.serving.routes import Route

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

JSON = b"application/json"

SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z", re.ASCII)
"""What a header, a log and a file of rewards can carry."""

_ONCE = (b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"origin", b"x-request-id")
_PREFIX = secrets.token_hex(6)
_COUNTER = itertools.count(1)
EXPLAIN = {"1": True, "true": True, "": True, "0": False, "false": False}
"""What may stand behind ``explain=``."""

_NOTHING: dict[str, str] = {}


def new_id() -> str:
    """Return an id that no other request of this or any other process has: a random prefix and a count."""
    return f"{_PREFIX}-{next(_COUNTER):x}"


def id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the id that the client gave its request, where it is short and plain; else a new one."""
    given = headers.get(b"x-request-id")
    return new_id() if given is None or not SAFE_ID.match(text := given.decode("latin-1")) else text


def meant(values: Mapping[str, str]) -> tuple[str, str]:
    """Return the model and which of it, by what stood in a path: ``/models/churn/3``, ``/models/churn@champion``."""
    name, which = values.get("name", ""), values.get("which", "")
    if "@" in name and not which:
        name, _, alias = name.partition("@")
        which = f"@{alias}"
    return name, which


class Noted(Protocol):
    """What counts and logs know of a request, however it was answered."""

    since: float
    method: str
    media: str
    id: str
    name: str
    route: Route | None
    by: By | None
    rows: int
    received: int


class Request:
    """What came, and what became of it; filled in on its way.

    Attributes
    ----------
    headers : dict of bytes to bytes
        Names in lower case.
    id : str
        As the client gave it, where it is short and plain, else ours.
    values : mapping
        What stood in the path for the names of the pattern.
    name : str
        The endpoint asked, once known.
    by : By or None
        The version that answered.
    rows : int
        Of the table that was asked about.
    received : int
        Bytes of the body.
    """

    __slots__ = (
        "_query", "body", "by", "headers", "id", "media", "method", "name", "path", "receive", "received", "route",
        "rows", "scope", "since", "values",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.since = perf_counter()
        self.scope, self.receive = scope, receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.id = id_of(self.headers)
        self.route: Route | None = None
        self.values: Mapping[str, str] = _NOTHING
        self.body, self.media = b"", ""
        self.name, self.rows, self.received = "", 0, 0
        self.by: By | None = None
        self._query: dict[str, str] | None = None

    def __str__(self) -> str:
        """Say which request this is, without anything that may be a secret."""
        pattern = self.route.pattern if self.route else "?"
        return f"Request {self.id} ({self.method} {pattern})"

    def check_headers(self) -> None:
        """Refuse what two readers could understand in two ways.

        Raises
        ------
        InvalidInput
            A header that stands for one thing is there twice, or the path hides a separator.
        """
        if len(self.headers) != len(self.scope["headers"]):
            names = [name for name, _ in self.scope["headers"]]
            for name in _ONCE:
                if names.count(name) > 1:
                    raise InvalidInput(f"The header {name.decode('ascii')} is there more than once.")
        raw = self.scope.get("raw_path") or b""
        if b"%" in raw and any(hidden in raw.lower() for hidden in (b"%2f", b"%5c", b"%00")):
            raise InvalidInput("The path holds an encoded separator; names of models have none.")

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the question mark; of a name that is there twice, the last.

        Raises
        ------
        InvalidInput
            More than 32 of them, or longer than 4 KiB.
        """
        if self._query is None:
            text = self.scope["query_string"]
            if not text:
                self._query = {}
            else:
                try:
                    if len(text) > 4096:
                        raise ValueError
                    self._query = dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=32))
                except ValueError:
                    raise InvalidInput("The query is too long: at most 32 parameters and 4 KiB.") from None
        return self._query

    @property
    def explains(self) -> bool:
        """Whether the client asked for the steps of its request.

        Raises
        ------
        InvalidInput
            It said something else.
        """
        if not self.scope["query_string"] and b"x-explain" not in self.headers:
            return False
        given = self.query.get("explain")
        if given is None:
            given = self.headers.get(b"x-explain", b"0").decode("latin-1")
        if (meant := EXPLAIN.get(given)) is None:
            raise InvalidInput("'explain' is 1 or 0.")
        return meant

    @property
    def asked(self) -> tuple[str, str]:
        """The model and which of it, as the path says."""
        return meant(self.values)


class Answer(NamedTuple):
    """What goes back.

    Attributes
    ----------
    headers : tuple
        Beside the content type and length, the request's id and the version.
    close : bool
        Whether the connection ends with it.
    """

    body: bytes
    status: int = 200
    media: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    close: bool = False
