"""What a server is told when it starts: who may ask, how much at once, and what it writes down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from nbregistry.errors import InvalidInput

MIB = 1024 * 1024
PERMISSIONS = ("predict", "read", "admin")
"""What a token may be good for: ask models, look at what is served and counted, change what is served."""

_NONE: Mapping[str, frozenset[str]] = MappingProxyType({})


def hash_of(token: str) -> str:
    """Return what is kept of a token: the SHA-256 of its text."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Options:
    """How a server behaves; the same for all its processes.

    Attributes
    ----------
    port : int
        Where it listens; 0: not known, and the port of a Host header is not looked at.
    hosts : tuple of str
        Names by which it may be called besides those of loopback: ``models.example.org`` (any port) or with ``:port``.
    origins : tuple of str
        Pages of other origins that may ask from a browser, exactly: ``https://lab.example.org``.
    tokens : mapping
        Permissions by the SHA-256 (64 hexadecimal digits) of a token; empty: no token is needed but for changes.
    body_limit : int
        Bytes of a request's body, before and after decompression.
    bodies_limit : int
        Bytes of the bodies of all requests that one process holds at once; 0: those of eight of the longest, and 64 MiB
        at least.
    rows_limit : int
        Rows of one request.
    concurrency : int
        Predictions under way at once; more are refused at once.
    connections : int
        Connections open at once.
    header_timeout, body_timeout, keep_alive : float
        Seconds for all headers, for each next piece of a body, and between requests.
    body_time : float
        Seconds for a whole body, beyond those that its bytes take at the slowest rate allowed.
    answer_timeout : float
        Seconds in which a model has to answer.
    docs : bool
        Offer ``/docs`` and ``/openapi.json``.
    folder : Path or None
        The run folder; None: nothing is written.
    index : str
        Which process of the server this is.
    access_log : bool
        Write a line for every request.
    sampled : float
        Fraction of predictions whose rows and answers are kept, 0 to 1.
    redacted : tuple of str
        Columns that are never kept.
    samples_limit : int
        Bytes of kept predictions; the oldest go first.
    """

    port: int = 0
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tokens: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NONE)
    body_limit: int = 16 * MIB
    bodies_limit: int = 0
    rows_limit: int = 100_000
    concurrency: int = 1024
    connections: int = 4096
    header_timeout: float = 10.0
    body_timeout: float = 10.0
    body_time: float = 60.0
    keep_alive: float = 75.0
    answer_timeout: float = 60.0
    docs: bool = True
    folder: Path | None = None
    index: str = "0"
    access_log: bool = True
    sampled: float = 0.0
    redacted: tuple[str, ...] = ()
    samples_limit: int = 64 * MIB

    def __post_init__(self) -> None:
        for digest, permissions in self.tokens.items():
            if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
                raise InvalidInput("A token is configured by its SHA-256, 64 hexadecimal digits, never as it is.")
            if unknown := set(permissions) - set(PERMISSIONS):
                raise InvalidInput(f"{sorted(unknown)} are no permissions; there are {', '.join(PERMISSIONS)}.")
        if not self.bodies_limit:
            object.__setattr__(self, "bodies_limit", max(8 * self.body_limit, 64 * MIB))
        if not 0 <= self.sampled <= 1:
            raise InvalidInput(f"The fraction of predictions to keep lies between 0 and 1, not at {self.sampled}.")
