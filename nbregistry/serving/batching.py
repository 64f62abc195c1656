"""Requests that come while the model is busy are run together; a lone one never waits.

One thread runs the model, the event loop never does. What arrives while a run is under way is put together for the
next, counted in rows and never above the maximum; what does not fit together (another method, other parameters) takes
its own turn. A run that fails is repeated in halves, so that one bad row hurts only its own caller.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from nbregistry.errors import BadRows, ModelFailed, Overloaded, RegistryError, ServiceError
from nbregistry.flavors.boundary import foreign, summary
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Shape, Table, fits, join

_LOOK = 0.25
"""Seconds between two looks at whether a run takes too long."""

Run = Callable[[Table, str, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """How requests are put together.

    Attributes
    ----------
    rows : int
        Most rows in one run; 1 runs every request by itself.
    queue : int
        Most rows waiting; beyond it a request is refused.
    seconds : float
        A run that takes longer is given up.
    """

    rows: int = 128
    queue: int = 8192
    seconds: float = 30.0


class Watch(Protocol):
    """Who is told of each run."""

    def ran(self, rows: int, waited: float) -> None:
        """Note a run of so many rows, whose first request waited so many seconds."""
        ...

    def waiting(self, rows: int) -> None:
        """Note how many rows wait."""
        ...


class Silent:
    """Nobody is told."""

    def ran(self, rows: int, waited: float) -> None:
        """Note nothing."""

    def waiting(self, rows: int) -> None:
        """Note nothing."""


class Answer(Protocol):
    """Who waits for outputs: a future, or anything that is told as one is."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def set_result(self, outputs: Any, /) -> None:
        """Take the outputs."""
        ...

    def set_exception(self, error: Any, /) -> None:
        """Take a ``RegistryError`` instead."""
        ...


class _Asked(NamedTuple):
    table: Table
    method: str
    params: Mapping[str, Any]
    answer: Answer
    since: float


class Batcher:
    """The queue and the thread of one model. Its methods belong to the event loop that made it.

    Parameters
    ----------
    run : callable
        ``run(table, method, params)``, called in the batcher's own thread.
    limits : Limits
        Rows, queue, seconds.
    padding : int
        Every run is padded to a multiple of so many rows, with the last row repeated, where only then a row's answer is
        the same whatever stands beside it; 0: rows of different requests are never put together.
    stuck : callable
        Told once when a run was given up; the thread cannot be ended from outside.
    """

    def __init__(
        self,
        run: Run,
        limits: Limits | None = None,
        *,
        padding: int = 0,
        watch: Watch | None = None,
        stuck: Callable[[], None] = lambda: None,
        name: str = "model",
    ) -> None:
        self.limits = limits or Limits()
        self.padding = padding
        self._run, self._watch, self._stuck = run, watch or Silent(), stuck
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Asked] = deque()
        self._rows = 0
        self._under_way: list[_Asked] = []
        self._since = 0.0
        self._quick: Run | None = None
        self._due = self._closed = self._given_up = self._looking = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._jobs: SimpleQueue[tuple[list[_Asked], Run, int] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"nbregistry-{name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return not self._idle.is_set()

    @property
    def queued(self) -> int:
        """Rows that wait."""
        return self._rows

    def use(self, run: Run, padding: int, quick: Run | None = None) -> None:
        """From the next run on, run this instead; the run under way ends as it began.

        Parameters
        ----------
        quick : callable
            The same, where the fullest run is known to take less time than handing it to a thread is worth: it is then
            run on the event loop. What it raises, ``run`` is asked again in the thread.
        """
        self._run, self.padding, self._quick = run, padding, quick

    def ask(self, batch: Batch) -> asyncio.Future[Any]:
        """Return the future outputs of the batch's rows; see ``put``."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self.put(batch, answer)
        return answer

    def put(self, batch: Batch, answer: Answer) -> None:
        """Have the batch's rows answered.

        Raises
        ------
        Overloaded
            Too many rows wait, or the model does not answer any more.
        """
        table = batch.table
        if self._closed or self._given_up:
            raise Overloaded("This model is being replaced.", 1.0)
        if self._rows and self._rows + table.rows > self.limits.queue:
            raise Overloaded(f"{self._rows} rows are waiting, which is all this model's queue holds.", 1.0)
        self._waiting.append(_Asked(table, batch.method, batch.params, answer, perf_counter()))
        self._rows += table.rows
        if not self._due and not self._under_way:
            # What came in the same turn of the loop goes along; nobody waits for anything that is not here yet.
            self._due = True
            self._idle.clear()
            self._loop.call_soon(self._launch)

    async def close(self, seconds: float | None = None) -> bool:
        """Answer what was asked, then end the thread; False when that took longer than ``seconds``."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._closed = True
            self._jobs.put(None)
        return True

    # -- on the loop

    def _launch(self) -> None:
        self._due = False
        while taken := self._take():
            self._under_way, self._since = taken, perf_counter()
            rows = sum(a.table.rows for a in taken)
            self._watch.ran(rows, self._since - taken[0].since)
            self._watch.waiting(self._rows)
            found = self._at_once(taken, rows) if self._quick is not None else None
            if found is None:
                self._jobs.put((taken, self._run, self.padding))
                if not self._looking:
                    self._looking = True
                    self._loop.call_later(_LOOK, self._look)
                return
            self._under_way = []
            _tell(taken, found)
        self._idle.set()

    def _at_once(self, taken: list[_Asked], rows: int) -> list[Any] | None:
        """Run on the loop; None where the thread has to."""
        run, first = self._quick, taken[0]
        if run is None or rows > self._most(self.padding):
            return None
        found = _caught(lambda: self._ran(run, first, join([a.table for a in taken]), self.padding))
        if isinstance(found, RegistryError) or _count(found) != rows:
            return None
        return _shared(found, [a.table.rows for a in taken])

    def _take(self) -> list[_Asked]:
        """Take the longest waiting request and what fits beside it; who left meanwhile is passed over."""
        waiting, most, rows = self._waiting, self._most(self.padding), 0
        taken: list[_Asked] = []
        while waiting:
            found = waiting[0]
            if found.answer.done():
                self._rows -= waiting.popleft().table.rows
                continue
            if taken and (not most or rows + found.table.rows > most or not _alike(taken[0], found)):
                break
            taken.append(waiting.popleft())
            rows += found.table.rows
            self._rows -= found.table.rows
            if not most:
                break
        return taken

    def _most(self, padding: int) -> int:
        """Return the most rows that are put together, a multiple of the padding; 0 when nothing is."""
        if not padding or self.limits.rows < max(2, padding):
            return 0
        return self.limits.rows // padding * padding

    def _finish(self, taken: list[_Asked], found: Sequence[Any]) -> None:
        if taken is not self._under_way:
            return  # given up long ago
        self._under_way = []
        _tell(taken, found)
        self._launch()

    def _look(self) -> None:
        """Give up a run that takes too long; one timer looks, however many runs there are."""
        self._looking = bool(self._under_way) and perf_counter() - self._since < self.limits.seconds
        if self._looking:
            self._loop.call_later(_LOOK, self._look)
        if self._looking or not self._under_way:
            return
        self._given_up = True
        late = [*self._under_way, *self._waiting]
        self._waiting.clear()
        self._under_way, self._rows = [], 0
        for asked in late:
            if not asked.answer.done():
                asked.answer.set_exception(
                    Overloaded(f"The model took longer than {self.limits.seconds:g} s and was given up.", 2.0)
                )
        self._idle.set()
        self._stuck()

    # -- in the model's thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            taken, run, padding = job
            found = self._outcomes(taken, run, padding)
            try:
                self._loop.call_soon_threadsafe(self._finish, taken, found)
            except RuntimeError:  # the loop was closed meanwhile
                return

    def _outcomes(self, taken: list[_Asked], run: Run, padding: int) -> Sequence[Any]:
        first = taken[0]
        if len(taken) > 1:
            joined = _caught(lambda: self._ran(run, first, join([a.table for a in taken]), padding))
            rows = sum(a.table.rows for a in taken)
            if isinstance(joined, RegistryError):
                # In halves, so that one bad row among many is found in a few runs and the others hardly wait for it.
                half = len(taken) // 2
                return [*self._outcomes(taken[:half], run, padding), *self._outcomes(taken[half:], run, padding)]
            if _count(joined) == rows:
                return _shared(joined, [a.table.rows for a in taken])
        return [_caught(lambda a=a: self._alone(a, run, padding)) for a in taken]  # type: ignore[misc]  # mypy cannot infer a default's type

    def _alone(self, asked: _Asked, run: Run, padding: int) -> Any:
        table, most = asked.table, self._most(padding)
        if not most or table.rows <= most or table.shape is Shape.WHOLE:
            return self._ran(run, asked, table, padding)
        parts: list[Any] = []
        for start in range(0, table.rows, most):
            if parts and asked.answer.done():  # who asked has left; written by the loop, read here: at worst in vain
                break
            parts.append(self._ran(run, asked, table.cut(start, min(start + most, table.rows)), padding))
        return _stacked(parts)

    def _ran(self, run: Run, asked: _Asked, table: Table, padding: int) -> Any:
        # A run is what may take too long; a request of many pieces, or a repeated one, takes as long as it has to.
        self._since = perf_counter()
        missing = -table.rows % padding if padding > 1 and table.shape is not Shape.WHOLE else 0
        if not missing or not table.rows:
            return run(table, asked.method, asked.params)
        last = table.cut(table.rows - 1, table.rows)
        found = run(join([table, *[last] * missing]), asked.method, asked.params)
        return _part(found, 0, table.rows)


def _tell(taken: list[_Asked], found: Sequence[Any]) -> None:
    for asked, outcome in zip(taken, found, strict=True):
        if asked.answer.done():
            continue
        if isinstance(outcome, RegistryError):
            asked.answer.set_exception(outcome)
        else:
            asked.answer.set_result(outcome)


def _alike(first: _Asked, second: _Asked) -> bool:
    return (
        first.method == second.method
        and (first.params is second.params or first.params == second.params)
        and fits(first.table, second.table)
    )


def _caught(action: Callable[[], Any]) -> Any:
    """Return what the model gave, or the error as a value."""
    try:
        with foreign("Predicting", told=_told):
            return action()
    except RegistryError as error:
        return error
    except MemoryError:
        return ModelFailed("The model ran out of memory on these rows.")
    except (SystemExit, KeyboardInterrupt):
        return ModelFailed("The model tried to end the server.")


def _told(error: Exception) -> ServiceError:
    """Tell whose fault it is: values that the model refuses are the caller's, anything else is the model's."""
    if isinstance(error, ValueError | TypeError):
        return BadRows(f"The model refused these rows: {summary(error)}")
    return ModelFailed(f"The model failed on these rows: {summary(error)}")


def _count(outputs: Any) -> int:
    """Return how many rows outputs have; -1 where that cannot be told."""
    shape = getattr(outputs, "shape", None)
    if shape is not None:
        return int(shape[0]) if shape else -1
    return len(outputs) if isinstance(outputs, list | tuple) else -1


def _part(outputs: Any, start: int, stop: int) -> Any:
    cutter = getattr(outputs, "iloc", None)
    return outputs[start:stop] if cutter is None else cutter[start:stop]


def _shared(outputs: Any, rows: Sequence[int]) -> list[Any]:
    found, start = [], 0
    for count in rows:
        found.append(_part(outputs, start, start + count))
        start += count
    return found


def _stacked(parts: Sequence[Any]) -> Any:
    """Put the outputs of one request's pieces together again."""
    if isinstance(parts[0], list | tuple):
        return [v for part in parts for v in part]
    if hasattr(parts[0], "iloc"):
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    if hasattr(parts[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(parts)
    import numpy as np

    return np.concatenate(parts)
