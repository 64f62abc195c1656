"""What all nodes of a graph that answers have in common, and the two that stand at its ends: models and functions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from nbregistry.domain.graph_nodes import METHODS, Function, Model
from nbregistry.errors import Damaged, Overloaded
from nbregistry.serving.graph.rows import Data, alike, asked, count, data_of, passed_on, reread, table_of
from nbregistry.serving.graph.state import State
from nbregistry.serving.graph.threads import Threads
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch, Leaf, Step
from nbregistry.serving.table import Table


class Part(Protocol):
    """A node that answers."""

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked, the default first."""
        ...

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return what ``explain`` says of an answer."""
        ...

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        ...


@dataclass(slots=True)
class Setting:
    """What the nodes of one graph share.

    Attributes
    ----------
    entry : Leaf or None
        The model that meets the rows first: requests are read by its intake.
    intake : Any
        What requests are read by instead, where the graph has a signature of its own.
    """

    name: str
    state: State
    measures: Measures
    threads: Threads
    entry: Leaf | None = None
    intake: Any = None

    def reader(self) -> Any:
        """Return the intake that made a request's table; outside of a request, that of the next one's."""
        if self.intake is not None:
            return self.intake
        if (held := _READ_BY.get()) is not None and held[0] is self:
            return held[1]
        if self.entry is None:
            raise Overloaded(f"The graph {self.name} has no model yet.")
        return self.entry.intake

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep to the reader of now for one request and what it starts.

        While it is on its way the first model may be exchanged for one whose columns have another order.
        """
        token = _READ_BY.set((self, self.reader()))
        try:
            yield
        finally:
            _READ_BY.reset(token)


_READ_BY: ContextVar[tuple[Setting, Any] | None] = ContextVar("nbregistry_read_by", default=None)


class Watched:
    """A node with its clock: times, failures and steps are the same for every kind.

    Parameters
    ----------
    timeout : float or None
        Seconds after which the node is given up.
    entry : bool
        Whether requests enter the graph here.
    """

    def __init__(
        self, path: str, kind: str, part: Part, *, timeout: float | None, setting: Setting, entry: bool = False
    ) -> None:
        self.path, self.kind, self.part, self._timeout = path, kind, part, timeout
        self._setting = setting if entry else None
        self._seconds = setting.measures.node_seconds.labels(setting.name, path)
        self._errors = setting.measures.node_errors.labels(setting.name, path)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked."""
        return self.part.methods

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return what ``explain`` says."""
        return self.part.told(answer)

    async def __call__(self, batch: Batch) -> Batch:
        """Answer, within the time it has."""
        if self._setting is None:
            return await self._watch(batch)
        with self._setting.held():
            return await self._watch(batch)

    async def _watch(self, batch: Batch) -> Batch:
        since = perf_counter()
        try:
            answer = await (self.part(batch) if self._timeout is None else self._within(batch, self._timeout))
        except Exception as error:
            self._errors.inc()
            if batch.steps is not None:
                told = {"error": type(error).__name__}
                batch.steps.append(Step(self.path, self.kind, perf_counter() - since, told))
            raise
        taken = perf_counter() - since
        self._seconds.observe(taken)
        if batch.steps is not None:
            batch.steps.append(Step(self.path, self.kind, taken, self.part.told(answer)))
        return answer

    async def _within(self, batch: Batch, seconds: float) -> Batch:
        try:
            return await asyncio.wait_for(self.part(batch), seconds)
        except TimeoutError:
            raise Overloaded(f"{self.path} took longer than the {seconds:g} s it has in this graph.", 1.0) from None


class Asked:
    """A model: its rows in the form that its own intake gives them, its answer by the bytes that were pinned."""

    def __init__(self, node: Model, leaf: Leaf, setting: Setting) -> None:
        self._node, self._leaf, self._setting = node, leaf, setting
        self._compared: tuple[Any, Any, bool] = (None, None, False)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked; a node that asks one method only answers any question with it."""
        return METHODS if self._node.method else self._leaf.methods

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return the version and what its outputs are."""
        return {"version": answer.by[0].ref if answer.by else self._node.ref, "outputs": summary(answer.outputs)}

    async def __call__(self, batch: Batch) -> Batch:
        """Ask the model."""
        table = await self._table(batch.table)
        answer = await self._leaf(asked(batch, table, self._node.method or batch.method))
        wanted = self._node.digest
        if wanted and (not answer.by or answer.by[0].digest != wanted):
            raise Damaged(
                f"{self._node.ref} answers with other bytes than those that the graph {self._setting.name} was"
                " registered with: nothing was answered."
            )
        return batch.answered(answer.outputs, answer.by)

    async def _table(self, table: Table) -> Table:
        intake = self._leaf.intake
        if isinstance(table.values, Data):
            data = table.values.value
            return await self._setting.threads.run(
                f"Reading the rows for {self._node.ref}", lambda: table_of(data, intake)
            )
        reader = self._setting.reader()
        first, second, fits = self._compared
        if first is not reader or second is not intake:
            fits = alike(reader, intake)
            self._compared = (reader, intake, fits)
        if fits:
            return table
        if (found := reread(table, reader, intake)) is not None:
            return found
        return await self._setting.threads.run(
            f"Reading the rows for {self._node.ref}", lambda: table_of(data_of(table, reader), intake)
        )


class Called:
    """A function of the notebook, in a thread."""

    methods = METHODS

    def __init__(self, node: Function, setting: Setting) -> None:
        if node.call is None:
            raise Damaged(
                f"The function {node.name!r} of the graph {setting.name} is not there: load the graph itself."
            )
        self._name, self._setting = node.name, setting
        self._call: Callable[[Any], Any] = node.call

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return what its outputs are."""
        return {"outputs": summary(answer.outputs)}

    async def __call__(self, batch: Batch) -> Batch:
        """Call it with the rows, or with the outputs of the model before it."""
        table, doing = batch.table, f"The function {self._name}"
        reader = None if isinstance(table.values, Data) else self._setting.reader()
        outputs = await self._setting.threads.run(doing, lambda: self._call(data_of(table, reader)))
        passed_on(outputs, table.rows, doing)
        return batch.answered(outputs, ())


async def together(calls: Iterator[Awaitable[Batch]]) -> list[Batch]:
    """Return all answers; when one fails the others are given up."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        for task in tasks:  # an error that nobody hears of is said to be never retrieved
            if not task.cancelled():
                task.exception()


def summary(outputs: Any) -> str:
    """Return what outputs are, in a few characters."""
    shape, dtype = getattr(outputs, "shape", None), getattr(outputs, "dtype", "")
    if shape is not None:
        return f"{type(outputs).__name__}{tuple(shape)} {dtype}".strip()
    return f"{type(outputs).__name__} of {count(outputs)}"
