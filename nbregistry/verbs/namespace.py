"""The user's variables: what a word of a magic names, and which of them are fitted models.

A word is looked up, never run: a name, an attribute, an item or a slice (``grid.best_estimator_``, ``models["rf"]``,
``X[:100]``), but no call. So text that reached the line from elsewhere through ``$var`` cannot do anything.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from nbregistry.errors import InvalidInput, RegistryError, did_you_mean
from nbregistry.flavors import estimator
from nbregistry.flavors.boundary import foreign

_PREDICTS = ("predict", "predict_proba", "decision_function")
_HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open", "input", "display"})


def lookup(text: str, namespace: Mapping[str, Any]) -> Any:
    """Return what a word names.

    Raises
    ------
    InvalidInput
        It is not a name, names nothing, or its attribute or item cannot be had.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidInput(f"{text[:80]!r} does not name a variable.{_unexpanded(text)}") from None
    # Attributes and items run the code of any library there is.
    with foreign(f"Reading {text[:80]!r}"):
        return _follow(tree, namespace)


def _follow(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            if name in namespace:
                return namespace[name]
            hint = did_you_mean(name, visible(namespace)) or "."
            raise InvalidInput(f"There is no variable {name[:80]!r}{hint}")
        case ast.Attribute(value=owner, attr=attribute):
            return getattr(_follow(owner, namespace), attribute)
        case ast.Subscript(value=owner, slice=key):
            return _follow(owner, namespace)[_key(key, namespace)]
    shown = ast.unparse(node)[:80]
    raise InvalidInput(f"{shown!r} is more than a name: give it a name in a line before, then say that name here.")


def _key(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if part is None else _key(part, namespace) for part in (lower, upper, step)))
        case ast.Tuple(elts=parts):
            return tuple(_key(part, namespace) for part in parts)
        case ast.List(elts=parts):
            return [_key(part, namespace) for part in parts]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Constant(value=value):
            return value
    return _follow(node, namespace)


def _unexpanded(text: str) -> str:
    if "{" in text or "$" in text:
        return " IPython could not fill in its { } or $: is everything in it defined?"
    return ""


def visible(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names a user made, as far as that can be told."""
    # A copy: another thread of the kernel may bind a name while we look.
    for name in list(namespace):
        if isinstance(name, str) and not name.startswith("_") and name not in _HIDDEN:
            yield name


def looks_like_model(value: object) -> bool:
    """Whether a value has a model's verbs; only its class is asked, so nothing of it runs."""
    if isinstance(value, type) or inspect.ismodule(value):
        return False
    kind = type(value)
    learns = callable(getattr(kind, "fit", None))
    return _predicts(value) or (
        learns and any(callable(getattr(kind, v, None)) for v in ("transform", "score_samples"))
    )


def _is_network(kind: type) -> bool:
    return any(k.__module__ == "torch.nn.modules.module" and k.__name__ == "Module" for k in kind.__mro__)


def fitted(value: object) -> bool | None:
    """Tell whether a value is a model that has learned; None where nothing shows it, as in many a home-made class."""
    if not looks_like_model(value):
        return False
    if not callable(getattr(type(value), "fit", None)):
        return True
    try:
        return estimator.fitted(value)
    except RegistryError:  # an estimator that cannot even be asked
        return False


def fitted_models(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fitted models a user would mean, by name.

    The same object under two names counts once. A part of another one (the scaler in a pipeline, what a grid search
    refitted) does not count, nor does a transformer beside something that predicts, nor what may not have learned
    beside something that has.
    """
    found: dict[str, Any] = {}
    doubtful: dict[str, Any] = {}
    for name in visible(namespace):
        value = namespace.get(name)
        learned = fitted(value)
        if learned is not False and not any(value is other for other in (*found.values(), *doubtful.values())):
            (found if learned else doubtful)[name] = value
    found = found or doubtful
    inside = {id(part) for value in found.values() for part in parts(value)}
    whole = {name: value for name, value in found.items() if id(value) not in inside}
    return {name: value for name, value in whole.items() if _predicts(value)} or whole


def _predicts(value: object) -> bool:
    return any(callable(getattr(type(value), verb, None)) for verb in _PREDICTS) or _is_network(type(value))


def parts(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield what a model is made of, as scikit-learn's composites and searches keep it."""
    state = getattr(value, "__dict__", {})
    if depth > 4 or not isinstance(state, dict):
        return
    for key in ("steps", "transformer_list", "transformers", "transformers_", "estimators", "estimators_"):
        for entry in state.get(key, None) or () if isinstance(state.get(key), list) else ():
            for part in entry if isinstance(entry, tuple) else (entry,):
                if looks_like_model(part):
                    yield part
                    yield from parts(part, depth + 1)
    for key in ("estimator", "base_estimator", "best_estimator_", "estimator_", "regressor", "regressor_"):
        part = state.get(key)
        if part is not None and looks_like_model(part):
            yield part
            yield from parts(part, depth + 1)
