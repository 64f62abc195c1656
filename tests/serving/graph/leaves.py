"""Models that a test can watch: what they were asked, and answers as the test wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from nbregistry.capture.signature import infer
from nbregistry.domain import graph as g
from nbregistry.serving.graph.build import Built, build
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch, By
from nbregistry.serving.table import Shape, Table

SIGNATURE = infer(np.zeros((3, 2)))


class Fake:
    """A leaf: ``answer(rows, method)`` with the rows as its intake gives them to a model."""

    def __init__(self, ref: str, answer: Callable[[Any, str], Any], **has: Any) -> None:
        self.ref = ref
        self.answer = answer
        self.intake = Intake(has.get("signature", SIGNATURE))
        self.methods = has.get("methods", ("predict",))
        name, _, number = ref.partition("/")
        self.by = By(name, int(number or 1), has.get("digest", f"{int(number or 1):064x}"))
        self.ready, self.trouble = True, ""
        self.gate: asyncio.Event | None = has.get("gate")
        self.asked: list[Batch] = []

    async def __call__(self, batch: Batch) -> Batch:
        self.asked.append(batch)
        if self.gate is not None:
            await self.gate.wait()
        return batch.answered(self.answer(self.intake.to_model(batch.table), batch.method), (self.by,))


def constant(value: Any) -> Callable[[Any, str], Any]:
    """Answer every row the same."""
    return lambda rows, method: np.array([value] * len(rows))


class Models:
    """The leaves of one graph, by reference; those that were not given answer their version's number."""

    def __init__(self, *given: Fake) -> None:
        self.given = {leaf.ref: leaf for leaf in given}
        self.paths: dict[str, Fake] = {}

    def __call__(self, ref: str, path: str) -> Fake:
        number = float(ref.partition("/")[2] or 1)
        self.paths[path] = self.given.setdefault(ref, Fake(ref, constant(number)))
        return self.paths[path]

    def __getitem__(self, ref: str) -> Fake:
        return self.given[ref]


def rows(*values: Any) -> Table:
    """Return a table of rows of two numbers."""
    found = np.array(values or [(1.0, 2.0)], dtype=float)
    return Table(Shape.ARRAY, found, len(found))


def question(id_: str = "r1", *, key: str = "", table: Table | None = None, **more: Any) -> Batch:
    """Return a batch as the app makes it."""
    return Batch(table or rows(), id=id_, key=key, **more)


def made(node: Any, models: Models, **options: Any) -> Built:
    """Build a graph called ``ab``."""
    return build(node if isinstance(node, g.Graph) else g.Graph(node, "ab"), models, **options)


def ask(built: Built, batch: Batch | None = None) -> Batch:
    """Ask once, on a loop of its own."""

    async def once() -> Batch:
        return await built.root(batch or question())

    return asyncio.run(once())


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end, "it did not come true in time"
        await asyncio.sleep(0.002)
