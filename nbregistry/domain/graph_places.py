"""Where each node of a graph is: paths made of slots, such as ``churn-ab/b``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from nbregistry.domain.graph_nodes import (
    KINDS,
    Arm,
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
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput

DEEPEST = 16


class Place(NamedTuple):
    """A node and where it is.

    Attributes
    ----------
    path : str
        Names joined by ``/``, unique in the graph.
    beside : bool
        Whether it stands before or behind the main node of a chain.
    """

    path: str
    node: Node
    depth: int
    beside: bool = False


def places(root: Node, name: str) -> Iterator[Place]:
    """Yield every node with its path, each before its children."""
    waiting = [Place(name or label(root), root, 1)]
    while waiting:
        place = waiting.pop()
        if place.depth > DEEPEST:
            raise InvalidInput(f"A graph is at most {DEEPEST} nodes deep; this one goes on below {place.path[:200]}.")
        yield place
        beside = {id(n) for n in (*place.node.before, *place.node.after)} if isinstance(place.node, Chain) else set()
        children = [
            Place(f"{place.path}/{slot}", node, place.depth + 1, id(node) in beside) for slot, node in slots(place.node)
        ]
        waiting += reversed(children)


def label(node: Node) -> str:
    """Return what a node is called where nobody gave it a name."""
    if isinstance(node, Model):
        return Ref.parse(node.asked or node.ref).name
    return node.name if isinstance(node, Function) else kind_of(node)


def slots(node: Node) -> list[tuple[str, Node]]:
    """Return a node's children by the names of their places."""
    match node:
        case Chain():
            return _numbered((*node.before, node.main, *node.after))
        case Split() | Bandit():
            found = [(arm.name, arm.node) for arm in node.arms]
        case Ensemble():
            found = [(arm.name, arm.node) for arm in node.members]
        case Canary():
            found = [("stable", node.stable), ("canary", node.canary)]
        case Shadow():
            found = [("main", node.main), ("shadow", node.shadow)]
        case _:
            found = []
    for name, child in found:
        if not isinstance(child, KINDS):
            raise InvalidInput(f"{name}: a node is made by nbregistry.graph, not {type(child).__name__}.")
    return found


def _numbered(nodes: Sequence[Node]) -> list[tuple[str, Node]]:
    used: dict[str, int] = {}
    found = []
    for node in nodes:
        if not isinstance(node, KINDS):
            raise InvalidInput(f"A node is made by nbregistry.graph, not {type(node).__name__}.")
        name = label(node)
        used[name] = used.get(name, 0) + 1
        found.append((name if used[name] == 1 else f"{name}-{used[name]}", node))
    return found


def rebuilt(root: Node, name: str, change: Callable[[str, Node], Node]) -> Node:
    """Return the tree with every node replaced by ``change(path, node)``, children first."""
    return _rebuilt(name or label(root), root, change)


def _rebuilt(path: str, node: Node, change: Callable[[str, Node], Node]) -> Node:
    # Depth was looked at when the graph was made.
    made = [_rebuilt(f"{path}/{slot}", child, change) for slot, child in slots(node)]
    return change(path, _with(node, made) if made else node)


def _with(node: Node, made: Sequence[Node]) -> Node:
    match node:
        case Chain():
            i = len(node.before)
            return replace(node, before=tuple(made[:i]), main=made[i], after=tuple(made[i + 1 :]))
        case Split() | Bandit():
            return replace(node, arms=_arms(node.arms, made))
        case Ensemble():
            return replace(node, members=_arms(node.members, made))
        case Canary():
            return replace(node, stable=made[0], canary=made[1])
        case Shadow():
            return replace(node, main=made[0], shadow=made[1])
    return node


def _arms(arms: Sequence[Arm], made: Sequence[Node]) -> tuple[Arm, ...]:
    return tuple(arm._replace(node=node) for arm, node in zip(arms, made, strict=True))
