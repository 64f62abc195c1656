"""From a graph as it is written to one that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_nodes import (
    Bandit,
    Canary,
    Chain,
    Ensemble,
    Function,
    Model,
    Node,
    Shadow,
    Split,
    kind_of,
)
from nbregistry.domain.graph_places import slots
from nbregistry.serving.graph.chains import Chained, Link
from nbregistry.serving.graph.ensembles import Combined
from nbregistry.serving.graph.parts import Asked, Called, Part, Setting, Watched
from nbregistry.serving.graph.routing import Choice, Learning, Ramping, Routed, Splitting
from nbregistry.serving.graph.shadows import Shadowed
from nbregistry.serving.graph.state import State
from nbregistry.serving.graph.threads import Threads
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Leaf

FindLeaf = Callable[[str, str], Leaf]
"""``leaf(ref, path)``: whoever follows and runs the model of that reference."""


@dataclass(slots=True)
class Built:
    """A graph that answers: ``await built.root(batch)``.

    Attributes
    ----------
    leaves : dict of str to (Model, Leaf)
        By path, in the order of the document.
    routed, shadowed : dict
        The nodes that choose and that compare, by path.
    """

    root: Watched
    setting: Setting
    leaves: dict[str, tuple[Model, Leaf]] = field(default_factory=dict)
    routed: dict[str, Routed] = field(default_factory=dict)
    shadowed: dict[str, Shadowed] = field(default_factory=dict)


def build(
    graph: Graph,
    leaf: FindLeaf,
    *,
    state: State | None = None,
    measures: Measures | None = None,
    threads: Threads | None = None,
    intake: Any = None,
) -> Built:
    """Make the nodes of a graph.

    Parameters
    ----------
    leaf : callable
        Called once for each model node with its reference and its path.
    state : State
        What is remembered; by default nothing outlives the process.
    intake : Intake or None
        What requests are read by, where it is not the first model's.
    """
    named = graph.named("graph")
    setting = Setting(named.name, state or State(), measures or Measures(), threads or Threads(), intake=intake)
    return _Building(leaf, setting).whole(named)


class _Building:
    def __init__(self, leaf: FindLeaf, setting: Setting) -> None:
        self._leaf, self._setting = leaf, setting
        self._leaves: dict[str, tuple[Model, Leaf]] = {}
        self._routed: dict[str, Routed] = {}
        self._shadowed: dict[str, Shadowed] = {}

    def whole(self, graph: Graph) -> Built:
        root = self._watched(graph.root, graph.name, entry=True)
        self._setting.entry = next(iter(self._leaves.values()))[1]
        return Built(root, self._setting, self._leaves, self._routed, self._shadowed)

    def _watched(self, node: Node, path: str, *, entry: bool = False) -> Watched:
        part = self._part(node, path)
        return Watched(path, kind_of(node), part, timeout=node.timeout, setting=self._setting, entry=entry)

    def _part(self, node: Node, path: str) -> Part:
        if isinstance(node, Model):
            found = self._leaf(node.ref, path)
            self._leaves[path] = (node, found)
            return Asked(node, found, self._setting)
        if isinstance(node, Function):
            return Called(node, self._setting)
        below = [(name, f"{path}/{name}", child) for name, child in slots(node)]
        parts = [Link(where, self._watched(child, where)) for _, where, child in below]
        if isinstance(node, Chain):
            i = len(node.before)
            return Chained(parts[:i], parts[i].part, parts[i + 1 :])
        if isinstance(node, Ensemble):
            return Combined(node, path, [link.part for link in parts], self._setting)
        if isinstance(node, Shadow):
            shadowed = Shadowed(node, path, (parts[0].part, parts[1].part), self._setting)
            self._shadowed[path] = shadowed
            return shadowed
        arms = {name: (child, link.part) for (name, _, child), link in zip(below, parts, strict=True)}
        routed = Routed(path, arms, self._choice(node, path), self._setting)
        self._routed[path] = routed
        return routed

    def _choice(self, node: Split | Canary | Bandit, path: str) -> Choice:
        if isinstance(node, Split):
            return Splitting(node, path)
        if isinstance(node, Canary):
            return Ramping(node, path, self._setting.state)
        return Learning(node, path, self._setting.state)
