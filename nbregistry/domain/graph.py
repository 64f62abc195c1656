"""Graphs of models, written in a cell: ``g.split({"a": ("churn/3", 0.9), "b": ("churn@challenger", 0.1)})``.

A graph is a tree of nodes (``graph_nodes``); a text stands for the model it names, a function for itself. ``Graph``
holds the tree and checks it as a whole. Nothing here runs: the serving room builds what answers from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.graph_drawing import drawn, mermaid
from nbregistry.domain.graph_layout import laid, relaid
from nbregistry.domain.graph_nodes import (
    KINDS,
    Arm,
    Bandit,
    Canary,
    Chain,
    Combine,
    Ensemble,
    Function,
    Model,
    Node,
    Policy,
    RampStep,
    Shadow,
    Split,
    kind_of,
    positive,
    slot,
)
from nbregistry.domain.graph_places import Place, places, rebuilt
from nbregistry.domain.refs import model_name
from nbregistry.errors import InvalidInput
from nbregistry.types import Digest

__all__ = [
    "Arm", "Bandit", "Canary", "Chain", "Combine", "Ensemble", "Function", "Graph", "Model", "Node", "Pin", "Place",
    "Policy", "RampStep", "Shadow", "Split", "bandit", "canary", "chain", "ensemble", "function", "kind_of", "model",
    "shadow", "split",
]  # fmt: skip

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MOST_NODES = 256


class Pin(NamedTuple):
    """The exact version that a reference names, and the SHA-256 of its bytes."""

    ref: str
    digest: Digest


@dataclass(frozen=True, slots=True, repr=False)
class Graph:
    """A tree of nodes with a name.

    Attributes
    ----------
    root : Node
        The node that answers requests.
    name : str
        What the graph is served as, and the first part of each node's path; empty until it is registered or served.

    Raises
    ------
    nbregistry.errors.InvalidInput
        Too many nodes, too deep, no model in it, a function where none can be, or two functions of one name.
    """

    root: Node
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", _node(self.root))
        if self.name:
            model_name(self.name)
        _check(self)

    def __repr__(self) -> str:
        return drawn(self.root, self.name)

    def __str__(self) -> str:
        return drawn(self.root, self.name)

    def mermaid(self) -> str:
        """Return the graph as text that Mermaid draws; it holds names and references only."""
        return mermaid(self.root, self.name)

    def places(self) -> Iterator[Place]:
        """Yield every node with its path, from the root down, in the order of the document."""
        return places(self.root, self.name)

    def refs(self) -> tuple[str, ...]:
        """Return the references of all models, each once, in the order of the document."""
        return tuple(dict.fromkeys(p.node.ref for p in self.places() if isinstance(p.node, Model)))

    def functions(self) -> dict[str, Function]:
        """Return the functions of the notebook by name, those that combine included."""
        return dict(_functions(self))

    def named(self, name: str) -> Graph:
        """Return the graph under a name, where it has none."""
        return self if self.name else replace(self, name=name)

    def pinned(self, resolve: Callable[[str], Pin]) -> Graph:
        """Return the graph with every reference replaced by the exact version that it names now.

        Parameters
        ----------
        resolve : callable
            Gives a reference's version; what it raises is told with the node's path in front.
        """

        def pin(path: str, node: Node) -> Node:
            if not isinstance(node, Model):
                return node
            found = resolve(node.ref)
            if node.digest and found.digest != node.digest:
                raise InvalidInput(f"{path}: {node.ref} is pinned to other bytes than those of {found.ref} here.")
            asked = node.asked or ("" if found.ref == node.ref else node.ref)
            return replace(node, ref=found.ref, digest=found.digest, asked=asked)

        return replace(self, root=rebuilt(self.root, self.name, pin))

    def following(self, before: Graph) -> Graph:
        """Return the graph with its splits laid over those of an earlier one: only ids that must move do.

        A split follows the one at the same path with the same salt; other splits are laid anew.
        """
        earlier = {p.path: p.node for p in before.places() if isinstance(p.node, Split)}

        def lay(path: str, node: Node) -> Node:
            old = earlier.get(path)
            if not isinstance(node, Split) or node.layout or old is None or old.salt != node.salt:
                return node
            found = relaid(old.layout or laid(old.weights), node.weights)
            return replace(node, layout=() if found == laid(node.weights) else found)

        return replace(self, root=rebuilt(self.root, self.name, lay))


def _check(graph: Graph) -> None:
    models = 0
    for count, place in enumerate(graph.places(), 1):  # which looks at depth
        models += isinstance(place.node, Model)
        if count > MOST_NODES:
            raise InvalidInput(f"A graph has at most {MOST_NODES} nodes: serve parts of it under names of their own.")
        if isinstance(place.node, Function) and not place.beside:
            raise InvalidInput(
                f"{place.path}: a function can stand before or behind a model in a chain, not in its place: write"
                f" g.chain({place.node.name}, model)."
            )
        if isinstance(place.node, Shadow):
            beside = f"{place.path}/shadow"
            if any(isinstance(below.node, Bandit) for below in places(place.node.shadow, beside)):
                raise InvalidInput(
                    f"{beside}: a bandit learns from rewards of its own answers, a shadow's are not given."
                )
    if not models:
        raise InvalidInput("There is no model in this graph.")
    known: dict[str, Function] = {}
    for name, found in _functions(graph):
        if known.setdefault(name, found).call is not found.call:
            raise InvalidInput(f"Two functions are called {name!r}: name one, as in g.function(call, 'other_name').")


def _functions(graph: Graph) -> Iterator[tuple[str, Function]]:
    for _, node, *_ in graph.places():
        found = node.combine if isinstance(node, Ensemble) else node
        if isinstance(found, Function):
            yield found.name, found


# -- written in a cell


def model(ref: Any, *, method: str = "", timeout: float | None = None) -> Model:
    """Return a model by reference, with a method of its own or a time limit in seconds."""
    found = _node(ref)
    if not isinstance(found, Model):
        raise InvalidInput(f"A model is a reference such as 'churn/3', not a {kind_of(found)}.")
    return replace(found, method=method or found.method, timeout=timeout)


def function(call: Callable[..., Any], name: str = "", *, timeout: float | None = None) -> Function:
    """Return a function as a node.

    Before a model it is given the rows as a DataFrame or ndarray in the form of the graph's signature, and returns the
    rows that the next node is to see. Behind a model it is given the outputs and returns outputs. It runs in a thread.
    """
    told = name or getattr(call, "__name__", type(call).__name__)
    return Function(told if told != "<lambda>" else "function", call, timeout=timeout)


def chain(*nodes: Any, after: Any = (), timeout: float | None = None) -> Chain:
    """Return nodes that run one after the other.

    The last of them that is no function answers; what stands before prepares its rows, functions behind it and
    ``after`` transform its outputs. A model before it is asked to ``transform`` where it can, else to ``predict``.
    """
    found = [_node(node, functions=True) for node in nodes]
    behind = [_node(node, functions=True) for node in (after if isinstance(after, list | tuple) else (after,))]
    position = next((i for i in reversed(range(len(found))) if not isinstance(found[i], Function)), None)
    if position is None:
        raise InvalidInput("A chain needs a model, or a node that holds one: g.chain(prepare, 'churn/3').")
    rest = (*found[position + 1 :], *behind)
    return Chain(found[position], tuple(found[:position]), rest, timeout=timeout)


def split(arms: Mapping[str, Any], *, sticky: bool = True, salt: str = "", timeout: float | None = None) -> Split:
    """Return a split by weight: ``{"a": ("churn/3", 0.9), "b": ("churn/4", 0.1)}``; without weights, equal shares."""
    found = _weighted(arms, "split")
    if all(weight is None for _, _, weight in found):
        found = [(name, node, 1 / len(found)) for name, node, _ in found]
    if missing := [name for name, _, weight in found if weight is None]:
        raise InvalidInput(f"The arm {missing[0]!r} has no weight, others have: write ('churn/3', 0.9).")
    made = tuple(Arm(name, node, weight) for name, node, weight in found)  # type: ignore[arg-type]  # none is None
    return Split(made, sticky, salt, timeout=timeout)


def canary(
    stable: Any,
    newcomer: Any,
    *,
    weight: float | None = None,
    ramp: Sequence[tuple[float | str, float]] | None = None,
    start: float | None = None,
    sticky: bool = True,
    salt: str = "",
    timeout: float | None = None,
) -> Canary:
    """Return a canary: ``weight=0.05`` for good, or ``ramp=[(0, 0.05), ("1h", 0.25), ("1d", 1.0)]``.

    Parameters
    ----------
    ramp : sequence of (time, weight)
        Times since the start, in seconds or as ``90s``, ``10m``, ``1h``, ``7d``.
    start : float, optional
        Seconds since 1970; by default when it is first served.
    """
    if (weight is None) == (ramp is None):
        raise InvalidInput("A canary takes weight=0.05, or ramp=[(0, 0.05), ('1h', 0.25)]; one of the two.")
    steps = [(0, weight)] if ramp is None else ramp
    try:
        found = tuple(RampStep(seconds(after), share) for after, share in steps)  # type: ignore[arg-type]  # not None
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("A ramp is a list of pairs (time, weight), as in [(0, 0.05), ('1h', 0.25)].") from None
    return Canary(_node(stable), _node(newcomer), found, start, sticky, salt, timeout=timeout)


def shadow(
    main: Any,
    beside: Any,
    *,
    share: float = 1.0,
    under_way: int = 16,
    redact: Iterable[str] = (),
    timeout: float | None = None,
) -> Shadow:
    """Return a node whose answer is compared with that of another, which is asked beside it and never waited for."""
    columns = (redact,) if isinstance(redact, str) else tuple(redact)
    return Shadow(_node(main), _node(beside), share, under_way, columns, timeout=timeout)


def ensemble(
    members: Mapping[str, Any] | Sequence[Any],
    combine: str | Callable[[list[Any]], Any] | Function = "mean",
    *,
    timeout: float | None = None,
) -> Ensemble:
    """Return one answer of several nodes: ``mean`` of numbers, ``vote`` for labels, or a function of their outputs."""
    found = tuple(Arm(n, node, 1.0 if w is None else w) for n, node, w in _weighted(members, "ensemble"))
    how: Any = function(combine) if callable(combine) and not isinstance(combine, Function) else combine
    return Ensemble(found, how, timeout=timeout)


def bandit(
    arms: Mapping[str, Any] | Sequence[Any],
    policy: str = "thompson",
    *,
    epsilon: float = 0.1,
    decay: float = 0.0,
    seed: int | None = None,
    timeout: float | None = None,
) -> Bandit:
    """Return arms of which the better ones get more requests as rewards (0 to 1, by request id) come in."""
    found = _weighted(arms, "bandit")
    if any(weight is not None for _, _, weight in found):
        raise InvalidInput("A bandit finds the weights of its arms itself: leave them out.")
    made = tuple(Arm(name, node) for name, node, _ in found)
    return Bandit(made, policy, epsilon, decay, seed, timeout=timeout)  # type: ignore[arg-type]  # it reads the word


def seconds(time: float | str) -> float:
    """Read a time in seconds, or as ``90s``, ``10m``, ``1h``, ``7d``."""
    if isinstance(time, str):
        text = time.strip().casefold()
        number, unit = (text[:-1], text[-1:]) if text[-1:] in _SECONDS else (text, "s")
        try:
            return 0.0 if float(number) == 0 else positive(float(number), "A time") * _SECONDS[unit]
        except ValueError as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(f"{time[:40]!r} is no time: write seconds, or 90s, 10m, 1h, 7d.") from None
    return time


def _weighted(arms: Any, kind: str) -> list[tuple[str, Node, float | None]]:
    """Read ``{name: node}``, ``{name: (node, weight)}`` or a list of nodes, which are then called by their models."""
    if isinstance(arms, Mapping):
        entries = list(arms.items())
    elif isinstance(arms, list | tuple):
        entries = [(str(i), arm) for i, arm in enumerate(arms, 1)]
    else:
        shown = "{'a': ('churn/3', 0.9), 'b': ('churn/4', 0.1)}"
        raise InvalidInput(f"A {kind} takes its nodes by name, as in {shown}, not {type(arms).__name__}.")
    found = []
    for name, arm in entries:
        node, weight = arm if isinstance(arm, tuple) and len(arm) == 2 and not isinstance(arm, Arm) else (arm, None)
        found.append((slot(name, "node"), _node(node), weight))
    return found


def _node(thing: Any, *, functions: bool = False) -> Node:
    """Return the node that something stands for, or say what to write instead."""
    if isinstance(thing, KINDS):
        return cast(Node, thing)  # KINDS are the members of Node
    if isinstance(thing, Graph):
        return thing.root
    if isinstance(thing, str):
        return Model(thing)
    if isinstance(thing, ModelVersion):
        return Model(thing.ref)
    name = type(thing).__name__
    if any(callable(getattr(type(thing), verb, None)) for verb in ("fit", "predict", "transform")):
        raise InvalidInput(
            f"A graph names models, and this is the {name} itself: register it, as in r.register(model, 'churn'), and"
            " write its reference, as in 'churn/1'."
        )
    if callable(thing):
        if functions:
            return function(thing)
        raise InvalidInput(
            f"The function {getattr(thing, '__name__', name)!r} cannot stand in a model's place: write"
            " g.chain(prepare, 'churn/3'), or g.chain('churn/3', finish)."
        )
    raise InvalidInput(f"A node is a reference such as 'churn/3' or another node, not {name}.")
