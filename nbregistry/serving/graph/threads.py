"""A few threads for the notebook's functions: never on the event loop, never in the way of the process's end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from nbregistry.errors import BadRows, ModelFailed, Overloaded, RegistryError, ServiceError
from nbregistry.flavors.boundary import foreign, summary

T = TypeVar("T")

_Job = tuple[Callable[[], Any], str, asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Threads:
    """Daemon threads with one queue.

    Parameters
    ----------
    count : int
        How many; they start when they are first needed.
    queue : int
        Calls that wait at most; beyond it requests are refused.
    """

    def __init__(self, count: int = 4, queue: int = 1024) -> None:
        self._count, self._queue = count, queue
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = 0

    async def run(self, doing: str, call: Callable[[], T]) -> T:
        """Return what the call gives.

        Parameters
        ----------
        doing : str
            How the error begins: "The function prepare".

        Raises
        ------
        nbregistry.errors.BadRows
            It raised ValueError or TypeError: it refused the rows.
        nbregistry.errors.ModelFailed
            It raised anything else.
        """
        if self._waiting >= self._queue:
            raise Overloaded(f"{self._waiting} calls of the graph's functions are waiting, which is all they hold.")
        if len(self._threads) < min(self._count, self._waiting + 1):
            thread = threading.Thread(target=self._work, name="nbregistry-functions", daemon=True)
            self._threads.append(thread)
            thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        # Counted until a thread is done with it, not until the caller leaves: behind functions that never return, calls
        # that were given up would pile up.
        self._waiting += 1
        self._jobs.put((call, doing, loop, answer))
        return await answer

    def close(self) -> None:
        """End the threads when they have done what is queued."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads = []

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, doing, loop, answer = job
            # Who asked may have left: written by the loop, read here, so at worst the call is made in vain.
            found = None if answer.done() else _caught(call, doing)
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._settle, answer, found)

    def _settle(self, answer: asyncio.Future[Any], found: Any) -> None:
        self._waiting -= 1
        if answer.done():
            return
        if isinstance(found, RegistryError):
            answer.set_exception(found)
        else:
            answer.set_result(found)


def _caught(call: Callable[[], Any], doing: str) -> Any:
    try:
        with foreign(doing, told=lambda error: _told(doing, error)):
            return call()
    except RegistryError as error:
        return error
    except MemoryError:
        return ModelFailed(f"{doing} ran out of memory on these rows.")
    except (SystemExit, KeyboardInterrupt):
        return ModelFailed(f"{doing} tried to end the server.")


def _told(doing: str, error: Exception) -> ServiceError:
    if isinstance(error, ValueError | TypeError):
        return BadRows(f"{doing} refused these rows: {summary(error)}")
    return ModelFailed(f"{doing} failed on these rows: {summary(error)}")
