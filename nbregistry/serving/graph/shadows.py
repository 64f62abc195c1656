"""A node that is asked beside the one that answers: nobody waits for it, and nothing it does reaches the caller."""

from __future__ import annotations

import asyncio
import random
import threading
from time import perf_counter
from typing import Any

from nbregistry.domain.graph_nodes import Shadow
from nbregistry.errors import RegistryError
from nbregistry.serving.boundary import guarded
from nbregistry.serving.graph.differences import MOST_ROWS, Difference, Differences, distances_of, inputs_of, plain
from nbregistry.serving.graph.parts import Part, Setting
from nbregistry.serving.graph.routing import identity
from nbregistry.serving.graph.rows import data_of
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Table
from nbregistry.types import Document


class Shadowed:
    """The main node, and behind it another one that sees the same rows once the answer is on its way.

    Attributes
    ----------
    key : str
        What its report is kept under.
    """

    def __init__(self, node: Shadow, path: str, parts: tuple[Part, Part], setting: Setting) -> None:
        self._node, self._path, self._setting = node, path, setting
        self._main, self._shadow = parts
        self.key = f"{path}.{identity(node)}"  # another shadow at the same place is another comparison
        self._random = random.Random()  # noqa: S311  a sample, no secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._found = Differences()
        self._guard = threading.Lock()  # comparing is done in threads, several at a time
        cell = setting.measures.shadow.labels
        self._cells = {o: cell(setting.name, path, o) for o in ("agreed", "differed", "failed", "skipped")}

    @property
    def methods(self) -> tuple[str, ...]:
        """What the main node can be asked."""
        return self._main.methods

    @property
    def under_way(self) -> int:
        """Requests that the shadow has not answered yet."""
        return len(self._tasks)

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return how many requests the shadow has still to answer."""
        return {"under_way": len(self._tasks)}

    async def __call__(self, batch: Batch) -> Batch:
        """Answer with the main node."""
        since = perf_counter()
        answer = await self._main(batch)
        if self._node.share < 1 and self._random.random() >= self._node.share:
            return answer
        if len(self._tasks) >= self._node.under_way:
            with self._guard:
                self._found.skipped += 1
            self._cells["skipped"].inc(batch.table.rows)
            return answer
        # A question of its own: what the shadow writes into routing and steps is not the caller's.
        table = Table(batch.table.shape, batch.table.values, batch.table.rows)
        question = Batch(table, batch.method, batch.id, batch.key, batch.params)
        task = asyncio.create_task(self._follow(question, answer.outputs, perf_counter() - since))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer

    async def _follow(self, batch: Batch, outputs: Any, seconds: float) -> None:
        since = perf_counter()
        try:
            answer = await guarded(f"Asking the shadow {self._path} ({batch.id})", lambda: self._shadow(batch))
            taken = perf_counter() - since
            reader = self._setting.reader()
            await self._setting.threads.run(
                f"Comparing at {self._path}",
                lambda: self._compare(batch, reader, (outputs, answer.outputs), (seconds, taken)),
            )
        except (RegistryError, MemoryError) as error:
            with self._guard:
                self._found.failure(type(error).__name__)
            self._cells["failed"].inc(batch.table.rows)

    def _compare(self, batch: Batch, reader: Any, outputs: tuple[Any, Any], seconds: tuple[float, float]) -> None:
        main, shadow = outputs
        apart, same = distances_of(main, shadow, batch.method)
        agreed = sum(same)
        self._cells["agreed"].inc(agreed)
        self._cells["differed"].inc(len(same) - agreed)
        with self._guard:
            self._found.compared(apart, agreed, seconds)
            rows = [
                i for i in sorted(range(len(apart)), key=lambda i: -apart[i])[:MOST_ROWS] if self._found.wants(apart[i])
            ]
        kept = []
        if rows:
            data = data_of(batch.table, reader)
            names = reader.signature.names if reader.signature is not None else ()
            for i in rows:
                inputs = inputs_of(data, i, names, self._node.redact)
                kept.append(Difference(apart[i], batch.id, i, inputs, plain(_row(main, i)), plain(_row(shadow, i))))
        with self._guard:
            for found in kept:
                self._found.keep(found.as_document())

    def report(self) -> Document:
        """Return how the two nodes compare, as this process has seen it."""
        with self._guard:
            return self._found.as_document()

    async def settled(self) -> None:
        """Wait until the shadow has answered everything that it was asked."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()


def _row(outputs: Any, i: int) -> Any:
    return outputs.iloc[i] if hasattr(outputs, "iloc") else outputs[i]
