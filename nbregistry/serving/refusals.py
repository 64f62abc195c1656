"""An error as an answer: its status, its body in the words of the protocol that was asked in, its headers.

An error of ours says what was asked, found and to do. A fault that nobody foresaw says its id; the log has the rest.
"""

from __future__ import annotations

from nbregistry.errors import (
    InvalidInput,
    MissingDependency,
    NotAuthenticated,
    Overloaded,
    RegistryError,
    ServiceError,
)
from nbregistry.serving.boundary import Unforeseen
from nbregistry.serving.codec import inference, mlflow, native, seldon
from nbregistry.serving.routes import INFERENCE, MLFLOW, SELDON

Pairs = tuple[tuple[bytes, bytes], ...]

_WORDS = {MLFLOW: mlflow.refusal, INFERENCE: inference.refusal, SELDON: seldon.refusal}


class WrongMethod(InvalidInput):
    """The route is there, but not for this method; ``allowed`` names those it takes."""

    status = 405

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"The route takes {allowed}.")


def kind_of(error: RegistryError) -> str:
    """Return an error's class in the words of a metric: ``bad_rows``."""
    name = type(error).__name__
    return "".join(f"_{c.lower()}" if c.isupper() and at else c.lower() for at, c in enumerate(name))


def told(protocol: str, error: RegistryError, request_id: str) -> tuple[int, bytes, Pairs]:
    """Return status, body and headers."""
    if error.status >= 500 and not isinstance(error, ServiceError | MissingDependency | Unforeseen):
        # What is wrong with a store names files and digests, which are the owner's business.
        error = Unforeseen("The server failed to answer; its log says more under this id.")
    body = _WORDS.get(protocol, native.refusal)(error, request_id)
    return error.status, body, _headers(error)


def _headers(error: RegistryError) -> Pairs:
    if isinstance(error, Overloaded):
        return ((b"retry-after", b"%d" % max(1, -int(-error.retry_after // 1))),)
    if isinstance(error, NotAuthenticated):
        return ((b"www-authenticate", b'Bearer realm="nbregistry"'),)
    if isinstance(error, WrongMethod):
        return ((b"allow", error.allowed.encode("ascii")),)
    return ()
