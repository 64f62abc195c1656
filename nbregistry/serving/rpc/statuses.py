"""An error as gRPC tells it: a status code, one sentence, and what a program can read beside it.

The code follows from the HTTP status that each error carries, so a request gets the same verdict whichever way it came.

Sources: ``google.rpc.Status`` with ``BadRequest`` and ``RetryInfo`` in ``grpc-status-details-bin``, which clients in
most languages read; ``grpc-retry-pushback-ms`` of gRFC A6, which the clients' own retries obey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from nbregistry.errors import AlreadyExists, Fault, MissingDependency, RegistryError, ServiceError
from nbregistry.serving.boundary import Unforeseen
from nbregistry.serving.rpc.messages import messages

CODES = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("PERMISSION_DENIED", 7),
    404: ("NOT_FOUND", 5),
    408: ("DEADLINE_EXCEEDED", 4),
    409: ("FAILED_PRECONDITION", 9),
    413: ("RESOURCE_EXHAUSTED", 8),
    415: ("INVALID_ARGUMENT", 3),
    422: ("INVALID_ARGUMENT", 3),
    429: ("RESOURCE_EXHAUSTED", 8),
    500: ("INTERNAL", 13),
    501: ("UNIMPLEMENTED", 12),
    503: ("UNAVAILABLE", 14),
}
"""Name and number of the status code by HTTP status."""

_SENTENCE = 1024
_DETAILS = 2048
"""Most bytes of the sentence and of the details: a client takes 8 KiB of metadata, and they are encoded on the way."""


class NotOffered(ServiceError):
    """A method of the protocol, or of none, that this server does not answer."""

    status = 501


class Told(NamedTuple):
    """How a call ends that is not answered.

    Attributes
    ----------
    code : str
        Name of the status code.
    text : str
        One sentence.
    metadata : tuple of (str, str or bytes)
        What follows it.
    """

    code: str
    text: str
    metadata: tuple[tuple[str, str | bytes], ...]


def told(error: RegistryError) -> Told:
    """Return what the client is told of an error."""
    code, number = ("ALREADY_EXISTS", 6) if isinstance(error, AlreadyExists) else CODES.get(error.status, CODES[500])
    text = _short(_sentence(error), _SENTENCE)
    kinds, details, metadata = messages(), [], []
    if faults := getattr(error, "faults", ()):
        details.append(("BadRequest", _violations(faults)))
    if code == "UNAVAILABLE":
        seconds = float(getattr(error, "retry_after", 1.0))
        pause = kinds.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
        details.append(("RetryInfo", kinds.RetryInfo(retry_delay=pause).SerializeToString()))
        metadata += [("retry-after", str(math.ceil(seconds))), ("grpc-retry-pushback-ms", str(int(seconds * 1000)))]
    if details:
        packed = [kinds.Any(type_url=f"type.googleapis.com/google.rpc.{name}", value=value) for name, value in details]
        status = kinds.Status(code=number, message=_short(text, 256), details=packed)
        metadata.append(("grpc-status-details-bin", status.SerializeToString()))
    return Told(code, text, tuple(metadata))


def _sentence(error: RegistryError) -> str:
    if error.status >= 500 and not isinstance(error, ServiceError | MissingDependency | Unforeseen):
        # What is wrong with a store names files and digests, which are the owner's business.
        return "The server failed to answer; its log says more under this id."
    return str(error)


def _violations(faults: Sequence[Fault]) -> bytes:
    """Return as many faults as there is room for; the first are the ones to mend first."""
    found, kinds = b"", messages()
    for fault in faults:
        where = f"{fault.column}[{fault.row}]" if fault.row >= 0 else fault.column
        one = kinds.FieldViolation(
            field=_short(where, 128), description=_short(f"expected {fault.expected}, found {fault.found}", 256)
        )
        more = kinds.BadRequest(field_violations=[one]).SerializeToString()
        # Messages of repeated fields may be put one after another: that is how they are on the wire.
        if len(found) + len(more) > _DETAILS:
            break
        found += more
    return found


def _short(text: str, most: int) -> str:
    """Return text without control characters, of at most so many bytes of UTF-8."""
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in text).encode("utf-8", "replace")
    return kept.decode() if len(kept) <= most else kept[: most - 3].decode("utf-8", "ignore") + "..."
