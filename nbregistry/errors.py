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
    `-- MissingDependency (501)       an optional library; names the extra

Each message says what was asked, what was found and what to do next; each class carries its HTTP status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``', did you mean X?'`` for the nearest known word, or an empty string."""
    folded = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f", did you mean {folded[near[0]]!r}?" if near else ""
