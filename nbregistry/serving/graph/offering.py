"""Graphs put beside models: their parts loaded by who follows models, their own versions followed here.

A graph that was registered is followed as a model is: a promotion or an alias that moves brings the next graph, whose
parts are loaded before it takes its place between two requests. One that cannot be served leaves the old one in charge.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.graph import Graph
from nbregistry.domain.refs import Ref
from nbregistry.domain.succession import breaks
from nbregistry.errors import Conflict, InvalidInput, NotFound, RegistryError
from nbregistry.registry import Registry
from nbregistry.registry.pinning import FLAVOR
from nbregistry.serving.boundary import guarded
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.graph.parts import Leaf
from nbregistry.serving.graph.state import State
from nbregistry.serving.intake import Intake
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import By

LOOK = 0.1
"""Seconds between two looks at the ledger."""

_AGAIN = 5.0

FetchLeaf = Callable[[str], Awaitable[Leaf]]
"""``await leaf(ref)``: the model of a reference, loaded or saying why it is not."""


def is_graph(registry: Registry, ref: str) -> bool:
    """Whether a reference means a graph now; False where it means nothing yet."""
    try:
        return registry.version(ref).flavor == FLAVOR
    except NotFound:
        return False


def state_folder(registry: Registry, name: str) -> Path:
    """Return where all servers of this user remember what a graph of this registry decided."""
    return Path(registry.settings.home) / "graphs" / registry.core.store.id / name


async def of_graph(
    graph: Graph, leaf: FetchLeaf, *, name: str = "", state: State | None = None, measures: Measures | None = None
) -> GraphEndpoint:
    """Return a graph that answers, its references followed as they are."""
    leaves = {ref: await leaf(ref) for ref in graph.refs()}
    return GraphEndpoint(graph, lambda ref, path: leaves[ref], name=name, state=state, measures=measures)


class FollowedGraph:
    """A registered graph and the reference that says which version of it answers.

    Parameters
    ----------
    leaf : callable
        Loads and follows the parts; what it returns belongs to its owner.
    state : State
        By default that of ``state_folder``.

    Attributes
    ----------
    endpoint : GraphEndpoint
        What routes find, from ``start`` on.
    """

    endpoint: GraphEndpoint

    def __init__(
        self,
        registry: Registry,
        ref: str,
        leaf: FetchLeaf,
        *,
        measures: Measures | None = None,
        state: State | None = None,
    ) -> None:
        self._registry, self._ref, self._leaf = registry, str(Ref.parse(ref)), leaf
        self._measures = measures or Measures()
        self._state = state
        self._bad: tuple[By, float] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> GraphEndpoint:
        """Load what the reference means, and go on looking.

        Raises
        ------
        nbregistry.errors.RegistryError
            It means no graph, or one that cannot be loaded or is not trusted.
        """
        version, graph, intake = await asyncio.to_thread(self._loaded)
        leaves = {ref: await self._leaf(ref) for ref in graph.refs()}
        state = self._state or await asyncio.to_thread(State, state_folder(self._registry, version.name))
        self.endpoint = GraphEndpoint(
            graph, lambda ref, path: leaves[ref], name=version.name, ref=self._ref, version=_by(version), state=state,
            measures=self._measures, intake=intake,
        )  # fmt: skip
        self._note(version)
        self._task = asyncio.create_task(self._watch())
        return self.endpoint

    async def close(self) -> None:
        """Stop looking and write down what is remembered."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self.endpoint.close)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await guarded(f"Following {self._ref}", self.look)
            except (RegistryError, MemoryError) as error:
                self.endpoint.failed = str(error) or type(error).__name__

    async def look(self) -> None:
        """Look once; take the graph that the reference means now, if it can be served."""
        version = await asyncio.to_thread(self._registry.version, self._ref)
        wanted = _by(version)
        if wanted == self.endpoint.version:
            self.endpoint.failed, self._bad = "", None
            self._note(version)
            return
        if self._bad is not None and self._bad[0] == wanted and self._bad[1] > monotonic():
            return
        try:
            await self._replace()
        except (RegistryError, MemoryError) as error:
            self._bad = (wanted, monotonic() + _AGAIN)
            self.endpoint.failed = f"{wanted.ref} is not served: {str(error) or type(error).__name__}"
            self._measures.swaps.labels(self.endpoint.name, "refused").inc()

    async def _replace(self) -> None:
        version, graph, intake = await asyncio.to_thread(self._loaded)
        leaves = {ref: await self._leaf(ref) for ref in graph.refs()}
        for ref, leaf in leaves.items():
            if not leaf.ready:
                raise Conflict(f"its part {ref} is not ready: {leaf.trouble or 'not loaded'}")
        first = intake or leaves[graph.refs()[0]].intake
        if found := breaks(first.signature, self.endpoint.intake.signature):
            raise Conflict(f"it would break those who ask now: {'; '.join(found[:5])}")
        self.endpoint.use(graph, lambda ref, path: leaves[ref], version=_by(version), intake=intake)
        self.endpoint.failed, self._bad = "", None
        self._note(version)
        self._measures.swaps.labels(self.endpoint.name, "done").inc()

    def _loaded(self) -> tuple[ModelVersion, Graph, Any]:
        version = self._registry.version(self._ref)
        graph = self._registry.load(version)
        if not isinstance(graph, Graph):
            raise InvalidInput(f"{version.ref} is a model, and {self._ref} was served as a graph.")
        own = version.files.get("signature", "")
        first = self._registry.version(graph.refs()[0])
        # A signature that is the first model's was inherited from it; any other was given with X=.
        intake = Intake(version.signature) if own and own != first.files.get("signature") else None
        return version, graph, intake

    def _note(self, version: ModelVersion) -> None:
        self.endpoint.stage, self.endpoint.aliases = version.stage.value, version.aliases


def _by(version: ModelVersion) -> By:
    return By(version.name, version.number, version.digest)
