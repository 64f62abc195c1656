"""How much of a request is read: types and encodings, bytes before and after decompression.

A limit is checked before what it limits is kept: by Content-Length at once, else as soon as the pieces that came exceed
it. Reading ends there; the answer closes the connection.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nbregistry.errors import InvalidInput, Overloaded, RegistryError, TimedOut, TooLarge, UnsupportedMedia

Receive = Callable[[], Awaitable[Any]]
Headers = Mapping[bytes, bytes]

LATE = "nbregistry.late"
"""Key of a disconnect event that says: the client is there, but stopped sending."""

RATIO = 200
"""How many times its size a compressed body may become, beyond the first megabyte: rows of numbers stay far below."""

BROKEN = "nbregistry.broken"
"""The same for a client whose body is not framed as HTTP wants it."""

_ENCODINGS = {b"identity": 0, b"gzip": 31, b"deflate": 15}
"""zlib's window bits for each content coding; deflate has zlib's own header (RFC 9110, section 8.4.1.2)."""

_PIECE = 256 * 1024
_FREE = 1024 * 1024


class Gone(RegistryError):
    """The client went away; nobody waits for an answer."""

    status = 499


class Budget:
    """Bytes of bodies that all requests of a process hold at once.

    Parameters
    ----------
    most : int
        How many.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0


class Share:
    """What one request has of the budget: as much as came, never what its client only announced."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: Budget) -> None:
        self._budget, self.held = budget, 0

    def check(self, length: int) -> None:
        """Refuse a body that would exceed the budget.

        Raises
        ------
        Overloaded
            Other requests hold too much.
        """
        if self._budget.held + length > self._budget.most:
            raise Overloaded("The server holds as many bytes of requests as it may; ask again in a moment.", 1.0)

    def take(self, length: int) -> None:
        """Hold some more bytes, of which there are as many as ``check`` allows."""
        self.check(length)
        self._budget.held += length
        self.held += length

    def release(self) -> None:
        """Hold nothing."""
        self._budget.held -= self.held
        self.held = 0


def media_of(headers: Headers, accepted: tuple[str, ...]) -> str:
    """Return the content type without its parameters.

    Raises
    ------
    UnsupportedMedia
        Not one of those that the route reads, or text that is not UTF-8.
    """
    given = headers.get(b"content-type", b"")
    if given == b"application/json" and "application/json" in accepted:
        return "application/json"
    media, _, parameters = given.decode("latin-1").partition(";")
    media = media.strip().lower()
    if media not in accepted:
        came = "no Content-Type" if not given else "another"
        raise UnsupportedMedia(f"The route reads {' or '.join(filter(None, accepted))}; the request has {came}.")
    for parameter in filter(None, (p.strip().lower() for p in parameters.split(";"))):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMedia("The route reads UTF-8; the request names another charset.")
    return media


async def body_of(receive: Receive, headers: Headers, limit: int, share: Share) -> bytes:
    """Return the body, decompressed.

    Raises
    ------
    TooLarge
        Longer than the limit, before or after decompression.
    UnsupportedMedia
        An encoding other than gzip and deflate.
    InvalidInput
        Not compressed the way that it says.
    TimedOut
        The client stopped sending.
    Overloaded
        Other requests hold too much.
    Gone
        The client closed the connection.
    """
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding not in _ENCODINGS and (encoding := encoding.strip().lower()) not in _ENCODINGS:
        raise UnsupportedMedia(
            "The route reads bodies as they are or compressed by gzip or deflate; the request has another encoding."
        )
    length = headers.get(b"content-length")
    if length is not None and (not length.isdigit() or len(length) > 15 or int(length) > limit):
        raise _too_large(limit)
    if length is not None:
        share.check(int(length))
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        share.take(len(body))
    else:
        body = await _joined(receive, message, limit, share)
    if len(body) > limit:
        raise _too_large(limit)
    bits = _ENCODINGS[encoding]
    return await _unpacked(body, limit, share, bits) if bits else body


async def _joined(receive: Receive, message: Any, limit: int, share: Share) -> bytes:
    """Return all pieces as one."""
    pieces = bytearray()
    while True:
        if message["type"] != "http.request":
            if message.get(LATE):
                raise TimedOut("The body did not arrive in time; send it again.")
            if message.get(BROKEN):
                raise InvalidInput("The body is not framed as HTTP/1.1 wants it.")
            raise Gone
        piece = message.get("body", b"")
        if len(pieces) + len(piece) > limit:
            raise _too_large(limit)
        share.take(len(piece))
        pieces += piece
        if not message.get("more_body", False):
            return bytes(pieces)
        message = await receive()


async def _unpacked(body: bytes, limit: int, share: Share, bits: int) -> bytes:
    """Return a compressed body as it was, piece by piece so that others are answered meanwhile."""
    most = min(limit, max(_FREE, RATIO * len(body)))
    unpacking, found, rest = zlib.decompressobj(wbits=bits), bytearray(), body
    while True:
        try:
            piece = unpacking.decompress(rest, _PIECE)
        except zlib.error:
            raise InvalidInput("The body is not compressed as its Content-Encoding says.") from None
        if len(found) + len(piece) > most:
            raise _too_large(most, "when decompressed ")
        share.take(len(piece))
        found += piece
        rest = unpacking.unconsumed_tail
        if unpacking.eof:
            break
        if not piece and not rest:
            raise InvalidInput("The compressed body is cut short.")
        await asyncio.sleep(0)
    if unpacking.unused_data:
        raise InvalidInput("The body goes on behind the end of what is compressed.")
    return bytes(found)


def _too_large(limit: int, when: str = "") -> TooLarge:
    return TooLarge(
        f"The body is longer {when}than the {limit:,} bytes taken at once: send fewer rows in each request."
    )
