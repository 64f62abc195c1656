"""A graph under one name: the ``Endpoint`` that routes, codecs and gRPC know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_documents import as_document
from nbregistry.errors import NotFound
from nbregistry.serving.graph.build import Built, FindLeaf, build
from nbregistry.serving.graph.differences import merged
from nbregistry.serving.graph.state import State
from nbregistry.serving.graph.threads import Threads
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch, By
from nbregistry.types import Document


class GraphEndpoint:
    """A graph that is served.

    Parameters
    ----------
    graph : Graph
        Its name, else ``name``, is what routes call it.
    leaf : callable
        ``leaf(ref, path)`` for each model; the leaves belong to the caller, who also closes them.
    ref : str
        The reference it was asked for by; empty for a graph that was never registered.
    version : By or None
        The version that the graph itself is.
    intake : Intake or None
        Made from the graph version's own signature, where it was registered with X=; by default the first model's.
    """

    def __init__(
        self,
        graph: Graph,
        leaf: FindLeaf,
        *,
        name: str = "",
        ref: str = "",
        version: By | None = None,
        state: State | None = None,
        measures: Measures | None = None,
        intake: Any = None,
    ) -> None:
        self.name = name or graph.name or (version.name if version else "graph")
        self.ref = ref or self.name
        self.version = version
        self.graph = graph if graph.name == self.name else replace(graph, name=self.name)
        self.measures = measures or Measures()
        self.state = state or State()
        self.threads = Threads()
        self.built: Built = build(
            self.graph, leaf, state=self.state, measures=self.measures, threads=self.threads, intake=intake
        )
        self._asked = False
        self._clerks = Threads(2)  # of their own: who sends ids that nobody knows keeps no function waiting

    @property
    def intake(self) -> Any:
        """What requests are read by."""
        return self.built.setting.reader()

    @property
    def by(self) -> By | None:
        """None: each answer names the versions that gave it."""
        return None

    @property
    def classes(self) -> Any:
        """The labels of the first model that has some, for protocols that name the columns of probabilities."""
        found = (getattr(leaf, "classes", None) for _, leaf in self.built.leaves.values())
        return next((labels for labels in found if labels is not None), None)

    @property
    def methods(self) -> tuple[str, ...]:
        """What the models that answer have in common."""
        return self.built.root.methods

    @property
    def ready(self) -> bool:
        """Whether every model can answer with the bytes that it is pinned to, those of shadows aside."""
        return all(self._fit(path) for path in self.built.leaves if not self._beside(path))

    def _fit(self, path: str) -> bool:
        node, leaf = self.built.leaves[path]
        by = leaf.by
        return leaf.ready and (not node.digest or by is None or by.digest == node.digest)

    @property
    def trouble(self) -> str:
        """What is wrong with which part."""
        found = []
        for path, (node, leaf) in self.built.leaves.items():
            by = leaf.by
            if leaf.trouble:
                found.append(f"{path}: {leaf.trouble}")
            elif not leaf.ready:
                found.append(f"{path}: {node.ref} is not served yet")
            elif not self._fit(path):
                found.append(f"{path}: {by.ref if by else node.ref} is not what the graph was registered with")
        return "; ".join(found)

    def _beside(self, path: str) -> bool:
        return any(path == f"{p}/shadow" or path.startswith(f"{p}/shadow/") for p in self.built.shadowed)

    def metadata(self) -> Document:
        """Return the graph, drawn and as data, and which version each part is now."""
        signature = getattr(self.intake, "signature", None) if self.ready else None
        found: Document = {
            "name": self.name, "ref": self.ref, "methods": list(self.methods) if self.ready else [],
            "signature": signature.as_document() if signature is not None else None,
            "graph": as_document(self.graph)["graph"], "drawing": str(self.graph), "mermaid": self.graph.mermaid(),
            "parts": [self._part(path) for path in self.built.leaves], "trouble": self.trouble,
        }  # fmt: skip
        if self.version is not None:
            found.update(version=self.version.number, digest=self.version.digest)
        return found

    def _part(self, path: str) -> Document:
        node, leaf = self.built.leaves[path]
        by = leaf.by
        return {
            "path": path, "asked": node.asked or node.ref, "ref": by.ref if by else None,
            "digest": by.digest if by else None, "ready": leaf.ready, "trouble": leaf.trouble,
        }  # fmt: skip

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        if not self._asked:  # one that was made and never took its place must not report for the one that stayed
            self._asked = True
            self.state.reporting(self._own_report)
        return await self.built.root(batch)

    async def feedback(self, id: str, reward: float, truth: Any = None, routing: Any = None) -> Document:
        """Count the reward of a request, once, for every arm on its way.

        Parameters
        ----------
        id : str
            The request's.
        reward : float
            0 to 1.
        truth, routing : optional
            Taken for the protocols that send them; where the request went is known here.

        Returns
        -------
        dict
            ``counted`` is False when a reward for this request was counted before; ``routing`` says where it went.

        Raises
        ------
        nbregistry.errors.NotFound
            No request of that id is remembered, or nothing in this graph chooses.
        """
        if not self.built.routed:
            raise NotFound(f"{self.name} takes no rewards: it has no split, canary or bandit.")
        found = await self._clerks.run("Counting a reward", lambda: self.state.reward(id, reward))
        arms = {
            path: name
            for path, remembered in found.arms.items()
            if path in self.built.routed and (name := self.built.routed[path].arm_of(remembered))
        }
        if found.counted:
            for path, arm in arms.items():
                self.measures.feedback.labels(self.name, path, arm).inc()
                self.measures.reward.labels(self.name, path, arm).inc(reward)
        return {"id": id, "reward": reward, "counted": found.counted, "routing": arms}

    def report(self) -> Document:
        """Return how arms fare and how shadows compare, over all processes that share the state."""
        told = [*self.state.reports(), self._own_report()]
        return {
            "name": self.name,
            "arms": {path: node.standing() for path, node in self.built.routed.items()},
            "shadows": {
                path: merged(t[node.key] for t in told if node.key in t) for path, node in self.built.shadowed.items()
            },
        }

    def _own_report(self) -> Document:
        return {node.key: node.report() for node in self.built.shadowed.values()}

    async def settled(self) -> None:
        """Wait until shadows have answered what they were asked."""
        for node in self.built.shadowed.values():
            await node.settled()

    def close(self, *, state: bool = True) -> None:
        """Give up shadows, write down what is remembered, end the threads; the leaves are the caller's.

        Parameters
        ----------
        state : bool
            False where another graph goes on with the same memory.
        """
        for node in self.built.shadowed.values():
            node.close()
        if state:
            self.state.close()
        self._clerks.close()
        self.threads.close()
