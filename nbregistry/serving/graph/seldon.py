"""Seldon Core's ``SeldonDeployment`` (v1), read as it is.

A predictor's graph is a tree of units. What a unit does is told by its implementation, else by its type; its children
see what it gives, except below an OUTPUT_TRANSFORMER, which sees what they give. Several predictors share the traffic,
in percent; one marked ``shadow`` only watches. Models are references to this registry: what is kept elsewhere, or comes
in an image, is never fetched, and has to be given a reference by name.

Source: seldon-core 1.18, ``operator/apis/machinelearning.seldon.io/v1`` and its documented examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbregistry.domain import graph as g
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput, did_you_mean
from nbregistry.types import Document

_TYPES = ("MODEL", "ROUTER", "COMBINER", "TRANSFORMER", "OUTPUT_TRANSFORMER")
_DEEPEST = 16
_SERVERS = frozenset(
    {"SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER", "LIGHTGBM_SERVER", "TENSORFLOW_SERVER", "TRITON_SERVER",
     "HUGGINGFACE_SERVER", "TEMPO_SERVER", "SIMPLE_MODEL", "UNKNOWN_IMPLEMENTATION", ""}
)  # fmt: skip
_BANDITS = {"EPSILON_GREEDY": "epsilon_greedy", "THOMPSON_SAMPLING": "thompson", "THOMPSON": "thompson"}


def is_deployment(document: object) -> bool:
    """Whether a document says that it is a SeldonDeployment."""
    return isinstance(document, Mapping) and document.get("kind") == "SeldonDeployment"


def graph_of(document: Mapping[str, Any], models: Mapping[str, str]) -> g.Graph:
    """Return the graph of a deployment.

    Parameters
    ----------
    models : mapping
        References by the names of units, for those that name something else.

    Raises
    ------
    nbregistry.errors.InvalidInput
        A unit that cannot be run here; says which, and what to write.
    """
    spec = _mapping(document.get("spec"), "spec")
    name = _mapping(document.get("metadata") or {}, "metadata").get("name") or spec.get("name") or ""
    predictors = spec.get("predictors")
    if not isinstance(predictors, list) or not predictors:
        raise InvalidInput("spec.predictors: a SeldonDeployment has at least one predictor.")
    reading = _Reading(models)
    found = [reading.predictor(_mapping(p, f"spec.predictors[{i}]"), i) for i, p in enumerate(predictors)]
    if unknown := [unit for unit in models if unit not in reading.seen]:
        raise InvalidInput(
            f"models= names {unknown[0][:80]!r}{did_you_mean(unknown[0][:80], reading.seen)}, and no unit is called so:"
            f" there are {', '.join(sorted(reading.seen))}."
        )
    return g.Graph(_together(found), str(name))


def _together(predictors: list[tuple[str, g.Node, float | None, bool]]) -> g.Node:
    """Return predictors as a split, with shadows around it."""
    mains = [p for p in predictors if not p[3]]
    if not mains:
        raise InvalidInput("spec.predictors: every predictor is a shadow; one has to answer.")
    traffic = [p[2] for p in mains]
    if len(mains) == 1:
        if traffic[0] not in (None, 100):
            raise InvalidInput(f"spec.predictors: the traffic of a single predictor is 100, not {traffic[0]:g}.")
        root = mains[0][1]
    else:
        total = sum(share or 0 for share in traffic)
        if total != 100:
            raise InvalidInput(f"spec.predictors: the traffic of all predictors adds up to 100, here to {total:g}.")
        root = g.split({name: (node, (share or 0) / 100) for name, node, share, _ in mains}, sticky=False)
    for _, node, share, beside in predictors:
        if beside:
            root = g.shadow(root, node, share=1.0 if share is None else share / 100)
    return root


class _Reading:
    def __init__(self, models: Mapping[str, str]) -> None:
        self._models = models
        self._images: dict[str, str] = {}
        self.seen: set[str] = set()

    def predictor(self, found: Document, i: int) -> tuple[str, g.Node, float | None, bool]:
        at = f"spec.predictors[{i}]"
        self._images = _images(found)
        traffic = found.get("traffic")
        if traffic is not None and (isinstance(traffic, bool) or not isinstance(traffic, int | float)):
            raise InvalidInput(f"{at}.traffic: expected percent, found {str(traffic)[:40]!r}.")
        node = self.unit(_mapping(found.get("graph"), f"{at}.graph"), f"{at}.graph", 1)
        return str(found.get("name") or f"predictor-{i + 1}"), node, traffic, found.get("shadow") is True

    def unit(self, unit: Document, at: str, depth: int) -> g.Node:
        if depth > _DEEPEST:
            raise InvalidInput(f"{at[:200]}: a graph is at most {_DEEPEST} units deep.")
        name, kind, how = (
            str(unit.get("name") or ""),
            str(unit.get("type") or ""),
            str(unit.get("implementation") or ""),
        )
        self.seen.add(name)
        below = unit.get("children") or []
        if not isinstance(below, list):
            raise InvalidInput(f"{at}.children: expected a list of units.")
        children = [
            (str(child.get("name") or i + 1) if isinstance(child, Mapping) else str(i + 1),
             self.unit(_mapping(child, f"{at}.children[{i}]"), f"{at}.children[{i}]", depth + 1))
            for i, child in enumerate(below)
        ]  # fmt: skip
        kind = kind if kind not in ("", "UNKNOWN_TYPE") else _kind_of(how)
        if kind not in _TYPES:
            raise InvalidInput(
                f"{at}: no type of unit is called {kind[:40]!r}{did_you_mean(kind[:40], _TYPES)}: there are"
                f" {', '.join(_TYPES)}."
            )
        if kind == "ROUTER":
            return self._router(unit, at, how, children)
        if kind == "COMBINER":
            return _combiner(at, how, children)
        return self._model(unit, at, kind, [node for _, node in children])

    def _router(self, unit: Document, at: str, how: str, children: list[tuple[str, g.Node]]) -> g.Node:
        given = _parameters(unit, at)
        arms = dict(children)
        if len(arms) < max(2, len(children)):
            raise InvalidInput(f"{at}.children: a router has two children or more, each with a name of its own.")
        if how == "RANDOM_ABTEST":
            if len(arms) != 2:
                raise InvalidInput(f"{at}: RANDOM_ABTEST chooses between two children, not {len(arms)}.")
            ratio = _number(given.get("ratioA", 0.5), f"{at}: ratioA")
            shares = (ratio, 1 - ratio)
            return g.split({n: (node, s) for (n, node), s in zip(children, shares, strict=True)}, sticky=False)
        if how == "SIMPLE_ROUTER":
            return children[0][1]  # which always sends requests to the first
        image = self._images.get(str(unit.get("name")), "")
        policy = _BANDITS.get(how) or (
            "thompson" if "thompson" in image else "epsilon_greedy" if "epsilon" in given else ""
        )
        if not policy and "n_branches" in given:
            policy = "thompson"
        if how not in {*_SERVERS, *_BANDITS} or not policy:
            raise InvalidInput(
                f"{at}: this router is a program of its own ({how or image or 'no implementation'}) and cannot be run"
                " here: there are RANDOM_ABTEST, SIMPLE_ROUTER, and bandits by their parameters epsilon or n_branches."
            )
        if "n_branches" in given and _number(given["n_branches"], f"{at}: n_branches") != len(arms):
            raise InvalidInput(f"{at}: n_branches is {given['n_branches']}, and there are {len(arms)} children.")
        seed = given.get("seed")
        return g.bandit(
            arms, policy, epsilon=_number(given.get("epsilon", 0.1), f"{at}: epsilon"),
            seed=None if seed is None else int(_number(seed, f"{at}: seed")),
        )  # fmt: skip

    def _model(self, unit: Document, at: str, kind: str, children: list[g.Node]) -> g.Node:
        model = g.model(self._reference(unit, at))
        if not children:
            return model if kind == "MODEL" else replace(model, method="transform")
        if len(children) > 1:
            raise InvalidInput(f"{at}: a {kind} with {len(children)} children needs a COMBINER or ROUTER between them.")
        if kind == "OUTPUT_TRANSFORMER":
            return g.Chain(children[0], after=(model,))
        return g.Chain(children[0], before=(model if kind == "TRANSFORMER" else replace(model, method="predict"),))

    def _reference(self, unit: Document, at: str) -> str:
        name = str(unit.get("name") or "")
        if name in self._models:
            return self._models[name]
        told = unit.get("model")  # not of Seldon's schema, but of much that is written about it
        uri = unit.get("modelUri") or (told.get("uri") if isinstance(told, Mapping) else None)
        give = f"Register the model here, and give models={{{name!r}: 'NAME/VERSION'}}"
        if not uri:
            image = self._images.get(name)
            what = f"comes in the image {image[:80]!r}" if image else "has no modelUri"
            raise InvalidInput(f"{at}: the unit {name!r} {what}, and nothing is fetched or started here. {give}.")
        text = str(uri)
        scheme = text.partition(":")[0] if "://" in text or text.startswith("models:") else ""
        if scheme not in ("", "models", "nbregistry"):
            raise InvalidInput(
                f"{at}: {text[:120]!r} is kept elsewhere ({scheme}), and nothing is fetched from there. {give}, or"
                " write modelUri: models:/NAME/VERSION."
            )
        reference = text.removeprefix("nbregistry:").removeprefix("models:").lstrip("/")
        try:
            return str(Ref.parse(reference))
        except InvalidInput as error:
            raise InvalidInput(f"{at}.modelUri: {error}") from None


def _kind_of(implementation: str) -> str:
    if implementation in {"RANDOM_ABTEST", "SIMPLE_ROUTER", *_BANDITS}:
        return "ROUTER"
    return "COMBINER" if implementation == "AVERAGE_COMBINER" else "MODEL"


def _combiner(at: str, how: str, children: list[tuple[str, g.Node]]) -> g.Node:
    if how != "AVERAGE_COMBINER":
        raise InvalidInput(
            f"{at}: this combiner is a program of its own ({how or 'no implementation'}) and cannot be run here: there"
            " is AVERAGE_COMBINER, and in Python g.ensemble(models, combine=function)."
        )
    if len(dict(children)) < len(children):
        raise InvalidInput(f"{at}.children: give each child of a combiner a name of its own.")
    return g.ensemble(dict(children), "mean")


def _parameters(unit: Document, at: str) -> dict[str, Any]:
    found = unit.get("parameters") or []
    if not isinstance(found, list) or not all(isinstance(p, Mapping) and isinstance(p.get("name"), str) for p in found):
        raise InvalidInput(f"{at}.parameters: expected a list of name, value and type.")
    return {p["name"]: p.get("value") for p in found}


def _number(value: Any, what: str) -> float:
    """Read a parameter's value, which Seldon writes as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{what} is a number, not {str(value)[:40]!r}.") from None


def _images(predictor: Document) -> dict[str, str]:
    """Return the image of each container by name, as far as they can be found."""
    found = {}
    specs = predictor.get("componentSpecs")
    for part in specs if isinstance(specs, list) else []:
        spec = part.get("spec") if isinstance(part, Mapping) else None
        containers = spec.get("containers") if isinstance(spec, Mapping) else None
        for container in containers if isinstance(containers, list) else []:
            if isinstance(container, Mapping):
                found[str(container.get("name"))] = str(container.get("image"))
    return found


def _mapping(found: object, at: str) -> Document:
    if not isinstance(found, Mapping):
        raise InvalidInput(f"{at}: expected names with values, found {type(found).__name__}.")
    return dict(found)
