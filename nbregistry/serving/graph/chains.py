"""Nodes that run one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nbregistry.serving.graph.parts import Part
from nbregistry.serving.graph.rows import all_of, asked, passed_on
from nbregistry.serving.node import Batch


class Link(NamedTuple):
    """A transformer and where it is."""

    path: str
    part: Part


class Chained:
    """Transformers, the node that answers, and transformers of its answer.

    A model among the transformers is asked to ``transform`` where it can, else to ``predict``. The versions of an
    answer are told with that of the main node first.
    """

    def __init__(self, before: Sequence[Link], main: Part, after: Sequence[Link]) -> None:
        self._before, self._main, self._after = tuple(before), main, tuple(after)

    @property
    def methods(self) -> tuple[str, ...]:
        """What the main node can be asked."""
        return self._main.methods

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return how many nodes it went through."""
        return {"nodes": len(self._before) + 1 + len(self._after)}

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        table, rows = batch.table, batch.table.rows
        parts = []
        for link in self._before:
            made = await link.part(asked(batch, table, _transforming(link.part)))
            table = passed_on(made.outputs, rows, link.path)
            parts.append(made.by)
        answer = await self._main(asked(batch, table, batch.method))
        outputs, by = answer.outputs, answer.by
        for link in self._after:
            table = passed_on(outputs, rows, link.path)
            made = await link.part(asked(batch, table, _transforming(link.part)))
            outputs = made.outputs
            parts.append(made.by)
        return batch.answered(outputs, all_of(by, *parts))


def _transforming(part: Part) -> str:
    return "transform" if "transform" in part.methods else "predict"
