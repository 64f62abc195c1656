"""Every call comes in here, whatever its method: token, limits and time first, then one message, then the answer.

Calls have a thread each while they are under way, a bounded number of them, and hand what the model is asked to the
event loop. The library's own asyncio server is not used: a path that is not UTF-8, which anybody may send, ends it for
all clients, and it cannot cancel a call whose client neither sends nor reads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from time import monotonic, perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar

from nbregistry.errors import InvalidInput, NotAllowed, Overloaded, RegistryError, TimedOut, TooLarge
from nbregistry.flavors.boundary import foreign
from nbregistry.serving import refusals
from nbregistry.serving.boundary import attempted, unforeseen
from nbregistry.serving.door import LEVELS, OPEN, PREDICT, Door
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import By
from nbregistry.serving.options import Options
from nbregistry.serving.request import SAFE_ID, new_id
from nbregistry.serving.routes import Route
from nbregistry.serving.rpc.statuses import NotOffered, Told, told

T = TypeVar("T")

LOOK = 0.25
"""Seconds between two looks at whether a call takes too long."""

_AGAIN = 5.0
"""Seconds until a call that was told to end is told again."""


class Log(Protocol):
    """Where a line is written for every call; thread-safe, and keeps nobody waiting."""

    def write(self, request: Any, status: int, sent: int, seconds: float) -> None:
        """Note one call and its answer."""
        ...


class Action(NamedTuple):
    """What answers a method: ``answer(call, message)``, in the call's thread, and the permission that it asks for."""

    permission: str
    answer: Callable[[Call, bytes], bytes]


class Call:
    """One call on its way; filled in as it goes.

    Attributes
    ----------
    id : str
        As the client gave it in ``x-request-id``, where it is short and plain, else ours.
    route : Route or None
        The method, where it is one of ours; what logs call it.
    name : str
        The endpoint asked, once known.
    by : By or None
        The version that answered.
    rows, received : int
        Rows asked about, bytes of the message.
    until : float
        When it is cancelled unless it got further; of ``monotonic``.
    """

    method = "POST"

    def __init__(self, context: Any, route: Route | None, loop: asyncio.AbstractEventLoop) -> None:
        self.since = perf_counter()
        self.route, self.name, self.rows, self.received = route, "", 0, 0
        self.headers = _headers(context.invocation_metadata() or ())
        given = self.headers.get("x-request-id", "")
        self.id = given if SAFE_ID.match(given) else new_id()
        self.by: By | None = None
        self.until = float("inf")
        self.late = False
        self._context, self._loop = context, loop
        self._asked: Future[Any] | None = None
        self._gone = threading.Event()

    def __str__(self) -> str:
        """Say which call this is, without anything that may be a secret."""
        return f"Call {self.id} ({self.route.pattern if self.route else '?'})"

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._gone.is_set()

    def ask(self, answer: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's event loop and wait for what it gives.

        Raises
        ------
        concurrent.futures.CancelledError
            The client left, or the call took too long.
        """
        self._asked = asyncio.run_coroutine_threadsafe(answer, self._loop)
        if self.gone:
            self._asked.cancel()
        found: T = self._asked.result()
        return found

    def change(self, change: Coroutine[Any, Any, T]) -> T:
        """Do the same for what is not to be left half done: it goes on when nobody waits any more."""

        async def shielded() -> T:
            return await asyncio.shield(asyncio.ensure_future(change))

        return self.ask(shielded())

    def end(self) -> None:
        """Note that the call is over for its client, whoever ended it."""
        self._gone.set()
        if self._asked is not None:
            self._asked.cancel()

    def overdue(self) -> None:
        """End the call from our side: what the model was asked, or else the call itself."""
        self.late = True
        if self._asked is not None and self._asked.cancel():
            return  # its own thread tells the client
        self._context.cancel()


class Calls:
    """All calls of one server.

    Parameters
    ----------
    grpc : module
        The library.
    actions : mapping
        What answers, by the full name of the method: ``/package.Service/Method``.
    concurrency : int
        Calls under way at once; more are refused at once.
    log : Log, optional
        Told of every call.

    Raises
    ------
    InvalidInput
        A method declares no permission, or an unknown one.
    """

    def __init__(
        self,
        grpc: Any,
        actions: Mapping[str, Action],
        *,
        options: Options,
        measures: Measures,
        concurrency: int,
        log: Log | None = None,
    ) -> None:
        for path, action in actions.items():
            if action.permission not in LEVELS:
                raise InvalidInput(f"{path} declares no permission: it must be one of {', '.join(LEVELS)}.")
        self._grpc, self._actions, self._options, self._measures = grpc, actions, options, measures
        self._concurrency, self._log = concurrency, log
        self._routes = {path: Route("POST", path, path.rpartition("/")[2], a.permission) for path, a in actions.items()}
        self._door = Door(options)
        self._loop = asyncio.get_running_loop()
        self._under_way: set[Call] = set()
        self._inside: set[Call] = set()
        self._in_flight = measures.in_flight.labels()
        self._timer = self._loop.call_later(LOOK, self._look)
        # One shape for all methods, one message or many: nothing is read before the call was let in.
        self._enter_any = grpc.stream_unary_rpc_method_handler(lambda stream, context: self._enter("", stream, context))
        self._entrances = {path: self._entrance(path) for path in actions}

    def _entrance(self, path: str) -> Any:
        return self._grpc.stream_unary_rpc_method_handler(lambda stream, context: self._enter(path, stream, context))

    def service(self, details: Any) -> Any:
        """Return what handles a method; the library asks this for every call."""
        return self._entrances.get(details.method, self._enter_any)

    def close(self) -> None:
        """Stop looking at the time."""
        self._timer.cancel()

    # -- on the loop

    def _look(self) -> None:
        now = monotonic()
        for call in tuple(self._under_way):
            if call.until < now:
                call.until = now + _AGAIN
                attempted(f"Ending {call}", call.overdue, None)
        self._timer = self._loop.call_later(LOOK, self._look)

    # -- in the call's thread

    def _enter(self, path: str, stream: Iterator[bytes], context: Any) -> bytes:
        call = Call(context, self._routes.get(path), self._loop)
        call.until = monotonic() + self._options.body_timeout
        self._under_way.add(call)
        self._in_flight.inc()
        if not context.add_callback(lambda: self._left(call)):
            self._left(call)
            return b""
        passing = (self._grpc.RpcError, CancelledError)
        try:
            with foreign("Answering", passing=passing, told=lambda e: unforeseen(str(call), e)):
                answer = self._answer(self._actions.get(path), call, stream)
            return self._answered(call, context, answer)
        except passing as error:
            if not call.late and (call.gone or isinstance(error, self._grpc.RpcError)):
                self._note(call, 499, 0)
                return b""
            problem = _unanswered(call)
        except RegistryError as error:
            problem = error
        except MemoryError:
            problem = Overloaded("The server is out of memory for this request.", 5.0)
        call.until = monotonic() + self._options.body_timeout
        status = self._refused(call, problem)
        self._note(call, problem.status, 0)
        context.set_trailing_metadata((("x-request-id", call.id), *status.metadata))
        context.abort(self._grpc.StatusCode[status.code], status.text)
        return b""

    def _answered(self, call: Call, context: Any, answer: bytes) -> bytes:
        if len(answer) > self._options.body_limit:
            raise TooLarge(
                f"The answer has {len(answer):,} bytes, and {self._options.body_limit:,} are sent at once: ask for"
                " fewer rows."
            )
        found = [("x-request-id", call.id)]
        if call.by is not None:
            name = call.by.name.encode("ascii", "backslashreplace").decode("ascii")
            found += [("x-model-name", name), ("x-model-version", str(call.by.number))]
            found += [("x-model-digest", call.by.digest)]
        context.set_trailing_metadata(tuple(found))
        self._note(call, 200, len(answer))
        call.until = monotonic() + self._options.body_timeout  # to read it
        return answer

    def _answer(self, action: Action | None, call: Call, stream: Iterator[bytes]) -> bytes:
        if action is None:
            self._admit_anybody(call)
            raise NotOffered("This server has no such method; it answers the Open Inference Protocol v2.")
        self._door.permission(action.permission, _as_http(call.headers))
        if action.permission != OPEN:  # whether a busy server lives and is ready is told all the same
            self._inside.add(call)
            if len(self._inside) > self._concurrency:
                raise Overloaded(f"{self._concurrency} calls are under way, which is all that is taken at once.", 1.0)
        message = next(stream, None)
        if message is None:
            # A call that we ended may look like one whose client ended it without a message.
            raise _unanswered(call) if call.late else InvalidInput("The call holds no message.")
        call.received = len(message)
        if call.received > self._options.body_limit:
            raise TooLarge(f"The message has {call.received:,} bytes; {self._options.body_limit:,} are taken at once.")
        call.until = monotonic() + self._options.answer_timeout
        return action.answer(call, message)

    def _admit_anybody(self, call: Call) -> None:
        """Ask for a token that is known, whatever it is good for: strangers do not learn what is here."""
        with suppress(NotAllowed):
            self._door.permission(PREDICT, _as_http(call.headers))

    def _left(self, call: Call) -> None:
        if call in self._under_way:
            self._under_way.discard(call)
            self._inside.discard(call)
            self._in_flight.dec()
        call.end()

    def _refused(self, call: Call, error: RegistryError) -> Told:
        kind = refusals.kind_of(error)
        if call.name:
            self._measures.errors.labels(call.name, _number(call), kind).inc()
        else:
            self._measures.rejected.labels(kind).inc()
        return told(error)

    def _note(self, call: Call, status: int, sent: int) -> None:
        measures, key = self._measures, (call.name, _number(call), "grpc")
        measures.requests.labels(*key, f"{status // 100}xx").inc()
        seconds = perf_counter() - call.since
        measures.seconds.labels(*key).observe(seconds)
        if status == 200:
            measures.rows.labels(*key).inc(call.rows)
        if self._log is not None:
            self._log.write(call, status, sent, seconds)


def _number(call: Call) -> str:
    return str(call.by.number) if call.by else ""


def _unanswered(call: Call) -> RegistryError:
    if not call.late:
        return Overloaded("What was asked was cancelled before it was answered; ask again.")
    if call.received:
        return Overloaded("The model did not answer in time; ask again later.")
    return TimedOut("The message did not arrive in time; send it again.")


def _headers(metadata: Any) -> dict[str, str]:
    """Return text metadata by name. A token that is there twice is none: two readers could take two."""
    found: dict[str, str] = {}
    for key, value in metadata:
        if isinstance(value, str):
            found[key] = "" if key in found and key == "authorization" else value
    return found


def _as_http(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {b"authorization": headers.get("authorization", "").encode("latin-1", "replace")}
