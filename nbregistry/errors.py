"""Every error nbregistry raises on purpose, in one tree.

    RegistryError
    |-- InvalidInput (400)            a name, reference, option or value that cannot be meant
    |   `-- InvalidFilter             a search text; carries the column of the fault
    |-- NotFound (404)                also a KeyError; suggests the nearest match
    |-- Conflict (409)                the state is not what the caller expected
    |   |-- AlreadyExists
    |   `-- Refused                   a rule or a gate said no; nothing was changed
    |-- Untrusted (403)               bytes that would run code, by a signer the reader does not trust
    |-- Damaged (500)                 bytes that do not match their digest, a broken journal
    |-- StoreUnavailable (503)        the store cannot be used as asked
    |   |-- StoreReadOnly
    |   |-- StoreBusy                 another process holds the writer lock
    |   |-- NewerFormat               written by a newer nbregistry
    |   `-- OutcomeUnknown            the disk failed while a write was being made durable
    |-- MissingDependency (501)       an optional library; names the extra
    `-- ServiceError                  what a server answers a request with
        |-- BadRows (422)             rows that do not fit the signature; carries a fault for each
        |-- TooLarge (413)
        |-- UnsupportedMedia (415)
        |-- NotAuthenticated (401)
        |-- NotAllowed (403)
        |-- TimedOut (408)            the client was too slow
        |-- Overloaded (503)          come back later; carries when
        `-- ModelFailed (500)         the model's own code raised

Each message says what was asked, what was found and what to do next; each class carries its HTTP status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class RegistryError(Exception):
    """Root of the tree; ``status`` is the HTTP status of its meaning."""

    status = 500


class InvalidInput(RegistryError, ValueError):
    """What was asked cannot be meant; nothing was changed."""

    status = 400


class InvalidFilter(InvalidInput):
    """A search text that does not parse.

    Parameters
    ----------
    message : str
        What is wrong and, where there is one, a suggestion.
    text : str
        The whole filter.
    column : int
        Zero-based offset of the fault in ``text``.
    """

    def __init__(self, message: str, text: str, column: int) -> None:
        self.text = text
        self.column = column
        super().__init__(f"{message}\n  {text}\n  {' ' * column}^")


class NotFound(RegistryError, KeyError):
    """Nothing by that name; ``str()`` reads as a sentence, unlike a bare KeyError."""

    status = 404

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Conflict(RegistryError):
    """The state is not what the caller expected."""

    status = 409


class AlreadyExists(Conflict):
    """The name is taken."""


class Refused(Conflict):
    """A rule or a gate said no; nothing but the refusal was recorded."""


class Untrusted(RegistryError):
    """Loading would run code by a signer whom the reader does not trust."""

    status = 403


class Damaged(RegistryError):
    """Bytes that do not match what was recorded of them."""


class StoreUnavailable(RegistryError):
    """The store cannot be used as asked."""

    status = 503


class StoreReadOnly(StoreUnavailable):
    """The place, the view or the handle does not take writes."""


class StoreBusy(StoreUnavailable):
    """Another process held the writer lock for longer than we waited."""


class NewerFormat(StoreUnavailable):
    """The store was written by a newer nbregistry."""


class OutcomeUnknown(StoreUnavailable):
    """The disk failed between writing and making durable: the change may or may not be there after re-opening."""


class MissingDependency(RegistryError, ImportError):
    """An optional library is not installed.

    Parameters
    ----------
    library : str
        What is missing.
    extra : str
        The extra that brings it.
    purpose : str
        What it is needed for.
    """

    status = 501

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(f'{purpose} needs {library}, which is not installed: pip install "nbregistry[{extra}]"')


class ServiceError(RegistryError):
    """What a server answers a request with when it cannot answer with predictions."""


class BadRows(ServiceError, ValueError):
    """Rows that do not fit the model's signature; nobody else's rows are concerned.

    Parameters
    ----------
    message : str
        One sentence for all of it.
    faults : sequence of Fault
        The first twenty at most.
    """

    status = 422

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults[:20])
        super().__init__(message)


class Fault(NamedTuple):
    """One value that does not fit: zero-based row (-1: all of them), column, what was expected and what came."""

    row: int
    column: str
    expected: str
    found: str


class TooLarge(ServiceError):
    """More than the server takes at once."""

    status = 413


class UnsupportedMedia(ServiceError):
    """A content type or encoding that the route does not read."""

    status = 415


class NotAuthenticated(ServiceError):
    """No token, or not one that is known here."""

    status = 401


class NotAllowed(ServiceError):
    """The token's permissions, the Host or the Origin do not fit the route."""

    status = 403


class TimedOut(ServiceError):
    """The client took too long to send its request."""

    status = 408


class Overloaded(ServiceError):
    """The queue is full, the server is leaving, or the answer took too long: ask again later.

    Parameters
    ----------
    retry_after : float
        Seconds.
    """

    status = 503

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ModelFailed(ServiceError):
    """The model's own code raised on rows that fit its signature."""

    status = 500


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``', did you mean X?'`` for the nearest known word, or an empty string."""
    folded = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f", did you mean {folded[near[0]]!r}?" if near else ""
