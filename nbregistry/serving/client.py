"""Asks a server: ``nbregistry.Client(url).predict(df)``. Threads share its connections; failures are retried.

A prediction changes nothing on the server, so it is asked again when there is no connection or the server says that it
is busy, after a pause that grows and is drawn at random: clients that failed together do not come back together. What
may have been run already is not multiplied: an answer that does not come in time is not asked for again, since the
model may still be at it, and a request whose connection broke is sent once more only, since it may be what broke it.
"""

from __future__ import annotations

import http.client
import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import orjson

from nbregistry import errors
from nbregistry.errors import BadRows, Fault, InvalidInput, Overloaded, RegistryError, ServiceError, StoreUnavailable
from nbregistry.serving.asking import answered, question
from nbregistry.types import Document

_FIRST, _LONGEST = 0.1, 5.0  # seconds of a pause
_BUSY = frozenset({429, 503})
_AT_THE_DOOR = 1.0  # seconds within which a server that is busy says so; what comes later was run
_MOST_ANSWER = 256 * 2**20

_BY_STATUS: Mapping[int, type[RegistryError]] = {
    400: errors.InvalidInput, 401: errors.NotAuthenticated, 403: errors.NotAllowed, 404: errors.NotFound,
    408: errors.TimedOut, 409: errors.Conflict, 413: errors.TooLarge, 415: errors.UnsupportedMedia,
    501: errors.ServiceError,
}  # fmt: skip


class Unreachable(StoreUnavailable):
    """Nobody answers at the address."""


class Broken(Unreachable):
    """The connection ended after the request was sent: its process may have, too."""


class NoAnswer(Unreachable):
    """The server took the request, and no answer came in time; the model may still be at work on it."""


@dataclass(frozen=True, slots=True)
class Last:
    """What an answer said of itself: the version that gave it, its digest, and the request's id for feedback."""

    id: str = ""
    model: str = ""
    version: str = ""
    digest: str = ""


class Client:
    """Asks one server.

    Parameters
    ----------
    url : str
        As ``%serve`` shows it: ``http://127.0.0.1:5001``.
    token : str, optional
        Sent as a bearer token.
    timeout : float
        Seconds for one attempt. A server gives a model longer by default: what is not answered in time is raised as
        ``NoAnswer`` and not asked again.
    retries : int
        How often a prediction is asked again when there is no connection or the server is busy (429, 503). A request
        that was sent, and whose connection broke then, is sent once more at most.

    Examples
    --------
    >>> Client("http://127.0.0.1:5001").predict([{"age": 31, "plan": "basic"}])  # doctest: +SKIP
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 10.0, retries: int = 3) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"{url[:200]!r} is no address of a server: write http://127.0.0.1:5001.")
        if token is not None and (not token.strip() or not token.isascii() or not token.isprintable()):
            raise InvalidInput("The token is not one: give the text that was shown when the server was started.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.timeout, self.retries = timeout, retries
        self._token = token
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._here = threading.local()
        self._default = ""

    # -- asking

    def predict(
        self,
        X: Any,
        model: str = "",
        *,
        method: str = "predict",
        key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the model predicts.

        Parameters
        ----------
        X : DataFrame, ndarray, Series, or list of rows or of records
            The rows; columns by name where they have names.
        model : str
            ``churn``, ``churn/3`` or ``churn@champion``; by default the first that the server offers.
        method : str
            ``predict``, ``predict_proba``, ``decision_function`` or ``transform``, where the model has it.
        key : str
            What keeps a caller on one side of a split: a user's id.

        Returns
        -------
        ndarray, DataFrame or list
            One entry a row: an ndarray for numbers, a DataFrame where the answer has named columns, else a list.

        Raises
        ------
        nbregistry.errors.BadRows
            Rows that do not fit; ``faults`` names them.
        nbregistry.errors.RegistryError
            Whatever else the server says, as the class it has here.
        """
        body = question(X, method=method, key=key, params=params)
        return answered(self._ask("POST", f"/models/{_path(model or self._first())}/predict", body))

    def metadata(self, model: str = "") -> Document:
        """Return what the server tells of a model: version, digest, signature, batching, compiled or not."""
        return self._ask("GET", f"/models/{_path(model or self._first())}/metadata")

    def models(self) -> list[Document]:
        """Return what is served, in the order it was asked for."""
        found: list[Document] = self._ask("GET", "/models")["models"]
        return found

    def feedback(self, id: str, reward: float, model: str = "") -> None:
        """Tell how good an answer was, from 0 to 1; ``id`` is ``.last.id`` after the prediction."""
        told = {"id": id, "reward": reward, **({"model": model} if model else {})}
        self._ask("POST", "/feedback", orjson.dumps(told), again=False)

    def stats(self) -> Document:
        """Return what was counted, over all processes of the server."""
        return self._ask("GET", "/stats")

    def ready(self) -> bool:
        """Whether everything that is served can answer now."""
        try:
            self._ask("GET", "/readyz", again=False)
        except RegistryError:
            return False
        return True

    @property
    def last(self) -> Last:
        """What this thread's latest answer said of itself."""
        return getattr(self._here, "last", Last())

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.popleft().close()

    def __del__(self) -> None:
        if "_idle" in vars(self):  # not when it could not be made
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"  # never the token

    # -- on the wire

    def _first(self) -> str:
        """Return the name of what the server offers first; asked once."""
        if not self._default:
            served = self.models()
            if not served:
                raise errors.NotFound(f"Nothing is served at {self.url}.")
            self._default = str(served[0]["name"])
        return self._default

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        again: bool = True,
    ) -> Document:
        """Ask, as often as is sensible, and return the answer's object."""
        attempt = ran = 0
        while True:
            since = time.monotonic()
            try:
                return self._once(method, path, body)
            except (Unreachable, Overloaded) as error:
                attempt += 1
                late = isinstance(error, Overloaded) and time.monotonic() - since > _AT_THE_DOOR
                ran += late or isinstance(error, Broken)
                if not again or attempt > self.retries or ran > 1 or isinstance(error, NoAnswer):
                    raise
                pause = min(_LONGEST, _FIRST * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 - a pause, no secret
                asked = getattr(error, "retry_after", 0.0)
                time.sleep(max(pause, min(asked, _LONGEST)))

    def _once(self, method: str, path: str, body: bytes | None) -> Document:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        status, found, told = self._exchange(method, f"{self._path}{path}", body, sent)
        self._here.last = Last(
            told.get("x-request-id", ""), told.get("x-model-name", ""), told.get("x-model-version", ""),
            told.get("x-model-digest", ""),
        )  # fmt: skip
        parsed = _parsed(found)
        if status < 300 and isinstance(parsed, dict):
            return parsed
        raise self._error(status, parsed, told)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send one request, once."""
        connection, sent = self._connection(), False
        try:
            connection.request(method, path, body, dict(headers))
            sent = True
            response = connection.getresponse()
            found = response.read(_MOST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._failed(error, sent=sent) from error
        except BaseException:
            connection.close()  # interrupted: what comes on it would be taken for the next one's answer
            raise
        if len(found) > _MOST_ANSWER:
            connection.close()
            raise ServiceError(f"The answer of {self.url} is longer than {_MOST_ANSWER:,} bytes: ask for less.")
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return response.status, found, {k.lower(): v for k, v in response.getheaders()}

    def _failed(self, error: Exception, *, sent: bool) -> Unreachable:
        """Return what a failed exchange is here: whether the server may have run the request makes the difference."""
        why = str(error) or type(error).__name__
        if sent and isinstance(error, TimeoutError):
            return NoAnswer(
                f"{self.url} took the request and did not answer within {self.timeout:g} s: send fewer rows, or give"
                " the client a longer timeout."
            )
        kind = Broken if sent else Unreachable
        return kind(f"No answer from {self.url} ({why}). Is the server still running?")

    def _connection(self) -> http.client.HTTPConnection:
        """Return a connection that is kept and was not closed meanwhile, or a new one."""
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                break
            # Nothing can be there to read before a question was sent but that the server has closed it.
            if kept.sock is not None and not _readable(kept.sock):
                return kept
            kept.close()
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=self.timeout)

    def _error(self, status: int, found: Any, told: Mapping[str, str]) -> RegistryError:
        """Return the server's refusal as the error it is here."""
        body = found if isinstance(found, dict) else {}
        said = body.get("message") or (body["error"] if isinstance(body.get("error"), str) else "")
        message = str(said) or f"{self.url} answered with status {status}."
        if status == 422:
            return BadRows(message, tuple(map(_fault, body.get("faults") or ())))
        if status in (502, 504):  # of a proxy, of what became of the request behind it
            return (Broken if status == 502 else NoAnswer)(message)
        if status in _BUSY:
            return Overloaded(message, _seconds(told.get("retry-after", "")))
        kind = _named(str(body.get("error", "")), status) or _BY_STATUS.get(status)
        if kind is None:
            kind = InvalidInput if 400 <= status < 500 else errors.ModelFailed
        return kind(message)


def _named(word: str, status: int) -> type[RegistryError] | None:
    """Return the class that the server names, where it can be made of a message and means the same status."""
    kind = getattr(errors, word.replace("_", " ").title().replace(" ", ""), None) if word.isascii() else None
    if not (isinstance(kind, type) and issubclass(kind, RegistryError)) or kind.status != status:
        return None
    return None if kind in (errors.InvalidFilter, errors.MissingDependency) else kind


def _readable(sock: socket.socket) -> bool:
    """Whether there is something to read; whatever the number of the descriptor is."""
    if not hasattr(select, "poll"):  # Windows, whose select counts sockets and not their numbers
        return bool(select.select([sock], [], [], 0)[0])
    looking = select.poll()
    looking.register(sock, select.POLLIN)
    return bool(looking.poll(0))


def _fault(found: Mapping[str, Any]) -> Fault:
    return Fault(int(found.get("row", -1)), *(str(found.get(name, "")) for name in ("column", "expected", "found")))


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else {}
    except ValueError:
        return None


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _path(ref: str) -> str:
    """Return a reference as it stands in a path: ``churn/3`` as it is, everything strange in escapes."""
    return quote(ref.removeprefix("models:/"), safe="/@._-")
