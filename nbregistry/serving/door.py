"""Who comes in: by what name the server was called, from which page, with which token.

A server on loopback is reached by every page that a browser on the machine has open. The name it was called by (Host)
must be one of ours, compared as a parsed address or an exact name, or a page could point its own name at 127.0.0.1.
A page's origin must be ours or configured. Tokens are compared by their hashes, all of them each time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from nbregistry.errors import InvalidInput, NotAllowed, NotAuthenticated
from nbregistry.serving.options import Options

Headers = Mapping[bytes, bytes]

OPEN, PREDICT, READ, ADMIN = "open", "predict", "read", "admin"
LEVELS = (OPEN, PREDICT, READ, ADMIN)
"""What a route may ask for."""

_GRANTS = {PREDICT: {PREDICT, READ}, READ: {READ}, ADMIN: {PREDICT, READ, ADMIN}}
"""What each permission of a token is good for: who asks a model may know what it takes; who scrapes may not ask it."""

_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*\Z", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}\Z", re.ASCII)
_REMEMBERED = 256  # Host and Origin values already judged to be ours; a client repeats one


class Misdirected(InvalidInput):
    """A Host header that no client writes: two, none, or not a name or address with a port."""


class Door:
    """The checks before a route is entered.

    Parameters
    ----------
    options : Options
        Names, origins, tokens and the port.
    """

    def __init__(self, options: Options) -> None:
        self._port = options.port
        self._names = frozenset(_authority(name) for name in options.hosts)
        self._origins = frozenset(origin.encode("ascii") for origin in options.origins)
        self._tokens = {
            digest.encode("ascii"): frozenset[str]().union(*(_GRANTS[p] for p in permissions))
            for digest, permissions in options.tokens.items()
        }
        self._hosts: dict[bytes, tuple[bytes, ...]] = {}

    def host(self, host: bytes | None) -> tuple[bytes, ...]:
        """Check the name that the server was called by; return the origins that our own pages then have.

        Raises
        ------
        Misdirected
            There is none, or it is no name with a port.
        NotAllowed
            It is not one of ours.
        """
        if (known := self._hosts.get(host or b"")) is not None:
            return known
        if not host:
            raise Misdirected("The request has no Host header: name the server it is meant for.")
        name, port = _parsed(host)
        named = (name, port) in self._names or (name, None) in self._names
        if not named and not self._loopback(name, port):
            raise NotAllowed(
                "The Host header does not name this server: call it by 127.0.0.1 or localhost and its port, or start it"
                " with the name it is called by."
            )
        # A proxy in front of a named server may speak TLS; on loopback nothing does.
        pages = tuple(scheme + host.lower() for scheme in ((b"http://", b"https://") if named else (b"http://",)))
        if len(self._hosts) < _REMEMBERED:
            self._hosts[host] = pages
        return pages

    def _loopback(self, name: str | IPv4Address | IPv6Address, port: int | None) -> bool:
        here = name == "localhost" if isinstance(name, str) else name.is_loopback
        return here and (not self._port or (80 if port is None else port) == self._port)

    def origin(self, headers: Headers, pages: tuple[bytes, ...]) -> bytes:
        """Check the page that a browser sends this request for; return its origin when it is a configured one.

        Raises
        ------
        NotAllowed
            A page that is neither ours nor configured.
        """
        origin = headers.get(b"origin")
        if origin is None:
            if headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
                raise NotAllowed("A page of another site may not ask this server.")
            return b""
        if origin in self._origins:
            return origin
        if origin in pages:
            return b""
        raise NotAllowed(
            "The page's origin may not ask this server: start the server with that origin allowed if it should."
        )

    def allows_origin(self, origin: bytes | None) -> bool:
        """Whether a page of another origin was configured."""
        return origin in self._origins

    def permission(self, needed: str, headers: Headers) -> None:
        """Check the token.

        Raises
        ------
        NotAuthenticated
            None, or not one that is known.
        NotAllowed
            A known one that does not carry the permission.
        """
        if needed == OPEN or (not self._tokens and needed != ADMIN):
            return
        if not self._tokens:
            raise NotAllowed("This changes what is served: start the server with a token for admin, and send it.")
        given = _bearer(headers.get(b"authorization", b""))
        held: frozenset[str] | None = None
        if given:
            digest = hashlib.sha256(given).hexdigest().encode("ascii")
            for known, permissions in self._tokens.items():
                if hmac.compare_digest(known, digest):
                    held = permissions
        if held is None:
            raise NotAuthenticated("A token is needed: send it as the header Authorization: Bearer <token>.")
        if needed not in held:
            raise NotAllowed(f"The token is not good for this: it needs the permission {needed!r}.")


def _bearer(header: bytes) -> bytes:
    scheme, _, token = header.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _authority(text: str) -> tuple[str | IPv4Address | IPv6Address, int | None]:
    """Return a configured name as it is compared."""
    try:
        return _parsed(text.encode("ascii"))
    except (Misdirected, UnicodeEncodeError) as error:
        raise InvalidInput(
            f"{text!r} is no name of a server: give a name or an address, with or without :port."
        ) from error


def _parsed(host: bytes) -> tuple[str | IPv4Address | IPv6Address, int | None]:
    """Return a Host header as an address or a lower-case name, and the port.

    Source: RFC 9110 section 7.2 and RFC 3986 section 3.2.2, without what no client sends (percent signs, IPvFuture).
    """
    text = host.decode("latin-1")
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        address = _address(inside)
        if not closed or not isinstance(address, IPv6Address) or "%" in inside or (rest and rest[0] != ":"):
            raise _malformed()
        return address, _port(rest[1:]) if rest else None
    name, colon, port = text.partition(":")
    if len(name) > 253 or not _NAME.match(name):
        raise _malformed()
    number = _port(port) if colon else None
    return _address(name) or name.lower(), number


def _port(text: str) -> int:
    if not _PORT.match(text) or not 0 < int(text) < 65536:
        raise _malformed()
    return int(text)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _malformed() -> Misdirected:
    return Misdirected("The Host header is no name or address with a port.")
