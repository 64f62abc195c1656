"""Graphs that a server offers: registered ones follow their reference, others stay as they were handed over."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.graph import Graph
from nbregistry.domain.refs import Ref
from nbregistry.domain.succession import breaks
from nbregistry.errors import Conflict, Overloaded, RegistryError
from nbregistry.registry import Registry
from nbregistry.serving.followed import Failure
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.graph.state import State
from nbregistry.serving.intake import Intake
from nbregistry.serving.live import Terms
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch, By, Leaf
from nbregistry.types import Document


def state_of(home: Path, store: str, name: str) -> State:
    """Return what a graph of that name in that store remembers, whoever serves it and however often it is restarted."""
    folder = home / "graphs" / hashlib.sha256(f"{store}\0{name}".encode()).hexdigest()[:24]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return State(folder)


class FollowedGraph:
    """An ``Endpoint`` that is whatever graph its reference means.

    Attributes
    ----------
    now : GraphEndpoint or None
        What answers; exchanged between two requests.
    failed : Failure or None
        What should answer instead, and why it does not.
    lost : str
        Why the reference means nothing any more.
    """

    def __init__(self, ref: str, state: State, measures: Measures) -> None:
        self.ref = ref
        self.name = Ref.parse(ref).name
        self.state, self.measures = state, measures
        self.now: GraphEndpoint | None = None
        self.failed: Failure | None = None
        self.lost = ""
        self.loading = False

    def take(self, graph: Graph, version: By, leaf: Callable[[str, str], Leaf], intake: Intake | None) -> None:
        """Answer with this graph from here on.

        Raises
        ------
        nbregistry.errors.Conflict
            One of its parts cannot answer, and the graph before it goes on.
        """
        before = self.now
        made = GraphEndpoint(
            graph, leaf, name=self.name, ref=self.ref, version=version, state=self.state, measures=self.measures,
            intake=intake,
        )  # fmt: skip
        if before is not None and not made.ready:
            made.close(state=False)
            raise Conflict(made.trouble)
        self.now = made
        self.failed, self.lost = None, ""
        if before is not None:
            before.close(state=False)
            self.measures.swaps.labels(self.name, "done").inc()

    def close(self) -> None:
        """Write down what is remembered."""
        if self.now is not None:
            self.now.close(state=False)
        self.state.close()

    @property
    def version(self) -> By | None:
        """The version that the graph itself is."""
        return self.now.version if self.now else None

    @property
    def intake(self) -> Any:
        """What requests are read by."""
        return self._serving().intake

    @property
    def by(self) -> By | None:
        """None: each answer names the versions that gave it."""
        return None

    @property
    def classes(self) -> Any:
        """Labels of the columns of ``predict_proba``."""
        return self._serving().classes

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked."""
        return self.now.methods if self.now is not None and self.now.ready else ()

    @property
    def ready(self) -> bool:
        """Whether every part answers."""
        return self.now is not None and self.now.ready

    @property
    def trouble(self) -> str:
        """Why it is not what the registry wants it to be."""
        if self.lost:
            return self.lost
        if self.failed is not None:
            return str(self.failed)
        return self.now.trouble if self.now is not None else ""

    def metadata(self) -> Document:
        """Return the graph, and which version each part is now."""
        return {**self._serving().metadata(), "asked": self.ref, "trouble": self.trouble}

    def report(self) -> Document:
        """Return how the nodes that watch or choose have fared."""
        return self._serving().report()

    async def feedback(self, id: str, reward: float, truth: Any = None, routing: Any = None) -> Document:
        """Count the reward of a request."""
        return await self._serving().feedback(id, reward, truth, routing)

    def means(self, which: str) -> bool:
        """Whether ``3`` or what stands behind the name in the reference is what answers here."""
        said = self.ref.removeprefix("models:/")[len(self.name) :].removeprefix("/")
        return not which or which == said or (self.version is not None and which == str(self.version.number))

    async def __call__(self, batch: Batch) -> Batch:
        """Answer with the graph that is in charge as the request arrives."""
        return await self._serving()(batch)

    def _serving(self) -> GraphEndpoint:
        if self.now is None:
            raise Overloaded(f"{self.ref} is not served yet{': ' + self.trouble if self.trouble else ''}.", 1.0)
        return self.now


class Graphs:
    """The graphs of one server, and the leaves that they need.

    Parameters
    ----------
    leaf : callable
        Gives what follows a reference, loaded.
    drop : callable
        Lets go of a reference that no graph needs any more.
    """

    def __init__(
        self, registry: Registry, terms: Terms, leaf: Callable[[str], Awaitable[Leaf]], drop: Callable[[str], None]
    ) -> None:
        self.registry, self.terms = registry, terms
        self._leaf, self._drop = leaf, drop
        self._followed: dict[str, FollowedGraph] = {}
        self._handed: list[GraphEndpoint] = []

    async def endpoint(self, ref: str, version: ModelVersion) -> FollowedGraph:
        """Return what follows a reference to a graph; the same for everybody who asks."""
        if ref not in self._followed:
            name = Ref.parse(ref).name
            followed = FollowedGraph(ref, self._state(name), self.terms.measures)
            await self._exchange(followed, version)
            self._followed[ref] = followed
        return self._followed[ref]

    async def handed(self, graph: Graph) -> GraphEndpoint:
        """Return an endpoint for a graph that is not registered; what its references mean is followed part by part."""
        name = graph.name or "graph"
        leaves = {ref: await self._leaf(ref) for ref in graph.refs()}
        found = GraphEndpoint(
            graph, lambda ref, path: leaves[ref], name=name, state=self._state(name), measures=self.terms.measures
        )
        self._handed.append(found)
        return found

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """See whether references mean other graphs now; in the thread that follows the ledger."""
        for followed in list(self._followed.values()):
            try:
                version = self.registry.version(followed.ref)
            except RegistryError as error:
                followed.lost = str(error)
                continue
            followed.lost = ""
            wanted, failed = By.of(version), followed.failed
            if followed.version == wanted:
                followed.failed = None
            elif not followed.loading and not (failed and failed.wanted == wanted and failed.again > monotonic()):
                followed.loading = True
                asyncio.run_coroutine_threadsafe(self._exchange(followed, version), loop)

    def forget(self, endpoint: Any) -> bool:
        """Let go of an endpoint; whether it was a graph."""
        if isinstance(endpoint, FollowedGraph):
            del self._followed[endpoint.ref]
        elif isinstance(endpoint, GraphEndpoint):
            self._handed.remove(endpoint)
        else:
            return False
        endpoint.close()
        self._sweep(set(_refs(endpoint)))
        return True

    def close(self) -> None:
        """Write down what is remembered."""
        for endpoint in self._all():
            endpoint.close()

    def needs(self, ref: str) -> bool:
        """Whether a graph has a part of this reference."""
        return any(ref in _refs(one) for one in self._all())

    def _all(self) -> list[FollowedGraph | GraphEndpoint]:
        return [*self._followed.values(), *self._handed]

    async def _exchange(self, followed: FollowedGraph, version: ModelVersion) -> None:
        followed.loading = True
        before, wanted = set(_refs(followed)), set[str]()
        try:
            graph, intake = await asyncio.get_running_loop().run_in_executor(None, self._read, followed, version)
            wanted = set(graph.refs())
            leaves = {ref: await self._leaf(ref) for ref in graph.refs()}
            followed.take(graph, By.of(version), lambda ref, path: leaves[ref], intake)
        except (RegistryError, MemoryError) as error:
            followed.failed = Failure(By.of(version), str(error) or type(error).__name__).repeated(followed.failed)
            self.terms.measures.swaps.labels(followed.name, "refused").inc()
            before |= wanted  # what was loaded for nothing
        finally:
            followed.loading = False
        self._sweep(before)

    def _read(self, followed: FollowedGraph, version: ModelVersion) -> tuple[Graph, Intake | None]:
        graph = self.registry.load(version)
        if not isinstance(graph, Graph):
            raise Conflict(f"{version.ref} is not a graph, what it takes the place of is one.")
        signature = version.signature
        now = followed.now.intake.signature if followed.now is not None and followed.now.ready else None
        if found := breaks(signature, now):
            raise Conflict(f"it would break those who ask {followed.name}: {'; '.join(found[:5])}.")
        return graph, Intake(signature) if signature is not None else None

    def _sweep(self, refs: set[str]) -> None:
        for ref in refs:
            if not self.needs(ref):
                self._drop(ref)

    def _state(self, name: str) -> State:
        core = self.registry.core
        return state_of(core.settings.home, core.store.id, name)


def _refs(endpoint: FollowedGraph | GraphEndpoint) -> tuple[str, ...]:
    graph = endpoint.now.graph if isinstance(endpoint, FollowedGraph) and endpoint.now else None
    if isinstance(endpoint, GraphEndpoint):
        graph = endpoint.graph
    return graph.refs() if graph is not None else ()
