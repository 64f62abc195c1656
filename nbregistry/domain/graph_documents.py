"""Graphs as plain JSON data and back: what is stored, what YAML says, what a version's card reads.

One node is one mapping with one word in it, ``{"split": {...}}``; a text is a model. Reading trusts nothing: every key
is known, or it is refused by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbregistry.domain.graph import Graph, seconds
from nbregistry.domain.graph_layout import Piece
from nbregistry.domain.graph_nodes import (
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
)
from nbregistry.domain.graph_places import DEEPEST
from nbregistry.errors import InvalidInput, NewerFormat, did_you_mean
from nbregistry.types import Document

FORMAT = 1
"""Raise it when an older program could misread what a newer one writes, and go on reading all."""

Functions = Mapping[str, Callable[..., Any]]


def as_document(graph: Graph) -> Document:
    """Return plain JSON data; of functions it holds the names."""
    return {"graph": {"name": graph.name, "root": node_document(graph.root)}, "graph_format": FORMAT}


def node_document(node: Node) -> Document:
    """Return one node and all below it as plain JSON data."""
    match node:
        case Model():
            return {"model": _some(node, ref=node.ref, method=node.method, digest=node.digest, asked=node.asked)}
        case Function():
            return {"function": _some(node, name=node.name)}
        case Chain():
            before, after = [node_document(n) for n in node.before], [node_document(n) for n in node.after]
            return {"chain": _some(node, before=before, main=node_document(node.main), after=after)}
        case Split():
            layout = [list(piece) for piece in node.layout]
            told = _some(node, arms=_arms(node.arms), salt=node.salt, layout=layout)
            return {"split": {**told, "sticky": node.sticky}}
        case Canary():
            told = _some(node, stable=node_document(node.stable), canary=node_document(node.canary), salt=node.salt)
            if node.start is not None:
                told["start"] = node.start
            return {"canary": {**told, "ramp": [list(step) for step in node.steps], "sticky": node.sticky}}
        case Shadow():
            told = _some(
                node, main=node_document(node.main), shadow=node_document(node.shadow), redact=list(node.redact)
            )
            return {"shadow": {**told, "share": node.share, "under_way": node.under_way}}
        case Ensemble():
            how = node_document(node.combine) if isinstance(node.combine, Function) else node.combine.value
            return {"ensemble": _some(node, members=_arms(node.members), combine=how)}
        case Bandit():
            told = _some(node, arms=_arms(node.arms, weights=False), decay=node.decay)
            if node.seed is not None:
                told["seed"] = node.seed
            return {"bandit": {**told, "policy": node.policy.value, "epsilon": node.epsilon}}
    raise TypeError(type(node).__name__)


def _some(node: Node, **fields: Any) -> Document:
    """Return the fields that say something."""
    found = {key: value for key, value in fields.items() if value not in ("", [], 0.0)}
    return found if node.timeout is None else {**found, "timeout": node.timeout}


def _arms(arms: tuple[Arm, ...], *, weights: bool = True) -> list[Document]:
    # A list: the order of arms decides how they lie and who wins a tie, and canonical JSON sorts the keys of a mapping.
    return [{"name": a.name, "node": node_document(a.node), **({"weight": a.weight} if weights else {})} for a in arms]


def from_document(found: object, functions: Functions | None = None) -> Graph:
    """Read what ``as_document`` wrote, or what a person wrote in its shape.

    Parameters
    ----------
    functions : mapping
        The functions that the document names; None leaves them out, for those who only look at the graph.

    Raises
    ------
    nbregistry.errors.InvalidInput
        Not a graph; says where.
    nbregistry.errors.NewerFormat
        Written by a newer nbregistry.
    """
    top = _mapping(found, "the document", {"graph", "graph_format"})
    form = top.get("graph_format", FORMAT)
    if type(form) is not int or form < 1:
        raise InvalidInput(f"graph_format: {form!r} is no format of graphs; leave it out, or write {FORMAT}.")
    if form > FORMAT:
        raise NewerFormat(f"This graph has format {form}; this nbregistry reads up to {FORMAT}. Update it.")
    body = _mapping(top.get("graph"), "graph", {"name", "root"})
    return Graph(_Reading(functions).node(body.get("root"), "graph.root", 1), _text(body, "name", "graph"))


class _Reading:
    """One document being read."""

    def __init__(self, functions: Functions | None) -> None:
        self._functions = functions

    def node(self, found: object, at: str, depth: int) -> Node:
        if depth > DEEPEST:
            raise InvalidInput(f"A graph is at most {DEEPEST} nodes deep; this one goes on at {at[:200]}.")
        if isinstance(found, str):
            return self._placed(at, lambda: Model(found))
        if not isinstance(found, Mapping) or len(found) != 1:
            kinds = ", ".join(_READERS)
            raise InvalidInput(
                f"{at}: a node is a reference such as churn/3, or one of {kinds} with what belongs to it below."
            )
        kind = str(next(iter(found)))
        if kind not in _READERS:
            raise InvalidInput(
                f"{at}: no kind of node is called {kind[:80]!r}{did_you_mean(kind[:80], _READERS)}: there are"
                f" {', '.join(_READERS)}."
            )
        keys, read = _READERS[kind]
        told, here = next(iter(found.values())), f"{at}.{kind}"
        if isinstance(told, str) and kind in _SHORT:
            told = {_SHORT[kind]: told}
        body = _mapping(told, here, {*keys, "timeout"})
        return self._placed(here, lambda: read(self, body, here, depth))

    def _placed(self, at: str, make: Callable[[], Node]) -> Node:
        """Have an error say where it is, unless one further down has."""
        try:
            return make()
        except InvalidInput as error:
            text = str(error)
            raise InvalidInput(text if text.startswith("graph.") else f"{at}: {text}") from None

    def model(self, body: Document, at: str, depth: int) -> Node:
        told = {key: _text(body, key, at) for key in ("method", "digest", "asked")}
        return Model(_text(body, "ref", at), timeout=_time(body), **told)

    def function(self, body: Document, at: str, depth: int) -> Function:
        name = _text(body, "name", at)
        if self._functions is None:
            return Function(name, timeout=_time(body))
        if name not in self._functions:
            raise InvalidInput(
                f"{at}: there is no function {name[:80]!r}{did_you_mean(name[:80], self._functions)}. Functions are"
                " written in Python: give them beside the text, as in functions={'prepare': prepare}."
            )
        return Function(name, self._functions[name], timeout=_time(body))

    def chain(self, body: Document, at: str, depth: int) -> Node:
        before, after = (
            tuple(self.node(n, f"{at}.{key}[{i}]", depth + 1) for i, n in enumerate(_list(body, key, at)))
            for key in ("before", "after")
        )
        return Chain(self.node(body.get("main"), f"{at}.main", depth + 1), before, after, timeout=_time(body))

    def split(self, body: Document, at: str, depth: int) -> Node:
        try:
            layout = tuple(Piece(*piece) for piece in _list(body, "layout", at))
        except TypeError:
            raise InvalidInput(f"{at}.layout: a layout is a list of pairs, an arm and its units.") from None
        arms = self._arms(body, at, depth, key="arms")
        return Split(arms, _flag(body, "sticky", at), _text(body, "salt", at), layout, timeout=_time(body))

    def canary(self, body: Document, at: str, depth: int) -> Node:
        try:
            steps = tuple(RampStep(seconds(after), weight) for after, weight in _list(body, "ramp", at))
        except (TypeError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(f"{at}.ramp: a ramp is a list of pairs, a time and a weight.") from None
        return Canary(
            self.node(body.get("stable"), f"{at}.stable", depth + 1),
            self.node(body.get("canary"), f"{at}.canary", depth + 1),
            steps, body.get("start"), sticky=_flag(body, "sticky", at), salt=_text(body, "salt", at),
            timeout=_time(body),
        )  # fmt: skip

    def shadow(self, body: Document, at: str, depth: int) -> Node:
        redact = _list(body, "redact", at)
        if not all(isinstance(column, str) for column in redact):
            raise InvalidInput(f"{at}.redact: names of columns are texts.")
        main = self.node(body.get("main"), f"{at}.main", depth + 1)
        beside = self.node(body.get("shadow"), f"{at}.shadow", depth + 1)
        most, share = body.get("under_way", 16), body.get("share", 1.0)
        return Shadow(main, beside, share, most, tuple(redact), timeout=_time(body))

    def ensemble(self, body: Document, at: str, depth: int) -> Node:
        how: Any = body.get("combine", Combine.MEAN.value)
        if isinstance(how, Mapping):
            told = _mapping(how, f"{at}.combine", {"function"})["function"]
            how = self.function({"name": told} if isinstance(told, str) else dict(told), f"{at}.combine", depth)
        return Ensemble(self._arms(body, at, depth, key="members"), how, timeout=_time(body))

    def bandit(self, body: Document, at: str, depth: int) -> Node:
        policy: Any = body.get("policy", Policy.THOMPSON.value)
        arms = self._arms(body, at, depth, key="arms")
        epsilon, decay = body.get("epsilon", 0.1), body.get("decay", 0.0)
        return Bandit(arms, policy, epsilon, decay, body.get("seed"), timeout=_time(body))

    def _arms(self, body: Document, at: str, depth: int, *, key: str) -> tuple[Arm, ...]:
        """Read a list of arms, or a mapping by their names, as people write it."""
        given, found = body.get(key), []
        if isinstance(given, Mapping):
            given = [{"name": name, **_arm(arm)} for name, arm in given.items()]
        if not isinstance(given, list):
            raise InvalidInput(f"{at}.{key}: write the {key} by name, each with a node below.")
        for i, entry in enumerate(given):
            here = f"{at}.{key}[{i}]"
            arm = _mapping(_arm(entry), here, {"name", "node", "weight"})
            node = self.node(arm.get("node"), f"{here}.node", depth + 1)
            found.append(Arm(str(arm.get("name", i + 1)), node, arm.get("weight", 1.0)))
        return tuple(found)


def _arm(told: object) -> Mapping[str, Any]:
    """Read ``{weight: 0.9, model: churn/3}`` and ``churn/3`` as what they mean."""
    if not isinstance(told, Mapping):
        return {"node": told}
    if "node" in told:
        return told
    kinds = [key for key in told if key in _READERS]
    rest = {key: value for key, value in told.items() if key not in kinds}
    return {**rest, "node": {key: told[key] for key in kinds}}


_READERS: dict[str, tuple[frozenset[str], Callable[[_Reading, Document, str, int], Node]]] = {
    "model": (frozenset({"ref", "method", "digest", "asked"}), _Reading.model),
    "function": (frozenset({"name"}), _Reading.function),
    "chain": (frozenset({"before", "main", "after"}), _Reading.chain),
    "split": (frozenset({"arms", "sticky", "salt", "layout"}), _Reading.split),
    "canary": (frozenset({"stable", "canary", "ramp", "start", "sticky", "salt"}), _Reading.canary),
    "shadow": (frozenset({"main", "shadow", "share", "under_way", "redact"}), _Reading.shadow),
    "ensemble": (frozenset({"members", "combine"}), _Reading.ensemble),
    "bandit": (frozenset({"arms", "policy", "epsilon", "decay", "seed"}), _Reading.bandit),
}
_SHORT = {"model": "ref", "function": "name"}


def _mapping(found: object, at: str, keys: set[str]) -> Document:
    if not isinstance(found, Mapping):
        raise InvalidInput(f"{at}: expected names with values, found {type(found).__name__}.")
    for key in found:
        if key not in keys:
            shown = str(key)[:80]
            raise InvalidInput(f"{at}: {shown!r} is not known here{did_you_mean(shown, keys)}: {_listed(keys)}.")
    return dict(found)


def _listed(keys: set[str]) -> str:
    return "there are " + ", ".join(sorted(keys))


def _text(body: Document, key: str, at: str) -> str:
    found = body.get(key, "")
    if not isinstance(found, str):
        raise InvalidInput(f"{at}.{key}: expected text, found {type(found).__name__}.")
    return found


def _flag(body: Document, key: str, at: str) -> bool:
    found = body.get(key, True)
    if not isinstance(found, bool):
        raise InvalidInput(f"{at}.{key}: expected true or false, found {type(found).__name__}.")
    return found


def _list(body: Document, key: str, at: str) -> list[Any]:
    found = body.get(key, [])
    if not isinstance(found, list):
        raise InvalidInput(f"{at}.{key}: expected a list, found {type(found).__name__}.")
    return found


def _time(body: Document) -> float | None:
    found = body.get("timeout")
    return None if found is None else seconds(found)
